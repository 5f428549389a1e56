"""Answers the questions of a frontier search from cells.

A question becomes a cell that pins both releases. The resolver chooses all third distributions, as of the day on which
the later of the two releases was uploaded. Third distributions of that age most likely work with both releases, so a
failure then comes from the two. If a third distribution fails nevertheless, or if the cell does not resolve, the pair
is asked about again with the third distributions of today.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stackcompat.core.dates import end_of_day
from stackcompat.core.requirements import exactly, name_of
from stackcompat.ecosystem.components import Component
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.releases import Release
from stackcompat.frontier.answers import PairAnswer, PairQuestion
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.judging import judge_pair
from stackcompat.frontier.survey import Survey, documented, needs_of
from stackcompat.pipeline.baselines import run_baselines
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell

__all__ = ["answer_questions", "cell_of"]


def answer_questions(survey: Survey, questions: Sequence[PairQuestion], runner: Runner) -> list[PairAnswer]:
    """Answer questions, several at once if the executor can. Runs are kept in the store and reused from it.

    Args:
        survey: The two components.
        questions: The questions.
        runner: Runs the cells, and reports each answer.
    """
    quiet = runner.quiet()
    cells = [cell_of(survey, question.pair, today=question.again) for question in questions]
    resolutions = lock_cells(cells, quiet)
    planned = [
        plan_cell(cell, resolutions[cell.id], quiet, question.level)
        for cell, question in zip(cells, questions, strict=True)
    ]
    keys = [cell.key for cell in planned if cell.key]
    known = runner.store.of_keys(keys)
    reused = {key: sum(not run.is_confirmation for run in runs) for key, runs in known.items()}
    for level in dict.fromkeys(question.level for question in questions):
        at_level = [cell for cell, question in zip(planned, questions, strict=True) if question.level == level]
        run_cells(at_level, quiet, level)
    greens = run_baselines(planned, quiet)
    evidence = runner.store.of_keys(keys)
    answers = []
    for cell, question in zip(planned, questions, strict=True):
        answer = judge_pair(survey, cell, question.level, evidence.get(cell.key, ()), reused.get(cell.key, 0), greens)
        runner.reporter.step(f"{survey.label(question.pair)} to {question.level}: {answer.verdict}")
        answers.append(answer)
    return answers


def cell_of(survey: Survey, pair: Pair, *, today: bool = False) -> Cell:
    """The cell that pins both releases of a pair. It also asks for what the documentation of either side installs.

    Args:
        survey: The two components.
        pair: The pair.
        today: Whether the third distributions are those of today, not those of the day of the later release.
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
            # If the leader declares its follower, the resolver finds the right one. If not, nothing would install it.
            if follower.distribution not in declared:
                pins[follower.distribution] = twin.version
    end = end_of_day(max(moments))
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
    """The pins with their documented extras, and the other distributions that the documentation installs."""
    texts = {side.distribution: str(documented(side)) for side in survey.sides}
    exact = [exactly(texts.get(name, name), version) for name, version in pins.items()]
    installed = dict.fromkeys(text for side in survey.sides for text in side.install)
    third_distributions = [text for text in installed if name_of(text) not in pins]
    return tuple(sorted([*exact, *third_distributions]))
