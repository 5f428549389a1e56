"""A forecast, from source alone: the names that one release takes from another, against those that the other offers.

Nothing is run: modules are read with :mod:`ast`. A release of one component is read once and compared with every
release of the other, so n + m readings tell something about n x m pairs. It is a prediction and never a verdict: names
that are made while running are out of its sight, and so is everything but their absence.

What counts as taken are imports and attribute chains in the modules that importing the component reaches: those
outside of functions, annotations of functions included, are needed at once, those inside only by who calls them. Where
the source has two ways (a ``try`` that catches the failure, a condition on a version or on ``hasattr``), it lacks
something only if each of the ways does.
What stands under ``TYPE_CHECKING`` is not executed.

What counts as offered is what a module binds at its top level, by star too, its submodules, the names that a
table of deprecations behind a module's ``__getattr__`` still serves, and the attributes of an object that a module
makes of a class of its own, as far as they are seen there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from stackcompat.core.record import Record

__all__ = ["Missing", "ModuleNames", "NameTable", "Take", "Wanted", "lost", "missing", "wanted"]

Key = TypeVar("Key")


class Take(Record):
    """A dotted name that a module needs, and the line where it says so; `late` if only once a function is called.

    With a `keyword`, it calls what is named so with that argument; with a `text`, a method of what is named so, which
    it gives that identifier as a text, as one asks for options. Where the source has several `ways` to go on, the name
    is empty, and each way is what it takes.
    """

    name: str
    line: int
    late: bool = False
    keyword: str = ""
    text: str = ""
    ways: tuple[tuple[Take, ...], ...] = ()


class ModuleNames(Record):
    """What one module takes and offers.

    `offers` maps each name to where it comes from: empty for what is defined here, else the dotted name of a module or
    of something in one. `keywords` are the arguments by name that functions take, of those that do not take any.
    `stars` are modules that it offers everything of. `open` says that a ``__getattr__`` of its own may serve names that
    cannot be read.
    """

    takes: tuple[Take, ...] = ()
    offers: dict[str, str] = {}
    keywords: dict[str, tuple[str, ...]] = {}
    objects: dict[str, tuple[str, ...]] = {}
    stars: tuple[str, ...] = ()
    open: bool = False


class NameTable:
    """The modules of a release by dotted name. Those that are None are read when first needed, and then kept here."""

    def __init__(
        self, modules: Mapping[str, ModuleNames | None], read: Callable[[str], ModuleNames] | None = None
    ) -> None:
        self.modules = dict(modules)
        self._read = read
        parts = [name.split(".") for name in modules]
        self._known = {".".join(some[:count]) for some in parts for count in range(1, len(some) + 1)}
        self._lacks: dict[tuple[str, str, str], str] = {}

    def module(self, name: str) -> ModuleNames:
        """The module called `name`; an empty one for a package without a file of its own."""
        found = self.modules.get(name, ModuleNames())
        if found is None:
            assert self._read is not None  # whoever leaves modules unread says how to read them
            found = self.modules[name] = self._read(name)
        return found

    def has(self, module: str) -> bool:
        """Whether there is such a module, or package without a file of its own."""
        return module in self._known

    def packages(self) -> set[str]:
        """The top-level packages and modules."""
        return {name.split(".")[0] for name in self.modules}

    def lacks(self, chain: str, keyword: str = "", text: str = "") -> str:
        """The first part of the dotted name that the release does not offer (``package.module.name``), or nothing.

        With a `keyword`, also the whole with the keyword, where it is a function that does not take that. With a
        `text`, that attribute, where it is an object which does not have it. An attribute is named with its object.
        """
        asked = chain, keyword, text
        if asked not in self._lacks:
            module, rest, defined = self._enter(chain.split("."), 0)
            lacking = "" if defined or not rest else f"{module}.{rest[0]}"
            if defined and not rest and keyword:
                taken = self.module(module).keywords.get(defined)
                lacking = "" if taken is None or keyword in taken else f"{chain}({keyword})"
            attribute = rest[0] if rest else text
            if defined and attribute:
                attributes = self.module(module).objects.get(defined)
                lacking = "" if attributes is None or attribute in attributes else f"{module}.{defined}.{attribute}"
            self._lacks[asked] = lacking
        return self._lacks[asked]

    def attributes(self) -> dict[str, tuple[str, ...]]:
        """The attributes of each object, by its dotted name, in the modules that were read."""
        read = ((name, module) for name, module in self.modules.items() if module is not None)
        return {f"{name}.{object_}": found for name, module in read for object_, found in module.objects.items()}

    def _enter(self, parts: Sequence[str], depth: int) -> tuple[str, list[str], str]:
        """Follow a dotted name: the last module that it enters, what is left of it, and the name that is defined there.

        Without a name, what is left is not offered, or nothing is left.
        """
        here, rest = parts[0], list(parts[1:])
        while rest:
            deeper = f"{here}.{rest[0]}"
            if self.has(deeper):
                here = deeper
                rest.pop(0)
                continue
            found = self._origin(here, rest[0], set())
            if found is None:
                return here, rest, ""
            module, origin = found
            # Modules that take from each other in a circle define nothing that could be found.
            if not origin or not self.has(origin.split(".")[0]) or depth > 20:
                return module, rest[1:], rest[0]
            # A name that is passed on: what follows is looked for where it comes from.
            entered, left, defined = self._enter([*origin.split("."), *rest[1:]], depth + 1)
            offered = defined or len(rest) > 1 or not left
            return (entered, left, defined) if offered else (module, [], rest[0])
        return here, [], ""

    def _origin(self, module: str, name: str, met: set[str]) -> tuple[str, str] | None:
        """Where a name of `module` is bound, and where it comes from, empty for there; None if it is not offered."""
        source = self.module(module)
        if name in source.offers:
            return module, source.offers[name]
        if source.open:
            return module, ""
        met.add(module)
        for star in source.stars:
            if star not in met:
                if not self.has(star):
                    return module, ""  # of another distribution, which is not read
                found = self._origin(star, name, met)
                if found is not None and not name.startswith("_"):
                    return found
        return None

    def reached(self, roots: Collection[str]) -> list[str]:
        """The modules that importing `roots` brings in, packages on the way included."""
        found: dict[str, None] = {}
        pending = [root for root in roots if self.has(root)]
        while pending:
            name = pending.pop()
            if name in found:
                continue
            found[name] = None
            if "." in name:
                pending.append(name.rpartition(".")[0])
            for take in self.module(name).takes:
                inner = "" if take.late else take.name
                while inner and not self.has(inner):
                    inner = inner.rpartition(".")[0]
                if inner:
                    pending.append(inner)
        return [name for name in found if name in self.modules]


class Missing(NamedTuple):
    """A name that the other release does not offer, and the module and line that take it."""

    name: str
    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} takes {self.name}, which is not there"


class Wanted(NamedTuple):
    """What the module `module` of one release takes from another."""

    module: str
    take: Take


def wanted(taker: NameTable, roots: Collection[str], packages: Collection[str]) -> tuple[Wanted, ...]:
    """What the modules that `roots` bring in take from the top-level `packages` of another release."""
    found = []
    for module in taker.reached(roots):
        for take in taker.module(module).takes:
            kept = _of_packages(take, taker, packages)
            if kept is not None:
                found.append(Wanted(module, kept))
    return tuple(dict.fromkeys(found))


def _of_packages(take: Take, taker: NameTable, packages: Collection[str]) -> Take | None:
    """What is left of a taking if only `packages` matter, where the taker has no such module itself."""
    if not take.ways:
        parent = take.name.rpartition(".")[0]
        theirs = take.name.split(".")[0] in packages and not taker.has(take.name) and not (parent and taker.has(parent))
        return take if theirs else None
    ways = [[_of_packages(other, taker, packages) for other in way] for way in take.ways]
    kept = tuple(tuple(other for other in way if other is not None) for way in ways)
    return take.model_copy(update={"ways": kept}) if any(kept) else None


def missing(wants: Iterable[Wanted], giver: NameTable, *, late: bool = False) -> tuple[Missing, ...]:
    """What is wanted in vain once the modules are imported; if `late`, once their functions are called, too."""
    return tuple(
        dict.fromkeys(
            Missing(lacking, module, line)
            for module, take in wants
            for lacking, line in _lacking([take], giver, late=late)
        )
    )


def lost(found: Mapping[Key, Iterable[Missing]], givers: Iterable[NameTable]) -> dict[Key, tuple[Missing, ...]]:
    """What is wanted in vain, without the attributes of objects that are seen in none of the `givers`.

    Those come from where the objects are not made: they say nothing of a release.
    """
    attributes = [entry for giver in givers for entry in giver.attributes().items()]
    objects = {name for name, _ in attributes}
    known = {f"{name}.{attribute}" for name, some in attributes for attribute in some}
    return {
        key: tuple(one for one in some if one.name in known or one.name.rpartition(".")[0] not in objects)
        for key, some in found.items()
    }


def _lacking(takes: Sequence[Take], giver: NameTable, *, late: bool) -> Iterator[tuple[str, int]]:
    """The names among `takes` that the other release does not offer, each with its line."""
    for take in takes:
        if take.late and not late:
            continue
        if take.ways:
            ways = [list(_lacking(way, giver, late=late)) for way in take.ways]
            if all(ways):
                yield ways[-1][0]
        elif lacking := giver.lacks(take.name, take.keyword, take.text):
            yield lacking, take.line
