"""When a result that was seen in one lock holds in another. Pure functions over records.

A distribution *counts* for a test if the test loaded it, or if it could have reached the test without being loaded: by
code that runs when the interpreter starts, by an entry point that the test asked for, by a module or a distribution
that the test looked for and did not find, by a folder that it listed, by a module that hides one that it loaded. The
result holds in another lock if the same distributions count there, each with the same version and the same files.
Then everything that the test can depend on in the environment is the same.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from stackcompat.core.record import Record, digest
from stackcompat.evidence.closure import Closure, Surface
from stackcompat.resolve.lock import Lock, Pin

__all__ = ["Condition", "fingerprint", "may_overlap", "surface_id", "surfaces_in", "why_not"]


class Condition(Record):
    """Tests whose results are known, unless releases that were never installed before can reach them.

    Attributes:
        closure: What the tests depend on.
        tests: The tests.
        releases: Distributions whose surfaces are not known.
    """

    closure: Closure
    tests: tuple[str, ...]
    releases: tuple[str, ...]

    def is_met(self, lock: Lock, surfaces: Mapping[str, Surface]) -> bool:
        """Whether none of the releases counts for the tests.

        Args:
            lock: The lock that was installed.
            surfaces: The surfaces of its distributions, by name, as they were found.
        """
        reach = _Reach(self.closure, lock, surfaces)
        return not any(pin.name in self.releases and reach.why(pin) for pin in lock.pins)


#: pytest loads every entry point of this group when it starts.
_PYTEST_PLUGINS = "pytest11"

#: To be raised with each change of what a surface tells (:func:`stackcompat.run.installed_files.surface_of`).
_RULES = 2

#: The modules that run the tests. They come from outside of the environment, but for those that are installed in it.
_RUN_TESTS = frozenset(("pytest", "_pytest", "pluggy", "iniconfig", "packaging"))


def surface_id(pin: Pin, lock: Lock) -> str:
    """The address of the surface of a pin: the same for all locks of its Python and platform that have its files.

    It has the number of the rules by which surfaces are made, since those by earlier rules say less.
    """
    return digest("surface", _RULES, pin.name, pin.version, sorted(pin.hashes), lock.python, lock.platform)


def surfaces_in(lock: Lock, surfaces: Mapping[str, Surface]) -> dict[str, Surface]:
    """The surfaces of the distributions of a lock, by name. Those that are not known are left out.

    Args:
        lock: The lock.
        surfaces: The surfaces of pins, by :func:`surface_id`.
    """
    ids = {pin.name: surface_id(pin, lock) for pin in lock.pins}
    return {name: surfaces[id_] for name, id_ in ids.items() if id_ in surfaces}


def fingerprint(closure: Closure, lock: Lock, surfaces: Mapping[str, Surface], without: Collection[str] = ()) -> str:
    """The address of all that a test with this closure depends on in a lock.

    A result that was seen in one lock holds in another exactly if its closure has the same fingerprint in both.

    Args:
        closure: What the test was seen to depend on.
        lock: The lock.
        surfaces: The surfaces of its distributions, by name. One whose surface is not known counts for every test.
        without: Distributions that must not count.

    Returns:
        The address. It is empty if one of `without` counts, or a distribution without a hash, since nobody can say
        which files that has.
    """
    reach = _Reach(closure, lock, surfaces)
    counting = [pin for pin in lock.pins if reach.why(pin)]
    if any(not pin.hashes or pin.name in without for pin in counting):
        return ""
    pins = [[pin.name, pin.version, sorted(pin.hashes)] for pin in counting]
    return digest("fingerprint", closure, lock.python, lock.platform, pins, length=24)


def may_overlap(surfaces: Iterable[Surface]) -> bool:
    """Whether two of the distributions with these surfaces can have the same file.

    Only an environment that holds both shows whether its contents are the same in both.
    """
    owned: dict[str, list[tuple[int, str]]] = {}
    for number, surface in enumerate(surfaces):
        for root in surface.roots:
            others = owned.setdefault(_top(root), [])
            if any(other != number and (_is_within(root, name) or _is_within(name, root)) for other, name in others):
                return True
            others.append((number, root))
    return False


def why_not(closure: Closure, seen_in: Lock, wanted: Lock, surfaces: Mapping[str, Surface]) -> str:
    """Why a result that was seen in one lock need not hold in another.

    Args:
        closure: What the test was seen to depend on.
        seen_in: The lock of the run that showed the result.
        wanted: The other lock.
        surfaces: The surfaces of the pins of both, by :func:`surface_id`.

    Returns:
        One sentence about the first distribution that stands in the way; empty if the result holds.
    """
    if (seen_in.python, seen_in.platform) != (wanted.python, wanted.platform):
        return (
            f"it was seen on Python {seen_in.python}, {seen_in.platform}, not on Python {wanted.python}, "
            f"{wanted.platform}"
        )
    pins = [{pin.name: pin for pin in lock.pins} for lock in (seen_in, wanted)]
    reaches = [_Reach(closure, lock, surfaces_in(lock, surfaces)) for lock in (seen_in, wanted)]
    for name in sorted(pins[0].keys() | pins[1].keys()):
        here, there = (of_lock.get(name) for of_lock in pins)
        reason = next(
            (why for pin, reach in zip((here, there), reaches, strict=True) if pin and (why := reach.why(pin))), ""
        )
        if reason and not _same_files(here, there):
            return f"{_difference(name, here, there)}, and {reason}"
    return ""


def _same_files(one: Pin | None, other: Pin | None) -> bool:
    """Whether two pins of one distribution are known to install the same files."""
    if one is None or other is None:
        return False
    return bool(one.hashes) and (one.version, sorted(one.hashes)) == (other.version, sorted(other.hashes))


def _difference(name: str, here: Pin | None, there: Pin | None) -> str:
    """How the pins of one distribution differ between the lock of the run and another."""
    if here is None or there is None:
        return f"{name} is only in {'the other lock' if here is None else 'the lock of the run'}"
    if here.version != there.version:
        return f"{name} is {here.version} in the lock of the run and {there.version} in the other"
    if not here.hashes or not there.hashes:
        return f"{name} {here.version} has no hash"
    return f"{name} {here.version} has other files in the other lock"


class _Reach:
    """Says which pins of a lock count for a test.

    Args:
        closure: What the test was seen to depend on.
        lock: The lock.
        surfaces: The surfaces of its distributions, by name.
    """

    def __init__(self, closure: Closure, lock: Lock, surfaces: Mapping[str, Surface]) -> None:
        self._closure = closure
        self._lock = lock
        self._surfaces = surfaces
        self._loaded = frozenset(closure.distributions)
        self._unknown = [re.compile(fnmatch.translate(pattern)) for pattern in closure.unknown]
        self._groups = frozenset(closure.entry_points)
        self._absent = _by_top(closure.absent)

    def why(self, pin: Pin) -> str:
        """Why a pin counts, as a clause; empty if it does not."""
        name = pin.name
        if self._whole:
            return f"the test can depend on everything that is installed: {self._whole}"
        if name in self._loaded:
            return "the test loaded it"
        if any(pattern.match(name) for pattern in self._unknown):
            return f"the test asked whether {name} is installed"
        surface = self._surfaces.get(name)
        if surface is None:
            return f"it is not known by what {name} {pin.version} can reach a test"
        return self._why_reached(name, surface)

    def _why_reached(self, name: str, surface: Surface) -> str:
        """Why a distribution with this surface counts although the test neither loaded it nor asked for it."""
        if surface.at_start:
            return f"{name} runs code when the interpreter starts, or in place of a program of the system"
        if _PYTEST_PLUGINS in surface.entry_points:
            return f"{name} has a plugin that pytest loads"
        run_tests = sorted(_RUN_TESTS.intersection(map(_top, surface.roots)))
        if run_tests:
            return f"{name} has {run_tests[0]}, which runs the tests"
        if surface.entry_points and "*" in self._groups:
            return f"the test asked for all entry points, and {name} has some"
        asked = sorted(self._groups.intersection(surface.entry_points))
        if asked:
            return f"the test asked for the entry points of {asked[0]}, and {name} has some"
        for root in surface.roots:
            for absent in self._absent.get(_top(root), ()):
                if _is_within(absent, root) or _is_within(root, absent):
                    return f"the test looked for the module {absent} and did not find it, and {name} has {root}"
            for loaded in self._loaded_roots.get(_top(root), ()):
                if _is_within(loaded, root):
                    return f"the test loaded {loaded}, and {name} has {root}, which can hide it"
                if _is_within(root, loaded):
                    return f"the test loaded {loaded}, and {name} has {root} in it"
        for folder in surface.folders:
            dotted = folder.replace("/", ".")
            if dotted in self._closure.absent:
                return f"the test looked for the module {dotted} and did not find it, and {name} has this folder"
            if any(_is_within(dotted, loaded) for loaded in self._loaded_roots.get(_top(dotted), ())):
                return f"the test loaded {dotted}, and {name} puts files there"
        for listed in self._closure.listed:
            if listed in surface.folders:
                return f"the test listed the folder {listed}, and {name} puts files there"
            if any(_is_within(listed.replace("/", "."), root) for root in surface.roots):
                return f"the test listed the folder {listed} of {name}"
        return ""

    @cached_property
    def _whole(self) -> str:
        """Why every distribution counts; empty if not every one does."""
        if self._closure.whole:
            return self._closure.whole
        if "" in self._closure.listed:
            return "it listed all that is installed"
        for pin in self._lock.pins:
            if pin.name in self._loaded and pin.name not in self._surfaces:
                return f"it is not known which modules {pin.name} {pin.version} has"
        return ""

    @cached_property
    def _loaded_roots(self) -> Mapping[str, tuple[str, ...]]:
        """The roots of the distributions that were loaded."""
        known = self._loaded & self._surfaces.keys()
        return _by_top(root for name in known for root in self._surfaces[name].roots)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _by_top(names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Dotted names by the first of their parts. Only names with the same first part can lie within each other."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_top(name), []).append(name)
    return {top: tuple(of_top) for top, of_top in found.items()}


def _is_within(name: str, root: str) -> bool:
    """Whether a dotted name is `root` or lies below it."""
    return name == root or name.startswith(f"{root}.")
