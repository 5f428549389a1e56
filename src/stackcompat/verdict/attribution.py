"""Which components a failing test points at. Pure: the message of a failure and its traceback in, components out.

The release of some components follows that of another, their leader. Such a component is replaced by its leader here:
else each of its failures would point at both, and no attribution would ever be certain. If the component and its leader
are the only two suspects, both are named.
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
        components: If there is no doubt: the components that the failure itself names (at most two), or the only
            components that had a part in it. If there is a doubt: all components that had a part. None, if a search has
            shown that only distributions of no component are to blame.
        traced: The components on the traceback, deepest last.
        doubt: Why the attribution is only a suspicion, in a sentence; empty if it is certain.
    """

    components: frozenset[str]
    traced: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def sure(self) -> bool:
        """Whether the attribution is certain."""
        return not self.doubt


class Attributor(Protocol):
    """Says which components a failure of a cell points at.

    One attributor reads the failure alone (:class:`FailureAlone`), another also knows the results of searches.
    """

    def attribute(
        self, verdict: CellVerdict, test: TestResult, present: Collection[str], components: Components
    ) -> Attribution:
        """The components that a failing test points at.

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

    def passing_sets(self, verdict: CellVerdict, test: TestResult) -> tuple[dict[str, str], ...]:
        """Sets of versions with which searches in the cell of `verdict` saw the failing `test` pass, on its Python."""
        ...


class FailureAlone:
    """An attributor that reads only the failure itself. It is used where no search was made."""

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

    def passing_sets(self, verdict: CellVerdict, test: TestResult) -> tuple[dict[str, str], ...]:
        """See :class:`Attributor`."""
        del verdict, test
        return ()


def attribute_failure(test: TestResult, present: Collection[str], components: Components) -> Attribution:
    """The components that a failing test points at, judged by the failure alone.

    If code of B does not find a module or an attribute of A, the failure points at A and B only, since Python's own
    message names them. In all other cases every component that had a part is a suspect: the components that the test
    uses and those on the traceback. If that is a single component and the message names exactly one other, the other is
    a suspect too.

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


#: The place of an error in which a module that defines `__getattr__` refuses a name (PEP 562).
_REFUSED_BY_MODULE = re.compile(r":(?:__)?getattr(?:__)?$")


def _named_by_missing_name(failure: Failure, ownership: Ownership) -> frozenset[str] | None:
    """The component that lacks a module or a name, and the component whose code asks for it.

    Returns:
        Both components. Only the one that asks, if the name is its own or belongs to no component. None if the failure
        is not about a missing name.
    """
    kind = failure.type.rpartition(".")[2]
    asks = ownership.owner(failure.package)
    if kind not in ("AttributeError", "ImportError", "ModuleNotFoundError") or asks is None:
        return None
    if "partially initialized" in failure.message:  # a circular import: the module does not have the name yet
        return None
    callers = [owner for owner in map(ownership.owner, failure.packages) if owner is not None and owner != asks]
    missing = missing_in(failure.message)
    if missing.kind in ("module", "attribute", "import"):
        lacks = ownership.of_module(missing.owner)
        if lacks == asks and callers and _REFUSED_BY_MODULE.search(failure.where):
            return frozenset((callers[-1], asks))
        return frozenset((asks, lacks or asks))
    # A module can raise the error itself and name what it dropped. Then the caller is the one that asked.
    dropped = {ownership.of_module(name) for name in dotted_names(failure.message)} - {None}
    if dropped == {asks} and kind == "AttributeError" and callers:
        return frozenset((callers[-1], asks))
    return None
