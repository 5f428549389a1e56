"""Which releases of one component work with which of another, from few questions. Pure: whoever asks runs the cells.

For a fixed release of one side, the releases of the other that work are usually an interval, and its edges move slowly
from one release to the next. So each edge is looked for from where the neighbours' edges are, in steps that double, and
by halves once it is between two answers (Bentley, Yao: An almost optimal algorithm for unbounded searching,
Information Processing Letters 5(3), 1976). What need not be asked is inferred
(:mod:`stackcompat.frontier.inference`) and marked so; a random sample of it is asked after all, and what that
contradicts is asked about until it fits again.

A pair that metadata forbids is known without asking. A question that gets no verdict (a starved machine, a flaky test,
bounds of a third distribution) tells nothing about other pairs: the search steps over it.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import (
    HIDDEN,
    NO_VERDICT,
    Ask,
    Check,
    Frontier,
    PairAnswer,
    PairFinding,
    PairQuestion,
    Predictions,
)
from stackcompat.frontier.galloping import by_halves, gallop, middle_of_gap, neighbours, place_of
from stackcompat.frontier.inference import PLACES, Pair, infer
from stackcompat.frontier.space import PairSpace
from stackcompat.verdict.signature import failure_kind

__all__ = ["DEAREST", "explore"]

#: Runs that one question may take: one, its confirmation, and one more where those differ.
DEAREST = 3


#: Doubts that the forecast may raise for nothing, one after another, until it is no longer listened to.
PATIENCE = 3


def explore(
    space: PairSpace,
    ask: Ask,
    *,
    levels: Sequence[Level] = ("import",),
    budget: int | None = None,
    seed: int = 0,
    batch: int = 1,
    forecast: Predictions | None = None,
) -> Frontier:
    """Find out which pairs of `space` work, with as few questions as this module knows how.

    `levels` are the shallowest to ask for and the one that matters. A pair that the forecast expects to be red in the
    shallow one is asked for that first, and for the deep one only if it is green there; any other for the deep one at
    once, which answers both. `budget` bounds the runs that are made, `batch` is how many questions are
    asked at once. `forecast` says where to look first and what to doubt. It never becomes a verdict by itself; but
    where a run has failed for want of a name, other pairs that want for the same name are inferred to fail as well.
    """
    draw = random.Random(seed)  # noqa: S311  (a sample, no secret)
    answers: dict[Pair, list[_Asked]] = {}
    checks: list[Check] = []
    runs = reused = unfounded = 0
    hidden: list[PairQuestion] = []
    sample: list[Pair] = []
    sampled = agreed = False
    while True:
        picture = _Picture(space, levels, answers, forecast or {})
        questions = hidden or list(picture.questions())
        doubting = checking = False
        if not questions and unfounded < PATIENCE:
            questions = list(picture.doubts())[:1]
            doubting = bool(questions)
        if not questions:
            # What was drawn and has become known since, by another answer, is no longer to be checked.
            sample = [pair for pair in sample if pair in picture.inferred]
            if not sample and not (sampled and agreed):
                sample = picture.sample(draw)
                sampled = agreed = True
            questions = [PairQuestion(pair, picture.level(pair)) for pair in sample]
            checking = True
        finished = not questions
        if budget is not None:
            questions = questions[: (budget - runs) // DEAREST]
        if not questions:
            findings = picture.findings()
            return Frontier(
                space=space,
                findings=findings,
                checks=tuple(checks),
                runs=runs,
                reused=reused,
                complete=finished and not any(finding.verdict in NO_VERDICT for finding in findings.values()),
            )
        questions = questions[:batch]
        for question, answer in zip(questions, ask(questions), strict=True):
            answers.setdefault(question.pair, []).append(_Asked(question, answer))
            runs, reused = runs + answer.runs, reused + answer.reused
            hidden = [other for other in hidden if other != question]
            if answer.verdict in HIDDEN and not question.again:
                hidden.append(question._replace(again=True))
            half = answer.verdict == "works" and question.level != levels[-1]
            if checking and not half:  # what is green half the way is asked for the rest of it
                sample.remove(question.pair)
                if answer.verdict in ("works", "broken"):
                    inferred = picture.inferred[question.pair].verdict
                    checks.append(Check(pair=question.pair, inferred=inferred, observed=answer.verdict))
                    agreed = agreed and checks[-1].agrees
            if doubting:
                unfounded = unfounded + 1 if answer.verdict == "works" else 0


class _Asked(NamedTuple):
    """A question with its answer."""

    question: PairQuestion
    answer: PairAnswer


class _Picture:
    """What the answers so far say of every pair, and what they leave open."""

    def __init__(
        self, space: PairSpace, levels: Sequence[Level], answers: Mapping[Pair, Sequence[_Asked]], forecast: Predictions
    ) -> None:
        self._space = space
        self._shallow, self._deep = levels[0], levels[-1]
        #: The answer that counts for each pair.
        self._answers = {pair: _telling(given) for pair, given in answers.items()}
        self._seen: dict[Pair, bool] = {}
        silent, half = set(), dict[Pair, bool]()
        for pair, (question, answer) in self._answers.items():
            if answer.verdict not in ("works", "broken"):
                silent.add(pair)
            elif answer.verdict == "works" and question.level != self._deep:
                half[pair] = True
            else:
                self._seen[pair] = answer.verdict == "works"
        self._half = half
        #: The last column that was seen to work in each row.
        self._latest = {row: column for (row, column), works in sorted(self._seen.items()) if works}
        broken = {pair: self._answers[pair].answer for pair, works in self._seen.items() if not works}
        #: The level at which each pair is red that is known to be so.
        self._red = {pair: answer.level for pair, answer in broken.items()}
        #: The rows of releases that were seen to break by themselves.
        self._alone = {row for (row, _), answer in broken.items() if answer.alone == space.first.name}
        #: And the columns.
        self._alone_columns = {column for (_, column), a in broken.items() if a.alone == space.second.name}
        #: What a release of the second side breaks by itself says nothing of the other columns.
        holes = {pair for pair in _by_themselves(broken, space, 1) if not self._seen.get(pair)}
        known = holes | silent
        self._rows = {row: [c for c in some if (row, c) not in known] for row, some in space.rows().items()}
        words = {pair: asked.answer.sentence for pair, asked in self._answers.items()}
        imports = {p: works or self._red[p] != self._shallow for p, works in self._seen.items()} | half
        self._early = _Wants(forecast.get(self._shallow, {}), imports, words)
        self._wants = _Wants(forecast.get(self._deep, {}), self._seen, words)
        permitted = [(row, column) for row, columns in self._rows.items() for column in columns]
        doomed = {pair for pair in permitted if self._wants.confirmed(pair)} | _by_themselves(broken, space, 0)
        hopeless = {row for row in self._rows if self._hopeless(row, broken)}
        doomed |= {pair for pair in permitted if pair[0] in hopeless}
        self._works, self._due = infer(self._rows, self._seen, doomed & set(permitted))
        self._works |= dict.fromkeys(holes - silent - space.forbidden.keys(), False)
        self._due += tuple(self._beside(holes, silent))
        for pair in (*self._due, *self._untried(doomed | holes)):
            self._works.pop(pair, None)
        #: The first and last column that works in each row that has nothing open.
        self._settled: dict[int, tuple[int, int]] = {}
        for row, columns in self._rows.items():
            green = [column for column in columns if self._works.get((row, column))]
            if green and not self._open(row):
                self._settled[row] = green[0], green[-1]

    def _landmarks(self, row: int) -> tuple[int, ...]:
        """The places of the newest, the oldest, the contemporary and the middle one of the row's columns, and of more.

        These are as far from the row's contemporary as the last that was seen to work is in the rows around it.
        """
        columns, moment = self._rows[row], self._space.contemporary
        end = len(columns) - 1
        ages = (self._latest[other] - moment[other] for other in neighbours(row, self._latest))
        return end, 0, place_of(columns, moment[row]), end // 2, *(place_of(columns, moment[row] + age) for age in ages)

    def _untried(self, doomed: Collection[Pair]) -> Iterator[Pair]:
        """Where the rows in which nothing was seen to work yet would show it most likely, and were not asked."""
        for row, columns in self._rows.items():
            if columns and row not in self._latest:
                likely = {(row, columns[place]) for place in self._landmarks(row)}
                yield from likely - self._seen.keys() - set(doomed)

    def _hopeless(self, row: int, broken: Mapping[Pair, PairAnswer]) -> bool:
        """Whether the release breaks in the same way wherever that tells most; where columns are few, all are asked."""
        columns = self._rows[row]
        if len(columns) < 2 * PLACES:
            return False
        met = [broken.get((row, columns[place])) for place in self._landmarks(row)]
        kinds = {failure_kind(answer.signature) if answer else "" for answer in met}
        return len(kinds) == 1 and "" not in kinds

    def _beside(self, holes: Collection[Pair], silent: Collection[Pair]) -> Iterator[Pair]:
        """Where to ask how far a column that breaks by itself (`holes`) does: at the end, then by halves."""
        told = self._seen.keys() | holes
        permitted = [(row, column) for row, columns in self._space.rows().items() for column in columns]
        for column in sorted({column for _, column in holes}):
            line = [pair for pair in permitted if pair[1] == column and pair not in silent]
            known = [place for place, pair in enumerate(line) if pair in told]
            for low, high in pairwise([-1, *known, len(line)]):
                ends = [line[place] in holes for place in (low, high) if 0 <= place < len(line)]
                if high - low > 1 and ends == [True]:
                    yield line[0 if low < 0 else -1]
                elif high - low > 1 and any(ends) and not all(ends):
                    yield line[(low + high) // 2]

    def _open(self, row: int) -> bool:
        """Whether some pair of the row is open."""
        return any((row, column) not in self._works for column in self._rows[row])

    @cached_property
    def inferred(self) -> dict[Pair, PairFinding]:
        """What is inferred."""
        return {pair: finding for pair, finding in self.findings().items() if finding.inferred}

    def findings(self) -> dict[Pair, PairFinding]:
        """The verdict on every pair; ``untested`` where there is none yet."""
        found = {
            pair: PairFinding(verdict="unresolvable", level="resolve", sentence=reason)
            for pair, reason in self._space.forbidden.items()
        }
        for row, columns in self._space.rows().items():
            for pair in ((row, column) for column in columns):
                found[pair] = self._finding(pair)
        return dict(sorted(found.items()))

    def _finding(self, pair: Pair) -> PairFinding:
        if pair in self._works and pair not in self._seen:
            if self._works[pair]:
                return PairFinding(verdict="works", level=self._deep, inferred=True)
            return PairFinding(verdict="broken", level=self._expected_red(pair), inferred=True)
        if pair not in self._answers:
            return PairFinding(verdict="untested", level="resolve")
        answer = self._answers[pair].answer
        return PairFinding(**answer.model_dump(exclude={"runs", "reused"}))

    def _expected_red(self, pair: Pair) -> Level:
        """The level at which a pair is red, if it is: as the nearest is that is known to be, in its row if there is."""
        if self._early.of(pair) or not self._red:
            return self._shallow
        return self._red[min(self._red, key=lambda other: (abs(other[0] - pair[0]), abs(other[1] - pair[1]), other))]

    def level(self, pair: Pair) -> Level:
        """How deep to ask: only as deep as the forecast expects the pair to be red, if it does."""
        works = self._works.get(pair)
        if works is None:
            first, last = self._expected(pair[0])
            works = first <= pair[1] <= last and not self._wants.confirmed(pair)
        return self._shallow if not works and pair not in self._half and self._early.of(pair) else self._deep

    def questions(self) -> Iterator[PairQuestion]:
        """What to ask next: what must be observed, or at most one pair a row, of the rows farthest apart first.

        What is below all that works in a row is asked for in the newest such row alone: older ones may follow from it.
        """
        pairs = list(self._due)
        if not pairs:
            found = {row: self._next(row) for row in by_halves(sorted(self._rows)) if self._open(row)}
            below = [row for row, (_, down) in found.items() if down]
            pairs = [(row, column) for row, (column, down) in found.items() if not down or row == max(below)]
        yield from (PairQuestion(pair, self.level(pair)) for pair in pairs)

    def _next(self, row: int) -> tuple[int, bool]:
        """The column to ask in a row that has something open, and whether it is below all that works there."""
        columns = self._rows[row]
        floor, edges = self._expected(row)[0], self._edges(row)
        status = [self._works.get((row, column)) for column in columns]
        green = [place for place, value in enumerate(status) if value]
        if not green:
            expected = [place_of(columns, column) for column in (*edges, floor, (floor + edges[-1]) // 2)]
            marks = self._landmarks(row)
            for place in (*marks[:2], *expected, *marks) if row in self._alone else (*expected, *marks):
                if status[place] is None:
                    return columns[place], False
            opens = [place for place, value in enumerate(status) if value is None]
            return columns[min(opens, key=lambda place: abs(place - marks[2]))], False
        up = gallop(status, green[-1], [place_of(columns, edge) for edge in edges])
        if up is not None:
            return columns[up], False
        end = len(columns) - 1
        down = gallop(status[::-1], end - green[0], [end - place_of(columns, floor)])
        return (columns[middle_of_gap(status)], False) if down is None else (columns[end - down], True)

    def _expected(self, row: int) -> tuple[int, int]:
        """The first and last column that can be expected to work in `row`: as in the nearest row that is settled."""
        return self._as_in(row, min(self._settled, key=lambda other: (abs(other - row), other), default=None))

    def _edges(self, row: int) -> list[int]:
        """The last columns that can be expected to work in `row`, highest first: as in the settled rows around it."""
        return sorted({self._as_in(row, other)[1] for other in neighbours(row, self._settled) or (None,)}, reverse=True)

    def _drift(self, row: int, near: int) -> int | None:
        """How far what works moves from the row `near` to `row`, if it moves with time.

        It does if in the settled rows around `row` the interval is another, but as old as the row in the same way. So
        it is of what works with its own release alone.
        """
        moment = self._space.contemporary
        around = neighbours(row, self._settled)
        ages = {tuple(edge - moment[other] for edge in self._settled[other]) for other in around}
        if len({self._settled[other] for other in around}) == 1 or len(ages) > 1:
            return None
        return moment[row] - moment[near]

    def _as_in(self, row: int, near: int | None) -> tuple[int, int]:
        """The first and the last column that work in `row` if it is as the settled row `near`.

        The forecast moves them by as much as it differs between the two. Without any such row, all columns are.
        """
        columns = self._rows[row]
        after = self._foreseen(row)
        if near is None:
            return after or (columns[0], columns[-1])
        before = self._foreseen(near)
        lead, lag = (after[0] - before[0], after[1] - before[1]) if before and after else (0, 0)
        (first, last), others = self._settled[near], self._rows[near]
        drift = self._drift(row, near)
        if drift is not None:
            return first + drift, last + drift
        return (
            columns[0] if first == others[0] and lead <= 0 else first + lead,
            columns[-1] if last == others[-1] and lag >= 0 else last + lag,
        )

    def _foreseen(self, row: int) -> tuple[int, int] | None:
        """The first and last column that the forecast expects to be importable in `row`."""
        columns = [column for column in self._rows[row] if not self._early.of((row, column))]
        return (columns[0], columns[-1]) if columns else None

    def doubts(self) -> Iterator[PairQuestion]:
        """Pairs that are inferred to work though the forecast does not expect it: one at most for each row."""
        doubted = set()
        for pair, finding in self.inferred.items():
            if finding.verdict == "works" and self._wants.of(pair) and pair[0] not in doubted:
                doubted.add(pair[0])
                yield PairQuestion(pair, self.level(pair))

    def sample(self, draw: random.Random) -> list[Pair]:
        """Inferred pairs to be asked after all, at random, and so that each release was in a question at least once.

        A question with a release that breaks by itself asks nothing of the other.
        """
        pairs = list(self.inferred)
        draw.shuffle(pairs)
        met = {(0, row) for row in self._alone} | {(1, column) for column in self._alone_columns}
        for pair in self._answers:
            met |= self._asks(pair)
        fresh = []
        for pair in pairs:
            if not self._asks(pair) <= met:
                met |= self._asks(pair)
                fresh.append(pair)
        rest = [pair for pair in pairs if pair not in fresh]
        return [*fresh, *rest[: max(0, _sample_size(len(pairs)) - len(fresh))]]

    def _asks(self, pair: Pair) -> set[tuple[int, int]]:
        """The releases, by axis, of which a question about `pair` asks something."""
        row, column = pair
        rows = () if column in self._alone_columns else ((0, row),)
        columns = () if row in self._alone else ((1, column),)
        return {*rows, *columns}


def _telling(given: Sequence[_Asked]) -> _Asked:
    """The last answer, unless other partners hid it as well: then the one before."""
    last = given[-1]
    return given[-2] if last.question.again and last.answer.verdict in HIDDEN else last


def _by_themselves(broken: Mapping[Pair, PairAnswer], space: PairSpace, axis: int) -> set[Pair]:
    """The pairs of each release that breaks by itself: between two partners with which it fails alone, in the same way.

    `axis` 0 is for releases of the first side, 1 for those of the second.
    """
    name = (space.first, space.second)[axis].name
    met: dict[tuple[int, str], list[int]] = {}
    for pair, answer in broken.items():
        if answer.alone == name:
            met.setdefault((pair[axis], failure_kind(answer.signature)), []).append(pair[1 - axis])
    return {
        (partner, release) if axis else (release, partner)
        for (release, _), partners in met.items()
        for partner in range(min(partners), max(partners) + 1)
    }


class _Wants:
    """The names that pairs want for at one level, as the forecast has it, less those without which a pair works."""

    def __init__(
        self, forecast: Mapping[Pair, frozenset[str]], seen: Mapping[Pair, bool], words: Mapping[Pair, str]
    ) -> None:
        self._forecast = forecast
        self._idle = {name for pair, works in seen.items() if works for name in forecast.get(pair, ())}
        #: Names for want of which a run failed: its own words name them.
        self._deadly = {
            name for pair, works in seen.items() if not works for name in self.of(pair) if _names(words[pair], name)
        }

    def of(self, pair: Pair) -> frozenset[str]:
        """What may break the pair."""
        return self._forecast.get(pair, frozenset()) - self._idle

    def confirmed(self, pair: Pair) -> bool:
        """Whether the pair wants for a name for want of which another is broken."""
        return not self._deadly.isdisjoint(self.of(pair))


def _names(sentence: str, name: str) -> bool:
    """Whether a failure's words name what a dotted name, or a call, ends in."""
    return re.findall(r"\w+", name)[-1] in re.findall(r"\w+", sentence)


def _sample_size(inferred: int) -> int:
    """Enough to meet a share of wrong inferences that matters, and few beside the runs that the search takes."""
    return math.ceil(math.sqrt(inferred) / 2)
