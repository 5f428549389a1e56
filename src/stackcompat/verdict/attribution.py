"""Whom a failing test points at. Pure: the message of a failure and its traceback in, components out.

A component that moves with another (its release follows the other's) stands for that other here, unless the two are all
there is to suspect: otherwise each failure of the one would point at both, and nothing could ever be certain.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Protocol

from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Failure, TestResult
from stackcompat.verdict.missing import dotted_names, missing_in
from stackcompat.verdict.ownership import Ownership, mentioned
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["Attribution", "Attributor", "FailureAlone", "attribute_failure"]


class Attribution(Record):
    """The components that a failing test points at.

    Attributes:
        components: Without a doubt, the components that the failure itself names (at most two), or the only ones that
            had a part in it. With a doubt, all that had a part.
        traced: The components on the traceback, deepest last.
        doubt: Why it is no more than a suspicion, in a sentence; empty if it is more.
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
        """Whom a failing test points at.

        Args:
            verdict: The verdict on the cell.
            test: The failing test.
            present: The components in the cell.
            components: The components of the ecosystem.
        """
        ...

    def is_explained(self, verdict: CellVerdict, test: TestResult) -> bool:
        """Whether a search has shown beyond doubt why `test` fails in the cell of `verdict`."""
        ...


class FailureAlone:
    """Goes by what a failure itself says: for failures that no search was made for."""

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
    """Whom a failing test points at, by what the failure says.

    If code of B does not find a module or an attribute of A, the failure points at A and B and at nobody else: such
    errors are Python's own words. Otherwise everybody who had a part is a suspect: the components that the test uses,
    those on the traceback and, if that is only one, another one that the message names.

    Args:
        test: The failing test.
        present: The components in its cell.
        components: The components of the ecosystem.
    """
    ownership = Ownership(components, present)
    failure = test.failure or Failure(type="", message="")
    traced = ownership.users(failure.packages)
    named = _named_by_missing_name(failure, ownership)
    if named is not None:
        return Attribution(components=ownership.lead(named), traced=traced)
    involved = frozenset(ownership.users(test.components)) | frozenset(traced)
    doubt = ""
    if len(involved) == 1:
        others = mentioned(failure.message, components) & set(present) - involved
        if len(others) == 1:
            involved = ownership.lead(involved | others)
            doubt = f"of {' and '.join(sorted(involved))}, one is known from the error's message only"
    elif len(involved) > 2:
        doubt = f"{', '.join(sorted(involved))} all had a part in {test.test}"
    if not doubt and failure.package and ownership.owner(failure.package) is None:
        doubt = f"the error came out of {failure.package}, which is no component"
    return Attribution(components=involved, traced=traced, doubt=doubt)


#: Where a module that answers for its own names refuses one (PEP 562).
_REFUSED_BY_MODULE = re.compile(r":(?:__)?getattr(?:__)?$")


def _named_by_missing_name(failure: Failure, ownership: Ownership) -> frozenset[str] | None:
    """The component that lacks a module or a name and the component whose code asks for it; None if nothing is missing.

    The component that asks stands alone if it asks itself, or something that is no component.
    """
    kind = failure.type.rpartition(".")[2]
    asks = ownership.owner(failure.package)
    if kind not in ("AttributeError", "ImportError", "ModuleNotFoundError") or asks is None:
        return None
    if "partially initialized" in failure.message:  # a circular import: the module would have the name, only not yet
        return None
    callers = [owner for owner in map(ownership.owner, failure.packages) if owner is not None and owner != asks]
    missing = missing_in(failure.message)
    if missing.kind in ("module", "attribute", "import"):
        lacks = ownership.of_module(missing.owner)
        if lacks == asks and callers and _REFUSED_BY_MODULE.search(failure.where):
            return frozenset((callers[-1], asks))
        return frozenset((asks, lacks or asks))
    # A module that raises the error itself names what it dropped, in its own words: then the caller asked.
    dropped = {ownership.of_module(name) for name in dotted_names(failure.message)} - {None}
    if dropped == {asks} and kind == "AttributeError" and callers:
        return frozenset((callers[-1], asks))
    return None
