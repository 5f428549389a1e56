"""Harmless stand-ins for releases that reach for their own verdict, for other cells and for what the caller has.

Each is a made-up wheel of ``alpha``. Its suite has a test that must not pass and one that passes with an honest alpha.
More of them are in test_cells.py; tests/e2e/test_sandbox.py has what a suite cannot reach.
"""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stackcompat.ecosystem.components import ImportedModule
from stackcompat.evidence.results import CellResult
from stackcompat.run.disk_use import MOST_MB
from stackcompat.run.job import CellLimits
from support.loopback_index import LoopbackIndex
from support.real_cells import ALPHA_SUITE, LEVELS, PYTHON, SANDBOX, CellRunner, made_up_cells, result_of


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index, pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_DEFAULT_INDEX", index.address)
        patch.setenv("SECRET_TOKEN", "hunter2")
        yield index


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory, index: LoopbackIndex) -> CellRunner:
    index.add("beta", "1.0", files={"beta/__init__.py": "def answer():\n    return 41\n"})
    return made_up_cells(tmp_path_factory.mktemp("releases"), PYTHON)


class Releases:
    """Publishes releases of alpha, each with another version, and runs them."""

    def __init__(self, cells: CellRunner, index: LoopbackIndex) -> None:
        self.cells, self.index, self.count = cells, index, 0

    def run(
        self, files: dict[str, str], *, suite: str = ALPHA_SUITE, beside: tuple[str, ...] = (), **more: object
    ) -> CellResult:
        """Run a release with these files `beside` others. In their names INFO stands for its name and version."""
        self.count += 1
        version = f"1.{self.count}"
        files = {name.replace("INFO", f"alpha-{version}"): textwrap.dedent(text) for name, text in files.items()}
        self.index.add("alpha", version, files={"alpha/__init__.py": "def answer():\n    return 41\n"} | files)
        limits = {"limits": CellLimits(seconds=90, memory_mb=1024)}
        return self.cells.run(suite, PYTHON, (f"alpha=={version}", *beside), **(limits | more))


@pytest.fixture(scope="module")
def releases(cells: CellRunner, index: LoopbackIndex) -> Releases:
    return Releases(cells, index)


def answering(*lines: str, before: str = "") -> dict[str, str]:
    """A package whose function ``answer`` has these lines."""
    return {"alpha/__init__.py": f"{before}\ndef answer():\n" + textwrap.indent("\n".join(lines), "    ") + "\n"}


OF_EVENTS = "fd = next(int(n) for n in os.listdir('/proc/self/fd') if 'events-' in os.readlink(f'/proc/self/fd/{n}'))"

