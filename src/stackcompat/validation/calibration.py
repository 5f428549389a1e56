"""How sensitive the smoke tests are: known cases, verified elsewhere, tried with this suite and compared.

``matrices/known-cases.toml`` holds combinations whose verdict is known: broken ones with level and message at which
they must go red, and healthy neighbours that must stay green. A suite that misses one, or reddens a healthy one, is
the thing to mend. A case with a writer is a crossing: what that wrote, the case's own environment reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from packaging.requirements import Requirement
from packaging.version import Version

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.driver import Inquiry, blame_each
from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.known_cases import KnownCase
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossings
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["Calibration", "calibrate", "calibrate_crossings", "compare", "healthy_neighbours"]


class Calibration(Record):
    """One case, what the suite said of it, and in `wrong` how that differs from what is known (empty: as known).

    `blame` is whom it was laid to, if that was asked, and `exact` whether that is the known culprit. `neighbours` are
    the known healthy ones around the culprit's releases: see :func:`healthy_neighbours`.
    """

    case: KnownCase
    verdict: CellVerdict | CrossingVerdict
    wrong: str
    blame: Diagnosis | None = None
    neighbours: dict[str, bool] = {}

    @property
    def untold(self) -> bool:
        """Whether the machine or the index kept it from a verdict, which says nothing of the suite."""
        return self.verdict.verdict in ("infra-error", "invalid")

    @property
    def exact(self) -> bool:
        """Whether the culprit that was found is the known one: the same names and versions, no more and no fewer."""
        if self.blame is None:
            return False
        found = self.blame.culprits
        known = {(r.name, Version(next(iter(r.specifier)).version)) for r in map(Requirement, self.case.culprit)}
        return all(_exact_version(c.version) for c in found) and known == {(c.name, Version(c.version)) for c in found}


def healthy_neighbours(entry: Calibration, cases: Sequence[KnownCase], components: Components) -> dict[str, bool]:
    """The healthy cases that differ from a blamed one in the version of a single culprit, by id.

    True where that version is outside of the stretch of red releases that the search found. What is held to the
    version of another (`moves_with`) may move along; where another culprit is not pinned, it may have moved as well.
    """
    if entry.blame is None:
        return {}
    pinned = _pins(entry.case)
    found = {}
    for case in cases:
        if case.neighbour_of != entry.case.id or case.verdict != "works" or case.python != entry.case.python:
            continue
        pins = _pins(case)
        moved = {name for name in pins.keys() | pinned.keys() if pins.get(name) != pinned.get(name)}
        led = {
            c.distribution
            for c in components.components
            if c.moves_with and components[c.moves_with].distribution in moved
        }
        culprits = entry.blame.culprits
        if any(culprit.name not in {*pins, "python"} for culprit in culprits):
            continue
        for culprit in culprits:
            if moved - led == {culprit.name} and culprit.name in pins and _exact_version(culprit.version):
                found[case.id] = not culprit.red(Version(pins[culprit.name]))
    return found


def _pins(case: KnownCase) -> dict[str, str]:
    """The exact versions that a case asks for."""
    wanted = map(Requirement, case.requirements)
    return {r.name: next(iter(r.specifier)).version for r in wanted if str(r.specifier).startswith("==")}


def _exact_version(text: str) -> bool:
    """Whether it is a version, and not bounds, which a member of a refusal may have instead."""
    return not set(text) & set("<>=~!,") and bool(text)


def compare(case: KnownCase, verdict: CellVerdict | CrossingVerdict) -> str:
    """How `verdict` differs from what is known of `case` (verdict, level of a red one, message); empty if not."""
    if verdict.verdict != case.verdict:
        return f"{verdict.verdict} at {verdict.level}, known to be {case.verdict}: {verdict.sentence}"
    if case.verdict == "works":
        limits = verdict.broken_features if isinstance(verdict, CellVerdict) else ()
        absent = [name for name in case.limits if name not in {test.feature for test in limits}]
        if absent:
            return f"{', '.join(absent)} works, known not to"
    elif verdict.level != case.level:
        return f"{verdict.verdict} at {verdict.level}, known to be so at {case.level}: {verdict.sentence}"
    failing = (
        verdict.failures if isinstance(verdict, CrossingVerdict) else (*verdict.failures, *verdict.broken_features)
    )
    said = [test.failure.message for test in failing if test.failure is not None]
    if verdict.conflict is not None:
        said += [verdict.conflict.sentence, verdict.conflict.words]
    if case.message and not any(case.message in text for text in said):
        return f"another failure than the known one: {verdict.sentence}"
    return ""


def calibrate(
    cases: Sequence[KnownCase],
    runner: Runner,
    *,
    rerun: bool = False,
    blaming: bool = False,
) -> tuple[Calibration, ...]:
    """Try every case without a writer whose Python is here and compare; if `blaming`, find the known culprits, too."""
    here = [case for case in cases if case.writer is None and case.python in runner.interpreters]
    cells = {case.id: case.cell() for case in here}
    resolutions = lock_cells(list({cell.id: cell for cell in cells.values()}.values()), runner)
    planned: dict[str, PlannedCell] = {
        name: plan_cell(cell, resolutions[cell.id], runner, "interop") for name, cell in cells.items()
    }
    run_cells(list(planned.values()), runner, "interop", rerun=rerun)
    evidence = runner.store.of_keys(cell.key for cell in planned.values())
    found = []
    for case in cases:
        if case.id in planned:
            cell = planned[case.id]
            verdict = judge(cell, evidence.get(cell.key, ()))
            found.append(Calibration(case=case, verdict=verdict, wrong=compare(case, verdict)))
    if not blaming:
        return tuple(found)
    due = [
        Inquiry(entry.verdict, about=entry.case.message)
        for entry in found
        if entry.case.culprit and not entry.wrong and isinstance(entry.verdict, CellVerdict)
    ]
    laid: dict[tuple[str, str], Diagnosis] = {}
    for one, blamed in blame_each(due, runner, runner.catalog, runner.reporter):
        laid[one.verdict.cell.id, one.about] = blamed
        names = ", ".join(f"{culprit.name} {culprit.version}" for culprit in blamed.culprits)
        runner.reporter.step(f"{one.verdict.cell.label}: {names or 'nobody'}, by {blamed.probes} probes")
    return tuple(
        entry.model_copy(update={"blame": laid.get((planned[entry.case.id].cell.id, entry.case.message))})
        if entry.case.culprit
        else entry
        for entry in found
    )


def calibrate_crossings(cases: Sequence[KnownCase], runner: Runner, *, rerun: bool = False) -> tuple[Calibration, ...]:
    """Try every case with a writer, where the Pythons of both are here, and compare; of each, only its artifacts."""
    groups: dict[tuple[str, ...], dict[str, KnownCase]] = {}
    for case in cases:
        if case.writer is not None and {case.python, case.writer.python or case.python} <= runner.interpreters.keys():
            groups.setdefault(tuple(sorted(case.artifacts)), {})[case.id] = case
    found = []
    for artifacts, group in groups.items():
        squares = [(case.id, [case.writing_cell()], [case.cell()]) for case in group.values()]
        plan = plan_exchange(squares, runner, artifacts=artifacts)
        plan = run_exchange(plan, runner, artifacts=artifacts, rerun=rerun)
        evidence = runner.store.of_keys([*(c.key for c in plan.crossings), *(cell.key for cell in plan.cells)])
        for crossing, verdict in judge_crossings(plan, evidence):
            case = group[crossing.square]
            found.append(Calibration(case=case, verdict=verdict, wrong=compare(case, verdict)))
    return tuple(found)
