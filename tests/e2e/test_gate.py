"""The gate with a small index of its own: real resolutions, environments and runs of made-up releases."""

from __future__ import annotations

import datetime as dt
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
from support.command_environment import command_environment
from support.loopback_index import LoopbackIndex, make_wheel

COMPONENTS = "".join(
    f"""
[[components]]
name = "{name}"
title = "{name.title()}"
summary = "One of three."
group = "core"
distributions = ["{name}"]
modules = [{{ name = "{name}" }}]
documentation = "https://{name}.example"
"""
    for name in ("alpha", "beta", "gamma")
)
SUITE = """
import importlib
import pytest

def pytest_generate_tests(metafunc):
    if "module" in metafunc.fixturenames:
        imports = metafunc.config.stackcompat_imports
        metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

@pytest.mark.level("import")
def test_import(distribution, module, declared):
    importlib.import_module(module)

@pytest.mark.uses("alpha", "beta")
def test_together():
    import alpha, beta
    assert beta.box(alpha) == 1
"""
POLICY = """
title = "Gate"
components = ["alpha", "beta", "gamma"]
pythons = ["{python}"]

[[rules]]
rule = "newest"
weight = "required"

[[rules]]
rule = "releases"
weight = "informing"

[[rules]]
rule = "floors"
weight = "review"
"""
ALPHA = "__version__ = {version!r}\nclass Box:\n    value = 1\n"
BOXLESS = "__version__ = {version!r}\n"
BETA = "import alpha\nBox = alpha.Box\n\ndef box(alpha):\n    return Box.value\n"
OLD_BETA = "def box(alpha):\n    return 1\n"
THEN = dt.datetime(2026, 6, 1, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        for version in ("1.0", "1.1"):
            index.add("alpha", version, files={"alpha/__init__.py": ALPHA.format(version=version)})
        # A release of the past that broke beta, and its successor that mended it.
        index.add("alpha", "1.2", files={"alpha/__init__.py": BOXLESS.format(version="1.2")}, uploaded=THEN)
        index.add("alpha", "1.3", files={"alpha/__init__.py": ALPHA.format(version="1.3")}, uploaded=THEN)
        index.add("beta", "1.0", requires=["alpha"], files={"beta/__init__.py": OLD_BETA})
        index.add("beta", "2.0", requires=["alpha>=1.0"], files={"beta/__init__.py": BETA})
        index.add("gamma", "1.0", requires=["alpha<3"])
        yield index


@pytest.fixture(scope="module", autouse=True)
def harness(cache: PackageCache, interpreters: dict[str, Interpreter], python: str) -> None:
    """pytest comes from the real index, before the small one takes its place."""
    install_harness(cache, python, interpreters[python].path)


class Project:
    """A checkout with the policy; the command line runs in it as another process."""

    def __init__(self, folder: Path, index: LoopbackIndex, cache_root: Path, python: str) -> None:
        self.folder = folder
        for place in ("matrices", "tests/interop"):
            (folder / place).mkdir(parents=True)
        (folder / "matrices" / "components.toml").write_text(COMPONENTS, encoding="utf-8")
        (folder / "matrices" / "gate.toml").write_text(POLICY.format(python=python), encoding="utf-8")
        (folder / "tests" / "interop" / "test_stack.py").write_text(textwrap.dedent(SUITE), encoding="utf-8")
        self.environment = command_environment(index, cache_root)

    def wheel(self, name: str, version: str, **more: Any) -> str:
        """A wheel in the hand."""
        filename, content, _ = make_wheel(name, version, **more)
        (self.folder / filename).write_bytes(content)
        return filename

    def gate(self, *arguments: str, **environment: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, JSON and what was said on standard error."""
        done = subprocess.run(
            [sys.executable, "-m", "stackcompat", "gate", *arguments, "-j", "2", "--json", "-"],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, index: LoopbackIndex, cache_root: Path, python: str) -> Project:
    """A project that all tests ask: the control arm of one is evidence for the next."""
    return Project(tmp_path_factory.mktemp("project"), index, cache_root, python)


def states(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["rule"], one["weight"], one["state"]) for one in report["requirements"]]


def test_a_wheel_that_takes_a_name_away_is_blocked(project: Project) -> None:
    wheel = project.wheel("alpha", "2.0", files={"alpha/__init__.py": BOXLESS.format(version="2.0")})
    code, report, error = project.gate(wheel)
    assert (code, report["decision"]) == (1, "BLOCK"), error
    assert report["candidates"] == [{"name": "alpha", "version": "2.0", "replaces": "1.3", "source": "wheel"}]
    assert report["sentence"] == (
        "alpha 2.0 fails with beta 2.0 because import beta raises AttributeError: module 'alpha' has no attribute 'Box'"
    )
    assert report["remedy"] == "release a beta that does without Box first, or keep the name in alpha"
    # The earlier beta does without the name.
    assert states(report) == [("newest", "required", "failed"), ("releases", "informing", "satisfied")]
    assert str(project.folder) not in json.dumps(report)


def test_the_first_block_can_end_the_gate(project: Project) -> None:
    wheel = project.wheel("alpha", "2.2", files={"alpha/__init__.py": BOXLESS.format(version="2.2")})
    code, report, error = project.gate(wheel, "--fail-fast")
    assert (code, report["decision"]) == (1, "BLOCK"), error
    assert error.strip() == f"BLOCK is certain: {report['sentence']}; {report['remedy']}"
    assert states(report) == [("newest", "required", "failed"), ("releases", "informing", "undecided")]
    # Only imports ran.
    assert "test_together" not in json.dumps(report)


def test_a_wheel_that_breaks_nobody_passes_and_the_control_is_not_run_again(project: Project) -> None:
    wheel = project.wheel("alpha", "2.1rc1", files={"alpha/__init__.py": ALPHA.format(version="2.1rc1")})
    code, report, error = project.gate(wheel)
    assert (code, report["decision"]) == (0, "PASS"), error
    (control, *_), (candidate, *_) = (
        [shown for shown in report["requirements"][0]["evidence"] if shown["arm"] == arm]
        for arm in ("control", "candidate")
    )
    assert control["versions"] == {"alpha": "1.3", "beta": "2.0", "gamma": "1.0"}
    assert candidate["versions"] == {"alpha": "2.1rc1", "beta": "2.0", "gamma": "1.0"}
    assert control["started"] < candidate["started"]


def test_a_wheel_whose_bounds_nobody_meets_is_blocked_with_the_chain(project: Project) -> None:
    wheel = project.wheel("beta", "3.0", requires=["alpha>=5"], files={"beta/__init__.py": BETA})
    code, report, error = project.gate(wheel)
    assert (code, report["decision"]) == (1, "BLOCK"), error
    assert report["sentence"] == "beta 3.0 cannot be installed with alpha 1.3 because beta needs alpha>=5"
    assert any("alpha>=5" in link for link in report["requirements"][0]["findings"][0]["chain"])


def test_a_release_that_another_does_not_take_yet_asks_for_the_order(project: Project) -> None:
    wheel = project.wheel("alpha", "3.0", files={"alpha/__init__.py": ALPHA.format(version="3.0")})
    code, report, error = project.gate(wheel)
    assert (code, report["decision"]) == (4, "NEEDS-REVIEW"), error
    assert report["sentence"] == "alpha 3.0 cannot be installed with gamma yet because gamma 1.0 depends on alpha<3"
    assert states(report)[:2] == [("newest", "required", "satisfied"), ("newest", "review", "failed")]


def test_history_is_judged_as_on_the_day_before(project: Project) -> None:
    code, report, error = project.gate("alpha==1.2", "--exclude-newer", "2026-05-31")
    assert (code, report["decision"]) == (1, "BLOCK"), error
    assert report["candidates"][0]["replaces"] == "1.1"
    assert "beta 2.0 because import beta raises AttributeError" in report["sentence"]
    assert 'stackcompat try "alpha==1.2"' in report["requirements"][0]["reproduce"]


def test_a_set_is_judged_together(project: Project) -> None:
    alpha = project.wheel("alpha", "2.0", files={"alpha/__init__.py": BOXLESS.format(version="2.0")})
    beta = project.wheel("beta", "2.5", requires=["alpha>=2"], files={"beta/__init__.py": OLD_BETA})
    code, report, error = project.gate(alpha, beta)
    assert (code, report["decision"]) == (0, "PASS"), error
    assert [one["name"] for one in report["candidates"]] == ["alpha", "beta"]


def test_a_candidate_is_taken_from_another_index(project: Project) -> None:
    with LoopbackIndex() as extra:
        extra.add("alpha", "4.0.dev1", files={"alpha/__init__.py": BOXLESS.format(version="4.0.dev1")})
        code, report, error = project.gate("alpha", "--index", "NIGHTLY", NIGHTLY=extra.address)
    assert (code, report["decision"]) == (1, "BLOCK"), error
    assert report["candidates"][0]["version"] == "4.0.dev1"
    assert extra.address not in json.dumps(report)
    with LoopbackIndex() as stale:
        stale.add("alpha", "1.0.dev1")
        code, report, error = project.gate("alpha", "--index", "NIGHTLY", NIGHTLY=stale.address)
    assert (code, report) == (2, {})
    assert error == ("stackcompat: --index: alpha 1.3 is not from the index in NIGHTLY; the newest there is 1.0.dev1\n")


def test_an_unreachable_index_does_not_make_it_green(project: Project) -> None:
    wheel = project.wheel("alpha", "2.0", files={"alpha/__init__.py": ALPHA.format(version="2.0")})
    code, report, error = project.gate(wheel, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple/")
    assert (code, report) == (3, {})
    assert "the package index did not answer" in error


def test_the_same_release_against_itself_is_green(project: Project) -> None:
    code, report, error = project.gate("--aa")
    assert (code, report["decision"]) == (0, "PASS"), error
    assert len({shown["lock"] for shown in report["requirements"][0]["evidence"]}) == 1
    assert report["alike"]["different"] == 0
    assert report["alike"]["compared"] > 0
