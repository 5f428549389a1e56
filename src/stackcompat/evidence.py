"""What one run of one lock showed, for good: the immutable records and the store that keeps them.

Evidence is addressed by what it depends on (lock, roots, interpreter, platform, suite), so the same question is
answered from the store instead of being run twice. Records are only ever added, each in one transaction, so a stop at
any instant (``kill -9`` included) loses nothing that was finished.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stackcompat.lock import Resolution
from stackcompat.matrix import Level
from stackcompat.plan import Cell
from stackcompat.record import Record, UsageError, digest

__all__ = [
    "Environment",
    "Evidence",
    "Failure",
    "Isolation",
    "Outcome",
    "Store",
    "TestResult",
    "WarningSeen",
    "evidence_key",
]

#: How a run as a whole ended. ``ran``: the tests have outcomes of their own. ``uninstallable``: the lock does not
#: install. All others are infrastructure: they say nothing about compatibility.
Outcome = Literal[
    "ran",
    "uninstallable",
    "invalid",
    "timeout",
    "out-of-memory",
    "disk-full",
    "index-unreachable",
    "no-wheel-for-platform",
    "interpreter-missing",
    "suite-broken",
    "crashed",
]


class Failure(Record):
    """Why a test failed. The signature (type, normalised message, deepest package) identifies a failure across runs.

    `packages` are the distributions on the way down the traceback, deepest last; `where` is module and function.
    """

    type: str
    message: str
    package: str = ""
    packages: tuple[str, ...] = ()
    where: str = ""
    phase: str = "call"
    traceback: str = ""

    @property
    def signature(self) -> str:
        """One line that is equal for two failures exactly when they are the same failure."""
        return f"{self.type}: {self.message} [{self.package or 'test'}]"


class WarningSeen(Record):
    """A warning that `raised_by` raised because of code in `triggered_by`, `count` times."""

    category: str
    raised_by: str
    triggered_by: str
    message: str
    count: int


class TestResult(Record):
    """One test in one run. Seconds of wall clock; memory is the process's high-water mark in MB.

    ``blocked``: a component it needs cannot be imported. ``crashed``, ``timeout`` and ``out-of-memory`` ended the
    process; only a crash can become a break, the others are infrastructure.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    test: str
    level: Level
    components: tuple[str, ...]
    outcome: Literal["passed", "failed", "crashed", "timeout", "out-of-memory", "not-applicable", "blocked"]
    reason: str = ""
    seconds: float = 0.0
    memory_mb: float = 0.0
    failure: Failure | None = None
    warnings: tuple[WarningSeen, ...] = ()


class Environment(Record):
    """What was found installed: distribution to version."""

    distributions: dict[str, str]


class Isolation(Record):
    """How the tests were fenced in; a fence that the system refused is recorded as not there."""

    network: Literal["loopback only", "open"]
    home: Literal["own"] = "own"
    memory_limit_mb: int
    time_limit_s: float


class Evidence(Record):
    """One run of one lock. `attempt` counts from 0; a red run is tried again in a new environment as attempt 1."""

    key: str
    attempt: int
    lock_id: str
    python: str
    interpreter: str
    platform: str
    suite: str
    level: Level
    roots: tuple[str, ...] = ()
    outcome: Outcome
    detail: str = ""
    started: dt.datetime
    seconds: float
    install_seconds: float = 0.0
    observed: Environment | None = None
    tests: tuple[TestResult, ...] = ()
    isolation: Isolation | None = None
    log: str = ""

    @property
    def id(self) -> str:
        """Content address of this record."""
        return digest(self.key, self.attempt, self.started.isoformat())

    def failures(self) -> tuple[TestResult, ...]:
        """The tests that failed or crashed: what can turn a cell red."""
        return tuple(test for test in self.tests if test.outcome in ("failed", "crashed"))


def evidence_key(
    *, lock_id: str, roots: tuple[str, ...], interpreter: str, platform: str, suite: str, level: Level
) -> str:
    """The address of the answer to one question: everything that a run's result depends on."""
    return digest("evidence", 1, lock_id, sorted(roots), interpreter, platform, suite, level)


