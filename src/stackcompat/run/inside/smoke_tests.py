"""The smoke tests: which of them run, and how their marks describe them."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from packaging.requirements import Requirement

from .distributions import canonical, installed_files, outermost_modules, plugins_of
from .imported_modules import imported_modules
from .interface import DEFAULT_LIMIT, DescribedTest
from .owners import Owners
from .stand_ins import StandIns
from .sweep import entry_of_whole, is_whole, public_modules, whole_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from stackcompat.run.inside.protocol import FailureSeen, PluginJob

__all__ = ["LEVELS", "MARKS", "ModuleToImport", "SmokeTests", "SweptModule", "modules_to_import", "modules_to_sweep"]

#: The levels, shallowest first.
LEVELS = ("reserved", "resolve", "install", "import", "lower", "compile", "run", "interop", "exchange", "upstream")

#: The packages by whose functions a test skips itself.
_OF_PYTEST = ("pytest", "_pytest", "pluggy")

#: The marks of smoke tests, as pytest declares them.
MARKS = (
    "uses(*requirements): the distributions that a test uses, or others of the same modules, with bounds",
    "level(name): the level of this test, import to exchange",
    "thorough: left out of cells that run only the essential tests",
    "alone: needs a process of its own",
    "environment(**variables): needs a process with these environment variables",
    "limit(seconds): the time limit of this test, in place of the limits of its distributions",
    "feature(name): the one feature that this test is about; if the test fails, the rest can still work",
    "surprise(expected): holds what happens where people expect this text; docs are made of it",
    "writes(artifact): leaves this artifact for other environments",
    "reads(artifact): reads this artifact of another environment",
    "sweep: imports one of the public modules of a distribution, or stands for all of them",
)


class ModuleToImport(NamedTuple):
    """A module that must be importable in this cell.

    Attributes:
        distribution: The distribution that has it.
        module: Its dotted name.
        declared: Whether it must be importable with what the distribution declares: the job names it, or it is the
            one module of the distribution, or has the name of it. Other modules are guessed from the installed files.
        main: Whether no other test of the distribution can run without it.
        optional: Whether most users do without it.
        environment: The environment variables with which it is imported.
    """

    distribution: str
    module: str
    declared: bool
    main: bool
    optional: bool
    environment: dict[str, str]


def modules_to_import(job: PluginJob, stand_ins: StandIns) -> list[ModuleToImport]:
    """The modules that must be importable in this cell, each once. One smoke test imports them.

    If the job names a module twice, the first entry counts whose requirements are installed. The first module of a
    distribution is its main one.

    Args:
        job: The job of the process.
        stand_ins: Says what is installed.
    """
    found: dict[tuple[str, str], ModuleToImport] = {}
    for entry in job["imports"]:
        key = entry["distribution"], entry["module"]
        if key not in found and all(stand_ins.installed(name) for name in entry["requires"]):
            main = not entry["optional"] and all(name != entry["distribution"] for name, _ in found)
            found[key] = ModuleToImport(*key, True, main, entry["optional"], entry["environment"])
    return [*found.values(), *(module for name in job["guesses"] for module in _guessed(name))]


def _guessed(distribution: str) -> Iterator[ModuleToImport]:
    """The outermost modules of a distribution that the job names no modules of.

    Who installs a distribution imports the module that is called like it. Others can be for optional companions.
    """
    modules = outermost_modules(distribution)
    for module in modules:
        named = len(modules) == 1 or canonical(module) == distribution
        yield ModuleToImport(distribution, module, named, True, False, {})


class SweptModule(NamedTuple):
    """One of all public modules of a distribution.

    Attributes:
        distribution: The distribution.
        module: The dotted name of the module, or what stands for the whole sweep.
        present: Whether the distribution has it. A test that is asked for by name can be about one that is not there.
        named: Whether the job asks for it by name. It does so where the module could be imported elsewhere: then it
            shall be told what is missing.
    """

    distribution: str
    module: str
    present: bool
    named: bool


def modules_to_sweep(job: PluginJob, imports: Collection[ModuleToImport], known: Collection[str]) -> list[SweptModule]:
    """The public modules of the distributions that the job sweeps, each distribution's followed by its whole sweep.

    Modules that have a test of their own are left out.

    Args:
        job: The job of the process.
        imports: The modules that have a test of their own.
        known: The distributions that are installed.
    """
    asked = {test.partition("[")[2].removesuffix("]") for test in job["tests"]} - {""}
    left_out = {entry.module for entry in imports}
    swept: dict[str, SweptModule] = {}
    outermost: dict[str, str] = {}
    for sweep in job["sweeps"]:
        name, whole = sweep["distribution"], entry_of_whole(sweep["distribution"])
        if name not in known:
            continue
        modules = public_modules(installed_files(name), plugins_of(name), sweep["without"])
        for module in (*(module for module in modules if module not in left_out), whole):
            if not any(job["tests"]) or asked & {module, whole}:
                swept.setdefault(module, SweptModule(name, module, True, module in asked))
        outermost = {module.partition(".")[0]: name for module in reversed(modules)} | outermost
    for module in sorted(asked - left_out - swept.keys()):
        name = outermost.get(module.partition(".")[0], "")
        if name and not module.endswith("*"):
            swept[module] = SweptModule(name, module, False, True)
    return list(swept.values())


class SmokeTests:
    """The smoke tests of a process.

    Args:
        job: The job of the process.
        stand_ins: Says which installed distribution a test uses.

    Attributes:
        modules: The modules that one smoke test imports.
        swept: The modules that another one imports, all of some distributions.
        chosen: How many tests the job asks for, whether or not their results are known; without those of sweeps.
    """

    def __init__(self, job: PluginJob, stand_ins: StandIns) -> None:
        self._job = job
        self._asked = set(job["tests"])
        self._stand_ins = stand_ins
        self.modules = modules_to_import(job, stand_ins)
        self.swept = modules_to_sweep(job, self.modules, stand_ins.versions)
        self.root = job["suite"]
        self.owners = Owners()
        self.chosen = 0
        self.wrappers = job["wrappers"]

    def has(self, path: str) -> bool:
        """Whether the file with this path is one of the tests."""
        return Path(path).is_relative_to(self.root)

    def paths(self) -> list[str]:
        """The files that pytest collects: those of the tests that the job asks for, or else all files of the job."""
        if any(self._asked):
            return sorted({test.split("::")[0] for test in self._asked})
        return list(self._job["files"])

    def is_asked_for(self, test: str) -> bool:
        """Whether the job asks for a test by its name."""
        return test in self._asked

    def choose(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """The tests among `items` that the job asks for.

        Shallow levels come first. So a distribution that cannot be imported blocks its deeper tests. Sweeps come last.
        """
        chosen = [item for item in items if self._is_chosen(item)]
        self.chosen = sum(not _is_marked(item, "sweep") for item in chosen)
        return sorted(chosen, key=lambda item: (_is_marked(item, "sweep"), LEVELS.index(_level(item))))

    def _is_chosen(self, item: pytest.Item) -> bool:
        names = {item.nodeid, _whole_sweep(item) or item.nodeid}  # a module is asked for, or known, with its sweep
        return (
            (not self._asked or not names.isdisjoint(self._asked))
            # What stands for a known sweep stays, so that its result is among those of the cell.
            and (not _swept(item) or names.isdisjoint(self._job["skip"]))
            and self._is_its_turn(item)
            and LEVELS.index(_level(item)) <= LEVELS.index(self._job["level"])
            and (self._job["thorough"] or not _is_marked(item, "thorough"))
        )

    def _is_its_turn(self, item: pytest.Item) -> bool:
        """Whether the mode of the job fits a test: to write artifacts, to read them, or neither."""
        exchange = self._job["exchange"]
        artifact = _artifact(item)
        if exchange is None:
            return not artifact
        if not _is_marked(item, f"{exchange['mode']}s"):
            return False
        return not exchange["artifacts"] or artifact in exchange["artifacts"]

    def strangers(self, items: list[pytest.Item]) -> list[str]:
        """The files of tests that were not loaded by pytest itself: code of the environment has put in others."""
        loaders = {
            item.path.name: getattr(getattr(item, "module", None), "__loader__", None)
            for item in items
            if isinstance(item, pytest.Function)
        }
        return [
            f"{name} from a finder of the environment"
            for name, loader in sorted(loaders.items())
            if not type(loader).__module__.startswith("_pytest.")
        ]

    def describe(self, item: pytest.Item) -> DescribedTest:
        """Describe a test by its marks, and a test of one import by what the job says of the module."""
        uses = _uses(item)
        components = [self._stand_ins.installed(use.name) or canonical(use.name) for use in uses]
        imported, swept = self._module(item), _swept(item)
        environment = dict(imported.environment) if imported is not None else {}
        for mark in reversed(list(item.iter_markers("environment"))):
            environment.update(mark.kwargs)
        return DescribedTest(
            test=item.nodeid,
            level=_level(item),
            uses=uses,
            components=components,
            artifact=_artifact(item),
            feature=swept or _argument(item, "feature"),
            limit=self._limit(item, components),
            alone=_is_marked(item, "alone"),
            environment=environment,
            module=swept if swept is not None else (imported.module if imported is not None else ""),
            main=swept is None and (imported is None or imported.main),
            optional=imported is not None and imported.optional,
            swept=swept is not None,
        )

    def _module(self, item: pytest.Item) -> ModuleToImport | None:
        """The module that a test imports; for a sweep the main one of its distribution; None for any other test."""
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        distribution, module = parameters.get("distribution"), parameters.get("module")
        of_distribution = [entry for entry in self.modules if entry.distribution == distribution]
        if _is_marked(item, "sweep"):
            return next(iter(of_distribution), None)
        return next((entry for entry in of_distribution if entry.module == module), None)

    def _limit(self, item: pytest.Item, components: Collection[str]) -> float:
        """The seconds that a test can take: its own limit, or else the longest limit of its distributions."""
        mark = item.get_closest_marker("limit")
        if mark is not None:
            return float(mark.args[0])
        limits = self._job["limits"]
        return max((limits.get(name, DEFAULT_LIMIT) for name in components), default=DEFAULT_LIMIT)

    def imported_modules(self, item: pytest.Item) -> Collection[str]:
        """The modules that a test imports, itself or through the helpers of the suite."""
        file, name = item.nodeid.split("::")[:2]
        return imported_modules(Path(self.root, file), name.partition("[")[0], [self.root, *self._job["helpers"]])

    def excuse(self, error: BaseException, failure: FailureSeen) -> str:  # noqa: ARG002  (see interface.TestSource)
        """Empty, since every error in a smoke test counts."""
        return ""

    def may_skip(self, error: BaseException) -> bool:
        """Whether the suite itself skips a test. What a release raises says nothing of whether a test applies to it.

        Args:
            error: The error by which the test is skipped.
        """
        folders = tuple(f"{folder}{os.sep}" for folder in (self.root, *self._job["helpers"]))
        below = False
        for frame, _ in traceback.walk_tb(error.__traceback__):
            filename = frame.f_code.co_filename
            if filename.startswith(folders):
                below = False
            elif frame.f_globals.get("__name__", "").partition(".")[0] not in _OF_PYTEST:
                below = below or self.owners.owner(filename) is not None
        return not below


def _uses(item: pytest.Item) -> tuple[Requirement, ...]:
    """The distributions that a test uses: its parameter first, then those of its module, its class and its own mark."""
    marks = reversed(list(item.iter_markers("uses")))
    requirements = [requirement for mark in marks for requirement in mark.args]
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if isinstance(parameters.get("distribution"), str):  # pytest has another value where there is nothing to import
        requirements.insert(0, parameters["distribution"])
    return tuple(Requirement(requirement) for requirement in requirements)


def _level(item: pytest.Item) -> str:
    return _argument(item, "level") or "interop"


def _artifact(item: pytest.Item) -> str:
    """The artifact that a test writes or reads; empty for most tests."""
    return _argument(item, "writes") or _argument(item, "reads")


def _argument(item: pytest.Item, mark_name: str) -> str:
    """The argument of a mark of a test; empty if the test has no such mark."""
    mark = item.get_closest_marker(mark_name)
    return str(mark.args[0]) if mark is not None else ""


def _swept(item: pytest.Item) -> str | None:
    """The module that a test of a sweep imports; empty if it stands for the whole sweep; None for any other test."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    # pytest has another value in the place of each parameter where there is nothing to sweep.
    if not _is_marked(item, "sweep") or not isinstance(parameters.get("module"), str):
        return None
    return "" if is_whole(item.nodeid) else str(parameters["module"])


def _whole_sweep(item: pytest.Item) -> str:
    """The test that stands for the sweep to which a test belongs; empty if it belongs to none."""
    swept = _swept(item)
    return "" if swept is None else whole_of(item.nodeid, str(item.callspec.params["distribution"]))  # type: ignore[attr-defined]


def _is_marked(item: pytest.Item, mark_name: str) -> bool:
    return item.get_closest_marker(mark_name) is not None
