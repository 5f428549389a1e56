"""Crossings run with an executor that answers from rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.boxes import (
    NEW,
    OLD,
    Table,
    jobs,
    new_to_old_is_red,
    result,
)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    made = Table(tmp_path, new_to_old_is_red)
    yield made
    made.runner.store.close()


def test_one_writer_serves_all_its_readers(table: Table) -> None:
    found = table.run()
    assert {ends: verdict.verdict for ends, verdict in found.items()} == {
        ("1.0.0", "1.0.0"): "works",
        ("1.0.0", "1.3.0"): "works",
        ("1.3.0", "1.0.0"): "broken",
        ("1.3.0", "1.3.0"): "works",
    }
    assert sorted(jobs(table)) == sorted(
        [
            *[("write", "1.0.0"), ("write", "1.3.0")],
            *[("read", "1.0.0"), ("read", "1.3.0"), ("read", "1.3.0")],
            *[("read", "1.0.0")] * 2,  # confirmed
        ]
    )


def test_a_baseline_is_run_where_something_is_red_and_only_there(table: Table) -> None:
    table.run(("s", [OLD], [NEW]))
    assert jobs(table) == [("write", "1.0.0"), ("read", "1.3.0")]
    table.executor.asked.clear()
    found = table.run(("s", [NEW], [OLD]))
    assert found["1.3.0", "1.0.0"].verdict == "broken"
    assert jobs(table)[:3] == [("write", "1.3.0"), ("read", "1.0.0"), ("read", "1.0.0")]
    # The baselines, of what is red alone.
    baselines = [("write", "1.0.0"), ("read", "1.0.0"), ("write", "1.3.0"), ("read", "1.3.0")]
    assert sorted(jobs(table)[3:]) == sorted(baselines)
    assert {job.exchange.artifacts for job in table.executor.asked[3:] if job.exchange} == {("box",)}
    before = len(table.executor.asked)
    assert table.run(("s", [NEW], [OLD]))["1.3.0", "1.0.0"].verdict == "broken"
    assert len(table.executor.asked) == before


def test_what_has_evidence_is_not_run_again_unless_asked(table: Table) -> None:
    first = table.run()
    before = len(table.executor.asked)
    assert {k: v.verdict for k, v in table.run().items()} == {k: v.verdict for k, v in first.items()}
    assert len(table.executor.asked) == before
    table.run(rerun=True)
    assert len(table.executor.asked) == 2 * before


def test_artifacts_are_made_again_when_they_are_missing(table: Table, tmp_path: Path) -> None:
    table.run(("s", [OLD], [NEW]))
    (store,) = (tmp_path / "cache" / "artifacts").iterdir()
    for path in [*store.rglob("*")][::-1]:
        path.unlink() if path.is_file() else path.rmdir()
    table.executor.asked.clear()
    table.run(("s", [OLD], [OLD, NEW]))
    assert jobs(table) == [("write", "1.0.0"), ("read", "1.0.0")]


def test_a_writer_that_leaves_nothing_is_not_read(tmp_path: Path) -> None:
    table = Table(tmp_path, lambda *_: (result("write", ok=False),))
    found = table.run(("s", [OLD], [NEW]))
    assert (found["1.0.0", "1.3.0"].verdict, found["1.0.0", "1.3.0"].side) == ("untested", "writer")
    assert jobs(table) == [("write", "1.0.0")] * 2
    table.runner.store.close()
