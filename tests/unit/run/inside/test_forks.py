"""Groups of tests in processes of their own: what becomes of a test that ends its process, and what tests share."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from stackcompat.ecosystem.components import ImportedModule, Sweep
from stackcompat.evidence.results import TestResult
from stackcompat.resolve.lock import Lock
from stackcompat.run.installed_files import read_installed_files
from stackcompat.run.job import CellLimits, Job
from stackcompat.run.supervisor import CellObservations, supervise
from support.plugin_runs import install

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux is watched")

IMPORTS = """
    import importlib, os, time, warnings
    from pathlib import Path
    import pytest

    def pytest_generate_tests(metafunc):
        if "module" in metafunc.fixturenames:
            imports = metafunc.config.stackcompat_imports
            metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

    def note(name):
        with (Path(os.environ["HOME"]) / "processes").open("a") as file:
            file.write(f"{name} {os.getpid()}\\n")

    @pytest.mark.level("import")
    def test_import(distribution, module, declared):
        note(module)
        importlib.import_module(module)
"""


def run(folder: Path, suite: str, *modules: str, **more: object) -> CellObservations:
    """Run a suite in this interpreter's environment, and watch it. Each of `modules` is a component of its name."""
    (folder / "suite").mkdir()
    text = textwrap.dedent(IMPORTS) + textwrap.dedent(suite)
    (folder / "suite" / "test_suite.py").write_text(text, encoding="utf-8")
    imports = tuple(ImportedModule(distribution=name.partition(".")[0], module=name) for name in modules)
    return supervise_suite(folder, **({"imports": imports} | more))


def supervise_suite(folder: Path, **more: object) -> CellObservations:
    """Run the suite in a folder in this interpreter's environment, and watch it."""
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
    python = Path(sys.executable)
    return supervise(Job.model_validate(fields | more), python, folder / "harness", read_installed_files(python))


def outcomes(seen: CellObservations) -> dict[str, str]:
    return {result.test.split("::")[-1]: result.outcome for result in seen.in_order()}


def result_of(seen: CellObservations, test: str) -> TestResult:
    return seen.results[f"test_suite.py::{test}"]


def processes(folder: Path) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in (folder / "home" / "processes").read_text().splitlines())


#: Tests of one group.
MANY = "@pytest.mark.parametrize('number', range(5))"


def test_groups_that_are_worth_it_have_processes_and_the_results_keep_their_order(tmp_path: Path) -> None:
    suite = f"""
        {MANY}
        @pytest.mark.uses("pluggy")
        def test_pluggy(number): note("uses pluggy")
        @pytest.mark.uses("iniconfig", "pluggy")
        def test_both(): note("both")
        {MANY}
        @pytest.mark.uses("iniconfig")
        def test_iniconfig(number): note("uses iniconfig")
        {MANY}
        def test_plain(number): note("plain")
        @pytest.mark.alone
        def test_alone(): note("alone")
    """
    seen = run(tmp_path, suite, "iniconfig", "pluggy")
    names = [name.partition("[")[0] for name in outcomes(seen)]
    order = ["test_import", "test_pluggy", "test_both", "test_iniconfig", "test_plain", "test_alone"]
    assert list(dict.fromkeys(names)) == order
    assert set(outcomes(seen).values()) == {"passed"}
    found = processes(tmp_path)
    assert found["uses pluggy"] == found["pluggy"]
    assert len({found[name] for name in ("plain", "pluggy", "iniconfig", "uses iniconfig", "both", "alone")}) == 6
    assert seen.processes == 2  # the groups are forked
    assert not seen.foreign


