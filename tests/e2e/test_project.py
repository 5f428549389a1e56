"""A whole project with a small index of its own: what a person types, what is written, what is run and what is not."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.text import counted
from stackcompat.ecosystem.interpreters import Interpreter, this_platform
from stackcompat.evidence.results import Evidence
from stackcompat.plan.cell import Cell
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache
from support.command_environment import command_environment
from support.loopback_index import LONG_AGO, LoopbackIndex, make_wheel
from support.processes import ended, working_below

COMPONENTS = """
[[components]]
name = "Alpha"
title = "Alpha"
summary = "What the others build on."
group = "core"
distributions = ["alpha"]
modules = [{ name = "alpha" }]
documentation = "https://alpha.example"

[[components]]
name = "Beta"
title = "Beta"
summary = "Builds on Alpha."
group = "core"
distributions = ["beta"]
modules = [{ name = "beta" }]
documentation = "https://beta.example"
"""

SUITE = {
    "test_import.py": """
        import importlib
        import pytest

        def pytest_generate_tests(metafunc):
            imports = metafunc.config.stackcompat_imports
            metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

        @pytest.mark.level("import")
        def test_import(distribution, module, declared):
            importlib.import_module(module)
    """,
    "test_stack.py": """
        from pathlib import Path
        import pytest

        @pytest.mark.uses("alpha")
        @pytest.mark.level("run")
        def test_alpha():
            import alpha
            assert alpha.__version__
            with Path(DIARY).open("a") as diary:
                diary.write(f"alpha {alpha.__version__}\\n")

        @pytest.mark.uses("alpha", "beta>=1")
        def test_together():
            import alpha, beta
            with Path(DIARY).open("a") as diary:
                diary.write(f"together {alpha.__version__} {beta.__version__}\\n")
            assert beta.works_with(alpha)
    """,
}

BETA = """
from alpha import __version__ as found
__version__ = {version!r}

def works_with(alpha):
    if found == "3.0" and __version__ == "1.0":
        raise TypeError("make() got an unexpected keyword argument 'size'")
    return True
"""

TWO_CELLS = """
title = "Two"
components = ["Alpha", "Beta"]
pythons = ["{python}"]

[[policies]]
policy = "newest"

