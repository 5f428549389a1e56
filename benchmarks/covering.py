"""Are the covering arrays here as small as those of other tools? Rows and seconds on a table of inputs.

    uv run --with covertable --with allpairspy python benchmarks/covering.py --pict PROGRAM --write docs/performance.md

An input is a list of factors, and the share of the pairs of values that do not go together (drawn at random, always
the same). Every array is checked: no row holds values that do not go together, and each allowed pair that some whole
row can hold is in a row. Only arrays that pass are compared. Tools that are not installed are left out, and so are runs
that take too long. Exit code 1 if an array here is larger than the smallest one of the others, or does not pass.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import Any, NamedTuple

from measuring import machine, table, write_block

from stackcompat.plan.covering import CombinationSpace

#: How many values each factor has, and the share of the pairs of values that do not go together.
INPUTS: tuple[tuple[tuple[int, ...], float], ...] = (
    ((6, 12, 3, 30, 6, 5), 0.0),
    ((6, 12, 3, 30, 6, 5), 0.05),
    ((3, 6, 15, 4, 14, 6, 4), 0.0),  # about the policy `pairs` of nightly.toml
    ((3, 6, 15, 4, 14, 6, 4), 0.05),
    ((32, 32, 10, 10, 10, 10), 0.0),
    ((32, 32, 10, 10, 10, 10), 0.05),
    ((3,) * 4, 0.0),
    ((3,) * 13, 0.0),
    ((4,) * 15 + (3,) * 17 + (2,) * 29, 0.0),
    ((10,) * 10, 0.0),
    ((10,) * 10, 0.05),
)
#: Seconds for one array.
LIMIT = 30

Row = tuple[str, ...]


class Space(NamedTuple):
    """An input: the values of each factor, and the pairs of values that do not go together."""

    factors: tuple[tuple[str, ...], ...]
    apart: frozenset[frozenset[str]]

    @classmethod
    def drawn(cls, sizes: Sequence[int], share: float) -> Space:
        """The input with factors of these sizes."""
        factors = tuple(tuple(f"f{place}v{value}" for value in range(size)) for place, size in enumerate(sizes))
        chance = random.Random(f"{sizes} {share}")
        pairs = (pair for left, right in combinations(factors, 2) for pair in product(left, right))
        return cls(factors, frozenset(frozenset(pair) for pair in pairs if chance.random() < share))

    def together(self, first: str, second: str) -> bool:
        """Whether two values go together."""
        return frozenset((first, second)) not in self.apart

    def fits(self, row: Iterable[str]) -> bool:
        """Whether the values of a row go together."""
        return not self.apart or all(self.together(*pair) for pair in combinations(row, 2))


def here(space: Space) -> list[Row]:
    """The array that stackcompat builds."""
    return CombinationSpace(space.factors, space.together).rows(2)


def by_covertable(space: Space) -> list[Row]:
    """The array of covertable."""
    from covertable import make  # noqa: PLC0415  (no dependency of the project)

    named = {f"f{place}": list(values) for place, values in enumerate(space.factors)}
    conditions = [
        {
            "operator": "or",
            "conditions": [
                {"operator": "ne", "left": value.partition("v")[0], "value": value} for value in sorted(pair)
            ],
        }
        for pair in space.apart
    ]
    made: list[dict[str, str]] = make(named, constraints=conditions or None)
    return [tuple(row.values()) for row in made]


def by_allpairspy(space: Space) -> list[Row]:
    """The array of allpairspy."""
    from allpairspy import AllPairs  # noqa: PLC0415  (no dependency of the project)

    return [tuple(row) for row in AllPairs([list(values) for values in space.factors], filter_func=space.fits)]


def by_pict(space: Space, program: str) -> list[Row]:
    """The array of PICT."""
    lines = [f"f{place}: {', '.join(values)}" for place, values in enumerate(space.factors)]
    for first, second in sorted(map(sorted, space.apart)):
        lines.append(f'IF [{first.partition("v")[0]}] = "{first}" THEN [{second.partition("v")[0]}] <> "{second}";')
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model.txt")
        model.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run([program, model], capture_output=True, text=True, check=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()[1:]]


def _answer(tool: Callable[[Space], list[Row]], space: Space, pipe: Any) -> None:
    began = time.process_time(), time.monotonic()
    rows = tool(space)
    pipe.send((rows, time.monotonic() - began[1]))


def run(tool: Callable[[Space], list[Row]], space: Space) -> tuple[list[Row], float] | None:
    """The rows of a tool, and the seconds that it took; None if it took too long or failed."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_answer, args=(tool, space, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(LIMIT) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


def missing(space: Space, rows: Sequence[Row]) -> int:
    """How many allowed pairs no row holds though some whole row can hold them; -1 if a row holds what does not fit."""
    if not all(space.fits(row) for row in rows):
        return -1
    covering = CombinationSpace(space.factors, space.together)
    met = {frozenset(pair) for row in rows for pair in combinations(row, 2)}
    return sum(frozenset(pair) not in met and covering.holds(pair) for pair in covering.combinations(2))


def words(sizes: Sequence[int]) -> str:
    """The sizes of factors as `3^4 10^2`."""
    counted = {size: sizes.count(size) for size in sizes}
    return " ".join(f"{size}^{count}" if count > 1 else str(size) for size, count in counted.items())


def main() -> int:
    """Compare the tools; the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pict", help="the program of PICT")
    options.add_argument("--write", type=Path, help="write the table into this page")
    given = options.parse_args()
    tools: dict[str, Callable[[Space], list[Row]]] = {"here": here}
    others: dict[str, Callable[[Space], list[Row]]] = {"covertable": by_covertable, "allpairspy": by_allpairspy}
    tools |= {name: tool for name, tool in others.items() if importlib.util.find_spec(name)}
    if given.pict:
        tools["PICT"] = partial(by_pict, program=given.pict)
    print(f"compared: {', '.join(tools)}")
    lines, larger, wrong = [], 0, 0
    for sizes, share in INPUTS:
        space = Space.drawn(sizes, share)
        cells, counts = [], {}
        for name, tool in tools.items():
            answer = run(tool, space)
            if answer is None:
                cells.append(f"none in {LIMIT} s")
                continue
            rows, seconds = answer
            lost = missing(space, rows)
            wrong += name == "here" and lost != 0
            if lost == 0:
                counts[name] = len(rows)
            said = "" if lost == 0 else f", misses {lost}" if lost > 0 else ", wrong rows"
            cells.append(f"{len(rows)}, {seconds:.1f} s{said}")
        smallest = min((count for name, count in counts.items() if name != "here"), default=math.inf)
        larger += counts.get("here", math.inf) > smallest
        lines.append([words(sizes), f"{share:.0%}", *cells])
        print(*lines[-1], sep=" | ", flush=True)
    text = f"Rows and seconds, on {machine()}:\n\n{table(['values of the factors', 'excluded', *tools], lines)}"
    if given.write:
        write_block(given.write, "covering", text)
    print(f"{larger} of {len(INPUTS)} arrays here are larger than the smallest of the others; {wrong} are wrong")
    return bool(larger or wrong)


if __name__ == "__main__":
    sys.exit(main())
