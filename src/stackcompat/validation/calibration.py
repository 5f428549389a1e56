"""How sensitive the smoke tests are: they try cases whose verdict is known, and the verdicts are compared.

``matrices/known-cases.toml`` holds combinations whose verdict was found out in another way. A broken one must go red at
its level and with its message, and its healthy neighbours must stay green. Smoke tests that miss a break, or fail in a
healthy combination, have to be mended. A case with a writer is a crossing: the environment of the case reads what the
writer wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from packaging.version import Version

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.driver import Inquiry, diagnose_cells
from stackcompat.core.record import Record
from stackcompat.core.requirements import exact_pins
from stackcompat.core.text import counted
from stackcompat.ecosystem.components import Components
from stackcompat.pipeline.baselines import run_baselines
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.known_cases import KnownCase
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossings
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["Calibration", "calibrate", "calibrate_crossings", "compare_verdict", "healthy_neighbours", "is_break"]


class Calibration(Record):
    """The verdict of the smoke tests on one known case.

    Attributes:
        case: The case.
        verdict: The verdict on its cell or crossing.
        wrong: How the verdict differs from the known one; empty if it does not.
        blame: The diagnosis of the search for the culprit; None: no search was made.
        neighbours: The healthy cases around the culprit; see :func:`healthy_neighbours`.
    """

    case: KnownCase
    verdict: CellVerdict | CrossingVerdict
    wrong: str
    blame: Diagnosis | None = None
    neighbours: dict[str, bool] = {}

    @property
    def inconclusive(self) -> bool:
        """Whether something else than its releases kept the case from a verdict: it says nothing about the smoke tests.

        That is infrastructure, distributions that overwrite each other unless the case is known for that, or a
        distribution that has no wheel for this machine.
        """
        kept = self.verdict.verdict in ("infra-error", "invalid") or self._is_without_wheel
        return kept and self.verdict.verdict != self.case.verdict

    @property
    def _is_without_wheel(self) -> bool:
        return self.verdict.verdict == "not-applicable" and self.verdict.level == "resolve"

    @property
    def exact(self) -> bool:
        """Whether the culprit that was found is the known one: the same names and versions, no more and no fewer."""
        if self.blame is None or not all(_is_version(culprit.version) for culprit in self.blame.culprits):
            return False
        found = {(culprit.name, Version(culprit.version)) for culprit in self.blame.culprits}
        known = {(name, Version(version)) for name, version in exact_pins(self.case.culprit).items()}
        return found == known


def is_break(case: KnownCase) -> bool:
    """Whether something in a case is known not to work: its cell, or a feature."""
    return case.verdict != "works" or bool(case.limits)


def healthy_neighbours(calibration: Calibration, cases: Sequence[KnownCase], components: Components) -> dict[str, bool]:
    """Check the culprit of a case against the healthy cases around it.

    A healthy case counts if it names the blamed one as its neighbour and differs from it in the version of a single
    culprit. A component that moves with the culprit can differ as well. A healthy case that leaves a culprit without a
    pin does not count, because that culprit can have another version there.

    Args:
        calibration: The case with the culprit that was found.
        cases: All known cases.
        components: The components of the ecosystem.

    Returns:
        By the id of each healthy case that counts: whether its version of the culprit lies outside the red releases
        that the search found.
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
                outside[case.id] = not culprit.is_in_stretch(Version(others[culprit.name]))
    return outside


def _followers(moved: Collection[str], components: Components) -> set[str]:
    """The distributions that move with one of `moved`."""
    return {
        component.distribution
        for component in components.components
        if component.moves_with and components[component.moves_with].distribution in moved
    }


def _is_version(text: str) -> bool:
    """Whether the version of a culprit is one. A culprit that metadata shows can have bounds in its place."""
    return not set(text) & set("<>=~!,") and bool(text)


def compare_verdict(case: KnownCase, verdict: CellVerdict | CrossingVerdict) -> str:
    """How a verdict differs from the known one of a case; empty if it does not.

    Args:
        case: The case, with its verdict and, as far as they are known, its level, message and broken features.
        verdict: The verdict of the smoke tests.
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
    if verdict.verdict == "invalid":
        messages.append(verdict.sentence)
    if case.message and not any(case.message in message for message in messages):
        return f"another failure than the known one: {verdict.sentence}"
    return ""


def calibrate(
    cases: Sequence[KnownCase], runner: Runner, *, rerun: bool = False, blaming: bool = False
) -> tuple[Calibration, ...]:
    """Try every case that has no writer and whose Python is on this machine, and compare the verdicts.

    Args:
        cases: The known cases.
        runner: Runs them.
        rerun: Whether cells that have evidence run again.
        blaming: Whether the culprit of each known break is searched for.
    """
    possible = [case for case in cases if case.writer is None and case.python in runner.interpreters]
    cells = {case.id: case.cell() for case in possible}
    resolutions = lock_cells(list({cell.id: cell for cell in cells.values()}.values()), runner)
    planned = {case_id: plan_cell(cell, resolutions[cell.id], runner, "interop") for case_id, cell in cells.items()}
    run_cells(list(planned.values()), runner, "interop", rerun=rerun)
    greens = run_baselines(list(planned.values()), runner)
    evidence = runner.store.of_keys(cell.key for cell in planned.values())
    calibrations = []
    for case in possible:
        cell = planned[case.id]
        verdict = judge(cell, evidence.get(cell.key, ()), runner.components, greens=greens)
        calibrations.append(Calibration(case=case, verdict=verdict, wrong=compare_verdict(case, verdict)))
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
        runner.reporter.step(f"{inquiry.verdict.cell.label}: {names}, by {counted(diagnosis.probes, 'probe')}")
    blamed = []
    for calibration in calibrations:
        if calibration.case.culprit and isinstance(calibration.verdict, CellVerdict):
            question = calibration.verdict.cell.id, calibration.case.message
            blamed.append(calibration.model_copy(update={"blame": diagnoses.get(question)}))
        else:
            blamed.append(calibration)
    return blamed


def calibrate_crossings(cases: Sequence[KnownCase], runner: Runner, *, rerun: bool = False) -> tuple[Calibration, ...]:
    """Try every case that has a writer and whose two Pythons are on this machine, and compare the verdicts.

    Args:
        cases: The known cases. Only the artifacts that a case names are written and read.
        runner: Runs them, with the suite of the tests that write and read artifacts.
        rerun: Whether cells that have evidence run again.
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
            calibrations.append(Calibration(case=case, verdict=verdict, wrong=compare_verdict(case, verdict)))
    return tuple(calibrations)
