"""Opens, updates and closes issues in a tracker. An issue is found again by a marker in its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import requests

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.record import Record
from stackcompat.nightly.alerts import Alert
from stackcompat.nightly.issue_text import (
    BODY_LIMIT,
    closing_comment,
    issue_body,
    issue_title,
    subject_of,
    summary_body,
    summary_closing_comment,
    summary_subject,
    summary_title,
    topic_of,
    was_closed_here,
)

__all__ = ["MOST_NEW", "GitHub", "KnownIssue", "Tracker", "choose_issues", "issues_by_subject", "sync_issues"]

#: The most issues that one night opens.
MOST_NEW = 5


#: Only issues with this label are looked at. So a person who may not set labels cannot forge one of these issues.
LABEL = "stackcompat"


class KnownIssue(Record):
    """An issue that the tracker has.

    Attributes:
        number: Its number.
        open: Whether it is open.
        title: Its title.
        body: Its text.
        state_reason: Why it is closed, in GitHub's words (``completed``, ``not_planned``, ``duplicate``); empty if the
            tracker does not say.
        older: The issues about the same subject that were closed before this one.
    """

    number: int
    open: bool
    title: str
    body: str
    state_reason: str = ""
    older: tuple[KnownIssue, ...] = ()

    @property
    def stays_closed(self) -> bool:
        """Whether a person closed it and does not want it open: as completed means that the failure should be gone."""
        if self.open or self.state_reason == "completed":
            return False
        return self.state_reason in ("not_planned", "duplicate") or not was_closed_here(self.body)


def issues_by_subject(issues: Iterable[KnownIssue]) -> dict[str, KnownIssue]:
    """By subject's id, the issue about it: of several the first open one, else the last. It has the others as `older`.

    Args:
        issues: The issues, oldest first. Those without a marker are left out.
    """
    of_subject: dict[str, list[KnownIssue]] = {}
    for issue in issues:
        subject = subject_of(issue.body)
        if subject:
            of_subject.setdefault(subject, []).append(issue)
    known = {}
    for subject, several in of_subject.items():
        current = next((issue for issue in several if issue.open), several[-1])
        older = tuple(issue for issue in several if issue is not current and not issue.open)
        known[subject] = current.model_copy(update={"older": older})
    return known


class Tracker(Protocol):
    """What this module needs of a tracker."""

    def issues(self) -> dict[str, KnownIssue]:
        """The issues with a marker, by their subjects' ids; see :func:`issues_by_subject`."""
        ...

    def create(self, title: str, body: str) -> int:
        """Open a new issue and return its number."""
        ...

    def edit(self, number: int, title: str, body: str) -> None:
        """Give an issue a title and a text, and open it if it is closed.

        Args:
            number: The issue.
            title: Its new title.
            body: Its new text.
        """
        ...

    def close(self, number: int, body: str, comment: str) -> None:
        """Give an issue a text, and close it with a comment.

        Args:
            number: The issue.
            body: Its new text.
            comment: The comment.
        """
        ...


class IssueChoice(NamedTuple):
    """Which alerts have an issue of their own.

    Attributes:
        own: The alerts about red subjects whose issue is to be written.
        rest: Those that have none, because a night opens only so many. The summary issue names them.
    """

    own: tuple[Alert, ...]
    rest: tuple[Alert, ...]


def choose_issues(
    alerts: Sequence[Alert], known: Mapping[str, KnownIssue] | None = None, most_new: int = MOST_NEW
) -> IssueChoice:
    """Choose the alerts that have an issue of their own: one for each failure, and no more than a night opens.

    A failure keeps its open issue, whichever of the subjects with this failure that is about. A failure whose issue a
    person closed has none. Of the failures that opened on one night, the first `most_new` have an issue; if there are
    more, the last of these issues is the summary. So the same alerts always give the same choice.

    Args:
        alerts: The alerts of one matrix.
        known: The issues that the tracker has, by their subjects' ids.
        most_new: The most issues that one night opens, the summary counted.
    """
    known = known or {}
    by_id = {alert.subject.id: alert for alert in alerts}
    unwanted = {
        topic_of(issue.body) for latest in known.values() for issue in (latest, *latest.older) if issue.stays_closed
    }
    own: list[Alert] = []
    rest: list[Alert] = []
    nights: dict[object, list[Alert]] = {}
    for alert in alerts:
        if alert.action not in ("open", "update") or alert.facts is None:
            continue
        teller = _teller(alert, by_id, known)
        nights.setdefault(alert.current.opened, []).append(teller)
    for tellers in nights.values():
        with_own = most_new if len(tellers) <= most_new else max(0, most_new - 1)
        for place, teller in enumerate(tellers):
            issue = known.get(teller.subject.id)
            if _is_unwanted(teller, issue, unwanted):
                continue
            has_own = place < with_own or (issue is not None and issue.open)
            (own if has_own else rest).append(teller)
    return IssueChoice(tuple(own), tuple(rest))


