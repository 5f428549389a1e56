"""What differs between two published tables, an earlier one and a later one. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict
from stackcompat.table.summary import Summary
from stackcompat.verdict.history import RED

__all__ = ["Changes", "ReleaseChange", "VerdictChange", "table_changes"]


class ReleaseChange(Record):
    """A component whose newest tested release is another one than before. `before` is empty if there was none."""

    component: str
    before: str
    after: str


class VerdictChange(Record):
    """A cell that turned red or green.

    Attributes:
        cell: Its id.
        python: Its Python.
        before: Its verdict in the earlier table.
        after: Its verdict in the later table.
        sentence: What the later table says of it.
    """

    cell: str
    python: str
    before: Verdict
    after: Verdict
    sentence: str


class Changes(Record):
    """What differs between two tables.

    Attributes:
        since: The time of the earlier table.
        releases: Components with another newest release.
        new_failures: Ids of failures that the earlier table does not have. Those of releases' own tests are left out.
        gone_failures: What the failures said that the later table does not have, and of which a cell works now.
        left_failures: What the others said that the later table does not have: no cell shows whether they are gone.
        broke: Cells that worked and are red.
        mended: Cells that were red and work.
        added: The number of cells that only the later table has.
        removed: The number of cells that only the earlier table has.
    """

    since: dt.datetime
    releases: tuple[ReleaseChange, ...]
    new_failures: tuple[str, ...]
    gone_failures: tuple[str, ...]
    left_failures: tuple[str, ...]
    broke: tuple[VerdictChange, ...]
    mended: tuple[VerdictChange, ...]
    added: int
    removed: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing that a reader would ask for has changed."""
        failures = self.new_failures or self.gone_failures or self.left_failures
        return not (self.releases or failures or self.broke or self.mended)


def table_changes(before: Summary, after: Summary) -> Changes:
    """What changed from one table to a later one of the same ecosystem."""
    newest = {row.name: row.newest for row in before.components}
    verdicts: Mapping[str, Verdict] = {cell.id: cell.verdict for cell in before.cells}
    earlier = {group.id: group for group in before.failures if group.level != "upstream"}
    later = {group.id for group in after.failures if group.level != "upstream"}
    changed = [
        VerdictChange(
            cell=cell.id,
            python=cell.python,
            before=verdicts[cell.id],
            after=cell.verdict,
            sentence=cell.sentence,
        )
        for cell in after.cells
        if cell.id in verdicts and verdicts[cell.id] != cell.verdict
    ]
    ids = {cell.id for cell in after.cells}
    working = {cell.id for cell in after.cells if cell.verdict == "works"}
    missing = [group for name, group in earlier.items() if name not in later and group.verdict in RED]
    return Changes(
        since=before.generated,
        releases=tuple(
            ReleaseChange(component=row.name, before=newest.get(row.name, ""), after=row.newest)
            for row in after.components
            if row.newest and row.newest != newest.get(row.name, "")
        ),
        new_failures=tuple(
            group.id
            for group in after.failures
            if group.level != "upstream" and group.id not in earlier and group.verdict in RED
        ),
        gone_failures=tuple(group.signature for group in missing if working & {*group.cells}),
        left_failures=tuple(group.signature for group in missing if not working & {*group.cells}),
        broke=tuple(change for change in changed if change.before == "works" and change.after in RED),
        mended=tuple(change for change in changed if change.before in RED and change.after == "works"),
        added=len(ids - verdicts.keys()),
        removed=len(verdicts.keys() - ids),
    )
