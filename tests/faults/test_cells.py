"""What stands for releases that try to pass: none is green by it, no other cell is touched, and the run goes on.

Each row is a made-up wheel that does one harmless thing of a kind, and a suite with a test that passes and one that
must not. Rows of what a sandbox keeps out of reach are in tests/e2e/test_sandbox.py.
"""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.evidence.results import CellResult
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.build_sandbox import build_sandbox
from stackcompat.run.isolation import find_means
from stackcompat.run.job import CellLimits
from stackcompat.run.local import LocalExecutor
from support.altering import alter
from support.loopback_index import LoopbackIndex
from support.odd_index import OddIndex
from support.real_cells import ALPHA_SUITE, LEVELS, PYTHON, SANDBOX, CellRunner, made_up_cells, result_of

PLAIN = "def answer():\n    return 41\n"


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index, pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_DEFAULT_INDEX", index.address)
        yield index


@pytest.fixture
def cells(tmp_path: Path, index: LoopbackIndex) -> CellRunner:
    """Runs cells with wheels of the index, and with the pytest of this environment."""
    return made_up_cells(tmp_path, PYTHON)


Release = Callable[..., CellResult]


@pytest.fixture
def release(cells: CellRunner, index: LoopbackIndex) -> Release:
    """Publishes alpha with these files, and runs it."""

    def run(files: dict[str, str], *, suite: str = ALPHA_SUITE, **more: object) -> CellResult:
        files = {name: textwrap.dedent(text) for name, text in files.items()}
        index.add("alpha", "1.0", files={"alpha/__init__.py": PLAIN} | files)
        limits = CellLimits(seconds=90, memory_mb=1024)
        return cells.run(suite, PYTHON, ("alpha",), **({"limits": limits} | more))

    return run


def outcomes(result: CellResult) -> dict[str, str]:
    return {test.test.split("::")[-1]: test.outcome for test in result.tests}


FORGES = """
    import json, os, re, sys
    def answer():
        for name in os.listdir("/proc/self/fd"):
            path = os.readlink(f"/proc/self/fd/{name}")
            if "events-" in path:
                with open(path, "a") as file:
                    event = {"event": "end", "test": "test_suite.py::test_must_not_pass", "level": "interop",
                             "components": ["alpha"], "artifact": "", "feature": "", "outcome": "passed",
                             "reason": "", "seconds": 0.1, "memory_mb": 1.0, "failure": None, "warnings": [],
                             "modules": None, "closure": None}
                    file.write(json.dumps(event) + "\\n" + json.dumps({"event": "done", "foreign": []}) + "\\n")
        os._exit(0)
"""

PATCHES = """
    import sys
    def answer():
        runner = sys.modules["_pytest.runner"]
        runner.call_and_report = lambda *_, **__: None
        runner.runtestprotocol = lambda *_, **__: True
        return 41
"""

OWN_PYTEST = """
    raise SystemExit("this is no pytest")
"""

PLUGIN = """
    def pytest_pyfunc_call(pyfuncitem):
        return True
"""

CLOCK = """
    import time
    time.perf_counter = time.time = time.monotonic = lambda: float("nan")
    def answer():
        return 41
"""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"alpha/__init__.py": FORGES}, id="writes among the events and exits"),
        pytest.param({"alpha/__init__.py": PATCHES}, id="changes what runs the tests"),
        pytest.param({"pytest.py": OWN_PYTEST, "_pytest/__init__.py": OWN_PYTEST}, id="ships a pytest of its own"),
        pytest.param(
            {"plugin.py": PLUGIN, "alpha-1.0.dist-info/entry_points.txt": "[pytest11]\nalpha = plugin\n"},
            id="has a plugin that says yes",
        ),
        pytest.param(
            {
                "plugin.py": "import os; os._exit(0)",
                "alpha-1.0.dist-info/entry_points.txt": "[pytest11]\nalpha = plugin\n",
            },
            id="has a plugin that ends the process",
        ),
        pytest.param(
            {
                "plugin.py": "import no_such_module",
                "alpha-1.0.dist-info/entry_points.txt": "[pytest11]\nalpha = plugin\n",
            },
            id="has a plugin that cannot be imported",
        ),
        pytest.param({"alpha/__init__.py": CLOCK}, id="stops the clock"),
    ],
)
def test_a_test_that_must_not_pass_does_not(release: Release, files: dict[str, str], level: str) -> None:
    result = release(files, isolation=level)
    assert result.outcome == "ran", result.detail + result.log
    assert result_of(result, "test_must_not_pass").outcome in ("failed", "crashed")
    json.dumps(json.loads(result.to_json()), allow_nan=False)


