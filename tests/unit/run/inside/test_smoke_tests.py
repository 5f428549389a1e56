"""Which tests of the suite run, and what their marks say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.vocabulary import LEVELS as ALL_LEVELS
from stackcompat.run.inside.smoke_tests import LEVELS
from support.plugin_runs import collected, ends, imported, install, run_plugin


def test_levels_are_those_of_the_engine() -> None:
    assert LEVELS == ALL_LEVELS


MARKED = """
    import pytest

    pytestmark = pytest.mark.uses("whole")

    @pytest.mark.limit(5)
    def test_limit(): pass

    @pytest.mark.uses("slow>=1")
    def test_slow(): pass

    @pytest.mark.parametrize("distribution", ["Some.Thing"])
    def test_parameter(distribution): pass

    @pytest.mark.level("exchange")
    def test_too_deep(): pass

    @pytest.mark.level("run")
    def test_run(): pass

    @pytest.mark.level("import")
    def test_import(): pass

    @pytest.mark.thorough
    def test_thorough(): pass
"""


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    events = run_plugin(tmp_path_factory.mktemp("marked"), MARKED, limits={"whole": 7.0, "slow": 90.0})
    return collected(events)


def test_shallow_levels_come_first_and_levels_that_are_too_deep_not_at_all(marked: dict[str, dict[str, Any]]) -> None:
    levels = [test["level"] for test in marked.values()]
    assert levels == ["import", "run", "interop", "interop", "interop", "interop"]
    assert "test_too_deep" not in marked


def test_a_limit_is_the_tests_own_or_the_longest_of_its_components(marked: dict[str, dict[str, Any]]) -> None:
    limits = {name: test["limit"] for name, test in marked.items()}
    assert (limits["test_limit"], limits["test_run"], limits["test_slow"]) == (5.0, 7.0, 90.0)
    # A distribution without a limit of its own has the ordinary one.
    assert limits["test_parameter[Some.Thing]"] == 60.0


def test_components_are_those_of_parameter_module_and_test(marked: dict[str, dict[str, Any]]) -> None:
    components = {name: test["components"] for name, test in marked.items()}
    assert components["test_slow"] == ["whole", "slow"]
    assert components["test_parameter[Some.Thing]"] == ["some-thing", "whole"]


def test_thorough_tests_are_left_out_where_only_the_essential_ones_are_wanted(tmp_path: Path) -> None:
    essential = collected(run_plugin(tmp_path, MARKED, thorough=False))
    assert "test_thorough" not in essential
    assert len(essential) == 5


def test_chosen_tests_only(tmp_path: Path) -> None:
    suite = "def test_a(): pass\n\ndef test_b(): pass\n"
    events = run_plugin(tmp_path, suite, tests=["test_suite.py::test_b"])
    assert list(ends(events)) == ["test_b"]


def test_a_choice_that_fits_no_test_runs_none(tmp_path: Path) -> None:
    events = run_plugin(tmp_path, "def test_a(): pass\n", tests=[""])
    assert [event["event"] for event in events] == ["environment", "collected", "environment", "done"]
    assert collected(events) == {}


FEATURES = """
    import pytest

    @pytest.mark.feature("boxes in boxes")
    def test_boxes(): assert not "a box"

    def test_rest(): pass
"""


def test_what_tests_a_single_feature_says_so(tmp_path: Path) -> None:
    events = run_plugin(tmp_path, FEATURES)
    expected = {"test_boxes": "boxes in boxes", "test_rest": ""}
    assert {name: test["feature"] for name, test in collected(events).items()} == expected
    assert {name: end["feature"] for name, end in ends(events).items()} == expected


EXCHANGE = """
    import pytest

    class Changed(AssertionError):
        stackcompat_changed = True

    @pytest.mark.writes("box")
    def test_write(request):
        assert request.config.stackcompat_exchange["folder"] == "somewhere"

    @pytest.mark.writes("crate")
    def test_write_crate(): pass

    @pytest.mark.reads("box")
    def test_read(): raise Changed("other values")

    @pytest.mark.reads("box")
    def test_read_again(): raise AssertionError("no such leaf")

    @pytest.mark.reads("crate")
    def test_read_crate(): pass

    def test_ordinary(): pass
