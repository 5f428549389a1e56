"""What speaks against the candidates: tests that regress, bounds that exclude them, files that cannot be installed.

Each function that makes a finding also returns the waiver or quarantine that covers it, if there is one. A finding that
is covered is waived.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from stackcompat.core.record import digest
from stackcompat.core.text import and_list, article
from stackcompat.core.vocabulary import LEVELS
from stackcompat.evidence.results import Failure, TestResult
from stackcompat.gate.cells import Exclusion, PairedCell
from stackcompat.gate.comparison import Comparison
from stackcompat.gate.context import GateContext, component_versions
from stackcompat.gate.exemptions import find_quarantine, find_waiver
from stackcompat.gate.model import GateFinding
from stackcompat.gate.waivers import Exemption, WaivableFailure
from stackcompat.verdict.attribution import attribute_failure
from stackcompat.verdict.missing import missing_in
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.signature import incompatibility_id

__all__ = [
    "affected_components",
    "failure_of_test",
    "find_regressions",
    "installation_id",
    "make_exclusion",
    "make_uninstallable",
]

_MESSAGE_CHARACTERS = 240


# ---------------------------------------------------------------------------------------------------------------------
# Bounds and files
# ---------------------------------------------------------------------------------------------------------------------


def make_exclusion(
    context: GateContext, exclusion: Exclusion, versions: Mapping[str, str]
) -> tuple[GateFinding, tuple[Exemption, ...]]:
    """The finding that a bound keeps the candidates out, and the waiver that covers it.

    Args:
        context: What the cells are judged by.
        exclusion: The exclusion.
        versions: Component to version as they would be without the exclusion.
    """
    if exclusion.component and exclusion.version:
        versions = {**versions, exclusion.component: exclusion.version}  # a component that is left out is in no lock
    finding_id = f"SC-{digest('excluded', context.releases, exclusion.component, exclusion.bound, length=10)}"
    failure = WaivableFailure(
        finding=finding_id,
        candidates=context.moving_components,
        others=frozenset({exclusion.component} - context.moving_components - {""}),
    )
    waiver = find_waiver(context, failure, versions)
    finding = GateFinding(
        id=finding_id,
        state="waived" if waiver else "failed",
        sentence=exclusion.sentence,
        remedy=exclusion.remedy,
        level="resolve",
        components=(exclusion.component,) if exclusion.component else (),
        chain=exclusion.chain,
        waiver=waiver.reason if waiver else "",
    )
    return finding, (waiver,) if waiver else ()


def installation_id(context: GateContext, python: str) -> str:
    """The id of all findings about the installation of the candidates on `python`."""
    return f"SC-{digest('uninstallable', context.releases, python, length=10)}"


def make_uninstallable(
    context: GateContext, cell: PairedCell, reason: str
) -> tuple[GateFinding, tuple[Exemption, ...]]:
    """The finding that the candidates' files cannot be installed, and the waiver that covers it.

    Args:
        context: What the cells are judged by.
        cell: The cell with the runs that count.
        reason: What the installer says.
    """
    finding_id = installation_id(context, cell.python)
    waiver = find_waiver(context, WaivableFailure(finding=finding_id), component_versions(context, cell))
    finding = GateFinding(
        id=finding_id,
        state="waived" if waiver else "failed",
        sentence=f"{context.releases} cannot be installed, although {context.replaced} can: {reason}",
        remedy="read what the installer says, then build and upload the files again",
        level="install",
        waiver=waiver.reason if waiver else "",
    )
    return finding, (waiver,) if waiver else ()


# ---------------------------------------------------------------------------------------------------------------------
# Tests
# ---------------------------------------------------------------------------------------------------------------------


def find_regressions(
    context: GateContext, cell: PairedCell, regressed: Iterable[Comparison]
) -> tuple[tuple[GateFinding, ...], tuple[Exemption, ...]]:
    """The findings of the tests that regressed, the shallowest level first, and the exemptions that cover them.

    Tests that fail in the same way are one finding.

    Args:
        context: What the cells are judged by.
        cell: The cell with the runs that count.
        regressed: The tests that speak against the candidates.
    """
    findings: dict[tuple[str, str], GateFinding] = {}
    used: list[Exemption] = []
    for comparison in sorted(regressed, key=lambda comparison: LEVELS.index(comparison.level)):
        finding, exemptions = _make_regression(context, cell, comparison)
        used += exemptions
        first = findings.setdefault((finding.id, finding.state), finding)
        tests = (*first.tests, comparison.test)
        findings[finding.id, finding.state] = first.model_copy(update={"tests": tests})
    return tuple(findings.values()), tuple(used)


def _make_regression(
    context: GateContext, cell: PairedCell, comparison: Comparison
) -> tuple[GateFinding, tuple[Exemption, ...]]:
    """The finding of one test, its `tests` still empty, and the exemptions that cover it."""
    result = comparison.result
    failure = result.failure or Failure(type=result.outcome, message=result.reason)
    versions = component_versions(context, cell)
    affected = affected_components(context, result, versions)
    # The advisory that is published once the candidates are released has the same id.
    distributions = {context.components[name].distribution for name in affected}
    distributions |= {candidate.name for candidate in context.candidates}
    finding_id = incompatibility_id(failure.signature, distributions)
    waiver = find_waiver(context, failure_of_test(context, result, versions, finding_id), versions)
    quarantine = find_quarantine(context, comparison.test)
    reason = ""
    if waiver:
        reason = waiver.reason
    elif quarantine:
        reason = f"quarantined: {quarantine.reason}"
    finding = GateFinding(
        id=finding_id,
        state="waived" if reason else "failed",
        sentence=_regression_sentence(
            context, cell, result, failure, [f"{name} {versions[name]}" for name in affected]
        ),
        remedy=_remedy(context, failure, affected),
        level=result.level,
        components=tuple(affected),
        signature=failure.signature,
        waiver=reason,
    )
    return finding, tuple(exemption for exemption in (waiver, quarantine) if exemption)


def _regression_sentence(
    context: GateContext, cell: PairedCell, result: TestResult, failure: Failure, affected: Sequence[str]
) -> str:
    """The sentence for a test that regressed.

    Args:
        context: What the cells are judged by.
        cell: The cell.
        result: The test as it fails with the candidates.
        failure: How it fails.
        affected: The other components that it affects, with their versions.
    """
    alone = len(context.candidates) == 1
    fails = "fails" if alone else "fail"
    others = f"with {and_list(affected)}" if affected else "by itself" if alone else "by themselves"
    sentence = f"{context.releases} {fails} {others} because {_event(result, failure)}"
    if cell.direction == "backward":
        sentence += f" ({context.releases} reads what {context.replaced} wrote)"
    if cell.direction == "forward":
        sentence += f" ({context.replaced} reads what {context.releases} writes)"
    if cell.differs:
        sentence += f" (the arms also differ in {', '.join(cell.differs)})"
    return sentence


def _event(result: TestResult, failure: Failure) -> str:
    """How a test fails, such as ``import alpha raises ImportError: ...``.

    An import test is named after its module, any other test by its id.
    """
    module = re.search(r"\[([\w.]+)\]$", result.test)
    subject = f"import {module[1]}" if result.level == "import" and module else result.test
    message = failure.message
    if len(message) > _MESSAGE_CHARACTERS:
        message = f"{message[:_MESSAGE_CHARACTERS]}…"
    verb = "raises" if result.outcome == "failed" else "ends with"
    return f"{subject} {verb} {failure.type}: {message}"


def affected_components(context: GateContext, result: TestResult, versions: Mapping[str, str]) -> list[str]:
    """The components other than the candidates that a regression affects.

    No component is affected if only candidates are on the traceback, unless the failure is a missing name of another
    component. If the failure points at its components only as suspects, the deepest other component on the traceback is
    taken, if there is one. In all other cases it is the components that the failure points at.

    Args:
        context: What the cells are judged by.
        result: The test as it fails with the candidates.
        versions: Component to version in the candidate's arm.
    """
    attribution = attribute_failure(result, tuple(versions), context.components)
    traced = [name for name in attribution.traced if name not in context.moving_components]
    if attribution.traced and not traced and not _missing_name(result.failure):
        return []
    if not attribution.sure and traced:
        return traced[-1:]
    return [
        name
        for name in context.components.names()
        if name in attribution.components and name not in context.moving_components
    ]


def failure_of_test(
    context: GateContext, result: TestResult, versions: Mapping[str, str], finding: str = ""
) -> WaivableFailure:
    """A failing test as a waiver sees it.

    Args:
        context: What the cells are judged by.
        result: The test as it fails with the candidates.
        versions: Component to version in the candidate's arm.
        finding: The id of the finding; empty where there is none.
    """
    return WaivableFailure(
        test=result.test,
        finding=finding,
        candidates=context.moving_components,
        others=frozenset(affected_components(context, result, versions)),
        users=frozenset(Ownership(context.components, versions).users(result.components)),
    )


def _remedy(context: GateContext, failure: Failure, affected: Sequence[str]) -> str:
    missing = _missing_name(failure)
    names, others = context.names, and_list(affected)
    if not affected:
        return f"fix this in {names}"
    if not missing:
        return f"release {article(others)} that works with {context.releases} first, or undo the change in {names}"
    asking = context.components.of_distribution(failure.package)
    if asking is not None and asking.name in context.moving_components:
        return f"make {names} do without {missing}, or require {article(others)} that has it"
    return f"release {article(others)} that does without {missing} first, or keep the name in {names}"


def _missing_name(failure: Failure | None) -> str:
    """The missing name that the failing code asked for; empty for any other failure."""
    missing = missing_in(failure.message if failure else "")
    return missing.name or missing.owner
