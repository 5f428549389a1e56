"""What is watched from night to night: a state machine for every pair and every test at the newest releases. Pure.

Nothing is stored: the states are replayed from the runs. What follows from a change of state is data, an action; who
carries it out (:mod:`stackcompat.nightly.tracker`) may do so twice without harm, and a night that was missed is made
up for.

Source of the design: the state machine of Ray's release tests; quarantine expires here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.record import Record
from stackcompat.core.redact import public
from stackcompat.core.vocabulary import WORST_FIRST, Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.nightly.changes import culprits
from stackcompat.nightly.states import Action, AlertState, Signal, transition
from stackcompat.table.build import summarise
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary
from stackcompat.verdict.history import RED, History, VersionChange, changed_since, is_today
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.pairs import PairVerdict
from stackcompat.verdict.signature import failure_of

__all__ = ["Alert", "Facts", "Subject", "watch"]

# ---------------------------------------------------------------------------------------------------------------------
# From runs to states
# ---------------------------------------------------------------------------------------------------------------------


class Subject(Record):
    """What is watched: ``first + second`` or the id of a test; `title` is for people."""

    kind: Literal["pair", "test"]
    name: str
    title: str

    @property
    def id(self) -> str:
        """The same from night to night."""
        return f"{self.kind}:{self.name}"


class Facts(Record):
    """What an issue says. `moved` is what differs from the lock of the last green run; `last_green` its time."""

    signature: str
    culprits: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    moved: tuple[VersionChange, ...] = ()
    last_green: dt.datetime | None = None
    python: str
    installed: tuple[str, ...] = ()
    reproduce: str
    details: str = ""


class Alert(Record):
    """A subject, where it stands after the last run, what is to be done about its issue, and what that says.

    `action` is the last one that any of the runs called for, and `called` the day of that run; None: none ever did.
    `facts` are there while it is not green. `covered_by` is the title of a pair whose issue tells the same; then there
    is no action.
    """

    subject: Subject
    watched: AlertState
    said: Signal
    action: Action | None = None
    called: dt.date | None = None
    facts: Facts | None = None
    covered_by: str = ""


_OF_VERDICT: dict[Verdict, Signal] = {
    "works": "green",
    "broken": "broken",
    "uninstallable": "broken",
    "unresolvable": "broken",
    "flaky": "flaky",
}


def _said_of_pair(pairs: Iterable[PairVerdict]) -> Signal:
    """A red that other components may explain as well is not this pair's: the test that shows it is watched too."""
    said = {
        "unknown" if pair.inferred and pair.verdict != "works" else _OF_VERDICT.get(pair.verdict, "unknown")
        for pair in pairs
    }
    return next((one for one in ("broken", "flaky", "unknown") if one in said), "green")


_OF_STATE: dict[str, Signal] = {
    "confirmed": "broken",
    "feature-broken": "broken",
    "flaky": "flaky",
    "unconfirmed": "failed",
    "infra": "unknown",
    "blocked": "unknown",
    "passed": "green",
}


def _said_of_test(statuses: Iterable[TestStatus]) -> Signal:
    statuses = tuple(statuses)
    if all(status.state == "not-applicable" for status in statuses):
        return "gone"
    said = {_OF_STATE[status.state] for status in statuses if status.state in _OF_STATE}
    order: tuple[Signal, ...] = ("broken", "flaky", "failed", "unknown", "green")
    return next((one for one in order if one in said), "unknown")


def watch(
    components: Components,
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    now: dt.datetime,
    diagnoses: Diagnoses | None = None,
) -> tuple[Alert, ...]:
    """Every pair and test of `runs` (of one matrix, at least one), pairs first, each in the order of its id.

    `evidence` is by the planned cells' keys, `diagnoses` are what searches for culprits have shown.
    """
    history = History(runs, evidence, diagnoses)
    states: dict[str, AlertState] = {}
    actions: dict[str, tuple[Action, dt.date]] = {}
    subjects: dict[str, Subject] = {}
    heard: dict[tuple[str, str], int] = {}
    told: dict[str, _Told] = {}
    for index, run in enumerate(history.runs):
        today = run.started.date()
        told = {one.subject.id: one for one in _night(history, index, components)}
        subjects |= {name: one.subject for name, one in told.items()}
        if _all_ran(history, index):
            told = {name: told.get(name, _Told(subject, "gone", {})) for name, subject in subjects.items()}
        else:
            told = {name: one for name, one in told.items() if one.said != "gone"}
        for name, one in told.items():
            ran = any(heard.get((name, key), 0) < number for key, number in one.results.items())
            heard |= {(name, key): number for key, number in one.results.items()}
            states[name], called = transition(states.get(name, AlertState()), one.said, today, ran=ran)
            if called:
                actions[name] = (called[-1], today)
    said: dict[str, Signal] = {name: one.said for name, one in told.items()}
    teller = _Teller(history, components, now, diagnoses)
    items = []
    for name in sorted(states):
        action, called_on = actions.get(name, (None, None))
        items.append(
            Alert(
                subject=subjects[name],
                watched=states[name],
                said=said.get(name, "unknown"),
                action=action,
                called=called_on,
                facts=teller.facts(subjects[name]) if said.get(name) in ("failed", "broken", "flaky") else None,
            )
        )
    return tuple(_without_repeats(items, teller))


