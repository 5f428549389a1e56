"""Plans the questions of a gate, the most telling first. Pure functions over a catalog.

:mod:`stackcompat.gate.rules` says what each rule of the policy asks; :mod:`stackcompat.gate.arms` locks the two arms.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

from stackcompat.core.requirements import name_of, python_key
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.model import NotTested
from stackcompat.gate.moving import Moving
from stackcompat.gate.policy import GatePolicy, Weight
from stackcompat.gate.question import PairedQuestion
from stackcompat.gate.rules import RuleContext, make_rule_context, questions_of_rule
from stackcompat.plan.known_cases import KnownCase

__all__ = ["broke_before", "make_questions"]

_WEIGHTS: tuple[Weight, ...] = ("required", "review", "informing")


def broke_before(cases: Iterable[KnownCase], candidates: Iterable[Candidate], components: Components) -> Counter[str]:
    """Count the known breaks that each component had together with a candidate.

    Args:
        cases: The known cases.
        candidates: The releases to judge.
        components: The ecosystem.
    """
    names = {candidate.name for candidate in candidates}
    counts: Counter[str] = Counter()
    for case in cases:
        blamed = set(map(name_of, case.culprit))
        if case.verdict != "works" and blamed & names:
            rows = (components.of_distribution(name) for name in blamed - names)
            counts.update(row.name for row in rows if row)
    return counts


def make_questions(
    policy: GatePolicy,
    candidates: Sequence[Candidate],
    moving: Moving,
    components: Components,
    catalog: Catalog,
    *,
    pythons: Sequence[str],
    as_of: dt.datetime | None,
    known: Counter[str],
) -> tuple[tuple[PairedQuestion, ...], tuple[NotTested, ...]]:
    """The questions of every rule, the most telling first, and what could not be asked.

    Required questions come first, then those that ask for a human's judgement, then those that only inform. Among
    questions of equal weight, the newest releases come first, since most people have them; then the components that
    broke most often before; then the policy's order of rules and of components; then the newest Python.

    Args:
        policy: What the candidates must pass.
        candidates: The releases to judge.
        moving: What differs between the two arms.
        components: The ecosystem.
        catalog: The index.
        pythons: The Pythons to try.
        as_of: The day to which the index is taken back; None: today.
        known: How many known breaks each component had together with a candidate.

    Returns:
        The questions, each asked once, by the heaviest rule that asks it; and what could not be asked, with the reason.
    """
    context = make_rule_context(policy, candidates, moving, components, catalog, as_of)
    questions: dict[tuple[object, ...], PairedQuestion] = {}
    for number, rule in enumerate(policy.rules):
        for python in pythons:
            if rule.pythons and python not in rule.pythons:
                continue
            for back, unranked in questions_of_rule(context, rule, python):
                question = unranked.model_copy(update={"rank": _rank(context, unranked, back, number, known)})
                key = _key(question)
                if key not in questions or question.rank < questions[key].rank:
                    questions[key] = question
    ordered = sorted(questions.values(), key=lambda question: question.rank)
    return tuple(ordered), tuple(context.not_asked.values())


def _rank(
    context: RuleContext, question: PairedQuestion, back: int, number: int, known: Counter[str]
) -> tuple[int, ...]:
    """The place of a question in the order; see :func:`make_questions`.

    Args:
        context: What the questions are made from.
        question: The question.
        back: How many releases its subject is behind the newest.
        number: The place of its rule in the policy.
        known: How often each component broke together with a candidate before.
    """
    subject = question.subject
    place = context.names.index(subject) if subject in context.names else -1
    minor = python_key(question.python)[1]
    return _WEIGHTS.index(question.weight), back, -known[subject], number, place, -minor


def _key(question: PairedQuestion) -> tuple[object, ...]:
    """A key that is equal for questions with the same cell."""
    return question.python, question.thorough, question.direction, question.only, question.others