def _teller(alert: Alert, by_id: Mapping[str, Alert], known: Mapping[str, KnownIssue]) -> Alert:
    """The alert whose issue tells a failure: the first of those with an open issue, else the first."""
    subjects = (alert.subject, *alert.covers)
    for subject in subjects:
        issue = known.get(subject.id)
        if issue is not None and issue.open:
            others = tuple(other for other in subjects if other != subject)
            return by_id[subject.id].model_copy(update={"covers": others})
    return alert


def _is_unwanted(alert: Alert, issue: KnownIssue | None, unwanted: Iterable[tuple[str, str]]) -> bool:
    """Whether a person closed the issue about a failure, so that it stays closed.

    Args:
        alert: The alert about the failure.
        issue: The issue about its subject; None: there is none.
        unwanted: Matrix and failure of every issue that stays closed.
    """
    failure = alert.facts.failure if alert.facts is not None else ""
    if issue is not None and issue.open and topic_of(issue.body).failure in ("", failure):
        return False
    if issue is not None and issue.stays_closed and not topic_of(issue.body).failure:
        return True
    return bool(failure) and (alert.matrix, failure) in unwanted


def sync_issues(alerts: Iterable[Alert], tracker: Tracker, most_new: int = MOST_NEW) -> tuple[str, ...]:
    """Do what the alerts call for. Doing it again changes nothing.

    The closing comment of an issue is also written into its text. So an open issue with that comment was opened again
    by a person, and stays open. An open issue about a subject that works is closed even if no run that is known called
    for it: the store that knew it can be lost.

    Args:
        alerts: The alerts of one matrix.
        tracker: Where the issues are.
        most_new: The most issues that one night opens.

    Returns:
        What was done, a line for each issue.
    """
    alerts = tuple(alerts)
    known = tracker.issues()
    lines = [_close(alert, known[alert.subject.id], tracker) for alert in alerts if alert.subject.id in known]
    choice = choose_issues(alerts, known, most_new)
    for alert in choice.own:
        lines.append(_write(known.get(alert.subject.id), issue_title(alert), issue_body(alert), tracker))
    if alerts:
        lines.append(_sync_summary(alerts[0], choice.rest, known, tracker))
    return tuple(filter(None, lines))


def _write(issue: KnownIssue | None, title: str, body: str, tracker: Tracker) -> str:
    """Open or update an issue, and return a line about it; empty if it has this title and text.

    An issue that stays closed is about another failure: it is left as it is, and a new one is opened.
    """
    if issue is None or issue.stays_closed:
        return f"opened #{tracker.create(title, body)}: {title}"
    if issue.open and (issue.title, _with_newlines(issue.body)) == (title, body):
        return ""
    tracker.edit(issue.number, title, body)
    return f"{'updated' if issue.open else 'reopened'} #{issue.number}: {title}"


def _sync_summary(alert: Alert, rest: Sequence[Alert], known: Mapping[str, KnownIssue], tracker: Tracker) -> str:
    """Bring the summary issue up to date, and return a line about it.

    Args:
        alert: Any alert: it has the matrix and the day of the last run.
        rest: The alerts without an issue of their own.
        known: The issues that the tracker has.
        tracker: Where the issues are.
    """
    issue = known.get(summary_subject(alert.matrix))
    if rest:
        if issue is not None and issue.stays_closed:
            return ""
        return _write(issue, summary_title(alert.matrix, rest), summary_body(alert.matrix, rest), tracker)
    if issue is None or not issue.open or was_closed_here(issue.body):
        return ""
    return _close_with(issue, summary_closing_comment(alert.night), issue.title, tracker)


