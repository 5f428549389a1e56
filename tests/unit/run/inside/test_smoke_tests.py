"""Which tests of the suite run, and what their marks say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.vocabulary import LEVELS as ALL_LEVELS
from stackcompat.run.inside.smoke_tests import LEVELS
from support.plugin_runs import collected, ends, install, run_plugin


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
    events = run_plugin(tmp_path, IMPORTS, imports=[["known", "known.deep"]], guesses=["guessed"])
    outcomes = {name: (end["components"], end["outcome"]) for name, end in ends(events).items()}
    assert outcomes == {
        "test_import[known.deep]": (["known"], "passed"),
        "test_import[one_guess]": (["guessed"], "passed"),
        "test_import[other_guess]": (["guessed"], "passed"),
    }
