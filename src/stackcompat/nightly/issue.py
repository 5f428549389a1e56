"""The text of an issue: its title, its body, and the words with which it is closed."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from stackcompat.core.text import and_list, fenced
from stackcompat.nightly.alerts import Alert, Facts, Subject
from stackcompat.verdict.history import VersionChange

__all__ = ["BODY_LIMIT", "closing_comment", "issue_body", "issue_title", "marked", "marker"]

#: Characters that a tracker takes in the text of an issue, and in its title.
BODY_LIMIT = 65_536


_TITLE_LIMIT = 256


_MOST_MOVES = 200


#: What the text of an issue leaves free for the last word.
_LAST_WORD = 256


# ---------------------------------------------------------------------------------------------------------------------
# The issue
# ---------------------------------------------------------------------------------------------------------------------


def issue_title(item: Alert) -> str:
    """One line, no longer than a tracker takes."""
    what = "is flaky" if item.watched.state in ("flaky", "quarantined") else "is broken"
    title = f"{item.subject.title} {what} at the newest releases"
    return title if len(title) <= _TITLE_LIMIT else title[: _TITLE_LIMIT - 1] + "…"


def marker(subject: Subject) -> str:
    """What the text of an issue is found again by; invisible where it is shown."""
    return f"<!-- stackcompat: {quote(subject.id, safe=_PLAIN)} -->"


#: What stands in a marker as it is: no ``>``, which could end it, and nothing that a tracker might write otherwise.
_PLAIN = " !\"#$&'()*+,-./:;<=?@[\\]^_`{|}~"


def marked(body: str) -> str:
    """The id of the subject that an issue with the text `body` is about; empty where it has no marker."""
    match = re.match(r"<!-- stackcompat: (.+?) -->", body)
    return unquote(match[1]) if match else ""


def closing_comment(item: Alert) -> str:
    """The last word of an issue that is closed, which says why: the same for the same item."""
    if item.action == "drop":
        return (
            f"Closed on {item.called}, since nothing can tell of it any more: with the newest releases, the test or one"
            " of the two is not there, or does not apply."
        )
    return f"Works again since {item.called}."


def issue_body(item: Alert, limit: int = BODY_LIMIT - _LAST_WORD) -> str:
    """The text of the issue in Markdown, at most `limit` characters.

    What does not fit is cut from the traceback, then from the list of versions, then from the signature; never from the
    command that reproduces it.
    """
    facts = item.facts
    state = f"Now {item.watched.state}" + (f" since {item.watched.since}" if item.watched.since else "")
    state += f", quarantined until {item.watched.until}" if item.watched.until else ""
    if facts is None:
        return f"{marker(item.subject)}\n{state}.\n"
    signature, rows, details = facts.signature, list(facts.moved), facts.details
    rows = rows[:_MOST_MOVES]
    body = _body(item, facts, state, signature, rows, details)
    if len(body) > limit:
        kept = max(0, len(details) - (len(body) - limit) - 100) if len(details) > 200 else 0
        details = details[len(details) - kept :]
        body = _body(item, facts, state, signature, rows, details)
    while len(body) > limit and rows:
        rows = rows[: len(rows) // 2]
        body = _body(item, facts, state, signature, rows, "")
    if len(body) > limit:
        signature = signature[: max(0, len(signature) - (len(body) - limit) - 100)] + "…"
        body = _body(item, facts, state, signature, rows, "")
    return body


def _body(item: Alert, facts: Facts, state: str, signature: str, rows: list[VersionChange], details: str) -> str:
    green = f"last green {facts.last_green:%Y-%m-%d %H:%M} UTC" if facts.last_green else "not seen to work"
    parts = [
        marker(item.subject),
        f"{state}, on Python {facts.python}; {green}.",
        fenced(signature),
        f"Culprit: {and_list(facts.culprits)}." if facts.culprits else "",
        f"It points at {and_list(facts.suspects)}." if facts.suspects else "",
        f"Reproduce:\n\n{fenced(facts.reproduce)}",
    ]
    if rows:
        parts.append(f"Since it was last green, {len(facts.moved)} distributions moved:")
        lines = [f"| {move.name} | {move.before or 'absent'} | {move.after or 'absent'} |" for move in rows]
        lines += [f"| and {len(facts.moved) - len(rows)} more | | |"] if len(rows) < len(facts.moved) else []
        parts.append("\n".join(["| distribution | then | now |", "| --- | --- | --- |", *lines]))
    elif facts.installed and not facts.moved:
        parts.append(f"Installed: {', '.join(facts.installed)}.")
    if details:
        parts.append(f"<details><summary>Traceback</summary>\n\n{fenced(details)}\n\n</details>")
    return "\n\n".join(filter(None, parts)) + "\n"
