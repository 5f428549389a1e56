"""The store, the index and the runners of a checkout."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from stackcompat.cli import runners, workspace
from stackcompat.evidence.store import Store
from stackcompat.pipeline.runner import JobTransform
from stackcompat.pipeline.upstream import OwnTests
from stackcompat.plan.ecosystem import find_ecosystem


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> click.Context:
    monkeypatch.setattr(runners, "find_interpreters", lambda _: {})
    return click.Context(click.Command("test"))


def test_only_cells_of_the_deepest_level_run_the_own_tests_of_releases(checkout: Path, context: click.Context) -> None:
    project = find_ecosystem(str(checkout))
    with context:
        assert isinstance(runners.make_runner(project, 1, ["3.12"], "upstream").transform, OwnTests)
        assert type(runners.make_runner(project, 1, ["3.12"]).transform) is JobTransform


def test_the_runner_of_artifacts_has_other_tests_and_the_same_store(checkout: Path, context: click.Context) -> None:
    project = find_ecosystem(str(checkout))
    project.exchange.mkdir(parents=True)
    with context:
        runner = runners.make_runner(project, 1, ["3.12"])
        exchange = runners.make_exchange_runner(project, runner)
        assert exchange.store is runner.store
        assert exchange.catalog is runner.catalog
        assert exchange.suite is not runner.suite


def test_the_store_is_closed_when_the_command_ends(
    checkout: Path, context: click.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Store] = []
    close = Store.close

    def note(store: Store) -> None:
        closed.append(store)
        close(store)

    monkeypatch.setattr(Store, "close", note)
    with context:
        store = workspace.open_store(find_ecosystem(str(checkout)))
        assert closed == []
    assert closed == [store]


def test_a_command_opens_the_index_once(checkout: Path, context: click.Context) -> None:
    project = find_ecosystem(str(checkout))
    with context:
        index = workspace.open_index()
        assert workspace.open_index() is index
        assert runners.make_runner(project, 1, ["3.12"]).catalog is index
    with click.Context(click.Command("next")):
        assert workspace.open_index() is not index
