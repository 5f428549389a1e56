"""The lines of a shell that show a failure without this tool: uv, a lock with hashes, and a script or a test. Pure.

They are for the folder of the ecosystem. Each makes an environment of its own, so nothing else of the reader changes.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.plan.cell import Cell
from stackcompat.plan.places import Places
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["CrossingSide", "crossing_lines", "plain_lines"]

#: The folder of the environment that the lines make, and those of a writer and a reader of artifacts.
_ENVIRONMENT = ".red"
_WRITER, _READER = ".red-writer", ".red-reader"

#: The folder of the unpacked sdist of a release that ships its tests in it.
_ARCHIVE = ".red-sdist"

#: The folder of the artifacts that a writer leaves.
_ARTIFACTS = ".red-artifacts"

#: pytest reads no settings of the reader's, and nothing is kept. Marks that it does not know are no matter.
_PYTEST_OPTIONS = ("-q", "-c", os.devnull, "-p", "no:cacheprovider", "-p", "no:warnings")

#: Tests that a release ships are modules of their package, so their folder must not be put on the import path.
_OF_RELEASES = ("--import-mode=importlib", "-o", "consider_namespace_packages=true")

#: Runs pytest with what the tests that write and read artifacts take from its configuration.
_EXCHANGE = (
    "import os, pytest, sys; "
    "exchange = {{'mode': '{mode}', 'artifacts': ['{artifact}'], 'folder': os.path.abspath('{folder}')}}; "
    "give = staticmethod(lambda config: setattr(config, 'stackcompat_exchange', exchange)); "
    "sys.exit(pytest.main(sys.argv[1:], [type('Exchange', (), {{'pytest_configure': give}})]))"
)

#: The verdicts on cells that people reproduce.
_RED: tuple[Verdict, ...] = ("broken", "flaky", "unresolvable", "uninstallable")

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class CrossingSide(NamedTuple):
    """One environment of a crossing.

    Attributes:
        cell: Its cell.
        lock: The file or address of its lock; empty: there is none to give.
        tests: The tests that write the artifact there, or those that read it there and fail.
    """

    cell: Cell
    lock: str
    tests: tuple[str, ...]


def plain_lines(
    verdict: CellVerdict, lock: str, components: Components, places: Places, test: TestResult | None = None
) -> tuple[str, ...]:
    """The lines that show a failure in a cell.

    Args:
        verdict: The verdict on the cell.
        lock: The file or address of the lock of the cell; empty: there is none to give.
        components: The components of the ecosystem.
        places: Where the ecosystem has its tests.
        test: The test that fails; None for the one that shows best why the cell is red.

    Returns:
        No lines if the cell is not red and no test is given, or if nothing shows the failure without the lock.
    """
    cell = verdict.cell
    if test is None and verdict.verdict not in _RED:
        return ()
    if verdict.verdict == "unresolvable":
        return _refused_lines(cell)
    if not lock:
        return ()
    test = test or _first_failure(verdict)
    if test is None:
        return _install_lines(_ENVIRONMENT, cell, lock)
    module = _imported(test)
    if module:
        variables = _variables_of_import(module, verdict, components)
        line = _line(f"{_ENVIRONMENT}/bin/python", "-c", f"import {module}", variables=variables)
        return (*_install_lines(_ENVIRONMENT, cell, lock), line)
    install = _install_lines(_ENVIRONMENT, cell, lock, pytest=True)
    if test.level == "upstream":
        return (*install, *_own_test_lines(test.test, verdict, components))
    options = [*_PYTEST_OPTIONS, "--rootdir", places.tests]
    return (*install, _line(f"{_ENVIRONMENT}/bin/pytest", *options, f"{places.tests}/{test.test}"))


def crossing_lines(artifact: str, writer: CrossingSide, reader: CrossingSide, places: Places) -> tuple[str, ...]:
    """The lines that write an artifact in one environment and read it in another.

    Args:
        artifact: The artifact.
        writer: The environment that writes.
        reader: The environment that reads. If it has no tests, there are only the lines of the writer.
        places: Where the ecosystem has its tests.

    Returns:
        No lines if a lock or the tests that write are not known.
    """
    sides = [(writer, _WRITER, "write"), *([(reader, _READER, "read")] if reader.tests else [])]
    if not writer.tests or not all(side.lock for side, _, _ in sides):
        return ()
    lines: list[str] = []
    for side, folder, mode in sides:
        script = _EXCHANGE.format(mode=mode, artifact=artifact, folder=_ARTIFACTS)
        options = [*_PYTEST_OPTIONS, "--rootdir", places.exchange]
        paths = [f"{places.exchange}/{test}" for test in side.tests]
        helpers = {"PYTHONPATH": places.tests}  # the tests can import modules of the smoke tests
        lines += _install_lines(folder, side.cell, side.lock, pytest=True)
        lines.append(_line(f"{folder}/bin/python", "-c", script, *options, *paths, variables=helpers))
    return tuple(lines)


def _first_failure(verdict: CellVerdict) -> TestResult | None:
    """The test that shows best why a cell is red: the first one at the level of the verdict."""
    at_level = [test for test in verdict.failures if test.level == verdict.level]
    return next(iter(at_level or verdict.failures), None)


def _line(*words: str, variables: Mapping[str, str] = _NO_VARIABLES) -> str:
    """A line of a shell: a command, with environment variables that hold for it alone."""
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in variables.items()), shlex.join(words)])


def _install_lines(folder: str, cell: Cell, lock: str, *, pytest: bool = False) -> tuple[str, ...]:
    """The lines that make an environment and install the lock of a cell.

    Args:
        folder: The folder of the environment.
        cell: The cell.
        lock: The file or address of its lock.
        pytest: Whether pytest is installed as well; nothing of the lock moves for it.
    """
    install = ("uv", "pip", "install", "--python", folder)
    lines = [
        _line("uv", "venv", "--clear", "--python", cell.python, folder),
        # A lock can have releases that declared metadata forbids.
        _line(*install, "--no-deps", "--require-hashes", "-r", lock) + _extra_index(cell),
    ]
    return (*lines, *([_line(*install, "-c", lock, "pytest")] if pytest else []))


def _extra_index(cell: Cell) -> str:
    """The options for the extra index of a cell, whose address is in an environment variable; empty without one."""
    return f' --index "${cell.index}" --index-strategy unsafe-best-match' if cell.index else ""


def _refused_lines(cell: Cell) -> tuple[str, ...]:
    """The lines that show that no set of releases fits."""
    lines = [_line("uv", "venv", "--clear", "--python", cell.python, _ENVIRONMENT)]
    install = ["uv", "pip", "install", "--dry-run", "--python", _ENVIRONMENT, *cell.requirements]
    if cell.exclude_newer is not None:
        install += ["--exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
    for option, texts in (("override", cell.overrides), ("constraint", cell.constraints)):
        if texts:
            file = f"{_ENVIRONMENT}-{option}s.txt"
            lines.append(f"printf '%s\\n' {shlex.join(texts)} > {file}")
            install += [f"--{option}", file]
    return (*lines, _line(*install) + _extra_index(cell))


def _imported(test: TestResult) -> str:
    """The module whose import is all that a test does; empty for any other test."""
    parameter = test.test.partition("[")[2].removesuffix("]")
    is_module = all(part.isidentifier() for part in parameter.split("."))
    return parameter if test.level == "import" and is_module else ""


def _variables_of_import(module: str, verdict: CellVerdict, components: Components) -> Mapping[str, str]:
    """The environment variables with which a module is imported in a cell."""
    for entry in components.imports(verdict.installed, verdict.cell.roots()):
        if entry.module == module and all(name in verdict.installed for name in entry.requires):
            return entry.environment
    return _NO_VARIABLES


def _own_test_lines(test: str, verdict: CellVerdict, components: Components) -> tuple[str, ...]:
    """The lines that run a test that a release ships, in an environment with pytest.

    Args:
        test: The test, ``upstream/DISTRIBUTION/FILE::NAME``.
        verdict: The verdict on the cell.
        components: The components of the ecosystem.
    """
    _, distribution, node = test.split("/", 2)
    version = verdict.installed[distribution]
    component = components.of_distribution(distribution)
    chosen = component.ships(version) if component is not None else None
    if chosen is None or chosen.archive == "wheel":
        root = f"{_ENVIRONMENT}/lib/python{verdict.cell.python}/site-packages"
        options = [*_PYTEST_OPTIONS, *_OF_RELEASES, "--rootdir", root]
        return (_line(f"{_ENVIRONMENT}/bin/pytest", *options, f"{root}/{node}"),)
    options = [*_PYTEST_OPTIONS, *_OF_RELEASES, "--rootdir", "."]
    release = f"{distribution}=={version}"
    return (
        _line("uvx", "pip", "download", "--no-deps", "--no-binary", ":all:", "-d", _ARCHIVE, release),
        f"tar -xzf {_ARCHIVE}/*.tar.gz --strip-components 1 -C {_ARCHIVE}",
        f"(cd {_ARCHIVE} && {_line(f'../{_ENVIRONMENT}/bin/pytest', *options, node)})",
    )
