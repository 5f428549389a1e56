"""The text of an issue: its title, its body, and the comment with which it is closed. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

from stackcompat.core.redact import masked
from stackcompat.core.text import and_list, fenced, plain, printable
from stackcompat.nightly.alerts import Alert
from stackcompat.nightly.facts import Facts
from stackcompat.nightly.signals import Subject
from stackcompat.verdict.history import VersionChange

__all__ = [
    "BODY_LIMIT",
    "Topic",
    "closing_comment",
    "issue_body",
    "issue_title",
    "marker",
    "subject_of",
    "summary_body",
    "summary_closing_comment",
    "summary_subject",
    "summary_title",
    "topic_of",
    "was_closed_here",
]

#: Characters that a tracker takes in the text of an issue.
BODY_LIMIT = 65_536


#: Characters that a tracker takes in a title.
_TITLE_LIMIT = 256


#: The most distributions that are listed as moved.
_MOST_CHANGES = 200


#: The most subjects with the same failure, and the most failures of a summary, that are named.
_MOST_SUBJECTS = 10
_MOST_FAILURES = 100


#: How the closing comments begin. Such a comment stands in the text of an issue that was closed here.
_CLOSING = ("Works again", "Closed on", "Nothing is left")


#: Characters that the text of an issue leaves free for the closing comment.
_CLOSING_COMMENT = 256


#: A traceback shorter than this is dropped whole where it does not fit.
_SHORT_TRACEBACK = 200


#: How many more characters are cut than are too many, so that the marks of the cut fit too.
_MARGIN = 100


#: The characters that a marker does not quote. ``>`` is not one of them, because it could end the marker. Neither is
#: any character that a tracker might rewrite.
_UNQUOTED = " !\"#$&'()*+,-./:;<=?@[\\]^_`{|}~"


class Topic(NamedTuple):
    """What an issue is about besides its subject: the matrix and the id of the failure; empty where it does not say."""

    matrix: str = ""
    failure: str = ""


def issue_title(alert: Alert) -> str:
    """The title of the issue, cut to the length that a tracker takes."""
    what = "is flaky" if alert.current.state in ("flaky", "muted") else "is broken"
    title = f"{' '.join(printable(masked(alert.subject.title)).split())} {what} at the newest releases"
    return title if len(title) <= _TITLE_LIMIT else title[: _TITLE_LIMIT - 1] + "…"


def marker(subject: Subject) -> str:
    """The mark by which the issue about a subject is found again; it is invisible where the text is shown."""
    return f"<!-- stackcompat: {quote(subject.id, safe=_UNQUOTED)} -->"


def subject_of(body: str) -> str:
    """The id of the subject that an issue with this text is about; empty where it has no marker."""
    match = re.match(r"<!-- stackcompat: (.+?) -->", body)
    return unquote(match[1]) if match else ""


def _topic_mark(topic: Topic) -> str:
    """The mark at the end of a text that says what the issue is about; it is invisible where the text is shown."""
    return f"<!-- about: {quote(topic.matrix, safe='')} {topic.failure} -->"


def topic_of(body: str) -> Topic:
    """What an issue with this text is about. The last mark counts: others can come from a quoted traceback."""
    marks = re.findall(r"<!-- about: (\S+) (\w*) -->", body)
    return Topic(unquote(marks[-1][0]), marks[-1][1]) if marks else Topic()


def was_closed_here(body: str) -> bool:
    """Whether this tool closed the issue with this text, and has not written to it since."""
    text = body.partition(" -->")[2].lstrip()
    return text.startswith(_CLOSING)


def closing_comment(alert: Alert) -> str:
    """The comment that says why an issue is closed. The same alert always gives the same comment."""
    if alert.action == "drop":
        return (
            f"Closed on {alert.called_on}: this can no longer be tested with the newest releases. The test or a "
            "component is gone, or the test does not apply to them."
        )
    if alert.action == "close":
        return f"Works again since {alert.called_on}."
    return f"Works again: it was green on {alert.night}."


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
    """The state of the subject and since when it has it."""
    state = f"Now {alert.current.state}"
    if alert.current.since:
        state += f" since {alert.current.since}"
    if alert.current.until:
        state += f"; no night counts until {alert.current.until}"
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
    parts = [
        marker(alert.subject),
        f"{_state(alert)}, on Python {facts.python}; {_last_green(facts)}.",
        fenced(signature),
        _also(alert.covers),
        _culprits(facts),
        f"The failure points at {plain(and_list(facts.suspects))}." if facts.suspects else "",
        f"Reproduce:\n\n{fenced(facts.reproduce)}",
        _without_the_tool(facts),
    ]
    if changes:
        parts.append(f"Changed since the last green run ({len(facts.moved)}):")
        parts.append(_table_of_changes(changes, len(facts.moved) - len(changes)))
    elif facts.installed and not facts.moved:
        parts.append(f"Installed: {plain(', '.join(facts.installed))}.")
    if details:
        parts.append(f"<details><summary>Traceback</summary>\n\n{fenced(details)}\n\n</details>")
    parts.append(_topic_mark(Topic(alert.matrix, facts.failure)))
    return masked("\n\n".join(filter(None, parts))) + "\n"


def _without_the_tool(facts: Facts) -> str:
    """The lines of a shell that show the failure without this tool; empty if there are none."""
    lines = "\n".join(facts.plain)
    return f"Without stackcompat, in the folder of the ecosystem:\n\n{fenced(lines)}" if lines else ""


def _last_green(facts: Facts) -> str:
    """When the failure was not there yet, in words."""
    if facts.last_green:
        return f"last green {facts.last_green:%Y-%m-%d %H:%M} UTC"
    if facts.is_new_test:
        return "new test: it never passed here"
    return "it never passed here" if facts.of_test else "it worked in no run that is known"


def _culprits(facts: Facts) -> str:
    """The sentence about the culprits, with the doubt about them; empty if there are none."""
    if not facts.culprits:
        return ""
    sentence = f"Culprit: {plain(and_list(facts.culprits))}."
    if facts.sure:
        return sentence
    doubt = f"Not certain: {len(facts.moved)} things moved." if len(facts.moved) > 1 else "Not certain."
    return f"{sentence} {doubt}"


def _also(subjects: Sequence[Subject]) -> str:
    """The sentence about other subjects with the same failure; empty if there are none."""
    if not subjects:
        return ""
    titles = [_code(subject.title) for subject in subjects[:_MOST_SUBJECTS]]
    if len(subjects) > len(titles):
        titles.append(f"{len(subjects) - len(titles)} more")
    return f"The same failure: {and_list(titles)}."


def _code(text: str) -> str:
    """A text of others in one line as code, cut to the length of a title: nothing in it is markup or calls a person."""
    words = " ".join(printable(masked(text)).split()).replace("`", "'")
    return f"`{words if len(words) <= _TITLE_LIMIT else words[: _TITLE_LIMIT - 1] + '…'}`"


def _table_of_changes(changes: Sequence[VersionChange], left_out: int) -> str:
    lines = ["| | then | now |", "| --- | --- | --- |"]
    for change in changes:
        cells = (change.name, change.before or "absent", change.after or "absent")
        lines.append(f"| {' | '.join(map(plain, cells))} |")
    if left_out:
        lines.append(f"| and {left_out} more | | |")
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------------------------------
# The summary of failures without an issue of their own
# ---------------------------------------------------------------------------------------------------------------------


def summary_subject(matrix: str) -> str:
    """The id of the subject of the summary issue of a matrix."""
    return f"summary:{matrix}"


def summary_title(matrix: str, alerts: Sequence[Alert]) -> str:
    """The title of the summary issue."""
    number = f"{len(alerts)} more {'failure' if len(alerts) == 1 else 'failures'}"
    return f"{number} at the newest releases of {matrix}"[:_TITLE_LIMIT]


_SUMMARY = "These failures have none of their own. `NIGHT.md` of the night on which each began says more."


def summary_body(matrix: str, alerts: Sequence[Alert]) -> str:
    """The text of the summary issue: every failure in one line.

    Args:
        matrix: The matrix.
        alerts: The alerts without an issue of their own.
    """
    lines = [_summary_line(alert) for alert in alerts[:_MOST_FAILURES]]
    if len(alerts) > len(lines):
        lines.append(f"- and {len(alerts) - len(lines)} more")
    parts = [
        f"<!-- stackcompat: {quote(summary_subject(matrix), safe=_UNQUOTED)} -->",
        f"A night opens only some new issues. {_SUMMARY}",
        "\n".join(lines),
        _topic_mark(Topic(matrix)),
    ]
    return "\n\n".join(parts) + "\n"


def _summary_line(alert: Alert) -> str:
    """One failure in one line: what is red since when, and why."""
    signature = _code(alert.facts.signature) if alert.facts else "no failure is known"
    also = f" (and {len(alert.covers)} more with the same failure)" if alert.covers else ""
    return f"- {_code(alert.subject.title)}{also}, {alert.current.state} since {alert.current.since}: {signature}"


def summary_closing_comment(night: dt.date | None) -> str:
    """The comment that says why the summary issue is closed; `night` is the day of the last run."""
    return f"Nothing is left here since {night}: all of it works again or has an issue of its own."
