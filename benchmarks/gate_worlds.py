"""How often the gate is wrong, in made-up worlds in which the right decision is known.

In each world a candidate takes the place of a release. Some tests waver: they fail at random, as often in both arms.
In some worlds a break is planted: one more test fails with the candidate. A decision is a *false red* if it is BLOCK
and no break was planted, and a *false green* if it is PASS although one was. The gate runs as it does for real, with
its repetitions; only the environments are made up.

    python benchmarks/gate_worlds.py [worlds for each row]
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from stackcompat.evidence.results import TestResult
from stackcompat.run.job import Job
from support.fakes import make_runner
from support.gate import NEWEST, judge
from support.made_up import failed, passed

SOLID = 20
RATES = (0.05, 0.1, 0.2, 0.3, 0.5)


class Planted(NamedTuple):
    """A made-up world.

    Attributes:
        wavering: How many tests waver.
        rate: How often each of them fails, 0 to 1.
        broken: How often the test of the planted break fails with the candidate, 0 to 1.
        chance: Where the worlds' chances come from.
    """

    wavering: int
    rate: float
    broken: float
    chance: random.Random

    def __call__(self, job: Job, before: int) -> Iterable[TestResult]:
        """The tests of one run."""
        del before
        candidate = job.lock.versions()["alpha"] == "1.2"
        chances = [("solid", 0.0)] * SOLID + [("wavering", self.rate)] * self.wavering
        chances.append(("planted", self.broken if candidate else 0.0))
        for number, (name, chance) in enumerate(chances):
            test = f"t.py::test_{name}[{number}]"
            if job.tests and test not in job.tests:
                continue
            message = f"{name} {number} went wrong"
            if self.chance.random() < chance:
                yield failed(test, "alpha", "beta", message=message, packages=("beta",))
            else:
                yield passed(test, "alpha", "beta")


def decisions(worlds: int, wavering: int, rate: float, broken: float) -> Counter[str]:
    """The decisions in this many worlds.

    Args:
        worlds: How many worlds there are.
        wavering: How many tests waver in each.
        rate: How often each of these fails.
        broken: How often the test of the planted break fails with the candidate; 0 plants none.
    """
    counts: Counter[str] = Counter()
    for seed in range(worlds):
        with tempfile.TemporaryDirectory() as folder:
            world = Planted(wavering, rate, broken, random.Random(f"{seed} {wavering} {rate} {broken}"))
            runner, _, _ = make_runner(Path(folder), world, NEWEST)
            counts[judge(runner).decision] += 1
            runner.store.close()
    return counts


def main(worlds: int) -> None:
    """Print a table with a row for each number of wavering tests and each rate."""
    print("| wavering tests | each fails | false red | asks a human | false green, always broken | broken 7 of 10 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for wavering in (0, 1, 5):
        for rate in RATES if wavering else (0.0,):
            healthy = decisions(worlds, wavering, rate, 0.0)
            shares = [healthy["BLOCK"] / worlds, healthy["NEEDS-REVIEW"] / worlds]
            shares += [decisions(worlds, wavering, rate, broken)["PASS"] / worlds for broken in (1.0, 0.7)]
            print(f"| {wavering} | {rate:.0%} | " + " | ".join(f"{share:.1%}" for share in shares) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