#: What alpha does so that its red test is not seen as red.
HIDES = {
    "exits with zero": answering("import os; os._exit(0)"),
    "kills itself": answering("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    "ends its parent": answering("import os, signal; os.kill(os.getppid(), signal.SIGKILL)", "return 41"),
    "skips by pytest": answering("import sys; sys.modules['_pytest.outcomes'].skip('not here')"),
    "skips by unittest": answering("import unittest; raise unittest.SkipTest('not here')"),
    "has an error that is called like a skip": answering("raise Skipped", before="class Skipped(Exception): pass"),
    "answers twice": answering(
        "import os, time",
        "if os.fork() == 0:",
        "    time.sleep(1)",
        "    return 42",
        "return 41",
    ),
    "answers first in another process": answering(
        "import os, time",
        "if os.fork() == 0:",
        "    return 42",
        "time.sleep(2)",
        "return 41",
    ),
    "closes all files": answering("import os; os.closerange(0, 1000)", "return 41"),
    "turns the events aside": answering(
        "import os, tempfile",
        OF_EVENTS,
        "os.dup2(os.open(tempfile.mktemp(), os.O_CREAT | os.O_RDWR), fd)",
        "return 41",
    ),
    "empties the events": answering("import os", OF_EVENTS, "os.ftruncate(fd, 0)", "return 41"),
    "says again what was said": answering(
        "import os",
        OF_EVENTS,
        "lines = open(os.readlink(f'/proc/self/fd/{fd}'), 'rb').read().splitlines()",
        "ends = [l for l in lines if b'test_other' in l and b'passed' in l]",
        "os.write(fd, b''.join(l.replace(b'test_other', b'test_must_not_pass') + b'\\n' for l in ends or lines[:1]))",
        "os._exit(0)",
    ),
    "makes folders deeper than any path": answering(
        "import os",
        "os.chdir(os.path.dirname(__file__))",
        "for _ in range(3000):",
        "    os.mkdir('d' * 30)",
        "    os.chdir('d' * 30)",
        "return 41",
    ),
    "has the metadata of two": {"beta-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: beta\nVersion: 9.9\n"},
    "rewrites results at its exit": answering(
        "import atexit, sys",
        "def lie():",
        "    for name, module in list(sys.modules.items()):",
        "        if name.endswith('.progress'): module.end_event = lambda *_: None",
        "atexit.register(lie); lie()",
        "return 41",
    ),
    "changes what a failure is": answering(
        "import builtins; builtins.AssertionError = __import__('unittest').SkipTest", "return 41"
    ),
    "ships files of a suite": {
        "conftest.py": "def pytest_pyfunc_call(pyfuncitem):\n    return True\n",
        "alpha/conftest.py": "def pytest_pyfunc_call(pyfuncitem):\n    return True\n",
    },
    "ships the modules of the harness": {
        f"{name}/__init__.py": "import os; os._exit(0)\n" for name in ("stackcompat", "stackcompat_inside", "_pytest")
    },
    "ships modules of the standard library": {
        f"{name}.py": "raise SystemExit(0)\n" for name in ("json", "hashlib", "warnings", "traceback", "unittest")
    },
    "changes pytest when the interpreter starts": {
        "sitecustomize.py": """
            try:
                import _pytest.runner
                _pytest.runner.runtestprotocol = lambda *_, **__: True
            except ImportError:
                pass
            """
    },
    "has a finder for the harness": {
        "alpha.pth": "import alpha_finder\n",
        "alpha_finder.py": """
            import sys, importlib.util
            class Finder:
                @staticmethod
                def find_spec(name, path=None, target=None):
                    if name.startswith(("_pytest", "pytest", "pluggy", "stackcompat")):
                        raise SystemExit(0)
            sys.meta_path.insert(0, Finder)
            """,
    },
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", HIDES)
def test_what_is_red_does_not_come_out_otherwise(releases: Releases, name: str, level: str) -> None:
    result = releases.run(HIDES[name], isolation=level)
    found = {test.test.split("::")[-1]: test.outcome for test in result.tests}.get("test_must_not_pass", "")
    if result.outcome == "ran":
        assert found in ("failed", "crashed"), result
    else:
        assert found != "passed" or result.outcome == "invalid"
        assert result.outcome in ("crashed", "invalid", "uninstallable"), result


#: Of several tests that import the same, one process imports it for all of them.
OF_MANY = """
    import pytest
    pytestmark = pytest.mark.uses("alpha", "beta")

    @pytest.mark.parametrize("number", range(8))
    def test_must_not_pass(number):
        import alpha, beta
        assert alpha.answer() == 42
"""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "breaks",
    [
        "import os; os.fork = lambda: 1",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
        "import os, threading; threading.Timer(0.01, os._exit, (0,)).start()",
    ],
)
def test_what_breaks_the_process_of_many_tests_shows_in_each(releases: Releases, breaks: str, level: str) -> None:
    imports = (
        ImportedModule(distribution="alpha", module="alpha"),
        ImportedModule(distribution="beta", module="beta", requires=("alpha",)),
    )
    result = releases.run(
        answering("return 41", before=breaks), suite=OF_MANY, imports=imports, isolation=level, beside=("beta==1.0",)
    )
    found = [test.outcome for test in result.tests if "test_must_not_pass" in test.test]
    assert (result.outcome, len(found)) == ("ran", 8), result
    assert set(found) <= {"failed", "crashed", "blocked"}


def test_a_suite_can_skip(releases: Releases) -> None:
    suite = """
        import pytest, unittest
        pytestmark = pytest.mark.uses("alpha")

        def test_skips():
            pytest.skip("by pytest")

        def test_skips_too():
            raise unittest.SkipTest("by unittest")

        @pytest.mark.skipif(True, reason="by a mark")
        def test_is_skipped():
            pass
    """
    result = releases.run({}, suite=suite)
    assert [(test.outcome, test.reason) for test in result.tests] == [
        ("not-applicable", "by pytest"),
        ("not-applicable", "by unittest"),
        ("not-applicable", "by a mark"),
    ]


@SANDBOX
def test_nothing_of_a_release_runs_outside_of_the_sandbox(releases: Releases, tmp_path: Path) -> None:
    """Neither while it is installed nor when its interpreter is asked for something."""
    marker = tmp_path / "marker"
    writes = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n"
    files = {
        "alpha.pth": "import alpha_start\n",
        "alpha_start.py": f"try:\n    {writes}except OSError:\n    pass\n",
        "INFO.data/scripts/pip": f"#!/bin/sh\ntouch {marker}\n",
        "INFO.data/scripts/uv": f"#!/bin/sh\ntouch {marker}\n",
    }
    result = releases.run(files, isolation="strict")
    assert result.outcome == "ran", result.detail
    assert not marker.exists()


@SANDBOX
def test_a_release_does_not_choose_what_its_tests_can_read(releases: Releases, tmp_path: Path) -> None:
    """The file that names the interpreter of an environment lies in it, where a release can put another one."""
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "secret").write_text("hunter2")
    files = {
        "alpha/__init__.py": f"""
            import os
            def answer():
                return 42 if os.path.exists({str(tmp_path / "share" / "secret")!r}) else 41
            """,
        "INFO.data/data/pyvenv.cfg": f"home = {tmp_path}/bin\ninclude-system-site-packages = false\n",
    }
    result = releases.run(files, isolation="strict")
    assert {test.test: test.outcome for test in result.tests}.get("test_suite.py::test_must_not_pass") != "passed"


