"""Suites run under supervision, with this interpreter's own pytest; whole cells are in tests/e2e."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from stackcompat.ecosystem.components import ImportedModule, Upstream
from stackcompat.evidence.results import TestResult
from stackcompat.resolve.lock import Lock
from stackcompat.run.inside.protocol import Event, PluginJob
from stackcompat.run.job import CellLimits, Job, ShippedTests
from stackcompat.run.supervisor import CellObservations, supervise

SUITE = """
    import os, time
    from pathlib import Path
    import pytest

    def note(name):
        with (Path(os.environ["HOME"]) / "processes").open("a") as file:
            file.write(f"{name} {os.getpid()}\\n")

    @pytest.mark.uses("pytest")
    def test_first(): note("first")

    def test_raises():
        note("raises")
        raise ValueError("no lid")

    @pytest.mark.feature("boxes")
    def test_exits(): os._exit(3)

    def test_aborts(): os.abort()

    @pytest.mark.limit(1)
    def test_sleeps(): time.sleep(60)

    @pytest.mark.alone
    def test_alone(): note("alone")

    @pytest.mark.alone
    def test_alone_too(): note("alone too")

    def test_last(): note("last")
"""


def run(folder: Path, suite: str, **more: object) -> CellObservations:
    """Run the tests of a suite in this interpreter's environment."""
    (folder / "suite").mkdir()
    (folder / "suite" / "test_suite.py").write_text(textwrap.dedent(suite))
    fields: dict[str, object] = {
        "folder": folder,
        "lock": Lock.parse("alpha==1.0", "3.12", "p"),
        "interpreter": Path(sys.executable),
        "requirements": (),
        "level": "interop",
        "suite": folder / "suite",
        "files": ("test_suite.py",),
        "cache": folder,
        "uv": "uv",
        "limits": CellLimits(seconds=120, memory_mb=4096),
    }
    return supervise(Job.model_validate(fields | more), Path(sys.executable), folder / "harness")


def outcomes(seen: CellObservations) -> dict[str, str]:
    return {name.split("::")[-1]: result.outcome for name, result in seen.results.items()}


def result_of(seen: CellObservations, test: str) -> TestResult:
    (found,) = (result for name, result in seen.results.items() if name.endswith(f"::{test}"))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def hostile(folder: Path) -> CellObservations:
    return run(folder, SUITE)


def check_protocol(folder: Path) -> None:
    """Every job and event between the plugin and its supervisor has the declared types."""
    lines = [line for path in folder.glob("events-*.jsonl") for line in path.read_text().splitlines()]
    events = [json.loads(line.partition(" ")[2]) for line in lines]  # behind the seal
    assert events
    assert [event for event in events if not fits(event, Event)] == []
    jobs = [json.loads(path.read_text()) for path in folder.glob("plugin-*.json")]
    assert jobs
    assert [job for job in jobs if not fits(job, PluginJob)] == []


