"""How often a frontier search is wrong, and whether it says so, in made-up worlds in which inference goes wrong.

``wrong``     searches of a hundred in which some pair has the wrong verdict
``silent``    those of them that are complete and in which each test of an inferred pair agreed
``too low``   those of them whose share of wrong inferences is above the bound that is told
``bound``     that bound, on average: the highest share of wrong inferences, with 95 % confidence
``questions`` pairs that were tested, on average, ``checks`` of them to check an inference

    python benchmarks/frontier_errors.py [searches of each kind, default 100]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from stackcompat.frontier.inference_accuracy import inference_accuracy
from stackcompat.frontier.search import explore
from support.odd_worlds import ODD_WORLDS, odd_world
from support.planted import Planted

HEAD = ("wrong", "silent", "too low", "bound", "questions", "checks")


def measure(name: str, searches: int) -> list[str]:
    """What came out in the worlds of one kind."""
    wrong = silent = too_low = questions = checks = 0
    bound = 0.0
    for seed in range(searches):
        space, works = odd_world(name, seed)
        planted = Planted(works)
        found = explore(space, planted, seed=seed)
        errors = sum((finding.verdict == "works") != works[pair] for pair, finding in found.findings.items())
        inferred = sum(finding.inferred for finding in found.findings.values())
        accuracy = inference_accuracy(found.checks)
        highest = accuracy.wrong_at_most if accuracy else 1.0
        wrong += errors > 0
        silent += errors > 0 and found.complete and all(check.agrees for check in found.checks)
        too_low += found.complete and errors > highest * inferred
        bound += highest
        questions += len(planted.asked)
        checks += len(found.checks)
    shares = [f"{count / searches:.0%}" for count in (wrong, silent, too_low)]
    return [*shares, f"{bound / searches:.0%}", f"{questions / searches:.0f}", f"{checks / searches:.0f}"]


def main() -> None:
    """Print the table."""
    searches = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print(f"{'':40}", *(f"{word:>9}" for word in HEAD))
    for name in ODD_WORLDS:
        print(f"{name:40}", *(f"{value:>9}" for value in measure(name, searches)), flush=True)


if __name__ == "__main__":
    main()