@pytest.mark.parametrize("level", LEVELS)
def test_a_release_that_replaces_the_interpreter_gives_no_verdict(
    releases: Releases, tmp_path: Path, level: str
) -> None:
    files = {f"INFO.data/scripts/{name}": "#!/bin/sh\nexit 0\n" for name in ("python", "python3", f"python{PYTHON}")}
    result = releases.run(files, isolation=level)
    assert result.outcome in ("crashed", "uninstallable", "invalid"), result
    assert not [test for test in result.tests if test.outcome == "passed"]


def test_files_outside_of_the_environment_stay_when_a_release_lists_them(releases: Releases, tmp_path: Path) -> None:
    keep = tmp_path / "keep"
    keep.write_text("mine")
    outside = f"{'../' * 20}{str(keep).lstrip('/')}"
    result = releases.run({outside: "theirs"})
    assert keep.read_text() == "mine"
    assert result.outcome in ("ran", "uninstallable"), result


def test_another_version_in_the_metadata_is_no_verdict(releases: Releases, index: LoopbackIndex) -> None:
    releases.count += 1
    version = f"1.{releases.count}"
    index.add("alpha", version, files={"alpha/__init__.py": "def answer():\n    return 42\n"}, misnamed=True)
    result = releases.cells.run(ALPHA_SUITE, PYTHON, (f"alpha=={version}",))
    assert result.outcome != "ran", result
    assert result.tests == ()


