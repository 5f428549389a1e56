"""The runs of a gate in made-up worlds in which each test does the same every time."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcompat.evidence.results import TestResult
from stackcompat.run.job import Job
from support.fakes import make_runner
from support.gate import NEWEST, POLICY, judge
from support.made_up import failed, limited, passed

Kind = Literal["passes", "breaks", "was broken", "fixed", "loses", "was limited"]
KINDS: tuple[Kind, ...] = ("passes", "breaks", "was broken", "fixed", "loses", "was limited")
#: Which kinds of test fail in the control's arm, and which in the candidate's.
FAILS: dict[str, tuple[Kind, ...]] = {
    "1.1": ("was broken", "fixed", "was limited"),
    "1.2": ("was broken", "breaks", "loses", "was limited"),
}
Worlds = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["import", "interop"])), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(Worlds, st.integers(1, 3), st.booleans())
def test_what_breaks_every_time_blocks_and_nothing_runs_more_often_than_needed(
    world: list[tuple[Kind, Literal["import", "interop"]]], workers: int, fail_fast: bool
) -> None:
    def rule(job: Job, before: int) -> Iterable[TestResult]:
        del before
        for number, (kind, level) in enumerate(world):
            test = f"t.py::test_{number}"
            fails = kind in FAILS[job.lock.versions()["alpha"]]
            if fails and kind in ("loses", "was limited"):
                yield limited(test, "alpha", "beta", packages=("beta",)).model_copy(update={"level": level})
            elif fails:
                yield failed(test, "alpha", "beta", level=level, message=f"{kind} {number}", packages=("beta",))
            else:
                yield passed(test, "alpha", "beta", level=level)
        yield passed("t.py::steady", "alpha", "beta")

    told: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        runner, executor, _ = make_runner(Path(folder), rule, NEWEST, workers=workers)
        policy = POLICY.model_copy(update={"pythons": ("3.13", "3.12")})
        report = judge(runner, policy=policy, fail_fast=fail_fast, tell=told.append)
        again = judge(runner, policy=policy)
        asked = len(executor.asked)
        runner.store.close()
    kinds = {kind for kind, _ in world}
    expected = "BLOCK" if "breaks" in kinds else "NEEDS-REVIEW" if "loses" in kinds else "PASS"
    assert report.decision == again.decision == expected
    assert len(told) == (expected == "BLOCK")
    if told:
        assert told[0].startswith("alpha 1.2 fails with beta 2.0 because t.py::test_")
    # A failure is tried as often as the policy wants, in each arm, at each level; anything else once at each level.
    runs = Counter((job.lock.id, job.level, bool(job.tests)) for job in executor.asked)
    assert all(count == 1 for (_, _, chosen), count in runs.items() if not chosen)
    assert all(count <= 2 * POLICY.repeats for (_, _, chosen), count in runs.items() if chosen)
    if kinds <= {"passes", "fixed", "was limited", "loses"} and "fixed" not in kinds:
        # The cells confirm each other's limits.
        assert not any(chosen for _, _, chosen in runs)
    assert asked >= 4
