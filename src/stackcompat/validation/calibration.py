"""How sensitive the smoke tests are: known cases, verified elsewhere, tried with this suite and compared.

``matrices/known-cases.toml`` holds combinations whose verdict is known. A broken one must go red at its level and with
its message, and its healthy neighbours must stay green. A suite that misses a break, or fails in a healthy combination,
has to be mended. A case with a writer is a crossing: the environment of the case reads what the writer wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from packaging.version import Version

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.driver import Inquiry, diagnose_cells
from stackcompat.core.record import Record
from stackcompat.core.requirements import exact_pins
from stackcompat.ecosystem.components import Components
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.known_cases import KnownCase
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossings
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["Calibration", "calibrate", "calibrate_crossings", "compare", "healthy_neighbours"]


class Calibration(Record):
    """What the suite says of one known case.

    Attributes:
        case: The case.
        verdict: The verdict on its cell or crossing.
        wrong: How the verdict differs from what is known; empty if it does not.
        blame: The culprit that a search found, where one was made.
        neighbours: The healthy cases around the culprit; see :func:`healthy_neighbours`.
    """

    case: KnownCase
    verdict: CellVerdict | CrossingVerdict
    wrong: str
    blame: Diagnosis | None = None
    neighbours: dict[str, bool] = {}

    @property
    def inconclusive(self) -> bool:
        """Whether the machine or the index kept the case from a verdict, which says nothing of the suite."""
        return self.verdict.verdict in ("infra-error", "invalid")

    @property
    def exact(self) -> bool:
        """Whether the culprit that was found is the known one: the same names and versions, no more and no fewer."""
        if self.blame is None or not all(_is_version(culprit.version) for culprit in self.blame.culprits):
            return False
        found = {(culprit.name, Version(culprit.version)) for culprit in self.blame.culprits}
        known = {(name, Version(version)) for name, version in exact_pins(self.case.culprit).items()}
        return found == known


def healthy_neighbours(calibration: Calibration, cases: Sequence[KnownCase], components: Components) -> dict[str, bool]:
    """Check the culprit of a case against the healthy cases around it.

    A healthy case counts if it differs from the blamed one in the version of a single culprit. A component that moves
    with the culprit can differ as well. Where another culprit is not pinned, the healthy case does not count, since
    that culprit can have another version, too.

    Args:
        calibration: The case with the culprit that was found.
        cases: All known cases.
        components: The components of the checkout.

    Returns:
        By the id of each healthy case that counts, whether its version is outside of the red releases that were found.
    """
    if calibration.blame is None:
        return {}
    blamed = calibration.case
    pins = exact_pins(blamed.requirements)
    outside = {}
    for case in cases:
        if case.neighbour_of != blamed.id or case.verdict != "works" or case.python != blamed.python:
            continue
        others = exact_pins(case.requirements)
        if any(culprit.name not in {*others, "python"} for culprit in calibration.blame.culprits):
            continue
        moved = {name for name in others.keys() | pins.keys() if others.get(name) != pins.get(name)}
        moved -= _followers(moved, components)
        for culprit in calibration.blame.culprits:
            if moved == {culprit.name} and culprit.name in others and _is_version(culprit.version):
                outside[case.id] = not culprit.is_red(Version(others[culprit.name]))
    return outside


def _followers(moved: Collection[str], components: Components) -> set[str]:
    """The distributions that move with one of `moved`."""
    return {
        component.distribution
        for component in components.components
        if component.moves_with and components[component.moves_with].distribution in moved
    }


def _is_version(text: str) -> bool:
    """Whether a culprit has a version. A culprit that metadata shows can have bounds in its place."""
    return not set(text) & set("<>=~!,") and bool(text)


def compare(case: KnownCase, verdict: CellVerdict | CrossingVerdict) -> str:
    """How a verdict differs from what is known of a case; empty if it does not.

    Args:
        case: The case, with its verdict and, as far as they are known, its level, message and broken features.
        verdict: The verdict that the suite came to.
    """
    if verdict.verdict != case.verdict:
        return f"{verdict.verdict} at {verdict.level}, known to be {case.verdict}: {verdict.sentence}"
    broken_features = verdict.broken_features if isinstance(verdict, CellVerdict) else ()
    if case.verdict == "works":
        features = {test.feature for test in broken_features}
        working = [name for name in case.limits if name not in features]
        if working:
            return f"{', '.join(working)} works, known not to"
    elif verdict.level != case.level:
        return f"{verdict.verdict} at {verdict.level}, known to be so at {case.level}: {verdict.sentence}"
    failures = [test.failure for test in (*verdict.failures, *broken_features)]
    messages = [failure.message for failure in failures if failure is not None]
    if verdict.conflict is not None:
        messages += [verdict.conflict.sentence, verdict.conflict.words]
    if case.message and not any(case.message in message for message in messages):
        return f"another failure than the known one: {verdict.sentence}"
    return ""


def calibrate(
    cases: Sequence[KnownCase], runner: Runner, *, rerun: bool = False, blaming: bool = False
) -> tuple[Calibration, ...]:
    """Try every case without a writer whose Python is here, and compare.

    Args:
        cases: The known cases.
        runner: Runs them.
        rerun: Whether they are run although there is evidence.
        blaming: Whether the culprit of each known break is searched for.
    """
    possible = [case for case in cases if case.writer is None and case.python in runner.interpreters]
    cells = {case.id: case.cell() for case in possible}
    resolutions = lock_cells(list({cell.id: cell for cell in cells.values()}.values()), runner)
    planned = {case_id: plan_cell(cell, resolutions[cell.id], runner, "interop") for case_id, cell in cells.items()}
    run_cells(list(planned.values()), runner, "interop", rerun=rerun)
    evidence = runner.store.of_keys(cell.key for cell in planned.values())
    calibrations = []
    for case in possible:
        cell = planned[case.id]
        verdict = judge(cell, evidence.get(cell.key, ()))
        calibrations.append(Calibration(case=case, verdict=verdict, wrong=compare(case, verdict)))
    return tuple(_with_culprits(calibrations, runner) if blaming else calibrations)


def _with_culprits(calibrations: Sequence[Calibration], runner: Runner) -> list[Calibration]:
    """The calibrations, with a culprit for each known break that came out as it is known."""
    inquiries = [
        Inquiry(calibration.verdict, about=calibration.case.message)
        for calibration in calibrations
        if calibration.case.culprit and not calibration.wrong and isinstance(calibration.verdict, CellVerdict)
    ]
    diagnoses: dict[tuple[str, str], Diagnosis] = {}
    for inquiry, diagnosis in diagnose_cells(inquiries, runner):
        diagnoses[inquiry.verdict.cell.id, inquiry.about] = diagnosis
        names = ", ".join(f"{culprit.name} {culprit.version}" for culprit in diagnosis.culprits) or "nobody"
        runner.reporter.step(f"{inquiry.verdict.cell.label}: {names}, by {diagnosis.probes} probes")
    blamed = []
    for calibration in calibrations:
        if calibration.case.culprit and isinstance(calibration.verdict, CellVerdict):
            question = calibration.verdict.cell.id, calibration.case.message
            blamed.append(calibration.model_copy(update={"blame": diagnoses.get(question)}))
        else:
            blamed.append(calibration)
    return blamed


def calibrate_crossings(cases: Sequence[KnownCase], runner: Runner, *, rerun: bool = False) -> tuple[Calibration, ...]:
    """Try every case with a writer, where the Pythons of both are here, and compare.

    Args:
        cases: The known cases. Of each, only its artifacts are written and read.
        runner: Runs them, with the suite of the tests that write and read artifacts.
        rerun: Whether they are run although there is evidence.
    """
    groups: dict[tuple[str, ...], dict[str, KnownCase]] = {}
    for case in cases:
        if case.writer is not None and {case.python, case.writer.python or case.python} <= runner.interpreters.keys():
            groups.setdefault(tuple(sorted(case.artifacts)), {})[case.id] = case
    calibrations = []
    for artifacts, group in groups.items():
        squares = [(case.id, [case.writing_cell()], [case.cell()]) for case in group.values()]
        plan = plan_exchange(squares, runner, artifacts=artifacts)
        plan = run_exchange(plan, runner, artifacts=artifacts, rerun=rerun)
        keys = [crossing.key for crossing in plan.crossings] + [cell.key for cell in plan.cells]
        evidence = runner.store.of_keys(keys)
        for crossing, verdict in judge_crossings(plan, evidence):
            case = group[crossing.square]
            calibrations.append(Calibration(case=case, verdict=verdict, wrong=compare(case, verdict)))
    return tuple(calibrations)
