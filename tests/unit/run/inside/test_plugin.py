"""How the code inside a cell is started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.run.inside.plugin import PACKAGE
from stackcompat.run.sandbox import INSIDE
from support.plugin_runs import ends, install, run_plugin

#: Runs inside. (The project itself is installed in the environment that runs these tests, and in no cell.)
LOOKS_AROUND = f"""
    import multiprocessing
    import sys
    from pathlib import Path

    import pytest

    def test_files():
        modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == {PACKAGE!r}]
        files = sorted(Path(module.__file__).name for module in modules)
        Path("loaded.txt").write_text(" ".join(files))

    @pytest.mark.parametrize("name", ["plugin", "events", "inside"])
    def test_cannot_be_imported(name):
        with pytest.raises(ModuleNotFoundError):
            __import__(name)

    @pytest.mark.parametrize("method", ["spawn", "forkserver"])
    def test_multiprocessing(method):
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.map(abs, [-1]) == [1]
"""


def test_its_modules_are_out_of_the_way_of_the_tests(tmp_path: Path) -> None:
    events = run_plugin(tmp_path, LOOKS_AROUND)
    failed = {name: end["failure"] for name, end in ends(events).items() if end["outcome"] != "passed"}
    assert failed == {}
    assert len(ends(events)) == 6
    # All loaded code lies in the folder whose files are part of the key of evidence.
    loaded = set((tmp_path / "suite" / "loaded.txt").read_text().split())
    here = {path.name for path in INSIDE.glob("*.py")}
    assert loaded == here - {"fence.py", "plugin.py", "protocol.py"}


def test_importing_the_file_starts_nothing() -> None:
    assert PACKAGE not in sys.modules


ENTRY_POINT = "[pytest11]\nalpha = alpha_plugin\n"


def test_a_plugin_of_an_installed_distribution_has_no_say(tmp_path: Path) -> None:
    plugin = "def pytest_pyfunc_call(pyfuncitem):\n    return True\n"
    files = {"alpha_plugin.py": plugin, "alpha-1.0.dist-info/entry_points.txt": ENTRY_POINT}
    install(tmp_path / "site", "alpha", files=files)
    suite = """
        import os
        def test_fails(): assert False
        def test_variable(): assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ
    """
    outcomes = {name: end["outcome"] for name, end in ends(run_plugin(tmp_path, suite)).items()}
    assert outcomes == {"test_fails": "failed", "test_variable": "passed"}


@pytest.mark.parametrize(
    "start",
    [
        "import sys, types; sys.modules['_pytest'] = sys.modules['pytest'] = types.ModuleType('pytest')",
        """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in ('pytest', '_pytest', 'pluggy', 'stackcompat_inside', 'stackcompat_inside.session'):
            raise RuntimeError(name)
sys.meta_path.insert(0, Finder())
""",
    ],
    ids=["modules", "finder"],
)
def test_what_runs_at_the_start_of_the_interpreter_does_not_choose_the_harness(tmp_path: Path, start: str) -> None:
    (tmp_path / "site").mkdir()
    program = start + "\nfor name in ('pytest', '_pytest'): sys.modules.get(name)\n"
    suite = "def test_fails(): assert False\n"
    events = run_plugin(tmp_path, suite, first=program)
    assert [end["outcome"] for end in ends(events).values()] == ["failed"]


def test_a_test_during_which_the_harness_was_changed_fails(tmp_path: Path) -> None:
    suite = """
        import _pytest.outcomes, _pytest.runner, sys

        def test_before(): pass

        def test_patches():
            _pytest.runner.runtestprotocol = lambda *_, **__: True

        def test_after(): pass
    """
    seen = ends(run_plugin(tmp_path, suite))
    assert {name: end["outcome"] for name, end in seen.items()} == {
        "test_before": "passed",
        "test_patches": "failed",
        "test_after": "failed",
    }
    message = "_pytest.runner.runtestprotocol runs the tests, and was changed by what they run"
    assert seen["test_patches"]["failure"]["message"] == message


def test_a_file_of_tests_that_a_finder_of_the_environment_gives_is_foreign(tmp_path: Path) -> None:
    first = f"""
import importlib.machinery, importlib.util, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "test_suite":
            forged = importlib.machinery.SourceFileLoader(name, {str(tmp_path / "forged.py")!r})
            file = {str(tmp_path / "suite" / "test_suite.py")!r}
            return importlib.util.spec_from_file_location(name, file, loader=forged)
class Late(list):
    def insert(self, place, finder):
        super().insert(0, finder)
        super().insert(0, Finder())
sys.meta_path = Late(sys.meta_path)
"""
    (tmp_path / "forged.py").write_text("def test_fails(): pass\n")
    events = run_plugin(tmp_path, "def test_fails(): assert False\n", first=first)
    (foreign,) = [event for event in events if event["event"] == "foreign"]
    assert foreign["modules"] == ["test_suite.py from a finder of the environment"]


def test_the_clock_of_a_library_is_not_that_of_the_harness(tmp_path: Path) -> None:
    suite = """
        import time

        def test_stops_the_clock():
            time.perf_counter = time.time = lambda: float("nan")

        def test_after(): pass
    """
    seen = ends(run_plugin(tmp_path, suite))
    assert all(0 <= end["seconds"] < 60 for end in seen.values())