def test_a_test_that_ends_its_process_loses_only_itself(tmp_path: Path) -> None:
    suite = """
        @pytest.fixture(scope="module")
        def box():
            note("box")
            yield os.getpid()
        def test_first(box): assert box == os.getpid()
        def test_exits(box): os._exit(3)
        def test_aborts(): os.abort()
        @pytest.mark.limit(1)
        def test_sleeps(): time.sleep(60)
        def test_last(box): assert box == os.getpid()
    """
    seen = run(tmp_path, suite)
    found = outcomes(seen)
    # The name of a case of no parameters is pytest's own, and differs by its release.
    assert found.pop(next(iter(found))) == "not-applicable"
    assert found == {
        "test_first": "passed",
        "test_exits": "crashed",
        "test_aborts": "crashed",
        "test_sleeps": "timeout",
        "test_last": "passed",
    }
    assert result_of(seen, "test_exits").reason == "the process exited with code 3 in the middle of the test"
    assert result_of(seen, "test_aborts").reason == "the process died of SIGABRT"
    assert result_of(seen, "test_exits").closure is None
    assert seen.processes == 2  # only a test that takes too long ends all
    assert {when for when, _ in seen.environments} == {"start", "end"}


def test_a_component_that_cannot_be_imported_blocks_its_tests_and_leaves_the_others_clean(tmp_path: Path) -> None:
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    (helpers / "broken.py").write_text("import broken_part\nraise ImportError('half is missing')\n")
    (helpers / "broken_part.py").write_text("")
    (helpers / "killer.py").write_text("import os; os._exit(7)\n")
    suite = """
        @pytest.mark.uses("iniconfig")
        def test_blocked(): pass
        @pytest.mark.uses("pluggy", "iniconfig")
        def test_blocked_too(): pass
        @pytest.mark.uses("pluggy")
        def test_clean():
            import sys
            assert "broken_part" not in sys.modules
        @pytest.mark.uses("pygments")
        def test_killed(): pass
    """
    imports = (
        ImportedModule(distribution="iniconfig", module="broken"),
        ImportedModule(distribution="pluggy", module="pluggy"),
        ImportedModule(distribution="pygments", module="killer"),
    )
    seen = run(tmp_path, suite, imports=imports, helpers=helpers)
    assert outcomes(seen) == {
        "test_import[broken]": "failed",
        "test_import[pluggy]": "passed",
        "test_import[killer]": "crashed",
        "test_blocked": "blocked",
        "test_blocked_too": "blocked",
        "test_clean": "passed",
        "test_killed": "blocked",
    }
    assert result_of(seen, "test_blocked_too").reason == (
        "iniconfig cannot be imported (test_suite.py::test_import[broken])"
    )
    assert seen.processes == 1


def test_a_component_that_leaves_threads_behind_is_not_forked(tmp_path: Path) -> None:
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    (helpers / "threads.py").write_text(
        "import threading\nbegun = threading.Thread(target=threading.Event().wait, daemon=True)\nbegun.start()\n"
    )
    suite = """
        @pytest.mark.uses("iniconfig")
        def test_one():
            import threads
            assert threads.begun.is_alive()
        @pytest.mark.uses("pluggy", "iniconfig")
        def test_both():
            import threads
            assert threads.begun.is_alive()
    """
    imports = (
        ImportedModule(distribution="iniconfig", module="threads"),
        ImportedModule(distribution="pluggy", module="pluggy"),
    )
    seen = run(tmp_path, suite, imports=imports, helpers=helpers)
    assert set(outcomes(seen).values()) == {"passed"}


def test_forks_share_no_temporary_folder_and_warn_of_nothing(tmp_path: Path) -> None:
    suite = f"""
        {MANY}
        @pytest.mark.uses("pluggy")
        def test_pluggy(tmp_path, recwarn, number):
            assert not list(tmp_path.iterdir())
            (tmp_path / "x").touch()
            assert len(recwarn) == 0
        {MANY}
        @pytest.mark.uses("iniconfig")
        def test_iniconfig(tmp_path, number):
            assert not list(tmp_path.parent.glob("test_pluggy*/x"))
    """
    seen = run(tmp_path, suite, "iniconfig", "pluggy")
    assert set(outcomes(seen).values()) == {"passed"}
    assert all(not result.warnings for result in seen.results.values())