_metadata = sa.MetaData()
_evidence = sa.Table(
    "evidence",
    _metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("key", sa.String, index=True, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
_resolutions = sa.Table(
    "resolutions",
    _metadata,
    sa.Column("cell", sa.String, primary_key=True),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("resolved", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("matrix", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)


class RunRecord(Record):
    """One execution of a matrix: which cells it planned, each with the resolution it got and the evidence key."""

    matrix: str
    started: dt.datetime
    title: str
    components: tuple[str, ...]
    pythons: tuple[str, ...]
    missing_pythons: tuple[str, ...] = ()
    coverage: dict[str, float] = {}
    cells: tuple[PlannedCell, ...] = ()


class PlannedCell(Record):
    """A cell of a run, what it resolved to, and where its evidence lies (no key: never got so far)."""

    cell: Cell
    resolution: Resolution
    key: str = ""


RunRecord.model_rebuild()


class Store:
    """An embedded SQLite database of evidence. Safe to use from several threads and processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 60})

        @sa.event.listens_for(self._engine, "connect")
        def _durable(connection: object, _: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection has no static type here
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.close()

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _metadata.create_all(self._engine)
        except (OSError, sa.exc.DBAPIError) as error:
            self.close()
            reason = error.strerror if isinstance(error, OSError) else error.orig
            raise UsageError(f"{path}: cannot be the store of evidence: {reason}") from None

    def close(self) -> None:
        """Release the database's files."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    def add(self, evidence: Evidence) -> None:
        """Keep `evidence` for good. Adding the same record twice is the same as adding it once."""
        row = {
            "id": evidence.id,
            "key": evidence.key,
            "attempt": evidence.attempt,
            "outcome": evidence.outcome,
            "started": evidence.started.isoformat(),
            "record": evidence.to_json(),
        }
        with self._transaction() as connection:
            connection.execute(sa.insert(_evidence).prefix_with("OR IGNORE").values(row))

    def of_key(self, key: str) -> tuple[Evidence, ...]:
        """Every run that answered the question `key`, oldest first."""
        query = sa.select(_evidence.c.record).where(_evidence.c.key == key).order_by(_evidence.c.started)
        with self._engine.connect() as connection:
            return tuple(Evidence.model_validate_json(row.record) for row in connection.execute(query))

    def of_keys(self, keys: Iterable[str]) -> dict[str, tuple[Evidence, ...]]:
        """Evidence by key, for all `keys` that have any."""
        wanted = set(keys)
        found: dict[str, list[Evidence]] = {}
        query = sa.select(_evidence.c.key, _evidence.c.record).order_by(_evidence.c.started)
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                if row.key in wanted:
                    found.setdefault(row.key, []).append(Evidence.model_validate_json(row.record))
        return {key: tuple(records) for key, records in found.items()}

    def resolution(self, cell_id: str, fingerprint: str) -> Resolution | None:
        """What the cell resolved to when the index looked like `fingerprint`, if that is known."""
        query = sa.select(_resolutions).where(_resolutions.c.cell == cell_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None or row.fingerprint != fingerprint:
            return None
        return Resolution.model_validate_json(row.record)

    def any_resolution(self, cell_id: str) -> Resolution | None:
        """What the cell resolved to when last asked, whatever the index looked like."""
        query = sa.select(_resolutions.c.record).where(_resolutions.c.cell == cell_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Resolution.model_validate_json(row.record) if row else None

    def keep_resolution(self, cell_id: str, fingerprint: str, resolution: Resolution) -> None:
        """Remember what the cell resolved to, in place of what was remembered before."""
        row = {
            "cell": cell_id,
            "fingerprint": fingerprint,
            "resolved": dt.datetime.now(dt.UTC).isoformat(),
            "record": resolution.to_json(),
        }
        with self._transaction() as connection:
            connection.execute(sa.insert(_resolutions).prefix_with("OR REPLACE").values(row))

    def add_run(self, run: RunRecord) -> None:
        """Keep the record of one execution of a matrix."""
        row = {"matrix": run.matrix, "started": run.started.isoformat(), "record": run.to_json()}
        with self._transaction() as connection:
            connection.execute(sa.insert(_runs).values(row))

    def runs(self) -> tuple[RunRecord, ...]:
        """The newest execution of each matrix, by matrix name."""
        newest = sa.select(sa.func.max(_runs.c.id)).group_by(_runs.c.matrix)
        query = sa.select(_runs.c.record).where(_runs.c.id.in_(newest)).order_by(_runs.c.matrix)
        with self._engine.connect() as connection:
            return tuple(RunRecord.model_validate_json(row.record) for row in connection.execute(query))
