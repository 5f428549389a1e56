"""Issues in a tracker: found again by a marker in their text, opened, updated in place, closed when it works again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

import requests

from stackcompat.core.record import Record, StackcompatError, UsageError
from stackcompat.nightly.alerts import Alert
from stackcompat.nightly.issue import BODY_LIMIT, closing_comment, issue_body, issue_title, marked, marker

__all__ = ["GitHub", "KnownIssue", "Tracker", "sync_issues"]

#: Only issues with this label are looked at: who may not label cannot make an issue pass for one of these.
LABEL = "stackcompat"


class KnownIssue(Record):
    """An issue that the tracker has."""

    number: int
    open: bool
    title: str
    body: str


class Tracker(Protocol):
    """What carrying out needs of a tracker."""

    def issues(self) -> dict[str, KnownIssue]:
        """The issues with a marker, by the subject's id; the oldest of several."""
        ...

    def create(self, title: str, body: str) -> int:
        """A new issue; its number."""
        ...

    def edit(self, number: int, title: str, body: str) -> None:
        """Give an issue this text, and open it if it is closed."""
        ...

    def close(self, number: int, body: str, comment: str) -> None:
        """Close an issue with a last word, and give it this text."""
        ...


def sync_issues(items: Iterable[Alert], tracker: Tracker) -> tuple[str, ...]:
    """Do what the items call for; what was done, a line each. Doing it again does nothing.

    The last word of an issue stands in its text too: who opens it again after that wants it open.
    """
    known = tracker.issues()
    done = []
    for item in items:
        issue = known.get(item.subject.id)
        if item.action in ("close", "drop"):
            word = closing_comment(item)
            if issue is not None and issue.open and word not in issue.body:
                head = marker(item.subject)
                text = issue.body.replace("\r\n", "\n").partition(" -->")[2]
                tracker.close(issue.number, f"{head}\n\n{word}{text}"[:BODY_LIMIT], word)
                done.append(f"closed #{issue.number}: {item.subject.title}")
        elif item.action is not None and item.facts is not None:
            title, body = issue_title(item), issue_body(item)
            if issue is None:
                done.append(f"opened #{tracker.create(title, body)}: {title}")
            elif not issue.open or (issue.title, issue.body.replace("\r\n", "\n")) != (title, body):
                tracker.edit(issue.number, title, body)
                done.append(f"{'updated' if issue.open else 'reopened'} #{issue.number}: {title}")
    return tuple(done)


class GitHub:
    """The issues of one GitHub repository. `address` is that of the API; None: the client's own default.

    Raises UsageError where the client library is not installed, StackcompatError where GitHub does not do it.
    """

    def __init__(self, repository: str, token: str, address: str | None = None) -> None:
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
        """See :class:`Tracker`."""
        found: dict[str, KnownIssue] = {}
        try:
            for issue in self._repository.get_issues(state="all", labels=[LABEL], sort="created", direction="asc"):
                subject = marked(issue.body or "")
                if subject:
                    known = KnownIssue(
                        number=issue.number, open=issue.state == "open", title=issue.title, body=issue.body
                    )
                    found.setdefault(subject, known)
        except self._refused as error:
            raise _explained(error) from None
        return found

    def create(self, title: str, body: str) -> int:
        """See :class:`Tracker`."""
        try:
            return self._repository.create_issue(title=title, body=body, labels=[LABEL]).number
        except self._refused as error:
            raise _explained(error) from None

    def edit(self, number: int, title: str, body: str) -> None:
        """See :class:`Tracker`."""
        try:
            self._repository.get_issue(number).edit(title=title, body=body, state="open")
        except self._refused as error:
            raise _explained(error) from None

    def close(self, number: int, body: str, comment: str) -> None:
        """See :class:`Tracker`."""
        try:
            issue = self._repository.get_issue(number)
            issue.create_comment(comment)
            issue.edit(body=body, state="closed", state_reason="completed")
        except self._refused as error:
            raise _explained(error) from None


def _explained(error: Exception) -> StackcompatError:
    status = getattr(error, "status", None)
    said = f"status {status}" if status else type(error).__name__
    return StackcompatError(f"the tracker did not do it ({said}): check the repository and what the token may do")