def test_tests_whose_results_are_known_do_not_run(tmp_path: Path) -> None:
    suite = """
        @pytest.mark.uses("iniconfig")
        def test_blocked(): pass
        @pytest.mark.uses("pluggy")
        def test_known(): raise AssertionError
        @pytest.mark.uses("pluggy")
        def test_runs(): pass
    """
    known = "test_suite.py::test_import[iniconfig]"
    skip = (known, "test_suite.py::test_known")
    seen = run(tmp_path, suite, "iniconfig", "pluggy", skip=skip, unimportable={known: ""})
    assert outcomes(seen) == {"test_import[pluggy]": "passed", "test_blocked": "blocked", "test_runs": "passed"}
    assert result_of(seen, "test_blocked").reason == f"iniconfig cannot be imported ({known})"
    assert set(skip) < seen.collected.keys()
    assert seen.remaining() == ()
    assert "iniconfig" not in processes(tmp_path)


def test_closures_are_those_of_the_groups(tmp_path: Path) -> None:
    suite = """
        @pytest.mark.uses("iniconfig")
        def test_iniconfig(): import iniconfig
        @pytest.mark.uses("pluggy")
        def test_pluggy(): import pluggy
    """
    seen = run(tmp_path, suite, "iniconfig", "pluggy")
    closures = list(seen.closures.values())
    of_iniconfig, of_pluggy = (result_of(seen, f"test_{name}").closure for name in ("iniconfig", "pluggy"))
    assert of_iniconfig is not None
    assert of_pluggy is not None
    assert "iniconfig" in closures[of_iniconfig].distributions
    lines = (tmp_path / "events-0.jsonl").read_text().splitlines()
    events = [json.loads(line.partition(" ")[2]) for line in lines]  # behind the seal
    assert len([event for event in events if event["event"] == "closure"]) >= len(closures)


def test_what_runs_the_tests_is_on_no_traceback(tmp_path: Path) -> None:
    """pytest comes from outside of the environment, whose files it does not own."""
    suite = """
        import warnings
        def test_fails():
            warnings.warn("look out")
            raise ValueError("no")
    """
    harness = tmp_path / "harness" / "only_here-1.0.dist-info"
    harness.mkdir(parents=True)
    (harness / "METADATA").write_text("Metadata-Version: 2.1\nName: only-here\nVersion: 1.0\n")
    (harness / "RECORD").write_text(f"{tmp_path}/suite/test_suite.py,,\n")
    failure = result_of(run(tmp_path, suite), "test_fails").failure
    assert failure is not None
    assert "only-here" not in failure.packages


#: The tests of imports as the project's own suite has them.
SUITE = Path(__file__).parents[3] / "interop"


def sweep(folder: Path, *names: str, suite: tuple[str, ...] = (), **files: str) -> CellObservations:
    """Sweep the made-up distribution `boxes`; its files are those of the package, by their names without the ending."""
    helpers = folder / "helpers"
    helpers.mkdir()
    (folder / "suite").mkdir(exist_ok=True)
    for name in ("test_import.py", "test_sweep.py", "missing_distributions.py"):
        shutil.copy(SUITE / name, folder / "suite")
    paths = {f"boxes/{name.replace('_in_', '/')}.py": text for name, text in files.items()}
    install(helpers, "boxes", files={"boxes/__init__.py": "", **paths})
    sweeps = tuple(Sweep(distribution=name) for name in ("boxes", *names))
    files_of_suite = ("test_import.py", "test_sweep.py", *suite)
    imports = tuple(ImportedModule(distribution=name, module=name) for name in ("boxes", *names))
    return supervise_suite(folder, files=files_of_suite, imports=imports, sweeps=sweeps, helpers=helpers)


def modules_of(seen: CellObservations) -> dict[str, str]:
    found = {
        name.partition("::")[2]: result.outcome for name, result in seen.results.items() if result.modules is not None
    }
    return {name.partition("[")[2].removesuffix("]"): outcome for name, outcome in found.items()}


