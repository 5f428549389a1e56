"""Alerts: the state of every pair and every test at the newest releases, and what to do about its issue. Pure.

No state is stored. The states are replayed from all runs, so a night on which nobody looked is made up for. A change of
state calls for an action, which is data. :mod:`stackcompat.nightly.tracker` carries it out; doing so twice changes
nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.nightly.alert_states import Action, AlertState, Signal, transition
from stackcompat.nightly.facts import Facts, LastRun, facts_of, judge_last_run
from stackcompat.nightly.signals import (
    CellTest,
    Subject,
    SubjectSignal,
    is_conclusive,
    is_lifted,
    signals_of_night,
)
from stackcompat.plan.places import USUAL_PLACES, Places
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.history import History

__all__ = ["Alert", "cover_repeats", "watch"]


class Alert(Record):
    """A subject after the last run, and what to do about its issue.

    Attributes:
        subject: The pair or the test.
        matrix: The matrix whose runs were read.
        night: The day of the last run.
        current: Its state.
        signal: What the last run said of it.
        action: The last action that any of the runs called for; None: no run called for one.
        called_on: The day of the run that called for it.
        facts: What the issue says; None while the subject is not red.
        covered_by: The title of a subject with the same failure, whose issue tells it. Then there is no action.
        covers: The subjects that this one covers in this way.
    """

    subject: Subject
    matrix: str = ""
    night: dt.date | None = None
    current: AlertState
    signal: Signal
    action: Action | None = None
    called_on: dt.date | None = None
    facts: Facts | None = None
    covered_by: str = ""
    covers: tuple[Subject, ...] = ()


@dataclass
class _Replay:
    """What is known of all subjects (by their ids) after the nights so far.

    Attributes:
        subjects: Every subject that some night had.
        states: Their states.
        actions: The last action that each subject called for, and the day of the run that did.
        results: The number of test results on which the signals of a subject have rested so far, by subject and key of
            evidence.
        red_tests: The tests that showed that a pair is red, since it is.
    """

    subjects: dict[str, Subject] = field(default_factory=dict)
    states: dict[str, AlertState] = field(default_factory=dict)
    actions: dict[str, tuple[Action, dt.date]] = field(default_factory=dict)
    results: dict[tuple[str, str], int] = field(default_factory=dict)
    red_tests: dict[str, frozenset[CellTest]] = field(default_factory=dict)


def watch(
    components: Components,
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    now: dt.datetime,
    diagnoses: Diagnoses | None = None,
    greens: Greens | None = None,
    places: Places = USUAL_PLACES,
) -> tuple[Alert, ...]:
    """An alert for every pair and every test, pairs first, each in the order of its id.

    Args:
        components: The components of the ecosystem.
        runs: The runs of one matrix, at least one.
        evidence: The evidence, by the planned cells' keys.
        now: The time of the table that issues quote.
        diagnoses: What searches for culprits have shown.
        greens: In which releases each smoke test was seen to pass; see :func:`stackcompat.verdict.verdict.judge`.
        places: Where the ecosystem has its published table and its tests, for the commands in issues.
    """
    history = History(components, runs, evidence, diagnoses, greens)
    replay = _Replay()
    signals: dict[str, SubjectSignal] = {}
    for index, run in enumerate(history.runs):
        signals = _signals(replay, history, index, components)
        for signal in signals.values():
            _advance(replay, signal, run.started.date())
    last_run = judge_last_run(history, components, now, diagnoses, greens, places)
    alerts = [
        _alert(name, replay, signals[name].signal if name in signals else "unknown", last_run, history.runs[-1])
        for name in sorted(replay.states)
    ]
    return cover_repeats(alerts)


def _signals(replay: _Replay, history: History, index: int, components: Components) -> dict[str, SubjectSignal]:
    """What a night says, by subject.

    If a conclusive night lacks a subject of an earlier night, the subject is gone. A night that is not conclusive calls
    no subject gone.
    """
    signals = {signal.subject.id: signal for signal in signals_of_night(history, index, components)}
    replay.subjects |= {name: signal.subject for name, signal in signals.items()}
    signals |= {name: _as_far_as_seen(replay, signal, history, index) for name, signal in signals.items()}
    if not is_conclusive(history, index):
        return {name: signal for name, signal in signals.items() if signal.signal != "gone"}
    return {name: signals.get(name, SubjectSignal(subject, "gone", {})) for name, subject in replay.subjects.items()}


def _as_far_as_seen(replay: _Replay, signal: SubjectSignal, history: History, index: int) -> SubjectSignal:
    """The signal, or ``unknown`` if it is green and no test passed that showed the pair red."""
    red_tests = replay.red_tests.get(signal.subject.id, frozenset())
    if signal.signal == "green" and red_tests and not is_lifted(red_tests, history, index):
        return SubjectSignal(signal.subject, "unknown", {})
    return signal


def _advance(replay: _Replay, signal: SubjectSignal, today: dt.date) -> None:
    """Move the state of a subject on by one night."""
    name = signal.subject.id
    if signal.signal in ("green", "gone"):
        replay.red_tests.pop(name, None)
    elif signal.red_tests:
        replay.red_tests[name] = replay.red_tests.get(name, frozenset()) | signal.red_tests
    ran = any(replay.results.get((name, key), 0) < number for key, number in signal.results.items())
    replay.results |= {(name, key): number for key, number in signal.results.items()}
    before = replay.states.get(name, AlertState())
    replay.states[name], actions = transition(before, signal.signal, today, ran=ran)
    if actions:
        replay.actions[name] = (actions[-1], today)


def _alert(name: str, replay: _Replay, signal: Signal, last_run: LastRun, run: RunRecord) -> Alert:
    """The alert about a subject after the last run; `signal` is what that run said of it."""
    action, called_on = replay.actions.get(name, (None, None))
    subject = replay.subjects[name]
    return Alert(
        subject=subject,
        matrix=run.matrix,
        night=run.started.date(),
        current=replay.states[name],
        signal=signal,
        action=action,
        called_on=called_on,
        facts=facts_of(subject, last_run) if signal in ("failed", "broken", "flaky") else None,
    )


def cover_repeats(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """The alerts, of which only one acts of all that are about the same failure.

    That is the one whose issue was called for first, so that the next night tells the failure in the same issue. Of
    several, pairs come before tests.
    """
    groups: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.facts is not None and alert.action in ("open", "update"):
            groups.setdefault(alert.facts.failure, []).append(alert)
    told: dict[str, Alert] = {}
    for group in groups.values():
        first, *others = sorted(group, key=_order)
        told[first.subject.id] = first.model_copy(update={"covers": tuple(other.subject for other in others)})
        for other in others:
            update = {"action": None, "covered_by": first.subject.title}
            told[other.subject.id] = other.model_copy(update=update)
    return tuple(told.get(alert.subject.id, alert) for alert in alerts)


def _order(alert: Alert) -> tuple[dt.date, bool, str]:
    """What decides which of several alerts about one failure acts: the first."""
    opened = alert.current.opened or dt.date.max
    return opened, alert.subject.kind != "pair", alert.subject.id
