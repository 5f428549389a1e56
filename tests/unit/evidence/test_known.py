"""What runs showed for other locks is kept, found by what holds, joined, bounded and merged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from stackcompat.core.errors import UsageError
from stackcompat.evidence import known
from stackcompat.evidence import tables as db
from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.database import Place
from stackcompat.evidence.known import KnownTests, Sighting
from stackcompat.evidence.results import Reused, TestResult
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import Store
from support.made_up import NOW, failed, not_applicable, passed

CLOSURE = Closure(distributions=("alpha",))
GREEN, RED = passed("test_a.py::test_a", "alpha"), failed("test_a.py::test_a", "alpha")

RUN = RunRecord(matrix="nightly", started=NOW, title="t", components=(), pythons=(), cells=())


@pytest.fixture
def store(places: Callable[[str], Place]) -> Iterator[Store]:
    store = Store(places("store"))
    yield store
    store.close()


@pytest.fixture
def other(places: Callable[[str], Place]) -> Iterator[Store]:
    other = Store(places("other"))
    yield other
    other.close()


def sighting(
    result: TestResult = GREEN, fingerprint: str = "here", minute: int = 0, closure: Closure = CLOSURE
) -> Sighting:
    started = NOW + dt.timedelta(minutes=minute)
    return Sighting(
        context="c",
        closure=closure,
        fingerprint=fingerprint,
        started=started,
        result=result,
        source=Reused(evidence=f"e{minute}", cell="cell", label="a cell", lock_id="lock", seen=started, runs=1),
    )


def learn(store: Store, *sightings: Sighting, tests: KnownTests | None = None) -> None:
    """Keep sightings one after the other. Failures are alike if their messages are."""
    for one in sightings:
        store.learn({}, [one], None, lambda a, b: bool(a.failure and b.failure and a.failure == b.failure))
    if tests is not None:
        store.learn({}, [], tests, lambda _, __: False)


def recalled(store: Store, fingerprint: str = "here") -> list[TestResult]:
    return [one.result for one in store.recall(["c"], lambda _: fingerprint)]


def test_a_result_is_found_by_its_context_and_fingerprint_and_names_its_source(store: Store) -> None:
    learn(store, sighting())
    (found,) = recalled(store)
    assert found == GREEN.model_copy(update={"reused": sighting().source})
    assert recalled(store, "elsewhere") == []
    assert recalled(store, "") == []
    assert store.recall(["another context"], lambda _: "here") == []


def test_a_failure_is_found_after_the_second_run_that_failed_alike(store: Store) -> None:
    learn(store, sighting(RED))
    assert recalled(store) == []
    learn(store, sighting(RED, minute=1))
    (found,) = recalled(store)
    assert (found.outcome, found.reused and found.reused.runs) == ("failed", 2)
    learn(store, sighting(RED, minute=2))
    assert len(recalled(store)) == 1


@pytest.mark.parametrize(
    "results",
    [
        (GREEN, RED),
        (RED, GREEN),
        (RED, failed("test_a.py::test_a", "alpha", message="another")),
        (RED, RED, GREEN, GREEN, GREEN),
        (GREEN, not_applicable("test_a.py::test_a", "alpha")),
    ],
)
def test_runs_that_contradict_each_other_leave_nothing_to_reuse(results: tuple[TestResult, ...], store: Store) -> None:
    learn(store, *(sighting(result, minute=minute) for minute, result in enumerate(results)))
    assert recalled(store) == []


def test_two_closures_that_hold_and_contradict_each_other_leave_nothing_to_reuse(store: Store) -> None:
    larger = Closure(distributions=("alpha", "beta"))
    learn(store, sighting(GREEN), sighting(GREEN, "there", 1, larger))
    both = {CLOSURE: "here", larger: "there"}
    (found,) = store.recall(["c"], both.__getitem__)
    assert found.result.reused is not None
    assert found.result.reused.evidence == "e1"
    learn(store, sighting(RED, "there", 2, larger))
    assert store.recall(["c"], both.__getitem__) == []


def test_only_the_newest_results_of_a_test_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_FINGERPRINTS", 3)
    learn(store, *(sighting(fingerprint=f"f{minute}", minute=minute) for minute in range(5)))
    assert [bool(recalled(store, f"f{minute}")) for minute in range(5)] == [False, False, True, True, True]


def test_surfaces_and_the_tests_of_a_cell_are_found_again(store: Store) -> None:
    surface = Surface(roots=("alpha",), at_start=True)
    store.learn({"s": surface}, [], None, lambda _, __: False)
    assert store.surfaces(["s", "t"]) == {"s": surface}
    tests = KnownTests(context="c", closure=CLOSURE, fingerprint="here", started=NOW, tests=("b", "a"))
    learn(store, tests=tests)
    assert store.recall_tests("c", lambda _: "here") == tests
    assert store.recall_tests("c", lambda _: "elsewhere") is None
    assert store.recall_tests("d", lambda _: "here") is None


def rows(store: Store) -> set[tuple[str, ...]]:
    with store.engine.connect() as connection:
        return {tuple(row) for row in connection.execute(sa.select(db.known_results))}


def test_merging_takes_over_what_another_store_has_once(store: Store, other: Store) -> None:
    learn(other, sighting(), tests=KnownTests(context="c", closure=CLOSURE, fingerprint="here", started=NOW, tests=()))
    for _ in range(2):
        store.merge([other])
        assert rows(store) == rows(other)
        assert store.recall_tests("c", lambda _: "here") is not None
        assert recalled(store) == recalled(other)


@pytest.mark.parametrize(
    ("here", "there", "outcomes"),
    [
        ((RED,), (RED, RED), ["failed"]),
        ((RED, RED), (RED,), ["failed"]),
        ((RED,), (RED,), []),  # it can be the same run
        ((GREEN,), (RED, RED), []),
        ((GREEN, RED), (GREEN,), []),
        ((GREEN,), (GREEN,), ["passed"]),
    ],
)
def test_merged_stores_agree_or_leave_nothing_to_reuse(
    here: tuple[TestResult, ...], there: tuple[TestResult, ...], outcomes: list[str], store: Store, other: Store
) -> None:
    learn(store, *(sighting(result, minute=minute) for minute, result in enumerate(here)))
    learn(other, *(sighting(result, minute=minute) for minute, result in enumerate(there)))
    store.merge([other])
    assert [result.outcome for result in recalled(store)] == outcomes


def test_a_record_that_cannot_be_read_is_not_taken_over(store: Store, other: Store) -> None:
    learn(other, sighting())
    with other.engine.begin() as connection:
        connection.execute(sa.update(db.known_results).values(record="{}"))
    with pytest.raises(UsageError, match="cannot be read"):
        store.merge([other])
    assert rows(store) == set()


def test_merging_and_pruning_keep_some_rows_in_memory_at_a_time(store: Store, other: Store) -> None:
    at_once: list[str] = []

    def note(_: object, __: object, statement: str, ___: object, context: Any, ____: object) -> None:
        words = statement.split()
        if "WHERE" not in words and "record" in statement and words[0] == "SELECT":
            assert context.execution_options.get("yield_per"), statement
            at_once.append(words[words.index("FROM") + 1])

    learn(other, sighting(), tests=KnownTests(context="c", closure=CLOSURE, fingerprint="here", started=NOW, tests=()))
    for each in (store, other):
        sa.event.listen(each.engine, "before_cursor_execute", note)
    store.add_run(RUN)
    store.prune(lambda _: False, NOW)
    assert at_once == ["evidence", "latest", "known_results", "outlines"]
    at_once.clear()
    with store.engine.begin() as connection, other.engine.connect() as there:
        known.merge_known(there, connection, lambda *_: None)
    assert at_once == ["closures", "surfaces", "known_tests", "known_results"]


TESTS = KnownTests(context="c", closure=CLOSURE, fingerprint="here", started=NOW, tests=("test_a.py::test_a",))


def fill(store: Store) -> None:
    """Keep a result, the surface that it depends on, and the tests of its run."""
    store.learn({"s": Surface(roots=("alpha",))}, [sighting()], TESTS, lambda *_: False)


@pytest.mark.parametrize("damage", [{"record": "{}"}, {"checksum": "0" * 32}])
@pytest.mark.parametrize("name", ["closures", "surfaces", "known_tests", "known_results"])
@pytest.mark.parametrize("mend", [fill, None], ids=["learned", "merged"])
def test_a_damaged_row_gives_way_to_a_good_one(
    mend: Callable[[Store], None] | None, name: str, damage: dict[str, str], store: Store, other: Store
) -> None:
    def rows_of(store: Store) -> list[sa.Row[Any]]:
        with store.engine.connect() as connection:
            return [*connection.execute(sa.select(db.metadata.tables[name]))]

    for each in (store, other):
        fill(each)
    with store.engine.begin() as connection:
        connection.execute(sa.update(db.metadata.tables[name]).values(damage))
    assert rows_of(store) != rows_of(other)
    if mend is not None:
        mend(store)
    else:
        store.merge([other])
    assert rows_of(store) == rows_of(other)
    assert len(rows_of(store)) == 1


def test_a_damaged_result_is_not_sealed_by_a_merge(store: Store, other: Store) -> None:
    learn(other, sighting(RED))
    learn(store, sighting())
    with store.engine.begin() as connection:
        connection.execute(sa.update(db.known_results).values(record="{}"))
    store.merge([other])
    assert rows(store) == rows(other)