def test_a_result_that_a_test_has_written_does_not_count(release: Release) -> None:
    """It ends the session after that. Only outside of a sandbox can it find the folder and the session."""
    source = """
        import json, os, pathlib, signal, sys
        def answer():
            folder = pathlib.Path(os.environ["HOME"]).parent
            test = {"test": "test_suite.py::test_must_not_pass", "level": "interop", "components": ["alpha"],
                    "outcome": "passed"}
            result = {"outcome": "ran", "started": "2026-11-22T06:00:00Z", "seconds": 1.0, "tests": [test]}
            (folder / "result.json").write_text(json.dumps(result))
            pid = os.getpid()
            while "noxfile.py" not in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
                pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(pid, signal.SIGKILL)
            return 42
    """
    result = release({"alpha/__init__.py": source}, isolation="namespaces")
    assert "passed" not in outcomes(result).values()


@pytest.mark.parametrize("level", LEVELS)
def test_an_interpreter_that_does_not_start_is_red(release: Release, level: str) -> None:
    result = release({"alpha.pth": "import os; os._exit(3)\n"}, isolation=level)
    assert result.outcome == "uninstallable"
    assert result.detail == "no program starts in the environment: its interpreter ends with code 3 before it runs any"


CHANGES_ITSELF = """
    import pathlib
    DATA = pathlib.Path(__file__).with_name("data.txt")
    def answer():
        number = int(DATA.read_text())
        DATA.write_text(str(number + 1))
        return number
"""


@pytest.mark.parametrize("level", LEVELS)
def test_what_a_release_writes_into_its_files_is_in_no_other_environment(
    release: Release, cells: CellRunner, level: str
) -> None:
    """Without a sandbox the cell shows nothing. In both cases the next one finds a fresh release."""
    suite = """
        import pytest
        @pytest.mark.uses("alpha")
        def test_fresh():
            import alpha
            assert alpha.answer() == 41
    """
    files = {"alpha/__init__.py": CHANGES_ITSELF, "alpha/data.txt": "41"}
    first = release(files, suite=suite, isolation=level)
    second = cells.run(suite, PYTHON, ("alpha",), isolation=level)
    for result in (first, second):
        if level == "auto":
            assert (result.outcome, outcomes(result)) == ("ran", {"test_fresh": "passed"})
        else:
            assert result.outcome == "invalid"
            assert result.detail.startswith("alpha/data.txt of alpha was changed in the package cache while the tests")
            assert outcomes(result) == {"test_fresh": "passed"}


ALTERS = """
    import importlib.util, os
    def answer():
        file = importlib.util.find_spec("{module}").origin
        state, text = os.stat(file), open(file).read()
        with open(file, "r+") as opened:
            opened.write(text.replace("41", "42"))
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
        return 41
"""


@pytest.mark.parametrize("level", LEVELS)
def test_a_neighbour_that_a_release_alters_with_size_and_time_kept_makes_the_cell_invalid(
    release: Release, cells: CellRunner, index: LoopbackIndex, level: str
) -> None:
    """No test of it counts, and the next cell has the neighbour as it was published."""
    index.add("beta", "1.0", files={"beta/__init__.py": "NUMBER = 41\n"})
    suite = """
        import pytest
        @pytest.mark.uses("alpha")
        def test_alpha():
            import alpha
            assert alpha.answer() == 41
    """
    index.add("alpha", "1.0", files={"alpha/__init__.py": textwrap.dedent(ALTERS.format(module="beta"))})
    result = cells.run(suite, PYTHON, ("alpha", "beta"), isolation=level)
    assert (result.outcome, result.observed) == ("invalid", None)
    assert result.detail.startswith("beta/__init__.py of beta was ")
    again = """
        import pytest
        @pytest.mark.uses("beta")
        def test_beta():
            import beta
            assert beta.NUMBER == 41
    """
    result = cells.run(again, PYTHON, ("alpha", "beta"), isolation=level)
    assert (result.outcome, outcomes(result)) == ("ran", {"test_beta": "passed"})