def _close(alert: Alert, issue: KnownIssue, tracker: Tracker) -> str:
    """Close the issue of a subject that is not red, and return a line about it; empty if there is nothing to close.

    An issue that a person opened again stays open, and so does one that the runs of another matrix opened.
    """
    matrix = topic_of(issue.body).matrix
    if not issue.open or matrix not in ("", alert.matrix):
        return ""
    comment = closing_comment(alert)
    if alert.action in ("close", "drop"):
        return "" if comment in issue.body else _close_with(issue, comment, alert.subject.title, tracker)
    works = alert.action is None and alert.signal == "green" and alert.current.state == "passing"
    if not works or not matrix or was_closed_here(issue.body):
        return ""
    return _close_with(issue, comment, alert.subject.title, tracker)


def _close_with(issue: KnownIssue, comment: str, title: str, tracker: Tracker) -> str:
    """Close an issue with a comment, which is also written into its text after the marker; return a line about it."""
    mark, end, text = _with_newlines(issue.body).partition(" -->")
    tracker.close(issue.number, f"{mark}{end}\n\n{comment}{text}"[:BODY_LIMIT], comment)
    return f"closed #{issue.number}: {title}"


def _with_newlines(text: str) -> str:
    """The text with newlines as line ends, as it was written; a tracker can return other line ends."""
    return text.replace("\r\n", "\n")


class GitHub:
    """The issues of one GitHub repository; see :class:`Tracker` for the methods."""

    def __init__(self, repository: str, token: str, address: str | None = None) -> None:
        """Connect to a repository.

        Args:
            repository: Its name, ``owner/name``.
            token: A token that may write issues.
            address: The address of the API; None: the client's own default.

        Raises:
            UsageError: The client library is not installed, or `repository` is not such a name.
        """
        try:
            import github  # noqa: PLC0415  # only this class needs the extra
        except ImportError:
            raise UsageError("--repository: needs the extra `tracker`: pip install 'stackcompat[tracker]'") from None
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
            raise UsageError(f'--repository: "{repository}" is not a repository such as owner/name')
        self._refused = (github.GithubException, requests.RequestException)
        auth = github.Auth.Token(token)
        client = (
            github.Github(auth=auth, base_url=address, lazy=True) if address else github.Github(auth=auth, lazy=True)
        )
        self._repository = client.get_repo(repository)

    def issues(self) -> dict[str, KnownIssue]:
        """See :class:`Tracker`.

        Raises:
            StackcompatError: GitHub refuses.
        """
        try:
            issues = [
                KnownIssue(
                    number=issue.number,
                    open=issue.state == "open",
                    title=issue.title,
                    body=issue.body or "",
                    state_reason=issue.state_reason or "",
                )
                for issue in self._repository.get_issues(state="all", labels=[LABEL], sort="created", direction="asc")
            ]
        except self._refused as error:
            raise _explained(error) from None
        return issues_by_subject(issues)

    def create(self, title: str, body: str) -> int:
        """See :class:`Tracker`.

        Raises:
            StackcompatError: GitHub refuses.
        """
        try:
            return self._repository.create_issue(title=title, body=body, labels=[LABEL]).number
        except self._refused as error:
            raise _explained(error) from None

    def edit(self, number: int, title: str, body: str) -> None:
        """See :class:`Tracker`.

        Raises:
            StackcompatError: GitHub refuses.
        """
        try:
            self._repository.get_issue(number).edit(title=title, body=body, state="open")
        except self._refused as error:
            raise _explained(error) from None

    def close(self, number: int, body: str, comment: str) -> None:
        """See :class:`Tracker`.

        Raises:
            StackcompatError: GitHub refuses.
        """
        try:
            issue = self._repository.get_issue(number)
            issue.create_comment(comment)
            issue.edit(body=body, state="closed", state_reason="completed")
        except self._refused as error:
            raise _explained(error) from None


def _explained(error: Exception) -> StackcompatError:
    """The error of this tool for an error of the client library."""
    status = getattr(error, "status", None)
    reason = f"status {status}" if status else type(error).__name__
    return StackcompatError(f"the tracker did not do it ({reason}): check the repository and the rights of the token")
