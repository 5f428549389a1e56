"""What the check of a file found, each finding with the line that it is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.checked import Checked
from stackcompat.advice.nearest_set import NearestSet
from stackcompat.advice.proposal import Proposal
from stackcompat.advice.source_lines import line_of
from stackcompat.core.text import and_list
from stackcompat.table.summary import Summary

__all__ = ["Answered", "Finding", "Rule", "findings", "nearest_words", "nearest_working", "works_words"]

#: The kinds of findings: something that was seen to be broken (an advisory, or a red cell), something that is inferred
#: to be, and a reason why it is not known whether the environment works.
Rule = Literal["advisory", "red-cell", "likely-broken", "not-known"]


class Answered(NamedTuple):
    """An environment with the answer about it.

    Attributes:
        source: The file or the folder, as it was given.
        path: The file in the repository; empty: standard input, or a live environment.
        text: The content of the file; empty: it has none to point at.
        checked: The answer.
        proposal: What can be installed instead.
    """

    source: str
    path: str
    text: str
    checked: Checked
    proposal: Proposal


class Finding(NamedTuple):
    """Something that is wrong with an environment, or not known about it.

    Attributes:
        rule: Its kind.
        id: The id of the advisory or of the cell; empty: it has none.
        message: What it is, and what to do, in one line without a full stop.
        line: The line of the file, from 1; 1 also where no line names a distribution of it.
        related: The other lines that it is about, each with its distribution.
        advisory: The advisory, where it is one that hits.
    """

    rule: Rule
    id: str
    message: str
    line: int
    related: tuple[tuple[int, str], ...] = ()
    advisory: Advisory | None = None


def findings(answered: Answered, summary: Summary) -> Iterator[Finding]:
    """What is broken in an environment, what is likely to be, and why it is not known, in this order.

    Args:
        answered: The environment and its answer.
        summary: The table that it was compared with.
    """
    checked = answered.checked
    distributions = {row.name: row.distribution for row in summary.components}
    versions = {distributions[name]: version for name, version in checked.components.items()}
    nearest = answered.proposal.nearest
    moved = {move.distribution for move in nearest.moves} if nearest is not None else set()

    def found(rule: Rule, id_: str, message: str, names: Iterable[str], advisory: Advisory | None = None) -> Finding:
        first = sorted(names, key=lambda name: name not in moved)  # a reader has to change what the nearest set moves
        lines = [(line_of(answered.text, name, versions.get(name, "")), name) for name in first]
        known = [(line, name) for line, name in lines if line] or [(1, "")]
        related = tuple(place for place in known if place[0] != known[0][0])
        return Finding(rule, id_, " ".join(message.split()), known[0][0], related, advisory)

    for advisory in checked.hits:
        where = "" if checked.python in advisory.pythons else f" (seen on Python {and_list(list(advisory.pythons))})"
        way_out = f"; {advisory.workaround}" if advisory.workaround else ""
        yield found("advisory", advisory.id, advisory.summary + where + way_out, advisory.distributions, advisory)
    for cell in checked.red_cells:  # no component of it is known to be the culprit, so it is about the whole file
        same = "its whole lock" if cell.exact else "the same versions of all components"
        yield found("red-cell", cell.cell, f"broken in cell {cell.cell}, which has {same}: {cell.sentence}", ())
    for likely in checked.likely:
        names = [distributions[name] for name in likely.versions]
        yield found("likely-broken", likely.advisory, f"likely broken (inferred, not tested): {likely.sentence}", names)
    for reason in checked.unknown:
        yield found("not-known", "", f"not known: {reason}", checked.about.get(reason, ()))


def works_words(checked: Checked) -> str:
    """The answer about an environment that works, in words."""
    number = len(checked.components)
    what = (
        "its one component of the stack works" if number == 1 else f"its {number} components of the stack work together"
    )
    return f"{what} on Python {checked.python}, up to {checked.level}"


def nearest_working(nearest: NearestSet) -> str:
    """What the nearest set changes and how it is known, in words."""
    how = f"tested as a whole in cell {nearest.cell}" if nearest.cell else "tested or installed in twos, not as a whole"
    if not nearest.moves:
        return f"Its components alone work at these versions on Python {nearest.python} ({how})"
    return f"Nearest set that works on Python {nearest.python} ({how}): {nearest_words(nearest)}"


def nearest_words(nearest: NearestSet) -> str:
    """The components that the nearest set changes: ``Alpha 1.3.0 to 1.2.0 and Beta 2.1``."""
    return and_list(
        [f"{move.title} {f'{move.installed} to ' if move.installed else ''}{move.working}" for move in nearest.moves]
    )
