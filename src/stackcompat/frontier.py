"""Which releases of one component work with which of another, from few questions. Pure: whoever asks runs the cells.

For a fixed release of one side, the releases of the other that work are usually an interval, and its edges move slowly
from one release to the next. So each edge is looked for from where the neighbour's edge is, in steps that double, and
by halves once it is between two answers (Bentley, Yao: An almost optimal algorithm for unbounded searching,
Information Processing Letters 5(3), 1976). What need not be asked is inferred (:mod:`stackcompat.intervals`) and marked
so; a random sample of it is asked after all, and what that contradicts is asked about until it fits again.

A pair that metadata forbids is known without asking. A question that gets no verdict (a starved machine, a flaky test,
bounds of a third distribution) tells nothing about other pairs: the search steps over it.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from stackcompat.intervals import Pair, infer
from stackcompat.matrix import Level
from stackcompat.record import Record
from stackcompat.verdict import LEVELS, Verdict

__all__ = ["Answer", "Ask", "Check", "Finding", "Forecast", "Frontier", "Question", "Side", "Space", "explore"]

#: Runs that one question may take: one, its confirmation, and one more where those differ.
DEAREST = 3
#: Doubts that the forecast may raise for nothing, one after another, until it is no longer listened to.
PATIENCE = 3


class Side(Record):
    """One component's releases, lowest first, and when each was uploaded."""

    name: str
    versions: tuple[str, ...]
    uploaded: tuple[dt.datetime, ...]


class Space(Record):
    """Every pair of releases of two components. `forbidden` are those that metadata excludes, each with its reason."""

    first: Side
    second: Side
    forbidden: dict[Pair, str] = {}

    def rows(self) -> dict[int, list[int]]:
        """The columns (releases of the second) that metadata permits, by row (release of the first)."""
        columns = range(len(self.second.versions))
        return {
            row: [column for column in columns if (row, column) not in self.forbidden]
            for row in range(len(self.first.versions))
        }

    def contemporary(self, row: int) -> int:
        """The newest column that was there when the row's release came: the likeliest to work with it."""
        there = [c for c, moment in enumerate(self.second.uploaded) if moment <= self.first.uploaded[row]]
        return max(there, default=0)


class Question(NamedTuple):
    """Whether this pair works, as far as `level`."""

    pair: Pair
    level: Level


class Answer(Record):
    """What came of a question. `level` is the first that is red or else the deepest that was reached.

    `runs` counts those made for this question, `reused` those that there were before.
    """

    verdict: Verdict
    level: Level
    sentence: str = ""
    runs: int = 0
    reused: int = 0
    evidence: tuple[str, ...] = ()


#: By level, the names that each pair is expected to want for there.
Forecast = Mapping[Level, Mapping[Pair, frozenset[str]]]

#: Answers to questions, in their order.
Ask = Callable[[Sequence[Question]], Sequence[Answer]]


class Finding(Record):
    """What is known of a pair. An inferred verdict has no evidence of its own."""

    verdict: Verdict
    level: Level
    inferred: bool = False
    sentence: str = ""
    evidence: tuple[str, ...] = ()


class Check(Record):
    """An inferred pair that was asked after all."""

    pair: Pair
    inferred: Verdict
    observed: Verdict

    @property
    def agrees(self) -> bool:
        """Whether the inference was right."""
        return self.inferred == self.observed


class Frontier(Record):
    """The answer. `complete` unless the budget ended before each pair had a verdict and a sample agreed with it."""

    space: Space
    findings: dict[Pair, Finding]
    checks: tuple[Check, ...] = ()
    runs: int = 0
    reused: int = 0
    complete: bool = True

    def observed(self) -> dict[Pair, bool]:
        """Whether each pair works that was tried and has a verdict."""
        return {
            pair: finding.verdict == "works"
            for pair, finding in self.findings.items()
            if finding.verdict in ("works", "broken") and not finding.inferred
        }

    @property
    def disagreement(self) -> float | None:
        """The share of checked inferences that were wrong; None when none was checked."""
        return sum(not check.agrees for check in self.checks) / len(self.checks) if self.checks else None


