"""A run that is stopped at any moment and started again loses nothing and does nothing twice."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcompat.evidence.results import TestResult
from stackcompat.pipeline.execution import execute
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.matrix import Matrix
from stackcompat.run.job import Job
from stackcompat.verdict.verdict import judge
from support.fakes import Catalogue, make_runner
from support.made_up import COMPONENTS, failed, passed

NEWEST = {"alpha": "2.0", "beta": "2.0"}
WORLD = Catalogue(
    {
        "alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01"},
        "beta": {"1.0": "2026-01-01", "2.0": "2026-02-01"},
    }
)
MATRIX = Matrix.model_validate(
    {
        "title": "M",
        "components": ("alpha", "beta"),
        "pythons": ("3.12", "3.13"),
        "policies": [
            {"policy": "newest"},
            {"policy": "pins", "requirements": ("alpha==1.0", "beta==1.0")},
            {"policy": "pins", "requirements": ("alpha==2.0", "beta==1.0")},
        ],
    }
)
EXPECTED = {"works": 4, "broken": 2}


def answer(job: Job) -> Iterable[TestResult]:
    red = job.lock.versions()["alpha"] == "2.0" and job.lock.versions()["beta"] == "1.0"
    return (passed("one", "alpha"), failed("two", "beta") if red else passed("two", "beta"))


@settings(max_examples=25)
@given(stops=st.lists(st.integers(0, 8), max_size=6), workers=st.integers(1, 3))
def test_nothing_is_lost_and_nothing_runs_twice(stops: list[int], workers: int) -> None:
    finished: list[tuple[str, tuple[str, ...]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for stop in [*stops, None]:
            calls = 0

            def rule(job: Job, before: int, stop: int | None = stop) -> Iterable[TestResult]:
                nonlocal calls
                calls += 1
                if stop is not None and calls > stop:
                    raise KeyboardInterrupt
                finished.append((job.lock.id, job.tests))
                return answer(job)

            runner, _, _ = make_runner(Path(folder), rule, NEWEST, workers=workers, catalog=WORLD)
            try:
                record = execute(MATRIX, runner)
            except KeyboardInterrupt:
                assert stop is not None
            finally:
                kept = sum(len(runs) for runs in runner.store.of_keys(all_keys(runner)).values())
                runner.store.close()
            assert kept == len(finished)
        found = Counter(judge(cell, runner.store.of_key(cell.key), COMPONENTS).verdict for cell in record.cells)
        runner.store.close()
    assert found == EXPECTED
    assert max(Counter(finished).values()) == 1
    assert len(finished) == 4 + 2 * 2


def all_keys(runner: Runner) -> list[str]:
    """The keys of all evidence that is kept."""
    import sqlite3

    connection = sqlite3.connect(runner.store.path)
    keys = [row[0] for row in connection.execute("select distinct key from evidence")]
    connection.close()
    return keys
