"""Alerts: the state of every pair and every test at the newest releases, and what to do about its issue. Pure.

Nothing is stored: the states are replayed from the runs, so a night that was missed is made up for. What follows from a
change of state is data, an action. :mod:`stackcompat.nightly.tracker` carries it out; doing so twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.nightly.facts import Facts, LastRun, facts_of, judge_last_run, tests_of_pair
from stackcompat.nightly.signals import Subject, SubjectSignal, is_conclusive, signals_of_night
from stackcompat.nightly.states import Action, AlertState, Signal, transition
from stackcompat.verdict.history import History

__all__ = ["Alert", "watch"]


class Alert(Record):
    """A subject after the last run, and what to do about its issue.

    Attributes:
        subject: The pair or the test.
        current: Its state.
        signal: What the last run said of it.
        action: The last action that any of the runs called for; None: none ever did.
        called_on: The day of the run that called for it.
        facts: What the issue says; None while the subject is not red.
        covered_by: The title of a pair whose issue says the same. Then there is no action.
    """

    subject: Subject
    current: AlertState
    signal: Signal
    action: Action | None = None
    called_on: dt.date | None = None
    facts: Facts | None = None
    covered_by: str = ""


@dataclass
class _Replay:
    """What is known of all subjects (by their ids) after the nights so far.

    Attributes:
        subjects: Every subject that some night had.
        states: Their states.
        actions: The last action that each called for, and the day of that.
        results: The most results of a lock (by its evidence's key) that a subject's signal has rested on.
    """

    subjects: dict[str, Subject] = field(default_factory=dict)
    states: dict[str, AlertState] = field(default_factory=dict)
    actions: dict[str, tuple[Action, dt.date]] = field(default_factory=dict)
    results: dict[tuple[str, str], int] = field(default_factory=dict)


def watch(
    components: Components,
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    now: dt.datetime,
    diagnoses: Diagnoses | None = None,
) -> tuple[Alert, ...]:
    """An alert for every pair and every test, pairs first, each in the order of its id.

    Args:
        components: The components of the ecosystem.
        runs: The runs of one matrix, at least one.
        evidence: The evidence, by the planned cells' keys.
        now: The time of the table that issues quote.
        diagnoses: What searches for culprits have shown.
    """
    history = History(runs, evidence, diagnoses)
    replay = _Replay()
    signals: dict[str, SubjectSignal] = {}
    for index, run in enumerate(history.runs):
        signals = _signals(replay, history, index, components)
        for signal in signals.values():
            _advance(replay, signal, run.started.date())
    last_run = judge_last_run(history, components, now, diagnoses)
    alerts = [
        _alert(name, replay, signals[name].signal if name in signals else "unknown", last_run)
        for name in sorted(replay.states)
    ]
    return tuple(_without_repeats(alerts, last_run))


def _signals(replay: _Replay, history: History, index: int, components: Components) -> dict[str, SubjectSignal]:
    """What a night says, by subject.

    A subject of an earlier night that a conclusive night does not have is gone. A night that was not conclusive calls
    nothing gone.
    """
    signals = {signal.subject.id: signal for signal in signals_of_night(history, index, components)}
    replay.subjects |= {name: signal.subject for name, signal in signals.items()}
    if not is_conclusive(history, index):
        return {name: signal for name, signal in signals.items() if signal.signal != "gone"}
    return {name: signals.get(name, SubjectSignal(subject, "gone", {})) for name, subject in replay.subjects.items()}


def _advance(replay: _Replay, signal: SubjectSignal, today: dt.date) -> None:
    """Take a subject through a night."""
    name = signal.subject.id
    ran = any(replay.results.get((name, key), 0) < number for key, number in signal.results.items())
    replay.results |= {(name, key): number for key, number in signal.results.items()}
    before = replay.states.get(name, AlertState())
    replay.states[name], actions = transition(before, signal.signal, today, ran=ran)
    if actions:
        replay.actions[name] = (actions[-1], today)


def _alert(name: str, replay: _Replay, signal: Signal, last_run: LastRun) -> Alert:
    action, called_on = replay.actions.get(name, (None, None))
    subject = replay.subjects[name]
    return Alert(
        subject=subject,
        current=replay.states[name],
        signal=signal,
        action=action,
        called_on=called_on,
        facts=facts_of(subject, last_run) if signal in ("failed", "broken", "flaky") else None,
    )


def _without_repeats(alerts: Iterable[Alert], last_run: LastRun) -> Iterator[Alert]:
    """The alerts; a test that a pair with an open issue explains needs no issue of its own."""
    explained: dict[str, str] = {}
    for alert in alerts:
        if alert.subject.kind == "pair" and alert.current.open:
            explained |= dict.fromkeys(tests_of_pair(alert.subject, last_run), alert.subject.title)
        covered_by = explained.get(alert.subject.name, "") if alert.subject.kind == "test" else ""
        yield alert.model_copy(update={"action": None, "covered_by": covered_by}) if covered_by else alert
