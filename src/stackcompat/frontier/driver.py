"""Answers the questions of a frontier search from cells.

A question becomes a cell that pins both releases and leaves the rest to the resolver, as on the day on which the later
of the two was uploaded. Partners of that age most likely work with both, so that a failure is one of the two. Where a
third distribution fails all the same, or the cell does not resolve, the pair is asked again with the partners of today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from stackcompat.core.requirements import exactly, parse_requirement
from stackcompat.ecosystem.components import Component
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.releases import Release
from stackcompat.frontier.answers import PairAnswer, PairQuestion
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.judging import judge_pair
from stackcompat.frontier.survey import Survey, documented, needs_of
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell

__all__ = ["ask", "cell_of"]


def ask(survey: Survey, questions: Sequence[PairQuestion], runner: Runner) -> list[PairAnswer]:
    """Answer questions, several at once where the executor can. Runs are kept in the store and reused from it.

    Args:
        survey: The two components.
        questions: The questions.
        runner: Runs the cells, and is told of each answer.
    """
    quiet = runner.quiet()
    cells = [cell_of(survey, question.pair, today=question.again) for question in questions]
    resolutions = lock_cells(cells, quiet)
    planned = [
        plan_cell(cell, resolutions[cell.id], quiet, question.level)
        for cell, question in zip(cells, questions, strict=True)
    ]
    keys = [cell.key for cell in planned if cell.key]
    reused = {key: len(runs) for key, runs in runner.store.of_keys(keys).items()}
    for level in dict.fromkeys(question.level for question in questions):
        at_level = [cell for cell, question in zip(planned, questions, strict=True) if question.level == level]
        run_cells(at_level, quiet, level)
    evidence = runner.store.of_keys(keys)
    answers = []
    for cell, question in zip(planned, questions, strict=True):
        answer = judge_pair(survey, cell, question.level, evidence.get(cell.key, ()), reused.get(cell.key, 0))
        runner.reporter.step(f"{survey.label(question.pair)} to {question.level}: {answer.verdict}")
        answers.append(answer)
    return answers


def cell_of(survey: Survey, pair: Pair, *, today: bool = False) -> Cell:
    """The cell that pins both releases of a pair.

    Args:
        survey: The two components.
        pair: The pair.
        today: Whether the partners are those of today, instead of those of the day of the later release. What the
            documentation of either side installs beside it is a partner as well.
    """
    releases = survey.releases_of(pair)
    pins = {side.distribution: release.version for side, release in zip(survey.sides, releases, strict=True)}
    moments = [release.uploaded for release in releases]
    for side, release in zip(survey.sides, releases, strict=True):
        declared = needs_of(survey, side, release)
        for follower, twin in _followers(survey, side, release):
            if follower.distribution in pins:
                continue
            moments.append(twin.uploaded)
            # Where the leader bounds its follower the resolver finds the right one; else nothing would bring it.
            if follower.distribution not in declared:
                pins[follower.distribution] = twin.version
    end = max(moments).astimezone(dt.UTC).replace(hour=23, minute=59, second=59, microsecond=0)
    return Cell(
        python=survey.python,
        platform=this_platform(),
        requirements=_requirements(survey, pins),
        exclude_newer=None if today else end,
        thorough=False,
        policy="frontier",
        label=survey.label(pair),
    )


def _followers(survey: Survey, leader: Component, release: Release) -> Iterator[tuple[Component, Release]]:
    """The components that move with one side, with the release of the same version, if there is one."""
    for follower in survey.components.components:
        if follower.moves_with == leader.name and follower.distribution:
            twin = survey.catalog.project(follower.distribution).find(release.version)
            if twin is not None:
                yield follower, twin


def _requirements(survey: Survey, pins: dict[str, str]) -> tuple[str, ...]:
    """The pins, with the extras of the documentation, and what the documentation installs beside them."""
    texts = {side.distribution: str(documented(side)) for side in survey.sides}
    exact = [exactly(texts.get(name, name), version) for name, version in pins.items()]
    installed = dict.fromkeys(text for side in survey.sides for text in side.install)
    partners = [text for text in installed if parse_requirement(text).name not in pins]
    return tuple(sorted([*exact, *partners]))