[[policies]]
policy = "pins"
requirements = ["alpha==3.0", "beta==1.0"]
"""


@dataclass
class Project:
    """A project in a folder of its own, and the command line run in it as another process."""

    folder: Path
    index: LoopbackIndex
    environment: dict[str, str]

    def matrix(self, name: str, text: str) -> None:
        (self.folder / "matrices" / f"{name}.toml").write_text(text, encoding="utf-8")

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """``stackcompat ARGUMENTS`` as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "stackcompat", *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, what was printed, and what was said on standard error; there is never a traceback."""
        process = self.start(*arguments, **environment)
        output, error = process.communicate(timeout=240)
        assert "Traceback" not in error, error
        return process.returncode, output, error

    def answer(self, *arguments: str, **environment: str) -> tuple[int, dict[str, Any]]:
        """Exit code and JSON of ``try``."""
        code, output, error = self.run("try", *arguments, "--json", "-", **environment)
        assert output, error
        return code, json.loads(output)

    @property
    def diary(self) -> list[str]:
        """What the tests inside the cells did, in order."""
        path = self.folder / "diary"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def evidence(self) -> list[Evidence]:
        """All evidence, oldest first."""
        path = self.folder / ".stackcompat" / "evidence.sqlite"
        if not path.exists():
            return []
        with sqlite3.connect(path, timeout=60) as connection:
            rows = connection.execute("select record from evidence order by started").fetchall()
        connection.close()
        return [Evidence.model_validate_json(row[0]) for row in rows]


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        # A failure counts where the test passed with the releases of an earlier day: beta 1.0 is older than alpha 3.0.
        for month, version in enumerate(("1.0", "2.0", "3.0")):
            index.add("alpha", version, uploaded=LONG_AGO + dt.timedelta(days=60 * month))
        for month, (version, needs) in enumerate((("1.0", "alpha"), ("2.0", "alpha>=2"))):
            files = {"beta/__init__.py": BETA.format(version=version)}
            uploaded = LONG_AGO + dt.timedelta(days=60 * month + 30)
            index.add("beta", version, requires=[needs], files=files, uploaded=uploaded)
        index.add("half", "1.0", corrupt=True)
        index.add("swapped", "1.0", wrong_hash=True)
        index.add("misnamed", "1.0", misnamed=True)
        index.add("young", "1.0", requires_python=">=3.99")
        index.add("foreign", "1.0", tag="cp39-cp39-macosx_11_0_arm64")
        yield index


@pytest.fixture(scope="module", autouse=True)
def harnesses(cache: PackageCache, interpreters: dict[str, Interpreter]) -> None:
    """pytest comes from the real index, before the small one takes its place."""
    for python, interpreter in interpreters.items():
        install_harness(cache, python, interpreter.path)


def make_project(folder: Path, index: LoopbackIndex, cache_root: Path) -> Project:
    for place in ("matrices", "tests/interop"):
        (folder / place).mkdir(parents=True)
    (folder / "matrices" / "components.toml").write_text(COMPONENTS, encoding="utf-8")
    for name, text in SUITE.items():
        source = textwrap.dedent(text).replace("DIARY", repr(str(folder / "diary")))
        (folder / "tests" / "interop" / name).write_text(source, encoding="utf-8")
    # The tests of the cells write a diary outside of their cells, which a sandbox would keep them from.
    environment = command_environment(index, cache_root) | {"STACKCOMPAT_ISOLATION": "namespaces"}
    return Project(folder, index, environment)


@pytest.fixture
def project(tmp_path: Path, index: LoopbackIndex, cache_root: Path) -> Project:
    """A project without evidence."""
    return make_project(tmp_path, index, cache_root)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, index: LoopbackIndex, cache_root: Path) -> Project:
    """A project that several tests ask; what one found out, the next one is told."""
    return make_project(tmp_path_factory.mktemp("known"), index, cache_root)


# --- the main job ---


def test_a_run_finds_confirms_publishes_and_is_not_repeated(project: Project, python: str) -> None:
    project.matrix("two", TWO_CELLS.format(python=python))
    code, output, error = project.run("run", "two")
    assert code == 0, error
    assert "2 cells" in output
    assert not error  # nobody is watching a pipe
    reports = {path.name for path in (project.folder / ".stackcompat" / "site").iterdir()}
    assert {"compat.json", "COMPATIBILITY.md", "index.html"} <= reports

    by_lock: dict[str, list[Evidence]] = {}
    for run in project.evidence():
        by_lock.setdefault(run.lock_id, []).append(run)
    green, baseline, red = sorted(by_lock.values(), key=lambda runs: (len(runs), runs[0].started))
    assert [len(green), len(baseline), len(red)] == [1, 1, 2]
    assert {test.outcome for test in green[0].tests} == {"passed"}
    # The failing test passes with the beta of the red cell, beside the alpha of its time.
    assert [(test.test, test.outcome) for test in baseline[0].tests] == [("test_stack.py::test_together", "passed")]
    assert [test.outcome for test in red[0].tests] == ["passed"] * 3 + ["failed"]
    assert [test.test for test in red[1].tests] == ["test_stack.py::test_together"]
    first, again = (run.failures()[0].failure for run in red)
    assert first is not None
    assert again is not None
    assert first.signature == again.signature  # the traceback names the folder of its environment
    assert project.diary.count("together 3.0 1.0") == 2

    before = (
        len(project.evidence()),
        project.diary,
        (project.folder / ".stackcompat/site/compat.json").read_bytes(),
    )
    asked = len([path for path in project.index.asked if path.endswith(".whl")])
    code, _, error = project.run("run", "two")
    assert code == 0, error
    assert (len(project.evidence()), project.diary) == before[:2]
    assert len([path for path in project.index.asked if path.endswith(".whl")]) == asked


def test_one_run_on_two_pythons(project: Project, interpreters: dict[str, Interpreter]) -> None:
    if len(interpreters) < 2:
        pytest.skip("this machine has one Python")
    pythons = list(interpreters)[:2]
    matrix = f'title = "T"\ncomponents = ["Alpha"]\npythons = {json.dumps([*pythons, "3.99"])}\n'
    project.matrix("m", matrix + '[[policies]]\npolicy = "newest"\n')
    code, output, error = project.run("run", "m", "-j", "2", "--no-report")
    assert code == 0, error
    assert "2 cells: ✓ 2 works" in output
    assert "Python 3.99 was not found" in error
    assert sorted(run.python for run in project.evidence()) == sorted(pythons)
    assert {run.interpreter for run in project.evidence()} == {interpreters[python].label for python in pythons}
    # An older Python's harness and bytecode never stand in for another's.
    assert len({run.key for run in project.evidence()}) == 2


# --- try ---


def test_try_works(project: Project, python: str) -> None:
    code, answer = project.answer("alpha==2.0", "beta==2.0", "--python", python)
    assert (code, answer["verdict"], answer["level"]) == (0, "works", "interop")
    assert answer["installed"] == {"alpha": "2.0", "beta": "2.0"}
    assert answer["failures"] == []
    assert len(answer["evidence"]) == 1


def test_try_broken(known: Project, python: str) -> None:
    code, answer = known.answer("alpha==3.0", "beta==1.0", "--python", python)
    assert (code, answer["verdict"], answer["level"]) == (1, "broken", "interop")
    (failure,) = answer["failures"]
    assert failure["type"] == "TypeError"
    assert failure["message"] == "make() got an unexpected keyword argument 'size'"
    assert failure["packages"] == ["beta"]
    assert len(answer["evidence"]) == 2


def test_try_says_it_in_words_when_piped(known: Project, python: str) -> None:
    code, output, error = known.run("try", "alpha==3.0", "beta==1.0", "--python", python)
    assert code == 1
    assert output.startswith(f"✗ broken at interop on Python {python}: test_stack.py::test_together: TypeError: make()")
    assert "\x1b" not in output
    assert not error


def test_try_unresolvable(project: Project, python: str) -> None:
    code, answer = project.answer("alpha==1.0", "beta==2.0", "--python", python)
    assert (code, answer["verdict"], answer["level"]) == (1, "unresolvable", "resolve")
    # uv names all releases that share the bound, here from 2.0 on.
    assert answer["sentence"] == "beta>=2.0 depends on alpha>=2, but alpha==1.0 is requested"
    assert not project.evidence()


def test_try_unresolvable_whatever_the_release(project: Project, python: str) -> None:
    """uv speaks in the plural when no release of a distribution fits."""
    with LoopbackIndex() as index:
        index.add("alpha", "1.0")
        index.add("beta", "1.0", requires=["alpha>=2"])
        index.add("beta", "1.1", requires=["alpha>=2"])
        _, answer = project.answer("alpha==1.0", "beta", "--python", python, UV_DEFAULT_INDEX=index.address)
    assert answer["sentence"] == "beta depends on alpha>=2, but alpha==1.0 is requested"


def test_try_forced(project: Project, python: str) -> None:
    code, answer = project.answer("alpha", "beta==2.0", "--override", "alpha==1.0", "--python", python)
    assert (code, answer["verdict"]) == (0, "works")
    assert answer["installed"] == {"alpha": "1.0", "beta": "2.0"}
    assert answer["forced"] == ["alpha==1.0"]


def test_try_on_a_python_that_a_release_refuses(project: Project, python: str) -> None:
    code, answer = project.answer("young", "--python", python)
    assert (code, answer["verdict"]) == (1, "unresolvable")
    assert "3.99" in str(answer["sentence"])


@pytest.mark.parametrize("name", ["half", "swapped"])
def test_a_damaged_or_exchanged_file_is_the_fault_of_the_index(project: Project, python: str, name: str) -> None:
    code, answer = project.answer(name, "--python", python)
    assert (code, answer["verdict"], answer["level"]) == (3, "infra-error", "install"), answer["sentence"]
    assert [run.outcome for run in project.evidence()] == ["damaged-download"] * 2
    assert "127.0.0.1" not in json.dumps(answer)


def test_two_distributions_that_write_over_each_other_are_named(project: Project, python: str) -> None:
    with LoopbackIndex() as index:
        index.add("prob", "1.0", files={"prob/__init__.py": "", "prob/core.py": "release = True\n"})
        index.add("prob-nightly", "2.0", files={"prob/__init__.py": "", "prob/core.py": "nightly = True\n"})
        code, answer = project.answer("prob", "prob-nightly", "--python", python, UV_DEFAULT_INDEX=index.address)
    assert (code, answer["verdict"]) == (3, "invalid"), answer["sentence"]
    words = "prob 1.0 and prob-nightly 2.0 write over each other's files: both install prob/core.py with other contents"
    assert answer["sentence"].startswith(words)


def test_try_uninstallable(project: Project, python: str) -> None:
    code, answer = project.answer("misnamed", "--python", python)
    assert (code, answer["verdict"], answer["level"]) == (1, "uninstallable", "install"), answer["sentence"]
    assert [run.outcome for run in project.evidence()] == ["uninstallable"] * 2
    assert "127.0.0.1" not in json.dumps(answer)


def test_try_without_a_wheel_for_this_platform_is_nobodys_fault(project: Project, python: str) -> None:
    code, answer = project.answer("foreign", "--python", python)
    assert answer["verdict"] in ("not-applicable", "unresolvable")
    assert code in (1, 3)


def _dead_port() -> int:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        return int(dead.getsockname()[1])


def test_an_unreachable_index_is_not_an_incompatibility(project: Project, python: str) -> None:
    dead = f"http://127.0.0.1:{_dead_port()}/simple/"
    code, output, error = project.run("try", "alpha", "--python", python, UV_DEFAULT_INDEX=dead, UV_HTTP_RETRIES="0")
    assert code == 3
    assert "index" in output + error
    assert "127.0.0.1" not in output + error
    assert not project.evidence()


def test_an_index_that_dies_before_the_install_is_not_an_incompatibility(project: Project, python: str) -> None:
    _, content, _ = make_wheel("never-seen", "1.0")
    lock = project.folder / "lock.txt"
    lock.write_text(f"never-seen==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n", encoding="utf-8")
    dead = f"http://127.0.0.1:{_dead_port()}/simple/"
    code, output, error = project.run(
        "try", "--lock", str(lock), "--python", python, UV_DEFAULT_INDEX=dead, UV_HTTP_RETRIES="0"
    )
    assert code == 3, output + error
    assert {run.outcome for run in project.evidence()} == {"index-unreachable"}


def test_a_missing_interpreter_says_how_to_get_it(project: Project) -> None:
    code, output, error = project.run("try", "alpha", "--python", "3.99")
    assert code == 3
    assert "uv python install 3.99" in output + error


def test_a_lock_reproduces_a_cell(known: Project, python: str) -> None:
    _, answer = known.answer("alpha==3.0", "beta==1.0", "--python", python)
    lock = known.folder / "lock.txt"
    hashes = {}
    for path in ("alpha-3.0", "beta-1.0"):
        found = known.index.answer(f"/files/{path}-py3-none-any.whl")
        assert found is not None
        hashes[path.replace("-", "==")] = hashlib.sha256(found[1]).hexdigest()
    lock.write_text("".join(f"{pin} --hash=sha256:{value}\n" for pin, value in hashes.items()), encoding="utf-8")
    code, again = known.answer("--lock", str(lock), "--python", python)
    assert (code, again["verdict"]) == (1, "broken")
    # The same question: answered from the store.
    assert again["evidence"] == answer["evidence"]


def test_held_back_says_by_whom(project: Project, python: str) -> None:
    with LoopbackIndex() as index:
        index.add("alpha", "1.0")
        index.add("alpha", "2.0")
        index.add("beta", "1.0", requires=["alpha<2"], files={"beta/__init__.py": BETA.format(version="1.0")})
        code, answer = project.answer("alpha", "beta", "--python", python, UV_DEFAULT_INDEX=index.address)
    assert (code, answer["verdict"]) == (0, "works")
    (held,) = answer["held_back"]
    assert (held["name"], held["newest"], held["got"]) == ("alpha", "2.0", "1.0")
    assert held["by"] == "beta"
    assert "alpha<2" in held["bound"]


def test_a_persons_own_uv_settings_do_not_sway_a_resolution(
    index: LoopbackIndex,
    cache: PackageCache,
    interpreters: dict[str, Interpreter],
    python: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text('[pip]\nresolution = "lowest"\nprerelease = "allow"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.address)
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    paths = {name: interpreter.path for name, interpreter in interpreters.items()}
    cell = Cell(python=python, platform=this_platform(), requirements=("alpha",))
    resolution = Resolver(cache.packages, paths, cache.uv, cache.wheel).resolve(cell)
    assert resolution.lock is not None, resolution
    assert resolution.lock.versions() == {"alpha": "3.0"}


# --- indexes and files besides ---

NIGHTLY = """
title = "Nightly"
components = ["Alpha", "Beta"]
pythons = ["{python}"]