@pytest.mark.parametrize("level", LEVELS)
def test_a_daemon_does_not_live_on(releases: Releases, level: str) -> None:
    """It leaves the session, the group and the variables by which it could be known."""
    number = "86397.5" if level == "auto" else "86397.25"
    lines = (
        "import os, time",
        "if os.fork() == 0:",
        "    os.setsid()",
        "    if os.fork() == 0:",
        "        os.closerange(0, 1000)",
        f"        os.execve('/bin/sleep', ['sleep', '{number}'], {{}})",
        "    os._exit(0)",
        "time.sleep(1)",
        "return 41",
    )
    result = releases.run(answering(*lines), isolation=level)
    assert result_of(result, "test_other").outcome == "passed"
    until = time.monotonic() + 10
    while time.monotonic() < until and _runs(number):
        time.sleep(0.2)
    assert not _runs(number)


def _runs(number: str) -> bool:
    return any(one.info["cmdline"] == ["sleep", number] for one in psutil.process_iter(["cmdline"]))


@SANDBOX
def test_no_file_of_the_caller_is_open_in_a_test(releases: Releases) -> None:
    """Only the log, the events, and what pytest has caught in files without a name."""
    lines = (
        "import os",
        "paths = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')[:-1]]",
        "raise RuntimeError(' '.join(sorted({os.path.basename(p) for p in paths if not p.endswith(' (deleted)')})))",
    )
    failure = result_of(releases.run(answering(*lines), isolation="strict"), "test_other").failure
    assert failure is not None
    assert failure.message == "events-0.jsonl log.txt null"


def test_signs_that_steer_a_terminal_are_kept_as_text(releases: Releases) -> None:
    result = releases.run(answering(r"raise RuntimeError('\x1b[2J\x1b]0;owned\x07 \u202e')"))
    failure = result_of(result, "test_other").failure
    assert failure is not None
    assert "\x1b" not in result.to_json()


@SANDBOX
def test_memory_of_home_is_bounded_and_the_next_test_runs(releases: Releases) -> None:
    lines = (
        "import os, shutil",
        "return 41 if shutil.disk_usage(os.environ['HOME']).total <= 2 * 2**30 else 42",
    )
    result = releases.run(answering(*lines), isolation="strict")
    assert result_of(result, "test_other").outcome == "passed"


@pytest.mark.parametrize("isolation", [pytest.param("strict", marks=SANDBOX), "open"])
def test_memory_that_only_a_descriptor_holds_counts(releases: Releases, isolation: str) -> None:
    lines = (
        "import os, time",
        "file = os.memfd_create('large')",
        "[os.write(file, bytes(2**20)) for _ in range(1200)]",
        "time.sleep(15)",
        "return 42",
    )
    result = releases.run(answering(*lines), isolation=isolation)
    lost = result_of(result, "test_must_not_pass")
    assert lost.outcome == "out-of-memory"
    assert lost.reason.endswith("MB used of 1024 MB allowed")


@SANDBOX
@pytest.mark.parametrize("kept", ["by its name", "open, without a name"])
def test_a_release_cannot_fill_the_disk(releases: Releases, kept: str) -> None:
    """It writes into its environment, which is the one place of a sandbox that is on a disk."""
    if shutil.disk_usage(releases.cells.cache.root).free < 3 * MOST_MB * 2**20:
        pytest.skip("this disk is too small for that")
    lines = (
        "import os, pathlib, time",
        "file = open(pathlib.Path(__file__).with_name('large'), 'wb')",
        f"{'pass' if kept == 'by its name' else 'os.unlink(file.name)'}",
        f"os.posix_fallocate(file.fileno(), 0, {MOST_MB + 64} * 2**20)",
        "time.sleep(15)",
        "return 42",
    )
    result = releases.run(answering(*lines), isolation="strict")
    lost = result_of(result, "test_must_not_pass")
    assert (lost.outcome, lost.reason) == ("out-of-memory", f"more than {MOST_MB} MB written to the disk")
