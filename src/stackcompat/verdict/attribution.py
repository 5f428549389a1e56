"""Whom a failing test points at. Pure: a failure's words and its traceback in, components out.

A component that moves with another (its release follows the other's) is that other here, unless the two are all there
is to suspect: otherwise each failure of the one would point at both and nobody could ever be sure.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Protocol

from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Failure, TestResult
from stackcompat.verdict.ownership import Ownership, mentioned
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["Attribution", "Attributor", "FailureAlone", "attribute_failure"]


class Attribution(Record):
    """The components that a failing test points at.

    Without a `doubt`, the failure itself names them (at most two), or no others had a part in it. Otherwise they are
    all that had a part; `doubt` says in a sentence why it is no more than a suspicion. `traced` are those on the way
    down the traceback, deepest last.
    """

    components: frozenset[str]
    traced: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def sure(self) -> bool:
        """Whether it is more than a suspicion."""
        return not self.doubt


class Attributor(Protocol):
    """Says whom a failure of a cell points at. What searches for culprits have shown is one such source."""

    def attribute(
        self, verdict: CellVerdict, test: TestResult, present: Collection[str], components: Components
    ) -> Attribution:
        """Whom the failing `test` of the cell of `verdict` points at, among the components `present` there."""
        ...

    def is_explained(self, verdict: CellVerdict, test: TestResult) -> bool:
        """Whether a search has shown beyond doubt why `test` fails in the cell of `verdict`."""
        ...


class FailureAlone:
    """Goes by what a failure itself says: where no search has been made."""

    def attribute(
        self, verdict: CellVerdict, test: TestResult, present: Collection[str], components: Components
    ) -> Attribution:
        """See :class:`Attributor`."""
        del verdict
        return attribute_failure(test, present, components)

    def is_explained(self, verdict: CellVerdict, test: TestResult) -> bool:
        """See :class:`Attributor`."""
        del verdict, test
        return False


def attribute_failure(test: TestResult, present: Collection[str], components: Components) -> Attribution:
    """Whom the failing `test` points at, among the components `present` in its cell.

    A module or an attribute of A that code of B does not find points at A and B and at nobody else; such errors are
    Python's own words. Otherwise everybody who had a part is a suspect: those that the test uses, those on the
    traceback, and where that is one only, another one that the message names.
    """
    names = Ownership(components, present)
    failure = test.failure or Failure(type="", message="")
    traced = names.users(failure.packages)
    named = _missing_name(failure, names)
    if named is not None:
        return Attribution(components=names.lead(named), traced=traced)
    involved = frozenset(names.users(test.components)) | frozenset(traced)
    doubt = ""
    if len(involved) == 1:
        others = mentioned(failure.message, components) & set(present) - involved
        if len(others) == 1:
            involved = names.lead(involved | others)
            doubt = f"of {' and '.join(sorted(involved))}, one is known from the error's message only"
    elif len(involved) > 2:
        doubt = f"{', '.join(sorted(involved))} all had a part in {test.test}"
    if failure.package and names.owner(failure.package) is None:
        doubt = doubt or f"the error came out of {failure.package}, which is no component"
    return Attribution(components=involved, traced=traced, doubt=doubt)


#: Python's own words for a module, or a name in it, that is not there.
_LACKING = re.compile(
    r"module '(?P<of>[\w.]+)' has no attribute|No module named '(?P<absent>[\w.]+)'"
    r"|cannot import name '[^']+' from '(?P<source>[\w.]+)'"
)


#: Where a module that answers for its own names refuses one (PEP 562): who asked is the caller.
_RAISED_BY_MODULE = re.compile(r":(?:__)?getattr(?:__)?$")


#: A module's own words for a name that it dropped, such as ``pkg.core.thing was removed in 1.2``.
_DROPPED = re.compile(r"(?<![\w'\"./…-])[A-Za-z_]\w*(?:\.\w+)+")


def _missing_name(failure: Failure, names: Ownership) -> frozenset[str] | None:
    """The component that lacks a module or a name and the one whose code asks for it, if the failure says so.

    The one that asks stands alone when it asks itself, or something that is no component.
    """
    kind = failure.type.rpartition(".")[2]
    asks = names.owner(failure.package)
    if kind not in ("AttributeError", "ImportError", "ModuleNotFoundError") or asks is None:
        return None
    if "partially initialized" in failure.message:  # a circular import: the module would have the name, only not yet
        return None
    callers = [name for name in map(names.owner, failure.packages) if name not in (None, asks)]
    lacking = _LACKING.search(failure.message)
    if lacking is not None:
        lacks = names.of_module(lacking["of"] or lacking["absent"] or lacking["source"])
        if lacks == asks and callers and _RAISED_BY_MODULE.search(failure.where):
            return frozenset(name for name in (callers[-1], asks) if name)
        return frozenset((asks, lacks or asks))
    dropped = {names.of_module(name) for name in _DROPPED.findall(failure.message)} - {None}
    if dropped == {asks} and kind == "AttributeError":  # raised by the module itself: the caller asked
        return frozenset(name for name in (*callers[-1:], asks) if name) if callers else None
    return None