[[policies]]
policy = "index"
variable = "NIGHTLY_INDEX"
components = ["Alpha"]
"""


def _counts(output: str) -> str:
    found = re.search(r"^\d+ cells?: .*$", output, re.MULTILINE)
    assert found, output
    return found[0]


def test_a_nightly_cell_holds_a_development_version(project: Project, python: str) -> None:
    project.matrix("nightly", NIGHTLY.format(python=python))
    with LoopbackIndex() as extra:
        extra.add("alpha", "4.0.dev20261101")
        code, output, error = project.run("run", "nightly", "--no-report", NIGHTLY_INDEX=extra.address)
    assert code == 0, error
    assert _counts(output) == "1 cell: ✓ 1 works", project.evidence()[0].detail
    (run,) = project.evidence()
    assert run.observed is not None
    assert run.observed.distributions == {"alpha": "4.0.dev20261101", "beta": "2.0"}


def test_a_nightly_cell_that_got_a_stable_release_is_invalid(project: Project, python: str) -> None:
    """What most nightly jobs of this field do not notice."""
    project.matrix("nightly", NIGHTLY.format(python=python))
    with LoopbackIndex() as extra:
        extra.add("alpha", "3.0")
        code, output, error = project.run("run", "nightly", "--no-report", NIGHTLY_INDEX=extra.address)
    assert code == 0, error
    assert "1 invalid" in _counts(output)
    details = {run.detail for run in project.evidence()}
    assert details == {"at the start of the tests, alpha was to be a development version but is 3.0"}


def test_a_nightly_index_that_nobody_named_is_infrastructure(project: Project, python: str) -> None:
    project.matrix("nightly", NIGHTLY.format(python=python))
    code, output, error = project.run("run", "nightly", "--no-report")
    assert code == 0, error
    assert "1 infra-error" in _counts(output)
    assert not project.evidence()


LOCAL = """
title = "Local"
components = ["Alpha", "Beta"]
pythons = ["{python}"]

