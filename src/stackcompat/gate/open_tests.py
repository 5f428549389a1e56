"""Tests whose comparison speaks neither for nor against the candidates, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stackcompat.gate.cells import PairedCell
from stackcompat.gate.comparison import Comparison
from stackcompat.gate.context import GateContext, component_versions
from stackcompat.gate.exemptions import find_quarantine, find_waiver
from stackcompat.gate.findings import failure_of_test
from stackcompat.gate.model import NotTested
from stackcompat.gate.waivers import Exemption, WaivableFailure

__all__ = ["OpenTests", "sort_open_tests"]


@dataclass(frozen=True)
class OpenTests:
    """The open tests of a cell, by what follows from them.

    Attributes:
        undecided: Sentences about tests without which the cell is undecided.
        doubts: Sentences about tests that ask for a human's judgement.
        not_tested: Tests on which the decision does not rest.
        exemptions: The waivers and quarantines without which further tests would be undecided or doubtful.
    """

    undecided: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    not_tested: tuple[NotTested, ...] = ()
    exemptions: tuple[Exemption, ...] = ()


def sort_open_tests(
    context: GateContext, cell: PairedCell, compared: Iterable[Comparison], *, regressed: bool
) -> OpenTests:
    """Sort the open tests of a cell.

    Args:
        context: What the cells are judged by.
        cell: The cell with the runs that count.
        compared: All tests of the cell.
        regressed: Whether any test of the cell regressed. If so, that explains a blocked test, which then decides
            nothing.
    """
    undecided: list[str] = []
    doubts: list[str] = []
    not_tested: list[NotTested] = []
    exemptions: list[Exemption] = []
    for comparison in compared:
        if comparison.effect in ("undecided", "review"):
            exemption = _exemption_of(context, cell, comparison)
            if exemption is not None:
                exemptions.append(exemption)
            elif comparison.result.outcome == "blocked" and regressed:
                reason = comparison.result.reason
                not_tested.append(NotTested(what=comparison.test, why=reason, where=cell.place))
                continue
            else:
                sentences = undecided if comparison.effect == "undecided" else doubts
                sentences.append(f"{comparison.test} {comparison.note}")
                continue
        if comparison.comparison == "unknown" and comparison.note:
            not_tested.append(NotTested(what=comparison.test, why=comparison.note, where=cell.place))
    return OpenTests(
        undecided=tuple(undecided),
        doubts=tuple(doubts),
        not_tested=tuple(not_tested),
        exemptions=tuple(exemptions),
    )


def _exemption_of(context: GateContext, cell: PairedCell, comparison: Comparison) -> Exemption | None:
    """The quarantine or waiver that covers an open test.

    Either covers a test that asks for a human's judgement: it fails, or it fails and passes. A waiver that names the
    test also covers it where it does not apply with the candidates. Nothing covers a failure of infrastructure, or a
    test that is not there any more.
    """
    versions = component_versions(context, cell)
    if comparison.effect == "review":
        quarantine = find_quarantine(context, comparison.test)
        return quarantine or find_waiver(context, failure_of_test(context, comparison.result, versions), versions)
    if comparison.result.outcome == "not-applicable":
        return find_waiver(context, WaivableFailure(test=comparison.test), versions)
    return None
