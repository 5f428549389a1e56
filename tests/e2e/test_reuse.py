"""Results of other cells, with a small index of its own: reused where nothing that can reach the test differs."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache
from support.bare_components import bare_components
from support.command_environment import command_environment
from support.loopback_index import LoopbackIndex

COMPONENTS = bare_components("alpha", "beta")

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
    "test_alpha.py": """
        import pytest

        @pytest.mark.uses("alpha")
        def test_value():
            import alpha
            assert alpha.value() == 1
        """,
    "test_beta.py": """
        import pytest

        @pytest.mark.uses("beta")
        def test_value():
            import beta
            assert beta.value() == 1
        """,
}

#: A library that other distributions can reach in many ways. None of them is there as a rule.
ALPHA = """
import builtins
import importlib.metadata
import importlib.util
import os
import pkgutil

try:
    import alpha_fast
except ImportError:
    alpha_fast = None
if importlib.util.find_spec("alpha_plugins") is not None:
    import alpha_plugins
    paths = alpha_plugins.__path__
else:
    paths = []

def value():
    try:
        tuned = importlib.metadata.version("alpha-tuner")
    except importlib.metadata.PackageNotFoundError:
        tuned = None
    ways = [
        alpha_fast,
        tuned,
        list(importlib.metadata.entry_points(group="alpha.backends")),
        list(pkgutil.iter_modules(paths)),
        os.path.exists(os.path.join(os.path.dirname(os.path.dirname(__file__)), "alpha_data", "table.txt")),
        getattr(builtins, "alpha_is_broken", False),
    ]
    return 0 if any(ways) else 1
"""

#: The planted releases, each with its files. Each makes the value of alpha a wrong one, and alpha names none.
WAYS_IN = {
    "alpha-fast": {"alpha_fast.py": ""},
    "alpha-tuner": {"tuner_of_alpha.py": ""},
    "backend": {"backend.py": "", "backend-1.0.dist-info/entry_points.txt": "[alpha.backends]\nb = backend\n"},
    "plugin": {"alpha_plugins/one.py": ""},
    "starter": {"starter.pth": "import builtins; builtins.alpha_is_broken = True\n"},
    "data": {"alpha_data/table.txt": "1\n"},
}


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        for version in ("1.0", "1.1"):
            index.add("alpha", version, files={"alpha/__init__.py": ALPHA})
            index.add("beta", version, files={"beta/__init__.py": "def value():\n    return 1\n"})
            index.add("unrelated", version)
        for name, files in WAYS_IN.items():
            index.add(name, "1.0", files=files)
        yield index


@pytest.fixture(scope="module", autouse=True)
def harness(cache: PackageCache, interpreters: dict[str, Interpreter], python: str) -> None:
    """pytest comes from the real index, before the small one takes its place."""
    install_harness(cache, python, interpreters[python].path)


class Project:
    """A checkout with the suite; the command line runs in it as another process."""

    def __init__(self, folder: Path, index: LoopbackIndex, cache_root: Path, python: str) -> None:
        self.folder, self.python = folder, python
        for place in ("matrices", "tests/interop"):
            (folder / place).mkdir(parents=True)
        (folder / "matrices" / "components.toml").write_text(COMPONENTS, encoding="utf-8")
        for name, text in SUITE.items():
            (folder / "tests" / "interop" / name).write_text(textwrap.dedent(text), encoding="utf-8")
        self.environment = command_environment(index, cache_root)

    def attempt(self, *arguments: str) -> dict[str, Any]:
        """What ``stackcompat try`` says as JSON."""
        command = [sys.executable, "-m", "stackcompat", "try", *arguments, "--python", self.python, "--json", "-"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.stdout, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, index: LoopbackIndex, cache_root: Path, python: str) -> Project:
    """A checkout in whose store the results of alpha 1.0 with beta 1.0 are."""
    project = Project(tmp_path_factory.mktemp("project") / "checkout", index, cache_root, python)
    first = project.attempt("alpha==1.0", "beta==1.0")
    assert (first["verdict"], first["passed"], first["reused"]) == ("works", 4, {})
    return project


def reused(answer: dict[str, Any]) -> int:
    return sum(answer["reused"].values())


def test_a_distribution_that_the_tests_do_not_load_can_differ(project: Project) -> None:
    other = project.attempt("alpha==1.0", "beta==1.1")
    assert (other["verdict"], other["passed"], reused(other)) == ("works", 4, 2)
    beside = project.attempt("alpha==1.0", "beta==1.0", "--also", "unrelated==1.0")
    # The modules of a distribution that is no component are guessed and imported.
    assert (beside["verdict"], beside["passed"], reused(beside)) == ("works", 5, 4)
    # Now nothing is new, so that no environment is made.
    known = project.attempt("alpha==1.0", "beta==1.1", "--also", "unrelated==1.0")
    assert (known["verdict"], known["passed"], reused(known)) == ("works", 5, 5)
    real = project.attempt("alpha==1.0", "beta==1.1", "--also", "unrelated==1.1", "--no-reuse")
    assert (real["verdict"], real["passed"], reused(real)) == ("works", 5, 0)


def test_a_distribution_that_a_test_loads_must_be_the_same(project: Project) -> None:
    other = project.attempt("alpha==1.1", "beta==1.0")
    assert (other["verdict"], other["passed"], reused(other)) == ("works", 4, 2)


@pytest.mark.parametrize("name", WAYS_IN)
def test_each_way_into_a_test_is_seen(name: str, project: Project) -> None:
    answer = project.attempt("alpha==1.0", "beta==1.0", "--also", f"{name}==1.0")
    assert (answer["verdict"], [failure["test"] for failure in answer["failures"]]) == (
        "broken",
        ["test_alpha.py::test_value"],
    )