"""


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        (None, {"test_ordinary": ""}),
        ({"mode": "write", "artifacts": []}, {"test_write": "box", "test_write_crate": "crate"}),
        ({"mode": "write", "artifacts": ["box"]}, {"test_write": "box"}),
        ({"mode": "read", "artifacts": ["crate"]}, {"test_read_crate": "crate"}),
    ],
)
def test_writers_and_readers_have_their_turn(
    tmp_path: Path, exchange: dict[str, Any] | None, expected: dict[str, str]
) -> None:
    events = run_plugin(tmp_path, EXCHANGE, exchange=exchange and exchange | {"folder": "somewhere"})
    assert {name: test["artifact"] for name, test in collected(events).items()} == expected
    assert {name: end["artifact"] for name, end in ends(events).items()} == expected
    assert {end["outcome"] for end in ends(events).values()} == {"passed"}


def test_a_test_says_that_values_changed(tmp_path: Path) -> None:
    exchange = {"mode": "read", "artifacts": ["box"], "folder": "somewhere"}
    events = run_plugin(tmp_path, EXCHANGE, exchange=exchange)
    failures = {end["failure"]["message"]: end["failure"]["changed"] for end in ends(events).values()}
    assert failures == {"other values": True, "no such leaf": False}


IMPORTS = """
    def pytest_generate_tests(metafunc):
        imports = metafunc.config.stackcompat_imports
        metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

    def test_import(distribution, module, declared):
        assert declared == (distribution == "known")
"""


def test_modules_are_those_of_the_matrix_and_those_that_are_guessed_from_the_installed_files(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "known")
    install(tmp_path / "site", "guessed", files={"one_guess/__init__.py": "", "other_guess.py": ""})
    events = run_plugin(tmp_path, IMPORTS, imports=[imported("known", "known.deep")], guesses=["guessed"])
    outcomes = {name: (end["components"], end["outcome"]) for name, end in ends(events).items()}
    assert outcomes == {
        "test_import[known.deep]": (["known"], "passed"),
        "test_import[one_guess]": (["guessed"], "passed"),
        "test_import[other_guess]": (["guessed"], "passed"),
    }


STAND_IN = """
    import pytest

    @pytest.mark.uses("crate>=1")
    def test_fits(): pass

    @pytest.mark.uses("crate>=2")
    def test_does_not_fit(): pass

    @pytest.mark.uses("crate[lids]", "known")
    def test_extra(): pass

    @pytest.mark.uses("barrel")
    def test_absent(): pass
"""


def test_a_test_applies_to_what_has_the_modules_and_names_what_is_installed(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "known")
    install(tmp_path / "site", "crate-cpu", "1.5", files={"crate/__init__.py": ""})
    events = run_plugin(tmp_path, STAND_IN, modules={"crate": [["crate", ""]]}, limits={"crate-cpu": 90.0})
    assert {name: (end["outcome"], end["components"], end["reason"]) for name, end in ends(events).items()} == {
        "test_fits": ("passed", ["crate-cpu"], ""),
        "test_does_not_fit": ("not-applicable", ["crate-cpu"], "crate-cpu 1.5, installed as crate, is outside >=2"),
        "test_extra": ("passed", ["crate-cpu", "known"], ""),
        "test_absent": ("not-applicable", ["barrel"], "barrel is not installed"),
    }
    assert collected(events)["test_fits"]["limit"] == 90.0


ENVIRONMENT = """
    import os
    import pytest

    def test_plain(): assert "BOXES" not in os.environ

    class TestBoxes:
        pytestmark = pytest.mark.environment(BOXES="many", LIDS="1")

        @pytest.mark.environment(BOXES="few")
        def test_few(self): assert os.environ["BOXES"] == "few"
