"""How much a frontier search costs, in made-up worlds of growing size: questions, runs and CPU time.

In each world, as many releases of one component meet as many of another. The search is pure, so the CPU time is that of
the search alone: nothing is installed or run.

``moving``   what works moves with time: each release works with those of its own time, a third older, a quarter newer
``still``    every release works from the same partner to the same partner
``ragged``   every release works from one random partner to another
``noisy``    as ``moving``, but one pair of fifty is the other way round
``broken``   nothing works
``foretold`` as ``moving``, and a forecast names what each broken pair lacks

    python benchmarks/frontier.py [largest number of releases, default 80]
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from stackcompat.frontier.answers import Predictions
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.search import explore
from support.planted import Planted, stairs, table

SIZES = (10, 20, 40, 80, 160, 320)
WORDS = "module 'beta' has no attribute 'gone'"


def worlds(size: int) -> dict[str, tuple[dict[Pair, bool], Predictions]]:
    """By name: which pairs work, and what is predicted."""
    dice = random.Random(20261122)
    moving = stairs([(max(0, row - size // 3), min(size - 1, row + size // 4)) for row in range(size)], size)
    still = stairs([(size // 10, size - size // 5)] * size, size)
    ends = [sorted((dice.randrange(size), dice.randrange(size))) for _ in range(size)]
    ragged = stairs([(low, high) for low, high in ends], size)
    dice = random.Random(20261122)
    noisy = {pair: works != (dice.random() < 0.02) for pair, works in moving.items()}
    foretold = {pair: frozenset(() if works else ("beta.gone",)) for pair, works in moving.items()}
    return {
        "moving": (moving, {}),
        "still": (still, {}),
        "ragged": (ragged, {}),
        "noisy": (noisy, {}),
        "broken": (dict.fromkeys(moving, False), {}),
        "foretold": (moving, {"import": foretold}),
    }


def row(name: str, size: int, works: dict[Pair, bool], predictions: Predictions) -> list[str]:
    """One search, measured."""
    planted = Planted(works, words=WORDS)
    space = table(size, size)
    begin = time.process_time()
    found = explore(space, planted, forecast=predictions)
    seconds = time.process_time() - begin
    wrong = sum((finding.verdict == "works") != works[pair] for pair, finding in found.findings.items())
    inferred = sum(finding.inferred for finding in found.findings.values())
    numbers = (size, size**2, len(planted.asked), found.runs, inferred, wrong)
    return [name, *map(str, numbers), f"{seconds:.2f}"]


def main() -> None:
    """Print the table."""
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 80
    head = ["world", "releases", "pairs", "questions", "runs", "inferred", "wrong", "CPU s"]
    widths = [8, 8, 7, 9, 6, 8, 6, 7]

    def show(line: list[str]) -> None:
        print(" ".join(f"{value:>{width}}" for value, width in zip(line, widths, strict=True)), flush=True)

    show(head)
    for size in SIZES:
        if size <= largest:
            for name, (works, predictions) in worlds(size).items():
                show(row(name, size, works, predictions))


if __name__ == "__main__":
    main()