def explore(
    space: Space,
    ask: Ask,
    *,
    levels: Sequence[Level] = ("import",),
    budget: int | None = None,
    seed: int = 0,
    batch: int = 1,
    forecast: Forecast | None = None,
) -> Frontier:
    """Find out which pairs of `space` work, with as few questions as this module knows how.

    `levels`, shallowest first: a pair that is expected to be red, or of which nothing is known, is asked for the
    shallowest; one that is expected to be green for the deepest, which answers both. `budget` bounds the runs that are
    made, `batch` is how many questions are asked at once. `forecast` says where to look first and what to doubt. It
    never becomes a verdict by itself; but where a run has failed for want of a name, other pairs that want for the same
    name are inferred to fail as well.
    """
    draw = random.Random(seed)  # noqa: S311  (a sample, no secret)
    answers: dict[Pair, dict[Level, Answer]] = {}
    checks: list[Check] = []
    runs = reused = unfounded = 0
    sample: list[Pair] = []
    sampled = agreed = False
    while True:
        picture = _Picture(space, levels, answers, forecast or {})
        doubts = list(picture.doubts()) if forecast and unfounded < PATIENCE else []
        questions = list(picture.questions()) or doubts[:1]
        checking = not questions
        if checking:
            # What was drawn and has become known since, by another answer, is no longer to be checked.
            sample = [pair for pair in sample if pair in picture.inferred]
            if not sample:
                if sampled and agreed:
                    break
                sample = picture.sample(draw)
                sampled = agreed = True
            questions = [picture.check(pair) for pair in sample]
        if budget is not None:
            questions = questions[: (budget - runs) // DEAREST]
        if not questions:
            break
        questions = questions[:batch]
        for question, answer in zip(questions, ask(questions), strict=True):
            inferred = picture.inferred.get(question.pair) if checking else None
            answers.setdefault(question.pair, {})[question.level] = answer
            runs, reused = runs + answer.runs, reused + answer.reused
            if checking:
                sample.remove(question.pair)
            if inferred is not None and answer.verdict in ("works", "broken"):
                checks.append(Check(pair=question.pair, inferred=inferred.verdict, observed=answer.verdict))
                agreed = agreed and checks[-1].agrees
            if doubts and questions == doubts[:1]:
                unfounded = unfounded + 1 if answer.verdict == "works" else 0
    picture = _Picture(space, levels, answers, forecast or {})
    return Frontier(
        space=space,
        findings=picture.findings(),
        checks=tuple(checks),
        runs=runs,
        reused=reused,
        complete=not list(picture.questions()) and sampled and agreed and not sample,
    )


class _Picture:
    """What the answers so far say of every pair, level by level, and what they leave open."""

    def __init__(
        self,
        space: Space,
        levels: Sequence[Level],
        answers: Mapping[Pair, Mapping[Level, Answer]],
        forecast: Forecast,
    ) -> None:
        self._space = space
        self._answers = answers
        self._layers: list[_Layer] = []
        rows = space.rows()
        for level in levels:
            seen, silent = {}, set()
            for pair, given in answers.items():
                value = _value(given, level)
                if value is not None:
                    seen[pair] = value
                elif any(_deep(asked) >= _deep(level) or answer.verdict != "works" for asked, answer in given.items()):
                    silent.add(pair)
            rows = {row: [c for c in columns if (row, c) not in silent] for row, columns in rows.items()}
            layer = _Layer(level, rows, seen, _Wants(forecast.get(level, {}), seen, answers))
            self._layers.append(layer)
            rows = {row: [c for c in columns if layer.works((row, c))] for row, columns in rows.items()}

    @cached_property
    def inferred(self) -> dict[Pair, Finding]:
        """What is inferred and could be asked."""
        return {pair: finding for pair, finding in self.findings().items() if finding.inferred}

    def findings(self) -> dict[Pair, Finding]:
        """The verdict on every pair; ``untested`` where there is none yet."""
        found = {
            pair: Finding(verdict="unresolvable", level="resolve", sentence=reason)
            for pair, reason in self._space.forbidden.items()
        }
        for row, columns in self._space.rows().items():
            for column in columns:
                found[row, column] = self._finding((row, column))
        return dict(sorted(found.items()))

    def _finding(self, pair: Pair) -> Finding:
        given = self._answers.get(pair, {})
        deepest = given[max(given, key=_deep)] if given else None
        finding = Finding(verdict="untested", level="resolve")
        for layer in self._layers:
            value = layer.works(pair)
            if value is None:
                break
            verdict: Verdict = "works" if value else "broken"
            finding = Finding(verdict=verdict, level=layer.level, inferred=pair not in layer.seen)
        if deepest is not None and not finding.inferred:
            fields: dict[str, object] = {"sentence": deepest.sentence, "evidence": deepest.evidence}
            if finding.verdict in ("untested", deepest.verdict):
                fields |= {"verdict": deepest.verdict, "level": deepest.level}
            return finding.model_copy(update=fields)
        return finding

    def questions(self) -> Iterator[Question]:
        """What to ask next, of the shallowest level that has anything open: at most one question a row, best first."""
        for number, layer in enumerate(self._layers):
            due = [pair for pair in layer.inference.due if pair not in layer.seen]
            if due:
                yield from (Question(pair, layer.level) for pair in due)
                return
            open_rows = [row for row in _bisecting(sorted(layer.rows)) if layer.open(row)]
            if open_rows:
                for row in open_rows:
                    column = self._next(number, row)
                    first, last = self._expected(number, row)
                    hopeful = first <= column <= last
                    yield Question((row, column), self._layers[-1].level if hopeful else layer.level)
                return

    def _next(self, number: int, row: int) -> int:
        """The column to ask in a row that has something open."""
        layer = self._layers[number]
        columns = layer.rows[row]
        floor, edge = self._expected(number, row)
        status = [layer.works((row, column)) for column in columns]
        green = [place for place, value in enumerate(status) if value]
        if not green:
            for column in (edge, floor, (floor + edge) // 2, self._space.contemporary(row)):
                place = _place(columns, column)
                if status[place] is None:
                    return columns[place]
            return columns[_middle(status)]
        up = _gallop(status, green[-1], _place(columns, edge))
        if up is not None:
            return columns[up]
        end = len(columns) - 1
        down = _gallop(status[::-1], end - green[0], end - _place(columns, floor))
        return columns[_middle(status) if down is None else end - down]

    def _expected(self, number: int, row: int) -> tuple[int, int]:
        """The first and the last column that can be expected to work in `row`: as in the nearest row that is settled.

        The forecast moves them by as much as it differs between the two. Without any such row, all columns are.
        """
        layer = self._layers[number]
        columns = layer.rows[row]
        near = min(layer.settled, key=lambda other: (abs(other - row), other), default=None)
        after = self._foreseen(layer, row)
        if near is None:
            return after or (columns[0], columns[-1])
        before = self._foreseen(layer, near)
        lead, lag = (after[0] - before[0], after[1] - before[1]) if before and after else (0, 0)
        (first, last), others = layer.settled[near], layer.rows[near]
        return (
            columns[0] if first == others[0] and lead <= 0 else first + lead,
            columns[-1] if last == others[-1] and lag >= 0 else last + lag,
        )

    def _foreseen(self, layer: _Layer, row: int) -> tuple[int, int] | None:
        """The first and last column that the forecast expects to work in `row`."""
        columns = [column for column in layer.rows[row] if not layer.wants.of((row, column))]
        return (columns[0], columns[-1]) if columns else None

    def doubts(self) -> Iterator[Question]:
        """Pairs that are inferred to work though the forecast does not expect it: one at most for each row."""
        layer = self._layers[-1]
        doubted = set()
        for pair, finding in self.inferred.items():
            if finding.verdict == "works" and layer.wants.of(pair) and pair[0] not in doubted:
                doubted.add(pair[0])
                yield Question(pair, layer.level)

    def sample(self, draw: random.Random) -> list[Pair]:
        """Inferred pairs to be asked after all, at random, and so that each release was in a question at least once."""
        pairs = list(self.inferred)
        draw.shuffle(pairs)
        met = {(axis, pair[axis]) for pair in self._answers for axis in (0, 1)}
        fresh = []
        for pair in pairs:
            if (0, pair[0]) not in met or (1, pair[1]) not in met:
                met |= {(0, pair[0]), (1, pair[1])}
                fresh.append(pair)
        rest = [pair for pair in pairs if pair not in fresh]
        return [*fresh, *rest[: max(0, _sample_size(len(pairs)) - len(fresh))]]

    def check(self, pair: Pair) -> Question:
        """The question that an inferred pair is checked by: as deep as it is inferred to go."""
        finding = self.inferred[pair]
        red = finding.verdict == "broken" and finding.level == self._layers[0].level
        return Question(pair, self._layers[0 if red else -1].level)


class _Wants:
    """The names that pairs want for at one level, as the forecast has it, less those without which a pair works."""

    def __init__(
        self,
        forecast: Mapping[Pair, frozenset[str]],
        seen: Mapping[Pair, bool],
        answers: Mapping[Pair, Mapping[Level, Answer]],
    ) -> None:
        self._forecast = forecast
        self._idle = {name for pair, works in seen.items() if works for name in forecast.get(pair, ())}
        #: Names for want of which a run failed: its own words name them.
        self._deadly = {
            name
            for pair, works in seen.items()
            if not works
            for name in self.of(pair)
            if any(_names(answer.sentence, name) for answer in answers[pair].values())
        }

    def of(self, pair: Pair) -> frozenset[str]:
        """What may break the pair."""
        return self._forecast.get(pair, frozenset()) - self._idle

    def confirmed(self, pair: Pair) -> bool:
        """Whether the pair wants for a name for want of which another is broken."""
        return not self._deadly.isdisjoint(self.of(pair))


def _names(sentence: str, name: str) -> bool:
    """Whether a failure's words name what a dotted name ends in."""
    return re.search(rf"(?<!\w){re.escape(name.rpartition('.')[2])}(?!\w)", sentence) is not None


class _Layer:
    """One level: what can be asked there by row, what was seen, what follows, and the ends of rows that are settled."""

    def __init__(
        self, level: Level, rows: Mapping[int, Sequence[int]], seen: Mapping[Pair, bool], wants: _Wants
    ) -> None:
        self.level = level
        self.rows = rows
        self.seen = seen
        self.wants = wants
        permitted = ((row, column) for row, columns in rows.items() for column in columns)
        self.inference = infer(rows, seen, [pair for pair in permitted if wants.confirmed(pair)])
        self.settled: dict[int, tuple[int, int]] = {}
        for row, columns in rows.items():
            green = [column for column in columns if self.works((row, column))]
            if green and not self.open(row):
                self.settled[row] = green[0], green[-1]

    def works(self, pair: Pair) -> bool | None:
        """Whether a pair works at this level; None while that is open, or cannot be asked."""
        return self.inference.works.get(pair)

    def open(self, row: int) -> bool:
        """Whether some pair of the row is open."""
        return any(self.works((row, column)) is None for column in self.rows[row])


def _deep(level: Level) -> int:
    return LEVELS.index(level)


def _value(given: Mapping[Level, Answer], level: Level) -> bool | None:
    """Whether a pair works at `level`, from the answers for it at whatever levels; the deepest question counts most."""
    for asked in sorted(given, key=_deep, reverse=True):
        answer = given[asked]
        if answer.verdict == "broken":
            return _deep(answer.level) > _deep(level)
        if answer.verdict == "works" and _deep(asked) >= _deep(level):
            return True
    return None


def _bisecting(rows: Sequence[int]) -> Iterator[int]:
    """Both ends, then the middle, the middles of the halves, and so on."""
    if not rows:
        return
    yield rows[0]
    if len(rows) > 1:
        yield rows[-1]
    spans = [(0, len(rows) - 1)]
    for low, high in spans:
        if high - low > 1:
            middle = (low + high) // 2
            yield rows[middle]
            spans += [(low, middle), (middle, high)]


def _place(columns: Sequence[int], column: int) -> int:
    """The place of the last of `columns` that is not beyond `column`, or the first place."""
    return max(bisect_right(columns, column) - 1, 0)


def _gallop(status: Sequence[bool | None], low: int, guess: int) -> int | None:
    """Where to ask for the edge above `low`, which works; None if nothing is open there.

    At the guesses (ascending), right above the one that is known to work; from the last one in steps that double, by
    halves once between what works and what is broken.
    """
    high = low + 1
    while high < len(status) and status[high] is None:
        high += 1
    if high == low + 1:
        return None
    if low < guess < high:
        return guess
    if guess >= high:
        return max(high - (guess + 1 - high), (low + high) // 2)
    step = low + 1 - guess
    return min(low + step, (low + high) // 2 if high < len(status) else high - 1)


def _middle(status: Sequence[bool | None]) -> int:
    """The middle of the longest stretch that is open."""
    longest: tuple[int, int] = (0, 0)
    start = 0
    for place, value in enumerate((*status, True)):
        if value is not None:
            if place - start > longest[1] - longest[0]:
                longest = start, place
            start = place + 1
    return (longest[0] + longest[1] - 1) // 2


def _sample_size(inferred: int) -> int:
    """Enough to meet a share of wrong inferences that matters, and few beside the runs that the search takes."""
    return math.ceil(math.sqrt(inferred) / 2)