def test_a_sweep_loses_only_the_modules_that_cannot_be_imported(tmp_path: Path) -> None:
    seen = sweep(
        tmp_path,
        __init__="import os\nos.environ['BOXES'] = str(os.getpid())\n",
        aborts="import os; os.abort()",
        alpha="x = 1",
        ends="raise SystemExit(3)",
        fails="from boxes.alpha import y",
        needs="import no_such_thing_here",
        wraps="try:\n    import no_such_thing_here\nexcept ImportError:\n    raise ImportError('install it')\n",
        instead="try:\n    import no_such_thing_here\nexcept ImportError:\n    from boxes.alpha import y\n",
        own="import boxes.no_such_module",
        shared="import no_such_namespace.part",
        zeta="from boxes.alpha import x",
    )
    assert modules_of(seen) == {
        "boxes.aborts": "crashed",
        "boxes.alpha": "passed",
        "boxes.ends": "failed",
        "boxes.fails": "failed",
        "boxes.needs": "not-applicable",
        "boxes.wraps": "not-applicable",
        "boxes.instead": "failed",
        "boxes.own": "failed",
        "boxes.shared": "not-applicable",
        "boxes.zeta": "passed",
        "boxes.*": "passed",
    }
    failing = seen.results["test_sweep.py::test_module[boxes.fails]"]
    assert (failing.level, failing.components, failing.feature) == ("import", ("boxes",), "boxes.fails")
    assert failing.failure is not None
    assert failing.failure.message.startswith("cannot import name 'y' from 'boxes.alpha'")
    needs = seen.results["test_sweep.py::test_module[boxes.needs]"]
    assert needs.reason == "boxes needs no_such_thing_here for boxes.needs, and does not bring it along"
    assert seen.processes == 1
    assert not seen.foreign
    assert not seen.unimportable()


def test_a_module_that_fails_only_after_others_does_not_fail(tmp_path: Path) -> None:
    seen = sweep(
        tmp_path,
        first="import builtins\nbuiltins.boxes_defined = True\n",
        second="import builtins\nassert not hasattr(builtins, 'boxes_defined'), 'defined twice'\n",
        third="import sys\nassert 'boxes.second' in sys.modules\n",
        last="import os\nif 'boxes.first' in __import__('sys').modules: os.abort()\n",
    )
    # The fork that tries `second` again goes on with the modules after it.
    assert set(modules_of(seen).values()) == {"passed"}


