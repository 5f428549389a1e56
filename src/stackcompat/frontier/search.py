"""Finds out from few questions which releases of one component work with which of another. Pure: the caller runs cells.

For a fixed release of one side, the releases of the other side that work are usually an interval, and its edges move
slowly from one release to the next. So the search looks for each edge from where the neighbours' edges are, in steps
that double, and by halves once the edge lies between two answers (:mod:`stackcompat.frontier.galloping`). Pairs that
need no question are inferred (:mod:`stackcompat.frontier.inference`) and marked as inferred. A random sample of the
inferred pairs is tested. Where a test contradicts an inference, the search asks about what lies around until everything
fits again.

A pair that metadata forbids needs no question. A question that gets no verdict (a starved machine, a flaky test, bounds
of a third distribution) tells nothing about other pairs: the search steps over it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import (
    ASKED_AGAIN,
    NO_VERDICT,
    Ask,
    Check,
    Frontier,
    PairAnswer,
    PairQuestion,
    Predictions,
)
from stackcompat.frontier.conclusions import Conclusions, changed_rows, conclude, inferred
from stackcompat.frontier.findings import findings_of
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.inference_accuracy import CheckReason, inference_accuracy
from stackcompat.frontier.knowledge import Knowledge, note_answer, start_knowledge
from stackcompat.frontier.questions import doubted_pair, level_to_ask, next_questions
from stackcompat.frontier.sampling import draw_sample, pairs_around
from stackcompat.frontier.space import PairSpace

__all__ = ["MAX_RUNS_PER_QUESTION", "explore"]

#: Runs that one question can take: one, its confirmation, and one more if those two differ.
MAX_RUNS_PER_QUESTION = 3


#: After so many wrong predictions in a row, the search no longer tests pairs because of predictions.
MAX_WRONG_DOUBTS = 3


#: If no more than this share of the inferred pairs can be wrong, no further sample is drawn, even if the last one did
#: not agree.
FEW_WRONG = 0.1


#: Why questions are asked: to find edges, because a prediction doubts an inference, or to check a sample.
_Purpose = Literal["find", "doubt", "check"]


@dataclass
class _Progress:
    """How far a search has come.

    Attributes:
        dice: Draws the samples.
        runs: How many runs were made.
        reused: How many runs of the same cells existed before.
        hidden: Questions to be asked again with other third distributions, because the first ones hid the answer.
        sample: Inferred pairs that are still to be tested, each with the reason.
        stale: The rows about whose pairs the conclusions have changed since the sample was last looked through.
        wrong: Pairs that were inferred wrongly, and around which no sample was drawn yet.
        checks: The inferred pairs that were tested.
        agreed: Whether each test of the last sample agreed with the inference; None before the first sample.
        wrong_doubts: Predictions that proved wrong, one after another.
    """

    dice: random.Random
    runs: int = 0
    reused: int = 0
    hidden: list[PairQuestion] = field(default_factory=list)
    sample: dict[Pair, CheckReason] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)
    wrong: list[Pair] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    agreed: bool | None = None
    wrong_doubts: int = 0


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
    """Find out which pairs of `space` work, from few questions.

    Args:
        space: The pairs.
        ask: Answers questions.
        levels: The shallowest level to ask for, and the level that matters. A pair that is predicted to be broken at
            the shallow level is tried there first, and at the deep level only if it works. Any other pair is tried at
            the deep level at once, which answers both.
        budget: The most runs to make; None: no limit.
        seed: Chooses the samples.
        batch: How many questions are asked at once.
        forecast: The names that pairs are predicted to lack. It says where to look first and what to doubt, and never
            becomes a verdict. But where a run failed because a name was missing, other pairs that lack the same name
            are inferred to be broken.

    Returns:
        The verdicts, how they were checked, and what they cost.
    """
    knowledge = start_knowledge(space, levels, forecast or {})
    conclusions = conclude(knowledge)
    progress = _Progress(dice=random.Random(seed))  # noqa: S311  (a sample, no secret)
    while True:
        purpose, questions = _choose(knowledge, conclusions, progress, batch)
        finished = not questions
        if budget is not None:
            questions = questions[: (budget - progress.runs) // MAX_RUNS_PER_QUESTION]
        if not questions:
            return _result(knowledge, conclusions, progress, finished=finished)
        predicted = {question.pair: inferred(knowledge, conclusions, question.pair) for question in questions}
        for question, answer in zip(questions, ask(questions), strict=True):
            note_answer(knowledge, question, answer)
            _count(progress, question, answer)
            if purpose == "check":
                _check(progress, question, answer, deep=levels[-1], inferred_to_work=bool(predicted[question.pair]))
            elif purpose == "doubt":
                progress.wrong_doubts = progress.wrong_doubts + 1 if answer.verdict == "works" else 0
        conclusions = conclude(knowledge, conclusions)
        progress.stale |= changed_rows(conclusions)


def _choose(
    knowledge: Knowledge, conclusions: Conclusions, progress: _Progress, batch: int
) -> tuple[_Purpose, list[PairQuestion]]:
    """Choose at most `batch` questions; none if the search is finished."""
    questions = progress.hidden[:batch] or list(islice(next_questions(knowledge, conclusions), batch))
    if questions:
        return "find", questions
    doubted = doubted_pair(knowledge, conclusions) if progress.wrong_doubts < MAX_WRONG_DOUBTS else None
    if doubted is not None:
        return "doubt", [PairQuestion(doubted, level_to_ask(knowledge, conclusions, doubted))]
    _refill_sample(knowledge, conclusions, progress)
    pairs = list(islice(progress.sample, batch))
    return "check", [PairQuestion(pair, level_to_ask(knowledge, conclusions, pair)) for pair in pairs]


def _refill_sample(knowledge: Knowledge, conclusions: Conclusions, progress: _Progress) -> None:
    """Drop pairs of the sample that are no inferences any more, and add others where they are needed.

    Pairs around one that was inferred wrongly come first. A new sample is drawn after one that did not agree.
    """
    around: dict[Pair, CheckReason] = {}
    for pair in progress.wrong:
        around |= dict.fromkeys(pairs_around(knowledge, conclusions, pair), "around")
    progress.wrong = []
    # A pair of the sample that another answer has settled since is no longer an inference to check.
    for pair in [pair for pair in progress.sample if pair[0] in progress.stale]:
        if inferred(knowledge, conclusions, pair) is None:
            del progress.sample[pair]
    progress.stale.clear()
    if around:
        progress.sample = around | progress.sample
    if not progress.sample and not _is_checked(progress):
        progress.sample = draw_sample(knowledge, conclusions, progress.dice)
        progress.agreed = True


def _is_checked(progress: _Progress) -> bool:
    """Whether no further sample is needed: the last one agreed, or all samples together say that few are wrong."""
    accuracy = inference_accuracy(progress.checks)
    return bool(progress.agreed) or (accuracy is not None and accuracy.wrong_at_most <= FEW_WRONG)


def _count(progress: _Progress, question: PairQuestion, answer: PairAnswer) -> None:
    """Count the runs of an answer, and note the question if it is to be asked again."""
    progress.runs += answer.runs
    progress.reused += answer.reused
    progress.hidden = [other for other in progress.hidden if other != question]
    if answer.verdict in ASKED_AGAIN and not question.again:
        progress.hidden.append(question._replace(again=True))


def _check(
    progress: _Progress, question: PairQuestion, answer: PairAnswer, *, deep: Level, inferred_to_work: bool
) -> None:
    """Compare the answer for a pair of the sample with what was inferred.

    A pair that works at the shallow level stays in the sample, since the deep level is still to be tested.
    """
    if answer.verdict == "works" and question.level != deep:
        return
    reason = progress.sample.pop(question.pair)
    if answer.verdict in ("works", "broken"):
        verdict: Literal["works", "broken"] = "works" if inferred_to_work else "broken"
        check = Check(pair=question.pair, inferred=verdict, observed=answer.verdict, reason=reason)
        progress.checks.append(check)
        if not check.agrees:
            progress.agreed = False
            progress.wrong.append(question.pair)


def _result(knowledge: Knowledge, conclusions: Conclusions, progress: _Progress, *, finished: bool) -> Frontier:
    """What the search found; `finished` says that no question is left."""
    findings = findings_of(knowledge, conclusions)
    return Frontier(
        space=knowledge.space,
        findings=findings,
        checks=tuple(progress.checks),
        runs=progress.runs,
        reused=progress.reused,
        complete=finished and not any(finding.verdict in NO_VERDICT for finding in findings.values()),
    )