"""


def test_a_test_that_asks_for_an_environment_runs_only_there(tmp_path: Path) -> None:
    plain = run_plugin(tmp_path, ENVIRONMENT)
    asked = {test["test"].split("::")[-1]: test["environment"] for test in collected_tests(plain)}
    assert asked == {"test_plain": {}, "test_few": {"BOXES": "few", "LIDS": "1"}}
    assert ends(plain).keys() == {"test_plain"}
    (tmp_path / "again").mkdir()
    # The variables are those of the process, which the supervisor starts; the job only says which these are.
    few = run_plugin(tmp_path / "again", ENVIRONMENT, environment={"BOXES": "few", "LIDS": "1"})
    assert ends(few).keys() == {"TestBoxes::test_few"}


def collected_tests(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    (event,) = (event for event in events if event["event"] == "collected")
    return list(event["tests"])


WANTS = """
    import importlib
    import pytest

    def pytest_generate_tests(metafunc):
        if "module" in metafunc.fixturenames:
            imports = metafunc.config.stackcompat_imports
            metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

    @pytest.mark.level("import")
    def test_import(distribution, module, declared): importlib.import_module(module)

    @pytest.mark.uses("box")
    def test_lid():
        from box import lid

    @pytest.mark.uses("box")
    def test_base():
        import box
"""
BOX = {"box/__init__.py": "", "box/lid.py": "import some_glue"}


@pytest.mark.parametrize(
    ("optional", "lid", "lid_test"),
    [
        (True, BOX["box/lid.py"], "limit"),
        # A break is none the less for being in a module that most do without.
        (True, "raise ValueError('torn')", "break"),
        (False, BOX["box/lid.py"], "break"),
    ],
)
def test_an_optional_module_that_lacks_what_is_undeclared_is_a_limit(
    tmp_path: Path, optional: bool, lid: str, lid_test: str
) -> None:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "box", files=BOX | {"box/lid.py": lid})
    imports = [imported("box", "box"), imported("box", "box.lid", optional=optional)]
    ended = ends(run_plugin(tmp_path, WANTS, imports=imports, distributions={"some_glue": "glue"}))
    words = "box.lid needs glue, which box 1.0 does not declare: install glue"
    failed = ended["test_import[box.lid]"]
    assert failed["outcome"] == "failed"
    assert failed["failure"]["undeclared"] == ("glue" if "some_glue" in lid else "")
    blocked = "box.lid cannot be imported (test_suite.py::test_import[box.lid])"
    is_limit = lid_test == "limit"
    assert (failed["feature"], failed["reason"]) == (("box.lid", words) if is_limit else ("", ""))
    outcome = ("not-applicable", words) if is_limit else ("blocked", blocked)
    assert (ended["test_lid"]["outcome"], ended["test_lid"]["reason"]) == outcome
    assert ended["test_base"]["outcome"] == "passed"


def test_a_limit_is_no_limit_where_nothing_of_the_distribution_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "box", files={"box/__init__.py": "import some_glue", "box/lid.py": ""})
    imports = [imported("box", "box"), imported("box", "box.lid", optional=True)]
    ended = ends(run_plugin(tmp_path, WANTS, imports=imports))
    assert {name: (end["outcome"], end["feature"]) for name, end in ended.items()} == {
        "test_import[box]": ("failed", ""),
        "test_import[box.lid]": ("failed", ""),
        "test_lid": ("blocked", ""),
        "test_base": ("blocked", ""),
    }


CHOSEN = """
    def pytest_generate_tests(metafunc):
        metafunc.parametrize(("distribution", "module", "declared"), metafunc.config.stackcompat_imports)

    def test_import(distribution, module, declared): pass