def fits(value: Any, hint: Any) -> bool:
    """Whether a value from JSON has the type that `hint` declares, with exactly its keys."""
    arguments = get_args(hint)
    if is_typeddict(hint):
        fields = get_type_hints(hint)
        whole = isinstance(value, dict) and hint.__required_keys__ <= value.keys() <= fields.keys()
        return whole and all(fits(inner, fields[name]) for name, inner in value.items())
    if get_origin(hint) is Literal:
        return value in arguments
    if get_origin(hint) is list:
        return isinstance(value, list) and all(fits(inner, arguments[0]) for inner in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(fits(inner, arguments[1]) for inner in value.values())
    if arguments:
        return any(fits(value, kind) for kind in arguments)
    return isinstance(value, (int, float) if hint is float else hint)


def test_a_test_that_takes_its_process_with_it_loses_only_itself(hostile: CellObservations) -> None:
    assert outcomes(hostile) == {
        "test_first": "passed",
        "test_raises": "failed",
        "test_exits": "crashed",
        "test_aborts": "crashed",
        "test_sleeps": "timeout",
        "test_alone": "passed",
        "test_alone_too": "passed",
        "test_last": "passed",
    }
    assert not hostile.suite_error
    assert not hostile.over_time
    assert not hostile.remaining()


def test_how_a_test_was_lost_is_said_with_all_that_is_known_of_it(hostile: CellObservations) -> None:
    lost = result_of(hostile, "test_exits")
    assert (lost.level, lost.feature, lost.components) == ("interop", "boxes", ())
    assert lost.reason == "the process exited with code 3 in the middle of the test"
    assert lost.failure is not None
    assert (lost.failure.type, lost.failure.message) == ("ProcessEnded", lost.reason)
    assert result_of(hostile, "test_aborts").reason == "the process died of SIGABRT"
    late = result_of(hostile, "test_sleeps")
    assert (late.reason, late.failure) == ("not finished after 1 s", None)
    assert late.seconds >= 1


def test_what_needs_a_process_of_its_own_has_one(hostile: CellObservations, folder: Path) -> None:
    lines = (folder / "home" / "processes").read_text().splitlines()
    processes = dict(line.rsplit(" ", 1) for line in lines)
    assert processes["first"] == processes["raises"]
    assert len({processes[name] for name in ("first", "alone", "alone too", "last")}) == 4
    assert hostile.processes == 6  # the first three are ended by a test


def test_the_environment_is_read_at_the_start_and_at_the_end(hostile: CellObservations) -> None:
    assert {when for when, _ in hostile.environments} == {"start", "end"}
    assert all("pytest" in distributions for _, distributions in hostile.environments)
    assert hostile.isolation.time_limit_s == 120
    assert hostile.isolation.memory_limit_mb == 4096


def test_what_passes_between_the_processes_has_its_declared_shape(hostile: CellObservations, folder: Path) -> None:
    check_protocol(folder)


def test_only_the_tests_that_were_asked_for_run(tmp_path: Path) -> None:
    seen = run(tmp_path, SUITE, tests=("test_suite.py::test_last", "test_suite.py::test_alone"))
    assert outcomes(seen) == {"test_last": "passed", "test_alone": "passed"}


def test_a_suite_that_cannot_be_loaded_is_no_result(tmp_path: Path) -> None:
    seen = run(tmp_path, "import no_such_module_anywhere\n\ndef test_x(): pass\n")
    assert "no_such_module_anywhere" in seen.suite_error
    assert not seen.results


def test_a_process_that_ends_before_the_tests_are_collected_leaves_nothing_to_go_on_with(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    ends_once = f"""
        import os
        from pathlib import Path
        if not Path({str(marker)!r}).exists():
            Path({str(marker)!r}).touch()
            os._exit(3)
        def test_x(): pass
    """
    seen = run(tmp_path, ends_once)
    assert (seen.was_collected, seen.processes, seen.results) == (False, 1, {})


# --- tests that a release ships ---

CHOSEN = Upstream.model_validate({"archive": "sdist", "tests": ["tests/*_test.py"], "without": ["*slow*"]})
FINE = "tests/fine_test.py"
OWN_FILES = {
    FINE: "def test_good(): pass\n\ndef test_other(): pass\n\ndef test_slow(): raise AssertionError\n",
    "tests/kills_test.py": "import os\n\ndef test_kills(): os._exit(4)\n\ndef test_after(): pass\n",
    "tests/broken_test.py": "import os\nos._exit(5)\n",
}


def shipped(folder: Path, **more: object) -> ShippedTests:
    """Tests of pytest, which is installed here."""
    for name, text in OWN_FILES.items():
        (folder / "sdist" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "sdist" / name).write_text(text)
    return ShippedTests.model_validate({"distribution": "pytest", "chosen": CHOSEN, "folder": folder / "sdist"} | more)


def own_outcomes(seen: CellObservations) -> dict[str, str]:
    return {name.removeprefix("upstream/pytest/tests/"): result.outcome for name, result in seen.results.items()}


def test_a_file_or_test_of_a_release_that_ends_the_process_loses_only_itself(tmp_path: Path) -> None:
    seen = run(tmp_path, "", files=(), level="upstream", upstream=(shipped(tmp_path),))
    assert own_outcomes(seen) == {
        "fine_test.py": "passed",
        "fine_test.py::test_good": "passed",
        "fine_test.py::test_other": "passed",
        "kills_test.py": "passed",
        "kills_test.py::test_kills": "crashed",
        "kills_test.py::test_after": "passed",
        "broken_test.py": "crashed",
    }
    lost = seen.results["upstream/pytest/tests/broken_test.py"]
    assert (lost.level, lost.components) == ("upstream", ("pytest",))
    check_protocol(tmp_path)


def test_of_the_tests_of_a_release_those_that_count_run_and_the_rest_is_said(tmp_path: Path) -> None:
    prefix = "upstream/pytest/"
    own = shipped(
        tmp_path,
        tests=(f"{prefix}{FINE}", f"{prefix}{FINE}::test_good", f"{prefix}{FINE}::test_gone"),
        left_out={f"{prefix}{FINE}::test_other": "failed then too"},
    )
    seen = run(tmp_path, "def test_smoke(): pass\n", level="upstream", upstream=(own,))
    found = {name: (result.outcome, result.reason) for name, result in seen.results.items()}
    assert found == {
        "test_suite.py::test_smoke": ("passed", ""),
        f"{prefix}{FINE}": ("passed", ""),
        f"{prefix}{FINE}::test_good": ("passed", ""),
        f"{prefix}{FINE}::test_gone": ("not-applicable", "was not reached"),
        f"{prefix}{FINE}::test_other": ("not-applicable", "failed then too"),
    }


def test_a_release_that_cannot_be_imported_is_not_tried_further(tmp_path: Path) -> None:
    suite = """
    import pytest

    @pytest.mark.level("import")
    @pytest.mark.uses("pytest")
    def test_import(): raise ImportError("half is missing")
    """
    seen = run(tmp_path, suite, level="upstream", upstream=(shipped(tmp_path),))
    assert outcomes(seen) == {"test_import": "failed", "upstream/pytest/": "blocked"}
    said = seen.results["upstream/pytest/"]
    assert said.reason == "pytest cannot be imported (test_suite.py::test_import)"


def test_where_only_a_test_of_a_release_is_asked_for_the_smoke_tests_do_not_run(tmp_path: Path) -> None:
    asked = f"upstream/pytest/{FINE}::test_good"
    seen = run(tmp_path, SUITE, level="upstream", tests=(asked,), upstream=(shipped(tmp_path, tests=(asked,)),))
    assert {name: result.outcome for name, result in seen.results.items() if name == asked} == {asked: "passed"}
    assert all(name.startswith("upstream/pytest/") for name in seen.results)


ENVIRONMENTS = """
    import os
    from pathlib import Path
    import pytest

    def note():
        with (Path(os.environ["HOME"]) / "processes").open("a") as file:
            file.write(f"{os.environ.get('BOXES')} {os.getpid()}\\n")

    @pytest.mark.environment(BOXES="many")
    def test_many(): note()

    def test_plain(): note()

    @pytest.mark.environment(BOXES="many")
    def test_many_too(): note()

    @pytest.mark.environment(BOXES="many")
    @pytest.mark.alone
    def test_alone(): note()

    @pytest.mark.environment(BOXES="few")
    def test_few(): os._exit(1)

    @pytest.mark.environment(BOXES="few")
    def test_few_too(): note()
"""


def test_tests_that_ask_for_the_same_environment_share_a_process(tmp_path: Path) -> None:
    seen = run(tmp_path, ENVIRONMENTS)
    assert outcomes(seen) == {
        "test_plain": "passed",
        "test_many": "passed",
        "test_many_too": "passed",
        "test_few": "crashed",
        "test_few_too": "passed",
        "test_alone": "passed",
    }
    lines = [line.split() for line in (tmp_path / "home" / "processes").read_text().splitlines()]
    assert [boxes for boxes, _ in lines] == ["None", "many", "many", "few", "many"]
    assert len({process for _, process in lines}) == 4
    assert not seen.remaining()
    check_protocol(tmp_path)


def test_a_test_that_is_asked_for_runs_in_its_environment(tmp_path: Path) -> None:
    seen = run(tmp_path, ENVIRONMENTS, tests=("test_suite.py::test_many",))
    assert outcomes(seen) == {"test_many": "passed"}


OPTIONAL = """
    import importlib, os
    import pytest

    def pytest_generate_tests(metafunc):
        if "module" in metafunc.fixturenames:
            imports = metafunc.config.stackcompat_imports
            metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

    @pytest.mark.level("import")
    def test_import(distribution, module, declared): raise ValueError("torn")

    @pytest.mark.uses("pytest")
    def test_exits(): os._exit(3)

    @pytest.mark.uses("pytest")
    def test_needs(): import _pytest.tmpdir

    @pytest.mark.uses("pytest")
    def test_does_not_need(): import _pytest.config
"""


@pytest.mark.parametrize("module", ["_pytest", "_pytest.tmpdir"])
def test_a_new_process_knows_which_modules_cannot_be_imported(tmp_path: Path, module: str) -> None:
    """The first module of a distribution keeps all its tests from running, another one only those that import it."""
    names = ("pluggy",) if module == "_pytest.tmpdir" else ()
    imports = [ImportedModule(distribution="pytest", module=name) for name in (*names, module)]
    suite = OPTIONAL.replace('raise ValueError("torn")', 'assert module == "pluggy"')
    seen = run(tmp_path, suite, imports=imports)
    whole = module == "_pytest"
    assert outcomes(seen) | {"test_import[pluggy]": ""} == {
        "test_import[pluggy]": "",
        f"test_import[{module}]": "failed",
        "test_exits": "blocked" if whole else "crashed",
        "test_needs": "blocked",
        "test_does_not_need": "blocked" if whole else "passed",
    }


def test_a_known_import_that_fails_blocks_the_tests_of_every_process(tmp_path: Path) -> None:
    suite = """
    import pytest

    @pytest.mark.level("import")
    @pytest.mark.uses("pytest")
    def test_import(): raise AssertionError("is not run again")

    @pytest.mark.uses("pytest")
    def test_shared(): pass

    @pytest.mark.alone
    @pytest.mark.uses("pytest")
    def test_alone(): pass

    def test_known(): raise AssertionError("is not run again")
    """
    known = "test_suite.py::test_import"
    seen = run(tmp_path, suite, skip=(known, "test_suite.py::test_known"), unimportable={known: ""})
    assert outcomes(seen) == {"test_shared": "blocked", "test_alone": "blocked"}
    assert seen.results["test_suite.py::test_alone"].reason == f"pytest cannot be imported ({known})"
    assert seen.remaining() == ()
