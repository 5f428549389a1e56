"""Locks the two arms of a cell alike but for the candidate.

The control is locked first: it has the releases that the candidates replace, as people have them today. The candidate's
arm is then locked with the candidates, and with the control's versions of everything else. If that has no solution,
fewer versions are held: first the distributions that nobody asked for become free, then the others, as long as none of
them gets older. Then the control is locked again with the versions of the candidate's arm, if the old release accepts
them. The cell notes the versions that still differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from packaging.version import Version

from stackcompat.core.requirements import exactly, name_of
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.candidate import replaced_in_words
from stackcompat.gate.cells import Arm, ArmName, ExcludedCell, Exclusion, GateCell, PairedCell, UntriedCell
from stackcompat.gate.exchange import exchange_arms, plan_artifacts
from stackcompat.gate.exclusions import WRONG_PYTHON, KeptApart, component_of, explain_conflict
from stackcompat.gate.model import NotTested
from stackcompat.gate.question import PairedQuestion
from stackcompat.gate.state import GateState, skip
from stackcompat.pipeline.cells import plan_cell
from stackcompat.pipeline.exchange_plan import choose
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.workers import as_completed
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict

__all__ = ["lock_questions"]


def lock_questions(state: GateState, questions: Sequence[PairedQuestion]) -> list[GateCell]:
    """The cells of `questions`. A question that does not apply makes no cell, and is noted as not tested."""
    state.runner.reporter.stage("lock", len(questions))

    def lock(question: PairedQuestion) -> tuple[GateCell | None, list[NotTested]]:
        own = replace(state, not_tested=[])  # so that the order of the notes does not depend on who is first
        return _lock_question(own, question), own.not_tested

    locked: dict[str, tuple[GateCell | None, list[NotTested]]] = {}
    for question, answer in as_completed(
        questions, lock, state.runner.executor, at_once=state.runner.executor.local_workers
    ):
        locked[question.id] = answer
        state.runner.reporter.step(question.label)
    cells = []
    for question in questions:
        cell, notes = locked[question.id]
        state.not_tested += [note for note in dict.fromkeys(notes) if note not in state.not_tested]
        if isinstance(cell, PairedCell):
            cell = _with_exchange(state, question, cell)
        if cell is not None:
            cells.append(cell)
    return cells


def _lock_question(state: GateState, question: PairedQuestion) -> GateCell | None:
    """The cell of a question; None if it does not apply.

    Other distributions whose bounds do not accept the candidates yet are left out, and the rest is locked again.
    """
    waiting: list[Exclusion] = []
    asked = question
    while True:
        control = _lock_arm(state, asked, "control", asked.others)
        if control.resolution.lock is None:
            return _without_control(state, question, control, waiting)
        _note_held_back(state, question, control)
        arms = _lock_alike(state, asked, control)
        if isinstance(arms, _LockedArms):
            return PairedCell(
                **_cell_fields(question, waiting),
                control=Arm(planned=arms.control),
                candidate=Arm(planned=arms.candidate),
                differs=arms.differs,
            )
        versions = _versions(control)
        apart = explain_conflict(state, asked, versions, arms)
        if not apart.waiting:
            if apart.own[0].by == "python":
                skip(state, question, arms.sentence)
            return ExcludedCell(**_cell_fields(question, waiting), control=Arm(planned=control), exclusions=apart.own)
        if question.subject and question.subject in {component_of(state, name) for name in apart.waiting}:
            skip(state, question, next(iter(apart.waiting.values())).sentence)
            return None
        _note_waiting(state, question, versions, apart)
        waiting += dict.fromkeys(apart.waiting.values())
        asked = asked.without(apart.waiting)


def _cell_fields(question: PairedQuestion, waiting: Sequence[Exclusion]) -> dict[str, Any]:
    """The fields that every type of cell takes from its question."""
    return {
        "id": question.id,
        "rule": question.rule,
        "weight": question.weight,
        "label": question.label,
        "python": question.python,
        "waiting": tuple(waiting),
    }


def _without_control(
    state: GateState, question: PairedQuestion, control: PlannedCell, waiting: Sequence[Exclusion]
) -> UntriedCell | None:
    """The cell of a question whose control has no lock; None if it does not apply.

    Bounds that conflict without the candidates say nothing about them. Such a cell counts as untried if the policy
    requires it. It does not apply if the policy does not require it, or if the conflict is about the Python.
    """
    replaced = replaced_in_words(state.candidates)
    conflict = control.resolution.conflict
    if conflict is None:
        why = f"not run because {replaced} has no lock: {control.resolution.detail or control.resolution.outcome}"
        remedy = "remove the cause, and run the gate again"
        return UntriedCell(**_cell_fields(question, waiting), why=why, remedy=remedy)
    why = f"nothing to compare because {replaced} cannot be installed here either: {conflict.sentence}"
    if question.weight != "required" or conflict.kind in WRONG_PYTHON:
        skip(state, question, why)
        return None
    remedy = "change what the policy asks for, or name another release with --against"
    return UntriedCell(**_cell_fields(question, waiting), why=why, remedy=remedy)


def _note_held_back(state: GateState, question: PairedQuestion, control: PlannedCell) -> None:
    """Note each distribution that a bound holds back in the control."""
    for held in control.resolution.held_back:
        what = f"{held.name} {held.newest} on Python {question.python}"
        why = f"held back to {held.got} by {held.by}: {held.bound}"
        note = NotTested(what=what, why=why)
        if note not in state.not_tested:
            state.not_tested.append(note)


def _note_waiting(state: GateState, question: PairedQuestion, versions: Mapping[str, str], apart: KeptApart) -> None:
    """Note the releases that a cell leaves out because their bounds do not accept the candidates yet."""
    for name, exclusion in apart.waiting.items():
        why = f"left out because {exclusion.bound}"
        state.not_tested.append(NotTested(what=f"{name} {versions[name]}", why=why, where=question.place))


# ---------------------------------------------------------------------------------------------------------------------
# Both arms
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _LockedArms:
    """Both arms as they were locked.

    Attributes:
        control: The arm with the releases that the candidates replace.
        candidate: The arm with the candidates.
        differs: The other distributions whose versions differ, each with both versions.
    """

    control: PlannedCell
    candidate: PlannedCell
    differs: tuple[str, ...] = ()


def _lock_alike(state: GateState, question: PairedQuestion, control: PlannedCell) -> _LockedArms | Conflict:
    """Lock the candidate's arm as much like the locked `control` as possible; a conflict if that fails.

    If infrastructure keeps the arm from a lock, the arm is returned without one, and the cell becomes undecided.
    """
    versions = _versions(control)
    pinned = [exactly(text, versions[name_of(text)]) for text in question.others if name_of(text) in versions]
    names = {name_of(text) for text in pinned}
    rest = [
        f"{name}=={version}"
        for name, version in sorted(versions.items())
        if name not in names and name not in state.moving.candidate
    ]
    all_pinned = _lock_arm(state, question, "candidate", pinned, constraints=rest)
    if all_pinned.resolution.outcome != "conflict":
        return _LockedArms(control, all_pinned)
    others_pinned = _lock_arm(state, question, "candidate", pinned)
    if others_pinned.resolution.lock is not None:
        return _lock_control_again(state, question, control, others_pinned)
    if others_pinned.resolution.conflict is None:
        return _LockedArms(control, others_pinned)
    free = _lock_arm(state, question, "candidate", question.others)
    if free.resolution.lock is not None and not _any_is_older(_versions(free), versions, names):
        return _lock_control_again(state, question, control, free)
    return others_pinned.resolution.conflict


def _lock_control_again(
    state: GateState, question: PairedQuestion, control: PlannedCell, candidate: PlannedCell
) -> _LockedArms:
    """Both arms. The control is locked again with the versions of the other arm, if the old release accepts them."""
    wanted = {name: version for name, version in _versions(candidate).items() if name not in state.moving.candidate}
    constraints = [f"{name}=={version}" for name, version in wanted.items()]
    again = _lock_arm(state, question, "control", question.others, constraints=constraints)
    if again.resolution.lock is not None:
        control = again
    versions = _versions(control)
    differs = [
        f"{name} {versions[name]} \N{RIGHTWARDS ARROW} {wanted[name]}"
        for name in sorted(versions.keys() & wanted.keys())
        if versions[name] != wanted[name]
    ]
    return _LockedArms(control, candidate, tuple(differs))


def _any_is_older(versions: Mapping[str, str], control: Mapping[str, str], names: Iterable[str]) -> bool:
    """Whether any of `names` is older in `versions` than in `control`, or missing from `versions`."""
    return any(name not in versions or Version(versions[name]) < Version(control[name]) for name in names)


def _lock_arm(
    state: GateState,
    question: PairedQuestion,
    arm: ArmName,
    others: Sequence[str],
    *,
    constraints: Sequence[str] = (),
) -> PlannedCell:
    """Lock one arm.

    Args:
        state: The execution of the gate.
        question: The question.
        arm: The arm.
        others: The requirements on everything but the candidates.
        constraints: Exact versions of distributions that nobody asks for.
    """
    cell = _arm_cell(state, question, arm, others, constraints)
    resolution = lock_cells([cell], state.runner.quiet())[cell.id]
    return plan_cell(cell, resolution, state.runner, state.options.policy.level)


def _arm_cell(
    state: GateState, question: PairedQuestion, arm: ArmName, others: Sequence[str], constraints: Sequence[str]
) -> Cell:
    """The cell of one arm. If the index is taken back to a day, the distributions that move can still be newer."""
    moving = state.moving.control if arm == "control" else state.moving.candidate
    sources = {candidate.name: candidate for candidate in state.candidates} if arm == "candidate" else {}
    texts = list(others)
    local: dict[str, str] = {}
    index = ""
    for name in state.moving.asked:
        source = sources.get(name)
        if source is not None and source.files:
            local[name] = source.files.get(question.python, "")
            texts.append(name)
        else:
            texts.append(f"{name}=={moving[name]}" if moving[name] else name)
        if source is not None and not index:
            index = source.index
    as_of = state.options.as_of
    is_newest = arm == "control" and question.rule == "newest"
    return Cell(
        python=question.python,
        platform=this_platform(),
        requirements=tuple(sorted(texts)),
        constraints=tuple(constraints),
        exclude_newer=as_of,
        admitted=tuple(sorted(name for name, version in moving.items() if version)) if as_of else (),
        local=local,
        index=index,
        newest=tuple(name_of(text) for text in others) if is_newest else (),
        thorough=question.thorough,
        policy="gate",
        label=f"{question.label} ({arm})",
    )


def _with_exchange(state: GateState, question: PairedQuestion, cell: PairedCell) -> PairedCell | UntriedCell:
    """`cell` with artifacts that cross between its arms, if the question asks for that and both arms are locked."""
    if question.direction is None or not all(arm.planned.key for _, arm in cell.arms):
        return cell
    runner = state.exchange_runner
    if runner is None:
        why = "not run because the project has no tests that write and read artifacts"
        remedy = "add such tests in tests/exchange, or drop the rule from the policy"
        return cell.untried(why, remedy)
    exchange = plan_artifacts(
        cell.control.planned.cell,
        cell.candidate.planned.cell,
        question.direction,
        runner,
        choose(question.only, runner.suite.artifacts()),
    )
    state.exchanges[cell.id] = exchange
    control, candidate = exchange_arms(exchange)
    return cell.model_copy(update={"direction": question.direction, "control": control, "candidate": candidate})


def _versions(planned: PlannedCell) -> dict[str, str]:
    lock = planned.resolution.lock
    return lock.versions() if lock else {}
