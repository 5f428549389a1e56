"""A made-up resolver that knows which components exclude each other, for tests of the search for islands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Literal

from packaging.requirements import Requirement

from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.island_search import find_islands
from stackcompat.resolve.islands import Excluded, IslandMember, Islands
from stackcompat.resolve.lock import Lock, Pin, Resolution

__all__ = ["IslandsWorld"]


class IslandsWorld:
    """Components of one release each; no lock holds all of any of the sets `apart`.

    `blames` says how well the resolver explains: it names all of a set that does not fit, one of them, or nobody.
    """

    def __init__(
        self,
        names: Iterable[str],
        apart: Iterable[Collection[str]],
        blames: Literal["all", "some", "nobody"] = "all",
    ) -> None:
        self.names = tuple(names)
        self.asked: list[tuple[str, ...]] = []
        self._apart = [frozenset(names) for names in apart]
        self._blames = blames

    def fits(self, names: Collection[str]) -> bool:
        """Whether `names` can be installed together."""
        return not any(group <= set(names) for group in self._apart)

    def lock(self, cell: Cell) -> Resolution:
        """What a resolver would say of `cell`."""
        names = [Requirement(text).name for text in cell.requirements]
        self.asked.append(tuple(names))
        if self.fits(names):
            pins = (*(Pin(name=name, version="1") for name in names), Pin(name="old", version="0.5"))
            return Resolution(outcome="locked", lock=Lock(python=cell.python, platform=cell.platform, pins=pins))
        group = sorted(next(group for group in self._apart if group <= set(names)))
        named = {"all": group, "some": group[:1], "nobody": []}[self._blames]
        chain = tuple(f"{name}>=1 depends on shared=={number}" for number, name in enumerate(named))
        return Resolution(
            outcome="conflict",
            conflict=Conflict(kind="bounds", sentence=f"{', '.join(group)} exclude each other", chain=chain),
        )

    def find(self, absent: Iterable[Excluded] = ()) -> Islands:
        """The islands of all components."""
        members = [IslandMember(name=name, version="1", requirements=(f"{name}==1",)) for name in self.names]
        return find_islands(
            members,
            absent,
            {name: name for name in (*self.names, "old")},
            self.lock,
            python="3.12",
            platform="linux-x86_64",
            seen=dt.datetime(2026, 11, 22, tzinfo=dt.UTC),
        )
