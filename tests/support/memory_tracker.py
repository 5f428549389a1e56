"""A tracker in memory: what it did is in its log."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackcompat.nightly.tracker import KnownIssue, issues_by_subject


@dataclass
class MemoryTracker:
    """Issues by their numbers, and what was done to them."""

    by_number: dict[int, KnownIssue] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def issues(self) -> dict[str, KnownIssue]:
        """See :class:`stackcompat.nightly.tracker.Tracker`."""
        return issues_by_subject(self.by_number.values())

    def create(self, title: str, body: str) -> int:
        """See :class:`stackcompat.nightly.tracker.Tracker`."""
        number = len(self.by_number) + 1
        self.by_number[number] = KnownIssue(number=number, open=True, title=title, body=body)
        self.log.append(f"create #{number}")
        return number

    def edit(self, number: int, title: str, body: str) -> None:
        """See :class:`stackcompat.nightly.tracker.Tracker`."""
        self.by_number[number] = KnownIssue(number=number, open=True, title=title, body=body)
        self.log.append(f"edit #{number}")

    def close(self, number: int, body: str, comment: str) -> None:
        """See :class:`stackcompat.nightly.tracker.Tracker`."""
        assert comment in body
        self.by_person(number, "completed", body)
        self.log.append(f"close #{number}")

    def by_person(self, number: int, state_reason: str, body: str | None = None) -> None:
        """A person closes an issue, and says why."""
        issue = self.by_number[number]
        update = {"open": False, "state_reason": state_reason, "body": issue.body if body is None else body}
        self.by_number[number] = issue.model_copy(update=update)

    def reopen(self, number: int) -> None:
        """A person opens an issue again."""
        self.by_number[number] = self.by_number[number].model_copy(update={"open": True, "state_reason": "reopened"})

    def titles(self, *, is_open: bool = True) -> list[str]:
        """The titles of the open issues, or of the closed ones."""
        return [issue.title for issue in self.by_number.values() if issue.open == is_open]