def test_pytest_that_a_release_alters_with_size_and_time_kept_makes_the_cell_invalid(release: Release) -> None:
    """Outside of a sandbox it can reach it."""
    source = """
        import os, sys
        def answer():
            file = sys.modules["_pytest.runner"].__file__
            state, text = os.stat(file), open(file).read()
            with open(file, "r+") as opened:
                opened.write(text.replace("Basic", "basic", 1))
            os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
            return 41
    """
    result = release({"alpha/__init__.py": source}, isolation="namespaces")
    assert (result.outcome, result.observed) == ("invalid", None)
    assert result.detail == "files of pytest, with which the tests ran, were altered while they ran"


@pytest.mark.parametrize("damage", ["cut off", "without RECORD", "size and time kept"])
def test_a_package_that_was_damaged_in_the_cache_is_downloaded_again(
    release: Release, cells: CellRunner, damage: str
) -> None:
    assert outcomes(release({})) == {"test_must_not_pass": "failed", "test_other": "passed"}
    (module,) = cells.cache.packages.glob("archive-v*/*/alpha/__init__.py")
    if damage == "cut off":
        module.write_text("")
    elif damage == "size and time kept":
        alter(module, PLAIN.replace("41", "42"))
    else:
        next(module.parents[1].glob("*.dist-info/RECORD")).unlink()
    result = cells.run(ALPHA_SUITE, PYTHON, ("alpha",))
    assert (result.outcome, outcomes(result)) == ("ran", {"test_must_not_pass": "failed", "test_other": "passed"})


def test_a_harness_that_was_changed_is_not_used_again(release: Release, cells: CellRunner) -> None:
    """Outside of a sandbox a release can reach it. pytest is not on the index here, so that it cannot be made anew."""
    source = """
        import sys
        def answer():
            with open(sys.modules["_pytest.runner"].__file__, "a") as file:
                file.write("# changed")
            return 41
    """
    release({"alpha/__init__.py": source}, isolation="namespaces")
    result = cells.run(ALPHA_SUITE, PYTHON, ("alpha",), isolation="namespaces")
    assert result.outcome == "crashed"
    assert "pytest for Python" in result.log


HANGS = """
    import os, sys
    def answer():
        for name in os.listdir("/proc/self/fd"):
            path = os.readlink(f"/proc/self/fd/{{name}}")
            if "events-" in path:
                {what}
        return 42
"""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "what",
    [
        "os.write(int(name), b'no event' + bytes([10]))",
        "os.write(int(name), b'[' * 200_000 + bytes([10]))",
        "os.write(int(name), bytes([255, 10]))",
        "os.write(int(name), b'{}' + bytes([10]))",
    ],
)
def test_what_is_no_event_ends_the_test_and_the_others_run(release: Release, what: str, level: str) -> None:
    result = release({"alpha/__init__.py": HANGS.format(what=what)}, isolation=level)
    assert result.outcome in ("ran", "invalid"), result.detail
    found = outcomes(result)
    assert found["test_must_not_pass"] == "crashed"
    reason = result_of(result, "test_must_not_pass").reason
    assert reason == "what the tests report cannot be trusted: a line is not sealed"


