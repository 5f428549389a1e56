"""Islands in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stackcompat.core.text import and_list
from stackcompat.resolve.island_rows import IslandRow
from stackcompat.table.islands import distinguishing_releases, kept_off
from stackcompat.table.vocabulary import titled

__all__ = ["island_exclusions", "island_guide"]


def island_guide(islands: Sequence[IslandRow], titles: Mapping[str, str]) -> str:
    """A sentence that says which releases only one island has; empty if there are none."""
    clauses = []
    for number, releases in distinguishing_releases(islands).items():
        named = [f"{titled(titles, name)} {version}" for name, version in releases]
        clauses.append(f"island {number} has {and_list(named)}")
    return f"Take the island with the package that you need: {'; '.join(clauses)}" if clauses else ""


def island_exclusions(islands: Iterable[IslandRow], titles: Mapping[str, str]) -> list[str]:
    """A sentence for each bound that keeps newest releases off islands."""
    sentences = []
    for bound in kept_off(islands):
        clauses = []
        for (name, version), numbers in bound.releases.items():
            release = f"{titled(titles, name)} {version}".rstrip()
            on = f"{'island' if len(numbers) == 1 else 'islands'} {and_list([str(number) for number in numbers])}"
            clauses.append(f"{release} is not on {on}")
        sentences.append(f"{', and '.join(clauses)}: {bound.reason}")
    return sentences