"""


@pytest.mark.parametrize(
    ("installed", "expected"), [((), []), (("one",), [{}]), (("one-cpu",), [{}]), (("one", "two"), [{"END": "2"}])]
)
def test_a_module_is_imported_in_the_first_way_whose_requirements_are_there(
    tmp_path: Path, installed: tuple[str, ...], expected: list[dict[str, str]]
) -> None:
    (tmp_path / "site").mkdir()
    for name in ("box", *installed):
        install(tmp_path / "site", name, files={f"{name.removesuffix('-cpu')}.py": ""})
    imports = [
        imported("box", "box", requires=["two"], environment={"END": "2"}),
        imported("box", "box", requires=["one"]),
        imported("box", "box", requires=["three"]),
    ]
    events = run_plugin(tmp_path, CHOSEN, imports=imports)
    assert [test["environment"] for test in collected_tests(events) if test["module"]] == expected


SWEEP = """
    import pytest

    def pytest_generate_tests(metafunc):
        if "module" not in metafunc.fixturenames:
            return
        swept = metafunc.config.stackcompat_sweep
        metafunc.parametrize(("distribution", "module", "present", "named"), swept, ids=[m for _, m, *_ in swept])

    @pytest.mark.level("import")
    @pytest.mark.sweep
    def test_module(distribution, module, present, named):
        assert present

    def test_rest(): pass
"""


def swept_modules(events: list[dict[str, Any]]) -> list[str]:
    return [test["module"] or "*" for test in collected_tests(events) if test["swept"]]


def sweep_run(folder: Path, **changes: Any) -> list[dict[str, Any]]:
    (folder / "site").mkdir()
    files = {"boxes/__init__.py": "", "boxes/lids.py": "", "boxes/_own.py": "", "boxes/server.py": ""}
    install(folder / "site", "boxes", files=files)
    sweeps = [{"distribution": "boxes", "without": ["boxes.server"]}, {"distribution": "missing", "without": []}]
    return run_plugin(folder, SWEEP, sweeps=sweeps, **({"imports": [imported("boxes", "boxes")]} | changes))


def test_the_modules_of_a_sweep_come_last_and_those_with_tests_of_their_own_are_left_out(tmp_path: Path) -> None:
    events = sweep_run(tmp_path)
    assert [test["test"].partition("::")[2] for test in collected_tests(events)] == [
        "test_rest",
        "test_module[boxes.lids]",
        "test_module[boxes.*]",
    ]
    found = ends(events)
    assert {name: end["modules"] for name, end in found.items()} == {
        "test_rest": None,
        "test_module[boxes.lids]": ["boxes.lids"],
        "test_module[boxes.*]": [],
    }
    assert (found["test_module[boxes.lids]"]["feature"], found["test_module[boxes.*]"]["feature"]) == ("boxes.lids", "")


@pytest.mark.parametrize(
    ("changes", "modules"),
    [
        ({"tests": ["test_suite.py::test_module[boxes.*]"]}, ["boxes.lids", "*"]),
        ({"tests": ["test_suite.py::test_module[boxes.lids]"]}, ["boxes.lids"]),
        ({"tests": ["test_suite.py::test_rest"]}, []),
        ({"skip": ["test_suite.py::test_module[boxes.*]"]}, ["*"]),
    ],
)
def test_a_sweep_is_asked_for_or_known_as_a_whole_or_by_module(
    tmp_path: Path, changes: dict[str, Any], modules: list[str]
) -> None:
    assert swept_modules(sweep_run(tmp_path, **changes)) == modules


def test_a_module_that_is_asked_for_and_not_there_says_so(tmp_path: Path) -> None:
    events = sweep_run(tmp_path, tests=["test_suite.py::test_module[boxes.gone]"])
    assert swept_modules(events) == ["boxes.gone"]
    assert ends(events)["test_module[boxes.gone]"]["outcome"] == "failed"  # by the suite's own words


def test_the_module_that_a_distribution_is_called_by_must_be_importable(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "two-boxes", files={"two_boxes.py": "", "two_boxes_extra.py": ""})
    install(tmp_path / "site", "crate", files={"lids/__init__.py": "", "lids/deep.py": ""})
    install(tmp_path / "site", "barrel", files={"hoops.py": "", "staves.py": ""})
    suite = IMPORTS.replace('assert declared == (distribution == "known")', "assert declared")
    found = ends(run_plugin(tmp_path, suite, guesses=["two-boxes", "crate", "barrel"]))
    assert {name.partition("[")[2].rstrip("]"): end["outcome"] for name, end in found.items()} == {
        "two_boxes": "passed",
        "two_boxes_extra": "failed",
        "lids": "passed",
        "hoops": "failed",
        "staves": "failed",
    }
