"""Jobs that write and read artifacts, and the folders of the artifacts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.boxes import (
    NEW,
    OLD,
    Table,
    new_to_old_is_red,
)
from support.fakes import make_exchange_runner


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    made = Table(tmp_path, new_to_old_is_red)
    yield made
    made.runner.store.close()


def test_artifacts_that_nobody_read_for_long_are_dropped(table: Table, tmp_path: Path) -> None:
    table.run(("s", [OLD], [NEW]))
    (store,) = (tmp_path / "cache" / "artifacts").iterdir()
    os.utime(store, (0, 0))
    table.run(("s", [NEW], [NEW]))
    assert not store.exists()


def test_jobs_say_what_to_write_and_to_read(tmp_path: Path) -> None:
    table = Table(tmp_path, new_to_old_is_red, only=("box", "crate"))
    table.run(("s", [OLD], [NEW]))
    write, read = table.executor.asked
    assert write.exchange is not None
    assert read.exchange is not None
    assert (write.exchange.artifacts, read.exchange.artifacts) == (("box", "crate"), ("box",))
    assert write.exchange.store == read.exchange.store
    assert write.helpers == read.helpers == tmp_path / "helpers"
    evidence = table.runner.store.of_key
    plan = table.plan(("s", [OLD], [NEW]))
    (run,) = evidence(plan.crossings[0].key)
    assert run.reads == plan.cell(plan.crossings[0].writer).key
    table.runner.store.close()


def test_keys_tell_apart_what_results_depend_on(tmp_path: Path) -> None:
    def keys(table: Table) -> set[str]:
        plan = table.plan()
        return {*(c.key for c in plan.crossings), *(c.key for c in plan.cells)}

    whole, part = Table(tmp_path, new_to_old_is_red), Table(tmp_path, new_to_old_is_red, only=("box",))
    assert len(keys(whole)) == 6  # two writers, and four crossings of them
    assert keys(whole) == keys(Table(tmp_path, new_to_old_is_red))
    assert not keys(whole) & keys(part)
    before = keys(whole)
    (tmp_path / "helpers" / "idioms.py").write_text("# another way")
    whole.runner = make_exchange_runner(whole.runner, tmp_path / "helpers")
    assert not before & keys(whole)
    whole.runner.store.close()
    part.runner.store.close()