[[policies]]
policy = "local"
component = "Alpha"
source = "{source}"
"""


def test_a_wheel_in_the_hand_takes_the_place_of_a_release(project: Project, python: str) -> None:
    filename, content, _ = make_wheel("alpha", "5.0rc1")
    (project.folder / filename).write_bytes(content)
    project.matrix("local", LOCAL.format(python=python, source=project.folder / filename))
    code, output, error = project.run("run", "local", "--no-report")
    assert code == 0, error
    assert _counts(output) == "1 cell: ✓ 1 works"
    (run,) = project.evidence()
    assert run.observed is not None
    assert run.observed.distributions == {"alpha": "5.0rc1", "beta": "2.0"}


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *arguments], cwd=folder, check=True)


@pytest.mark.parametrize("kind", ["folder", "git"])
def test_a_source_tree_takes_the_place_of_a_release(project: Project, python: str, kind: str) -> None:
    """Built with a backend that lies in the folder itself, so that nothing has to be downloaded for it."""
    source = project.folder / "alpha-source"
    source.mkdir()
    filename, content, _ = make_wheel("alpha", "6.0")
    (source / "pyproject.toml").write_text(
        '[project]\nname = "alpha"\nversion = "6.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (source / "backend.py").write_text(
        f"import pathlib\n\ndef build_wheel(folder, *_):\n"
        f"    pathlib.Path(folder, {filename!r}).write_bytes({content!r})\n    return {filename!r}\n"
    )
    given = str(source)
    if kind == "git":
        git(source, "init", "--quiet", "--initial-branch=main")
        git(source, "add", ".")
        git(source, "commit", "--quiet", "--message=first")
        git(source, "tag", "v6")
        (source / "pyproject.toml").write_text("what follows the tag does not build")
        git(source, "commit", "--quiet", "--all", "--message=second")
        given = f"git+{source.as_uri()}@v6"
    project.matrix("local", LOCAL.format(python=python, source=given))
    code, output, error = project.run("run", "local", "--no-report")
    assert code == 0, error
    assert _counts(output) == "1 cell: ✓ 1 works"
    (run,) = project.evidence()
    assert run.observed is not None
    assert run.observed.distributions == {"alpha": "6.0", "beta": "2.0"}


# --- speed ---


def test_the_second_environment_has_bytecode(project: Project, cache: PackageCache, python: str) -> None:
    suite = project.folder / "tests" / "interop" / "test_stack.py"
    suite.write_text(
        "from pathlib import Path\nimport pytest\n\n@pytest.mark.uses('alpha')\ndef test_bytecode():\n"
        "    import importlib.util\n"
        "    source = importlib.util.find_spec('alpha').origin\n"
        "    assert Path(importlib.util.cache_from_source(source)).is_file(), 'compiled at import'\n"
    )
    for extra in ([], ["--rerun"]):
        code, answer = project.answer("alpha==1.0", "--python", python, *extra, PYTHONDONTWRITEBYTECODE="1")
        assert (code, answer["verdict"]) == (0, "works"), answer
    archives = [path for path in cache.packages.glob("archive-v*/*/alpha/__pycache__") if any(path.iterdir())]
    assert archives


# --- stops ---

MANY_CELLS = """
title = "Many"
components = ["Alpha", "Beta"]
pythons = ["{python}"]

