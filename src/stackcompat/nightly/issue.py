"""The text of an issue: its title, its body, and the comment with which it is closed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

from stackcompat.core.text import and_list, fenced
from stackcompat.nightly.alerts import Alert
from stackcompat.nightly.facts import Facts
from stackcompat.nightly.signals import Subject
from stackcompat.verdict.history import VersionChange

__all__ = ["BODY_LIMIT", "closing_comment", "issue_body", "issue_title", "marker", "subject_of"]

#: Characters that a tracker takes in the text of an issue.
BODY_LIMIT = 65_536


#: Characters that a tracker takes in a title.
_TITLE_LIMIT = 256


#: The most distributions that are listed as moved.
_MOST_CHANGES = 200


#: Characters that the text of an issue leaves free for the closing comment.
_CLOSING_COMMENT = 256


#: A traceback shorter than this is dropped whole where it does not fit.
_SHORT_TRACEBACK = 200


#: Characters that are cut beyond what is too much, so that marks of a cut fit too.
_MARGIN = 100


#: What stands in a marker as it is: no ``>``, which could end it, and nothing that a tracker might rewrite.
_UNQUOTED = " !\"#$&'()*+,-./:;<=?@[\\]^_`{|}~"


def issue_title(alert: Alert) -> str:
    """One line, no longer than a tracker takes."""
    what = "is flaky" if alert.current.state in ("flaky", "quarantined") else "is broken"
    title = f"{alert.subject.title} {what} at the newest releases"
    return title if len(title) <= _TITLE_LIMIT else title[: _TITLE_LIMIT - 1] + "…"


def marker(subject: Subject) -> str:
    """The mark by which the issue about a subject is found again; it is invisible where the text is shown."""
    return f"<!-- stackcompat: {quote(subject.id, safe=_UNQUOTED)} -->"


def subject_of(body: str) -> str:
    """The id of the subject that an issue with this text is about; empty where it has no marker."""
    match = re.match(r"<!-- stackcompat: (.+?) -->", body)
    return unquote(match[1]) if match else ""


def closing_comment(alert: Alert) -> str:
    """The comment with which an issue is closed, which says why: the same for the same alert."""
    if alert.action == "drop":
        return (
            f"Closed on {alert.called_on}: this can no longer be tested with the newest releases. The test or a "
            "component is gone, or the test does not apply to them."
        )
    return f"Works again since {alert.called_on}."


def issue_body(alert: Alert, limit: int = BODY_LIMIT - _CLOSING_COMMENT) -> str:
    """The text of the issue in Markdown.

    What does not fit is cut from the traceback, then from the list of versions, then from the signature; never from the
    command that reproduces it.

    Args:
        alert: The alert.
        limit: The most characters of the text.
    """
    facts = alert.facts
    if facts is None:
        return f"{marker(alert.subject)}\n{_state(alert)}.\n"
    changes = facts.moved[:_MOST_CHANGES]
    body = _body(alert, facts, facts.signature, changes, facts.details)
    if len(body) > limit:
        details = _shortened(facts.details, len(body) - limit)
        body = _body(alert, facts, facts.signature, changes, details)
    while len(body) > limit and changes:
        changes = changes[: len(changes) // 2]
        body = _body(alert, facts, facts.signature, changes, "")
    if len(body) > limit:
        kept = max(0, len(facts.signature) - (len(body) - limit) - _MARGIN)
        body = _body(alert, facts, facts.signature[:kept] + "…", changes, "")
    return body


def _shortened(traceback: str, excess: int) -> str:
    """The end of a traceback without `excess` characters; empty where nothing useful remains."""
    if len(traceback) <= _SHORT_TRACEBACK:
        return ""
    kept = max(0, len(traceback) - excess - _MARGIN)
    return traceback[len(traceback) - kept :]


def _state(alert: Alert) -> str:
    state = f"Now {alert.current.state}"
    if alert.current.since:
        state += f" since {alert.current.since}"
    if alert.current.until:
        state += f", quarantined until {alert.current.until}"
    return state


def _body(alert: Alert, facts: Facts, signature: str, changes: Sequence[VersionChange], details: str) -> str:
    """The text of the issue.

    Args:
        alert: The alert.
        facts: Its facts.
        signature: As much of the signature as fits.
        changes: As many of the distributions that moved as fit.
        details: As much of the traceback as fits.
    """
    green = (
        f"last green {facts.last_green:%Y-%m-%d %H:%M} UTC" if facts.last_green else "it worked in no run that is known"
    )
    parts = [
        marker(alert.subject),
        f"{_state(alert)}, on Python {facts.python}; {green}.",
        fenced(signature),
        f"Culprit: {and_list(facts.culprits)}." if facts.culprits else "",
        f"The failure points at {and_list(facts.suspects)}." if facts.suspects else "",
        f"Reproduce:\n\n{fenced(facts.reproduce)}",
    ]
    if changes:
        parts.append(f"Since the last green run, {len(facts.moved)} distributions changed:")
        parts.append(_table_of_changes(changes, len(facts.moved) - len(changes)))
    elif facts.installed and not facts.moved:
        parts.append(f"Installed: {', '.join(facts.installed)}.")
    if details:
        parts.append(f"<details><summary>Traceback</summary>\n\n{fenced(details)}\n\n</details>")
    return "\n\n".join(filter(None, parts)) + "\n"


def _table_of_changes(changes: Sequence[VersionChange], left_out: int) -> str:
    lines = ["| distribution | then | now |", "| --- | --- | --- |"]
    lines += [f"| {change.name} | {change.before or 'absent'} | {change.after or 'absent'} |" for change in changes]
    if left_out:
        lines.append(f"| and {left_out} more | | |")
    return "\n".join(lines)