def test_pytest_runs_only_the_modules_of_a_sweep_that_begin_a_fork(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    note = """
        import os
        from pathlib import Path

        def pytest_runtest_setup(item):
            with (Path(os.environ["HOME"]) / "processes").open("a") as file:
                file.write(f"{item.name} {os.getpid()}\\n")
    """
    (tmp_path / "suite" / "conftest.py").write_text(textwrap.dedent(note))
    seen = sweep(tmp_path, alpha="", beta="import filelock", fails="import boxes.gone", later="", last="")
    assert [name for name, outcome in modules_of(seen).items() if outcome != "passed"] == ["boxes.fails"]
    run_by_pytest = {name.partition("[")[2] for name in processes(tmp_path) if name.startswith("test_module")}
    assert run_by_pytest == {"boxes.alpha]", "boxes.fails]", "boxes.last]", "boxes.*]"}
    # All the same, it is known of each module how long it took, and what had been looked at until then.
    alpha, beta = (seen.results[f"test_sweep.py::test_module[boxes.{name}]"] for name in ("alpha", "beta"))
    closures = list(seen.closures.values())
    assert alpha.closure is not None
    assert beta.closure is not None
    assert "filelock" not in closures[alpha.closure].distributions
    assert "filelock" in closures[beta.closure].distributions
    assert beta.seconds > 0


def test_what_is_in_a_package_that_cannot_be_imported_is_not_tried(tmp_path: Path) -> None:
    seen = sweep(tmp_path, lids_in___init__="import boxes.gone", lids_in_round="", lids_in_square="", zeta="")
    found = modules_of(seen)
    assert found == {
        "boxes.lids": "failed",
        "boxes.lids.round": "blocked",
        "boxes.lids.square": "blocked",
        "boxes.zeta": "passed",
        "boxes.*": "passed",
    }


def test_threads_that_a_library_leaves_behind_are_not_forked_in_a_sweep(tmp_path: Path) -> None:
    begin = "threading.Thread(target=threading.Event().wait, daemon=True).start()\npid = os.getpid()\n"
    begin = f"import os, threading\n{begin}"
    seen = sweep(tmp_path, __init__=begin, alpha="import os, boxes\nassert boxes.pid == os.getpid()\n")
    assert set(modules_of(seen).values()) == {"passed"}


def test_each_distribution_of_a_sweep_finds_only_what_it_loads_itself(tmp_path: Path) -> None:
    seen = sweep(tmp_path, "iniconfig", "pluggy", alpha="")
    assert set(modules_of(seen).values()) == {"passed"}
    for distribution, finds in (("boxes", True), ("iniconfig", False)):
        closure = seen.results[f"test_sweep.py::test_module[{distribution}.*]"].closure
        assert closure is not None
        assert ("boxes" in list(seen.closures.values())[closure].distributions) == finds


def test_one_import_serves_the_tests_of_a_component_and_its_sweep(tmp_path: Path) -> None:
    note = "import os\nwith open(os.environ['HOME'] + '/imports', 'a') as file:\n    file.write('x')\n"
    (tmp_path / "suite").mkdir()
    suite = f"""
        import sys, pytest
        {MANY}
        @pytest.mark.uses("boxes")
        def test_boxes(number): assert "boxes" in sys.modules and "boxes.alpha" not in sys.modules
        @pytest.mark.uses("boxes", "iniconfig")
        def test_both(): assert "boxes" in sys.modules
        @pytest.mark.parametrize("number", range(9))
        @pytest.mark.uses("iniconfig", "pluggy")
        def test_others(number): assert "boxes" not in sys.modules
    """
    (tmp_path / "suite" / "test_uses.py").write_text(textwrap.dedent(suite), encoding="utf-8")
    seen = sweep(tmp_path, "iniconfig", "pluggy", suite=("test_uses.py",), __init__=note, alpha="", beta="")
    assert set(outcomes(seen).values()) == {"passed"}
    # Once for the five tests and the sweep, and once for the test that uses two components.
    assert (tmp_path / "home" / "imports").read_text() == "xx"


def test_a_module_that_hangs_is_lost_and_the_others_are_imported(tmp_path: Path) -> None:
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    (tmp_path / "suite").mkdir()
    for name in ("test_sweep.py", "missing_distributions.py"):
        shutil.copy(SUITE / name, tmp_path / "suite")
    files = {"boxes/__init__.py": "", "boxes/alpha.py": "", "boxes/hangs.py": "import time; time.sleep(60)"}
    install(helpers, "boxes", files=files | {"boxes/zeta.py": ""})
    seen = supervise_suite(
        tmp_path,
        files=("test_sweep.py",),
        sweeps=(Sweep(distribution="boxes"),),
        helpers=helpers,
        limits=CellLimits(seconds=120, memory_mb=4096, of_tests={"boxes": 2.0}),
    )
    found = modules_of(seen)
    assert (found.pop("boxes.hangs"), set(found.values())) == ("timeout", {"passed"})


def test_a_cell_without_anything_to_sweep_runs_its_other_tests(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    for name in ("test_import.py", "test_sweep.py", "missing_distributions.py"):
        shutil.copy(SUITE / name, tmp_path / "suite")
    imports = (ImportedModule(distribution="pluggy", module="pluggy"),)
    seen = supervise_suite(tmp_path, files=("test_import.py", "test_sweep.py"), imports=imports)
    assert outcomes(seen)["test_import[pluggy]"] == "passed"
    assert modules_of(seen) == {}
