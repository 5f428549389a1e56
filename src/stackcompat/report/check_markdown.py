"""The answers about files as Markdown, for a comment on a pull request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackcompat.core.text import counted, fenced, plain
from stackcompat.report.check_findings import Answered, Rule, findings, nearest_working, works_words
from stackcompat.table.summary import Summary

__all__ = ["check_markdown"]

_GLYPHS: dict[Rule, str] = {"advisory": "✗", "red-cell": "✗", "likely-broken": "?", "not-known": "?"}

_GLYPH_OF_ANSWER = {"works": "✓", "broken": "✗", "not known": "?"}


def check_markdown(answers: Iterable[Answered], summary: Summary) -> str:
    """A section for each file: the answer, what it rests on, and what to install instead.

    Args:
        answers: The files and their answers.
        summary: The table that they were compared with.
    """
    return "\n\n".join("\n\n".join(_section(answered, summary)) for answered in answers) + "\n"


def _section(answered: Answered, summary: Summary) -> Iterator[str]:
    checked, proposal = answered.checked, answered.proposal
    glyph = _GLYPH_OF_ANSWER[checked.answer]
    yield f"### {glyph} {plain(answered.source)}: {checked.answer} on Python {checked.python}"
    items = [
        f"- {_GLYPHS[one.rule]} {f'**{one.id}** ' if one.advisory else ''}{plain(one.message)}"
        + (f" (line {one.line})" if answered.text and one.line > 1 else "")
        for one in findings(answered, summary)
    ]
    items += [f"- ✓ {plain(works_words(checked))}"] if checked.answer == "works" else []
    items += [f"- ! {plain(text)}" for text in checked.limits]
    items += [f"- Note: {plain(text)}" for text in checked.notes]
    yield "\n".join(items)
    if proposal.nearest is not None:
        yield f"{plain(nearest_working(proposal.nearest))}:"
        yield fenced("\n".join(proposal.nearest.requirements()))
    elif checked.answer != "works" and checked.components:
        yield f"No set of its components was seen to work together on Python {checked.python}."
    table = checked.table
    yield f"Compared with the table of {table.generated:%Y-%m-%d} ({counted(table.cells, 'cell')})."
