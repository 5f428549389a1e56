"""The answers about files as workflow commands of GitHub Actions, which shows them at lines of a pull request. Pure.

See https://docs.github.com/actions/reference/workflow-commands-for-github-actions for the commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from stackcompat.core.text import printable
from stackcompat.report.check_findings import Answered, Rule, findings, nearest_words, works_words
from stackcompat.table.summary import Summary

__all__ = ["check_commands"]

_Command = Literal["error", "warning", "notice"]

_COMMANDS: dict[Rule, _Command] = {
    "advisory": "error",
    "red-cell": "error",
    "likely-broken": "warning",
    "not-known": "warning",
}


def check_commands(answers: Iterable[Answered], summary: Summary) -> str:
    """A line for each finding: an error for what is broken, a warning for what is not known, a notice for the rest.

    Args:
        answers: The files and their answers.
        summary: The table that they were compared with.
    """
    return "".join(f"{line}\n" for answered in answers for line in _commands(answered, summary))


def _commands(answered: Answered, summary: Summary) -> Iterator[str]:
    checked, nearest = answered.checked, answered.proposal.nearest
    for one in findings(answered, summary):
        yield _command(_COMMANDS[one.rule], answered, one.message, line=one.line, title=one.id)
    if checked.answer == "works":
        yield _command("notice", answered, works_words(checked))
    for text in (*checked.limits, *checked.notes):
        yield _command("notice", answered, text)
    if nearest is not None and nearest.moves:
        pins = " ".join(nearest.requirements())
        words = f"nearest set that works on Python {nearest.python}: {nearest_words(nearest)}; {pins}"
        yield _command("notice", answered, words)


def _command(command: _Command, answered: Answered, message: str, *, line: int = 1, title: str = "") -> str:
    """One command. Without a file of the repository, the message names what was checked."""
    place = {"file": answered.path, "line": str(line)} if answered.path else {}
    facts = place | {"title": f"stackcompat {title}".strip()}
    properties = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in facts.items())
    text = message if answered.path else f"{answered.source}: {message}"
    return f"::{command} {properties}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    """The text, with the characters that end a command or a property (`more`) as GitHub's runner reads them."""
    text = printable(text)
    for letter in f"%\r\n{more}":
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text
