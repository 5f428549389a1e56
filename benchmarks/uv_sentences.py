"""Which of the sentences that conflicts are read from does another uv word otherwise?

    python benchmarks/uv_sentences.py [--uv REQUIREMENT]

uv's refusals are English text, and `stackcompat.resolve.uv_refusal` reads them; so the project bounds uv to one minor.
This asks questions without a solution of a made-up index on loopback, once with the uv of this environment and once
with another one (by default the first minor after it, which is installed into a temporary folder), and compares what
is read from the answers. It prints each difference, and exits with 1 if there is one. If the index has no such uv yet,
it says so and exits with 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import unified_diff
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

import uv

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution
from stackcompat.resolve.resolver import Resolver
from support.loopback_index import LoopbackIndex

#: Questions by what is in their way. The requirements that come last are those that ask for the newest releases.
QUESTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "nothing: it locks": {"requirements": ("alpha==1.0", "beta")},
    "bounds of one on the other": {"requirements": ("alpha==2.0", "beta==1.0")},
    "bounds of two on a third": {"requirements": ("alpha==2.0", "gamma==1.0")},
    "bounds through a third": {"requirements": ("delta", "beta==1.0")},
    "a range that no release fits": {"requirements": ("alpha>=1.5,<2", "beta")},
    "a release for a newer Python": {"requirements": ("late",)},
    "a wheel for another Python": {"requirements": ("tagged",)},
    "a wheel for another platform": {"requirements": ("elsewhere",)},
    "a distribution that is not there": {"requirements": ("nowhere",)},
    "a release that is not there": {"requirements": ("alpha==9.9",)},
    "a dependency that is not there": {"requirements": ("lost",)},
    "only yanked releases": {"requirements": ("withdrawn",)},
    "an extra with bounds": {"requirements": ("epsilon[more]", "beta==1.0")},
    "what is held back": {"requirements": ("alpha", "beta<2"), "newest": ("alpha", "beta")},
}


@contextmanager
def made_up_index() -> Iterator[LoopbackIndex]:
    """The index that the questions are about."""
    with LoopbackIndex() as index:
        index.add("alpha", "1.0")
        index.add("alpha", "2.0", requires=["beta>=2", "zeta>=2"])
        index.add("beta", "1.0")
        index.add("beta", "2.0")
        index.add("gamma", "1.0", requires=["zeta<2"])
        index.add("zeta", "1.0")
        index.add("zeta", "2.0")
        index.add("delta", "1.0", requires=["alpha==2.0"])
        index.add("late", "1.0", requires_python=">=3.99")
        index.add("tagged", "1.0", tag="cp27-none-any")
        index.add("elsewhere", "1.0", tag="py3-none-win_amd64")
        index.add("lost", "1.0", requires=["nowhere>=1"])
        index.add("withdrawn", "1.0", yanked=True)
        index.add("epsilon", "1.0", requires=["beta>=2; extra == 'more'"])
        yield index


def answers(program: str, index: LoopbackIndex) -> dict[str, Resolution]:
    """What is read from the answers of one uv, by question."""
    python, interpreter = next(iter(find_interpreters().items()))
    found = {}
    with tempfile.TemporaryDirectory() as folder, patch.dict("os.environ", {"UV_DEFAULT_INDEX": index.address}):
        resolver = Resolver(Path(folder), {python: interpreter.path}, program, lambda source, _: Path(source))
        catalog = PackageIndex(Path(folder) / "index", index.address)
        for question, asked in QUESTIONS.items():
            cell = Cell.model_validate({"python": python, "platform": this_platform(), **asked})
            found[question] = resolver.resolve(cell, catalog)
        catalog.close()
    return found


def lines(resolution: Resolution) -> list[str]:
    """What is read from one answer, a line each: the outcome, the conflict, what is held back."""
    conflict = resolution.conflict
    said = [f"outcome: {resolution.outcome}", f"detail: {resolution.detail}"]
    if conflict is not None:
        said += [f"kind: {conflict.kind}", f"sentence: {conflict.sentence}", *(f"chain: {c}" for c in conflict.chain)]
        said += [f"uv's words: {line.strip()}" for line in conflict.words.splitlines()]
    return said + [f"held back: {h.name} {h.newest}, got {h.got}, by {h.by}: {h.bound}" for h in resolution.held_back]


def install(requirement: str, folder: Path) -> str | None:
    """Install another uv into a folder; its program, or None if the index has none that fits."""
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder), "--prerelease", "allow"]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"there is no {requirement}: {' '.join(done.stderr.split())[:300]}")
        return None
    return str(folder / "bin" / "uv")


def main() -> int:
    """Compare the two; the exit code."""
    here = version("uv")
    major, minor = here.split(".")[:2]
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--uv", default=f"uv>={major}.{int(minor) + 1}.0a0", help="The other one, as a requirement.")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = install(given.uv, Path(folder))
        if program is None:
            return 0
        other = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        with made_up_index() as index:
            before, after = answers(uv.find_uv_bin(), index), answers(program, index)
    differing = 0
    for question in QUESTIONS:
        changed = list(
            unified_diff(lines(before[question]), lines(after[question]), f"uv {here}", f"uv {other}", "", "", 1, "")
        )
        if changed:
            differing += 1
            print(f"\n{question}:", *changed, sep="\n  ")
    print(f"\n{differing} of {len(QUESTIONS)} answers are read otherwise from uv {other} than from uv {here}")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