[[policies]]
policy = "pins"
requirements = ["alpha==1.0", "beta==1.0"]

[[policies]]
policy = "pins"
requirements = ["alpha==2.0", "beta==1.0"]

[[policies]]
policy = "pins"
requirements = ["alpha==3.0", "beta==1.0"]

[[policies]]
policy = "pins"
requirements = ["alpha==3.0", "beta==2.0"]
"""


def test_kill_9_at_random_moments_loses_and_repeats_nothing(project: Project, python: str, cache: PackageCache) -> None:
    project.matrix("many", MANY_CELLS.format(python=python))
    moments = random.Random(20261122)
    kept: list[str] = []
    for _ in range(3):
        process = project.start("run", "many", "-j", "2", "--no-report")
        try:
            process.communicate(timeout=moments.uniform(2, 7))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        now = [run.id for run in project.evidence()]
        assert now[: len(kept)] == kept
        kept = now
    assert not working_below(cache.environments, 20)
    code, output, error = project.run("run", "many", "-j", "2")
    assert code == 0, error
    assert _counts(output) in ("4 cells: ✓ 3 works, ✗ 1 broken", "4 cells: ✗ 1 broken, ✓ 3 works")
    runs = project.evidence()
    assert [run.id for run in runs][: len(kept)] == kept
    per_key: dict[str, list[Evidence]] = {}
    for run in runs:
        per_key.setdefault(run.key, []).append(run)
    assert sorted(len(found) for found in per_key.values()) == [1, 1, 1, 2]
    assert {run.outcome for run in runs} == {"ran"}
    assert not list(cache.environments.iterdir())


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_no_process_and_no_folder(
    project: Project, python: str, cache: PackageCache, sent: signal.Signals
) -> None:
    suite = project.folder / "tests" / "interop" / "test_stack.py"
    started = project.folder / "started"
    suite.write_text(
        "import subprocess, time\nfrom pathlib import Path\nimport pytest\n\n@pytest.mark.uses('alpha')\n"
        "@pytest.mark.limit(500)\ndef test_long():\n"
        f"    child = subprocess.Popen(['sleep', '987'], start_new_session=True)\n"
        f"    Path({str(started)!r}).write_text(str(child.pid))\n    time.sleep(500)\n"
    )
    project.matrix("m", TWO_CELLS.format(python=python))
    process = project.start("run", "m", "-j", "2", "--no-report")
    until = time.monotonic() + 60
    while not (started.exists() and started.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(sent)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 130, output + error
    assert "stopped; what was finished is kept" in error
    assert "Traceback" not in error
    assert time.monotonic() - began < 20
    assert not working_below(cache.environments, 5)
    assert ended(int(started.read_text()))
    assert not list(cache.environments.iterdir())
    assert not project.evidence()  # what was stopped says nothing


def test_a_frontier_tells_every_pair_and_a_second_call_runs_nothing(project: Project, python: str) -> None:
    """beta 1.0 breaks with alpha 3.0, which no metadata says; beta 2.0 does not take alpha 1.0, which it says."""
    command = ("frontier", "beta", "alpha", "--python", python, "-j", "2", "--json", "-")
    code, output, error = project.run(*command)
    assert code == 0, error
    found = json.loads(output)
    verdicts = {(pair["Beta"], pair["Alpha"]): (pair["verdict"], pair["level"]) for pair in found["pairs"]}
    assert verdicts == {
        ("1.0", "1.0"): ("works", "interop"),
        ("1.0", "2.0"): ("works", "interop"),
        ("1.0", "3.0"): ("broken", "interop"),
        ("2.0", "1.0"): ("unresolvable", "resolve"),
        ("2.0", "2.0"): ("works", "interop"),
        ("2.0", "3.0"): ("works", "interop"),
    }
    ran = len(project.evidence())
    assert found["runs"] in (ran - 1, ran)  # a baseline, if the failure needed one, is no run of the frontier
    assert found["runs"] <= 10
    code, output, _ = project.run(*command)
    again = json.loads(output)
    assert (code, again["runs"], again["reused"]) == (0, 0, found["runs"])
    assert again["pairs"] == found["pairs"]


# --- several machines, several nights ---

#: What depends on when and how fast something ran, or on which of its runs.
TIMES = {
    "age",
    "at",
    "evidence",
    "first_red",
    "first_seen",
    "generated",
    "headline",
    "last_green",
    "last_seen",
    "seconds",
    "seen",
    "started",
}


OVERNIGHT = """
title = "T"
components = ["Alpha", "Beta"]
pythons = ["{python}"]
[[policies]]
policy = "newest"
"""


def without_times(value: Any, *others: str) -> Any:
    """The value without what depends on the time of a run, and without `others`."""
    if isinstance(value, dict):
        return {key: without_times(one, *others) for key, one in value.items() if key not in {*TIMES, *others}}
    return [without_times(one, *others) for one in value] if isinstance(value, list) else value


def test_parts_on_several_machines_make_the_same_table_as_one_run(project: Project, python: str) -> None:
    project.matrix("many", MANY_CELLS.format(python=python))
    code, _, error = project.run("run", "many")
    assert code == 0, error
    table = project.folder / ".stackcompat/site/compat.json"
    whole = without_times(json.loads(table.read_text(encoding="utf-8")))
    ran_whole = len(project.diary)

    base = project.folder / "base.sqlite"
    code, output, error = project.run("plan", "many", "--shards", "2", "--json", "-", STACKCOMPAT_STORE=str(base))
    assert code == 0, error
    planned = json.loads(output)
    assert [part["shard"] for part in planned["shards"]] == ["1/2", "2/2"]
    assert planned["cells"] == planned["due"] == sum(len(part["cells"]) for part in planned["shards"]) == 4
    stores = []
    for part in planned["shards"]:
        store = project.folder / f"part-{part['shard'][0]}.sqlite"
        shutil.copy(base, store)
        code, output, error = project.run(
            "run", "many", "--shard", part["shard"], "--no-report", STACKCOMPAT_STORE=str(store)
        )
        assert code == 0, error
        assert output.startswith(f"{counted(len(part['cells']), 'cell')}: ")
        stores.append(str(store))
    # Nothing was run twice, nothing left out. But the part with the red cell has to see for itself that the failing
    # test passed with the beta of that cell, which in one run another cell shows.
    assert len(project.diary) == 2 * ran_whole + 1
    merged = str(project.folder / "merged.sqlite")
    code, _, error = project.run("merge", *stores, STACKCOMPAT_STORE=merged)
    assert (code, error) == (0, "")
    code, _, error = project.run("report", STACKCOMPAT_STORE=merged)
    assert code == 0, error
    assert without_times(json.loads(table.read_text(encoding="utf-8"))) == whole


def test_a_new_machine_starts_from_an_archive_and_repeats_nothing(project: Project, python: str) -> None:
    project.matrix("two", TWO_CELLS.format(python=python))
    code, _, error = project.run("run", "two")
    assert code == 0, error
    table = project.folder / ".stackcompat/site/compat.json"
    published = without_times(json.loads(table.read_text(encoding="utf-8")), "history")
    details = [failure.pop("details") for failure in published["failures"]]
    assert any("test_stack.py" in text for text in details)  # the traceback
    ran = project.diary
    runs, archive = len(project.evidence()), str(project.folder / "evidence.parquet")
    code, output, error = project.run("evidence", "export", archive)
    assert (code, error) == (0, "")
    assert f"{runs} runs of locks" in output

    new = str(project.folder / "new.sqlite")
    code, _, error = project.run("run", "two", "--from", archive, STACKCOMPAT_STORE=new)
    assert code == 0, error
    assert f"evidence of {runs} runs, {runs} of them new here" in error
    assert project.diary == ran
    again = without_times(json.loads(table.read_text(encoding="utf-8")), "history")
    assert {failure.pop("details") for failure in again["failures"]} == {""}
    assert again == published
    code, answer = project.answer("alpha==3.0", "beta==1.0", "--python", python, "--from", archive)
    assert (code, answer["verdict"]) == (1, "broken")
    assert project.diary == ran


def test_a_night_in_parts_tells_what_changed_whatever_is_uploaded_meanwhile(project: Project, python: str) -> None:
    """The commands of the workflow, in its order; a release comes between the parts and the merge."""
    project.matrix("nightly", OVERNIGHT.format(python=python))
    with LoopbackIndex() as index:
        index.add("alpha", "2.0")
        index.add("beta", "1.0", requires=["alpha"], files={"beta/__init__.py": BETA.format(version="1.0")})

        def night(name: str, *arguments: str) -> str:
            store = str(project.folder / f"{name}.sqlite")
            code, output, error = project.run(*arguments, UV_DEFAULT_INDEX=index.address, STACKCOMPAT_STORE=store)
            assert code == 0, error
            return output

        night("base", "run", "nightly", "--no-report")
        index.add("alpha", "3.0")
        night("base", "plan", "nightly", "--shards", "2")
        stores = []
        for part in ("1", "2"):
            shutil.copy(project.folder / "base.sqlite", project.folder / f"part-{part}.sqlite")
            night(f"part-{part}", "run", "nightly", "--shard", f"{part}/2", "--no-report")
            stores.append(str(project.folder / f"part-{part}.sqlite"))
        index.add("alpha", "3.1")
        night("merged", "merge", *stores)
        night("merged", "run", "nightly", "--continue", "--no-report")
        assert ": 1 new break, 1 new release." in night("merged", "night")
        told = json.loads((project.folder / ".stackcompat/site/night.json").read_text(encoding="utf-8"))
        assert told["new_breaks"][0]["culprits"] == ["alpha 3.0"]


def test_a_release_overnight_and_a_night_without_one(project: Project, python: str) -> None:
    project.matrix("nightly", OVERNIGHT.format(python=python))
    with LoopbackIndex() as index:
        index.add("alpha", "2.0")
        index.add("beta", "1.0", requires=["alpha"], files={"beta/__init__.py": BETA.format(version="1.0")})
        sentences = []
        for night in range(3):
            if night == 1:
                index.add("alpha", "3.0")
            began = time.monotonic()
            code, _, error = project.run("run", "nightly", UV_DEFAULT_INDEX=index.address)
            assert code == 0, error
            code, _, error = project.run("night", UV_DEFAULT_INDEX=index.address)
            assert code == 0, error
            took = time.monotonic() - began
            sentences.append(json.loads((project.folder / ".stackcompat/site/night.json").read_text())["sentence"])
    assert sentences[0].startswith("The first run of nightly")
    assert sentences[1].endswith(": 1 new break, 1 new release.")
    assert sentences[2].startswith("Nothing changed since")
    assert took < 30
    assert len(project.evidence()) == 3  # the first night once, the second night twice, the third not at all
    page = (project.folder / ".stackcompat/site/index.html").read_text(encoding="utf-8")
    assert "3 runs: works (1), broken (2); red since" in page
    code, output, error = project.run("watch", "--dry-run")
    assert code == 0, error
    assert "Culprit: alpha 3.0." in output
    assert "| alpha | 2.0 | 3.0 |" in output
