"""Issues in a tracker: found again by a marker in their text, opened, updated in place, closed when it works again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

import requests

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.record import Record
from stackcompat.nightly.alerts import Alert
from stackcompat.nightly.issue import BODY_LIMIT, closing_comment, issue_body, issue_title, marker, subject_of

__all__ = ["GitHub", "KnownIssue", "Tracker", "sync_issues"]

#: Only issues with this label are looked at. A person without the right to label cannot make an issue pass for one.
LABEL = "stackcompat"


class KnownIssue(Record):
    """An issue that the tracker has."""

    number: int
    open: bool
    title: str
    body: str


class Tracker(Protocol):
    """What is asked of a tracker."""

    def issues(self) -> dict[str, KnownIssue]:
        """The issues with a marker, by their subjects' ids; of several about one subject the oldest."""
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


def sync_issues(alerts: Iterable[Alert], tracker: Tracker) -> tuple[str, ...]:
    """Do what the alerts call for. Doing it again changes nothing.

    The closing comment of an issue stands in its text too. An issue that has it and is open was opened again by a
    person, and stays open.

    Args:
        alerts: The alerts.
        tracker: Where the issues are.

    Returns:
        What was done, a line for each issue.
    """
    known = tracker.issues()
    lines = [_sync(alert, known.get(alert.subject.id), tracker) for alert in alerts]
    return tuple(filter(None, lines))


def _sync(alert: Alert, issue: KnownIssue | None, tracker: Tracker) -> str:
    """Do what an alert calls for; what was done, empty for nothing."""
    if alert.action in ("close", "drop"):
        return _close(alert, issue, tracker) if issue is not None else ""
    if alert.action is None or alert.facts is None:
        return ""
    title, body = issue_title(alert), issue_body(alert)
    if issue is None:
        return f"opened #{tracker.create(title, body)}: {title}"
    if issue.open and (issue.title, _with_newlines(issue.body)) == (title, body):
        return ""
    tracker.edit(issue.number, title, body)
    return f"{'updated' if issue.open else 'reopened'} #{issue.number}: {title}"


def _close(alert: Alert, issue: KnownIssue, tracker: Tracker) -> str:
    comment = closing_comment(alert)
    if not issue.open or comment in issue.body:
        return ""
    text = _with_newlines(issue.body).partition(" -->")[2]
    tracker.close(issue.number, f"{marker(alert.subject)}\n\n{comment}{text}"[:BODY_LIMIT], comment)
    return f"closed #{issue.number}: {alert.subject.title}"


def _with_newlines(text: str) -> str:
    """The text with the line ends that were written: a tracker can return others."""
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
            import github  # noqa: PLC0415  # an extra that only this needs
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
        known: dict[str, KnownIssue] = {}
        try:
            for issue in self._repository.get_issues(state="all", labels=[LABEL], sort="created", direction="asc"):
                subject = subject_of(issue.body or "")
                if subject:
                    known.setdefault(
                        subject,
                        KnownIssue(number=issue.number, open=issue.state == "open", title=issue.title, body=issue.body),
                    )
        except self._refused as error:
            raise _explained(error) from None
        return known

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
    status = getattr(error, "status", None)
    reason = f"status {status}" if status else type(error).__name__
    return StackcompatError(f"the tracker did not do it ({reason}): check the repository and the rights of the token")
