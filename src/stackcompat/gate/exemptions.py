"""Waivers and quarantines: which of them covers a failure, and which of them had a part in a decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from stackcompat.core.text import and_list
from stackcompat.gate.context import GateContext
from stackcompat.gate.model import ExemptionState, WaiverReport
from stackcompat.gate.waivers import Exemption, Quarantine, WaivableFailure, Waiver

__all__ = ["find_quarantine", "find_waiver", "report_exemptions"]


def find_waiver(context: GateContext, failure: WaivableFailure, versions: Mapping[str, str]) -> Waiver | None:
    """The first waiver that names a candidate, holds today and covers a failure.

    Args:
        context: What the cells are judged by.
        failure: The failure.
        versions: Component to version in the cell.
    """
    for waiver in context.waivers.waivers:
        if (
            not waiver.expired(context.now)
            and waiver.names(context.moving_components)
            and waiver.covers(failure)
            and waiver.holds_for(versions)
        ):
            return waiver
    return None


def find_quarantine(context: GateContext, test: str) -> Quarantine | None:
    """The first quarantine that holds today and covers `test`."""
    for quarantine in context.waivers.quarantine:
        if quarantine.covers(test) and not quarantine.expired(context.now):
            return quarantine
    return None


def report_exemptions(
    context: GateContext, used: Collection[Exemption], versions_tried: Sequence[Mapping[str, str]]
) -> tuple[WaiverReport, ...]:
    """Every waiver and quarantine of the file, with its state and what to do about it.

    Args:
        context: What the cells are judged by.
        used: The waivers and quarantines that covered something.
        versions_tried: Component to version, for each cell that was locked.
    """
    reports = []
    exemptions: tuple[Exemption, ...] = (*context.waivers.waivers, *context.waivers.quarantine)
    for exemption in exemptions:
        state, note = _state_of(context, exemption, used, versions_tried)
        reports.append(
            WaiverReport(
                what=exemption.what,
                kind="waiver" if isinstance(exemption, Waiver) else "quarantine",
                state=state,
                owner=exemption.owner,
                reason=exemption.reason,
                until=exemption.until,
                note=note,
            )
        )
    return tuple(reports)


def _state_of(
    context: GateContext,
    exemption: Exemption,
    used: Collection[Exemption],
    versions_tried: Sequence[Mapping[str, str]],
) -> tuple[ExemptionState, str]:
    """The state of an exemption, and what to do about it."""
    if exemption.expired(context.now):
        return "expired", "remove it, or decide anew"
    if exemption in used:
        return "used", ""
    if isinstance(exemption, Waiver) and not exemption.names(context.moving_components):
        return "unused", f"its versions name no candidate of this gate ({and_list(sorted(context.moving_components))})"
    if isinstance(exemption, Waiver) and not any(exemption.holds_for(versions) for versions in versions_tried):
        return "unused", "its versions have moved on; remove it"
    return "unused", "what it is about did not fail; remove it if that lasts"
