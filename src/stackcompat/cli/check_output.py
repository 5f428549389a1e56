"""The output of ``check``: the answer, what it rests on, and what to install instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.markup import escape

from stackcompat.advice.checked import Checked, Table
from stackcompat.advice.listing import Line, LineKind
from stackcompat.advice.nearest_set import NearestSet
from stackcompat.advice.proposal import NewestSet, Proposal
from stackcompat.cli.console import out
from stackcompat.core.text import and_list, counted
from stackcompat.core.vocabulary import LEVELS
from stackcompat.report.check_findings import nearest_working, works_words
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import titled

__all__ = ["print_checked", "requirements_text"]

#: How many lines, pairs or names are listed; the others are only counted.
_NAMED = 5


#: The words for each kind of line, in the order in which they are printed.
_KINDS: dict[LineKind, str] = {
    "unread": "not looked at",
    "loose": "without an exact version",
    "project": "with a project that is no release",
    "twice": "with another version of the same distribution",
    "elsewhere": "for another Python or machine",
    "optional": "for an extra, a group or an environment that nobody asked for",
    "option": "with options that name no distribution",
    "foreign": "with something that is no Python distribution",
    "extra": "with extras, and what these install is known from other lines only",
}


def print_checked(checked: Checked, proposal: Proposal, summary: Summary, *, source: str, table: str) -> None:
    """Print the answer about an environment.

    Args:
        checked: The answer.
        proposal: The sets that can be installed instead.
        summary: The table that it was compared with.
        source: The file or the environment.
        table: The file of the table, or what it is called.
    """
    day = f"{checked.table.generated:%Y-%m-%d}"
    out.print(
        escape(
            f"{source} on Python {checked.python}, compared with {table} of {day} "
            f"({counted(checked.table.cells, 'cell')})"
        ),
        style="dim",
    )
    for text in _lines(checked.lines):
        out.print(escape(text))
    for text in _findings(checked):
        out.print(text)
    for text in _pairs(checked, summary):
        out.print(escape(text))
    if checked.others:
        out.print(escape(f"Not checked, since they are no components of the stack: {_listed(checked.others)}."))
    for text in checked.limits:
        out.print(f"[yellow]![/] {escape(text)}")
    for text in checked.notes:
        out.print(escape(f"Note: {text}"), style="dim")
    if proposal.nearest is not None:
        _print_nearest(proposal.nearest)
    elif checked.answer != "works" and checked.components:
        out.print(f"No set of its components was seen to work together on Python {checked.python}.")
    if proposal.newest is not None:
        out.print(escape(_newest_words(proposal.newest)), style="dim")


def requirements_text(nearest: NearestSet, table: Table) -> str:
    """A set as a file of requirements, for pip and uv."""
    head = f"# Seen to work together on Python {nearest.python}, by the table of {table.generated:%Y-%m-%d}\n"
    return head + "".join(f"{requirement}\n" for requirement in nearest.requirements())


def _lines(lines: Sequence[Line]) -> Iterator[str]:
    """Each kind of line without an exact version, with its number and the first few."""
    for kind, words in _KINDS.items():
        texts = [line.text for line in lines if line.kind == kind]
        if texts:
            number = f"{len(texts)} {'line' if len(texts) == 1 else 'lines'}"
            yield f"{number} {words}: {_listed(texts, '; ')}"


def _listed(texts: Sequence[str], between: str = ", ") -> str:
    more = f"{between}and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return between.join(texts[:_NAMED]) + more


def _findings(checked: Checked) -> Iterator[str]:
    """The answer and its reasons, as rich's markup."""
    for advisory in checked.hits:
        where = "" if checked.python in advisory.pythons else f" (seen on Python {and_list(list(advisory.pythons))})"
        yield f"[red]✗[/] [bold]{advisory.id}[/] {escape(advisory.summary + where)}"
        if advisory.without and advisory.workaround:
            yield f"  To avoid it: {escape(advisory.workaround)}"
    for cell in checked.red_cells:
        same = "its whole lock" if cell.exact else "the same versions of all components"
        yield f"[red]✗[/] broken in cell {cell.cell}, which has {same}: {escape(cell.sentence)}"
    for likely in checked.likely:
        advisory_id = f" [bold]{likely.advisory}[/]" if likely.advisory else ""
        yield f"[yellow]?[/]{advisory_id} likely broken (inferred, not tested): {escape(likely.sentence)}"
    if checked.answer == "broken":
        yield from (f"[yellow]?[/] {escape(reason)}" for reason in checked.unknown)
    elif checked.answer == "not known":
        yield from (f"[yellow]?[/] not known: {escape(reason)}" for reason in checked.unknown)
    else:
        yield f"[green]✓[/] {escape(works_words(checked))}"


def _pairs(checked: Checked, summary: Summary) -> Iterator[str]:
    """The number of pairs that were tested, and the pairs that only met in a working cell."""
    pairs = checked.pairs
    if not pairs:
        return
    good = [pair for pair in pairs if not pair.broken]
    seen = [pair for pair in good if pair.state == "seen"]
    if len(pairs) > 1:
        number = f"{len(seen)} of its {len(pairs)} pairs of components"
        yield f"Tested together at exactly these versions, and working: {number}."
    elif seen:
        where = " in another set" if checked.answer == "broken" else ""
        yield f"Its two components were tested together at exactly these versions, and work{where}."
    met = [pair for pair in good if pair.state == "met"]
    titles = summary.titles()
    for level in LEVELS:
        names = [
            " with ".join(f"{titled(titles, name)} {version}" for name, version in pair.versions.items())
            for pair in met
            if pair.level == level
        ]
        if names:
            yield f"Met in a working cell, up to {level}, and no test uses both: {_listed(names)}."


def _print_nearest(nearest: NearestSet) -> None:
    out.print(escape(nearest_working(nearest) + ("" if nearest.moves else ":")))
    for requirement in nearest.requirements():
        out.print(f"  {requirement}", markup=False)


def _newest_words(newest: NewestSet) -> str:
    pins = " ".join(f"{name}=={version}" for name, version in newest.pins.items())
    without = f", without {and_list(list(newest.missing))}" if newest.missing else ""
    return f"The newest releases that work together (Python {newest.python}{without}): {pins}"