class _Told(NamedTuple):
    """What a night said of a subject, and on how many results of each lock that rests, by the evidence's key."""

    subject: Subject
    said: Signal
    results: dict[str, int]


def _night(history: History, index: int, components: Components) -> Iterator[_Told]:
    here = {seen.planned.cell.id: seen for seen in history.seen(index, is_today)}
    ran = {cell: Counter(one.test for run in seen.runs for one in run.tests) for cell, seen in here.items()}

    def results(shown: Mapping[str, Iterable[str]]) -> dict[str, int]:
        return {here[cell].planned.key: sum(ran[cell][test] for test in tests) for cell, tests in shown.items()}

    for (first, second), pairs in history.pairs(index, components).items():
        title = f"{components[first].title} with {components[second].title}"
        said = _said_of_pair(pairs)
        telling = [pair for pair in pairs if _OF_VERDICT.get(pair.verdict) == said and pair.witness in here]
        shown: dict[str, tuple[str, ...]] = {pair.witness: pair.tests for pair in telling}
        yield _Told(Subject(kind="pair", name=f"{first} + {second}", title=title), said, results(shown))
    for test, found in history.tests(index).items():
        said = _said_of_test(status for _, status in found)
        shown = {seen.planned.cell.id: (test,) for seen, one in found if _OF_STATE.get(one.state) == said}
        yield _Told(Subject(kind="test", name=test, title=test), said, results(shown))


def _all_ran(history: History, index: int) -> bool:
    """Whether every cell with the newest releases told all that it could: what is in none of them is not there."""
    verdicts = {seen.verdict.verdict for seen in history.seen(index, is_today)} - {"not-applicable"}
    return bool(verdicts) and verdicts <= {"works", "broken", "flaky"}


def _without_repeats(items: Iterable[Alert], teller: _Teller) -> Iterator[Alert]:
    """A test that a watched pair explains needs no issue of its own."""
    explained: dict[str, str] = {}
    for item in items:
        if item.subject.kind == "pair" and item.watched.open:
            for test in teller.tests_of_pair(item.subject):
                explained[test] = item.subject.title
        covered = explained.get(item.subject.name, "") if item.subject.kind == "test" else ""
        yield item.model_copy(update={"action": None, "covered_by": covered}) if covered else item


class _Teller:
    """Finds what an issue says about the last run."""

    def __init__(self, history: History, components: Components, now: dt.datetime, diagnoses: Diagnoses | None) -> None:
        self._history = history
        self._last = len(history.runs) - 1
        tonight = history.runs[self._last]
        evidence = {cell.key: history.known(self._last, cell) for cell in tonight.cells if cell.key}
        self._summary: Summary = summarise(components, (tonight,), evidence, now, diagnoses=diagnoses)
        self._pairs = {f"{a} + {b}": said for (a, b), said in history.pairs(self._last, components).items()}
        self._tests = history.tests(self._last)
        self._seen = {seen.planned.cell.id: seen for seen in history.seen(self._last)}

    def tests_of_pair(self, subject: Subject) -> set[str]:
        """The tests that failed for the pair."""
        red = [pair for pair in self._pairs.get(subject.name, ()) if pair.verdict in ("broken", "flaky")]
        return {test for pair in red for test in pair.tests}

    def facts(self, subject: Subject) -> Facts | None:
        if subject.kind == "pair":
            # The witness may be of an earlier night, which this one's cells say nothing about.
            red = [
                pair
                for pair in self._pairs.get(subject.name, ())
                if pair.verdict in RED | {"flaky"} and pair.witness in self._seen
            ]
            shown = min(red, key=lambda pair: (WORST_FIRST.index(pair.verdict), pair.inferred), default=None)
            return self._facts(shown.witness, lambda group: group.signature == shown.signature) if shown else None
        order = ("confirmed", "feature-broken", "flaky", "unconfirmed")
        found = [(seen, one) for seen, one in self._tests.get(subject.name, ()) if one.state in order]
        if not found:
            return None
        seen, status = min(found, key=lambda entry: order.index(entry[1].state))
        cell = seen.planned.cell.id
        if status.state == "feature-broken":  # no failure of the cell: it speaks for itself
            said = failure_of(status.result)
            own = {"signature": said.signature, "culprits": (), "suspects": (), "details": public(said.traceback)}
            return self._facts(cell, lambda _: False).model_copy(update=own)
        return self._facts(cell, lambda group: subject.name in group.tests)

    def _facts(self, cell: str, fits: Callable[[FailureGroup], bool]) -> Facts:
        row = next(row for row in self._summary.cells if row.id == cell)
        groups = [group for group in self._summary.failures if cell in group.cells]
        group = next((group for group in groups if fits(group)), groups[0] if groups else None)
        seen = self._seen[cell]
        green = self._history.last_green(cell)
        moved = changed_since(green, seen)
        titles = self._summary.titles()
        return Facts(
            signature=group.signature if group else row.sentence,
            culprits=culprits(group, self._summary, moved) if group else (),
            suspects=tuple(titles[name] for name in group.suspects) if group else (),
            moved=moved,
            last_green=green.run.started if green else None,
            python=row.python,
            installed=tuple(f"{titles[name]} {here.version}" for name, here in row.components.items()),
            reproduce=row.reproduce,
            details=group.details if group else "",
        )