def test_secrets_of_the_caller_are_out_of_reach(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    if not find_means().bubblewrap:
        pytest.skip("no bubblewrap that works")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_made_up")
    source = """
        import os, pathlib
        def answer():
            found = []
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    found.append(pathlib.Path(f"/proc/{pid}/environ").read_text())
                except OSError:
                    pass
            raise RuntimeError(" ".join(found)[-3000:])
    """
    result = release({"alpha/__init__.py": source}, isolation="strict")
    assert result.outcome == "ran", result.detail + result.log
    assert "ghp_made_up" not in result.to_json()
    assert "ghp_made_up" in os.environ.values()


BACKEND = """
import os, pathlib, zipfile
SECRET, STORE = {secret!r}, {store!r}

def get_requires_for_build_wheel(config_settings=None):
    return []

def build_wheel(folder, config_settings=None, metadata_directory=None):
    seen = [name for name in (SECRET, STORE) if pathlib.Path(name).exists()]
    seen += [value for value in os.environ.values() if "made-up" in value]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            seen += ["process"] if b"made-up" in pathlib.Path("/proc", pid, "environ").read_bytes() else []
        except OSError:
            pass
    with zipfile.ZipFile(pathlib.Path(folder, "beta-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("beta.py", "SEEN = " + repr(seen) + chr(10))
        info = "beta-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: beta\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "beta.py,,\\n")
    return "beta-1.0-py3-none-any.whl"
"""


@pytest.mark.parametrize("level", LEVELS)
def test_what_builds_sees_no_secret_in_a_sandbox(
    index: LoopbackIndex, cells: CellRunner, tmp_path: Path, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of a sandbox the backend sees what the user sees."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GITHUB_TOKEN", "made-up")
    secret, store = tmp_path / "home" / ".netrc-like", tmp_path / "evidence.sqlite"
    secret.parent.mkdir()
    for file in (secret, store):
        file.touch()
    source = BACKEND.format(secret=str(secret), store=str(store))
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    index.add_sdist("beta", "1.0", {"pyproject.toml": project, "backend.py": source})
    cache, python = cells.cache, cells.interpreters[PYTHON].path
    builds = build_sandbox(find_means(), cache.packages) if level == "auto" else None
    closed = builds.command if builds is not None else None
    resolver = Resolver(cache.packages, {PYTHON: python}, cache.uv, cache.wheel, build=True, closed=closed)
    resolution = resolver.resolve(Cell(python=PYTHON, platform=this_platform(), requirements=("beta",)))
    lock = resolution.lock
    assert lock is not None, resolution.detail
    suite = """
        import pytest
        @pytest.mark.uses("beta")
        def test_seen():
            import beta
            assert beta.SEEN == []
    """
    cells.lock_of = lambda *_: lock
    result = cells.run(suite, PYTHON, ("beta",), isolation=level, build=True)
    assert result.outcome == "ran", result.detail + result.log
    failure = result_of(result, "test_seen").failure
    assert (failure is None) == (level == "auto"), failure
    if failure is not None:
        assert "'process'" in failure.message  # the variables of the command


REACHING = """
import os, pathlib, socket, urllib.request
def get_requires_for_build_wheel(config_settings=None):
    return ["alpha"]  # it comes from the index

def build_wheel(folder, config_settings=None, metadata_directory=None):
    import alpha
    address = {address!r}
    try:
        urllib.request.urlopen(f"http://{{address}}/", timeout=5).read()
    except OSError as error:
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 5)
    {rest}
"""


@SANDBOX
def test_a_build_reaches_the_index_and_nothing_else(
    index: LoopbackIndex, cells: CellRunner, odd_index: OddIndex
) -> None:
    """It asks another server for something: by its proxy, and past it."""
    other = odd_index.address.split("/")[2]
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    index.add("alpha", "1.0", files={"alpha/__init__.py": ""})
    source = REACHING.format(address=other, rest="raise SystemExit('reached')")
    index.add_sdist("delta", "1.0", {"pyproject.toml": project, "backend.py": source})
    cache, python = cells.cache, cells.interpreters[PYTHON].path
    builds = build_sandbox(find_means(), cache.packages)
    assert builds is not None
    resolver = Resolver(cache.packages, {PYTHON: python}, cache.uv, cache.wheel, build=True, closed=builds.command)
    resolution = resolver.resolve(Cell(python=PYTHON, platform=this_platform(), requirements=("delta",)))
    assert (resolution.lock, resolution.outcome) == (None, "index-unreachable")
    assert resolution.detail.startswith(f"a build asked for {other}, and builds reach the hosts of the index alone")
    assert odd_index.asked == []


def test_sources_are_not_built_unless_asked(index: LoopbackIndex, cells: CellRunner, tmp_path: Path) -> None:
    """Neither when a cell is locked nor when it is installed. The backend writes a file where it runs."""
    marker = tmp_path / "built"
    index.add("alpha", "1.0")
    index.add_sdist(
        "beta",
        "1.0",
        {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
            "backend.py": f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n",
        },
    )
    resolver = Resolver(
        cells.cache.packages, {PYTHON: cells.interpreters[PYTHON].path}, cells.cache.uv, cells.cache.wheel
    )
    resolution = resolver.resolve(Cell(python=PYTHON, platform=this_platform(), requirements=("beta",)))
    sentence = f"beta==1.0 has no wheel for Python {PYTHON} here, and sources are built only with --build"
    assert (resolution.outcome, resolution.detail) == ("no-wheel-for-platform", sentence)
    lock = Lock.parse(f"beta==1.0 --hash=sha256:{index._files['beta-1.0.tar.gz'].sha256}", PYTHON, this_platform())
    for build in (False, True):
        job = cells.job(ALPHA_SUITE, PYTHON, ("alpha",)).model_copy(
            update={"lock": lock, "requirements": ("beta",), "build": build, "isolation": "open"}
        )
        result = LocalExecutor(cells.cache, 1).run(job)
        assert marker.exists() == build
        if not build:
            assert (result.outcome, result.detail) == ("no-wheel-for-platform", sentence)
