"""Whatever a store knows comes back, in any order and any number of times; no damage goes unnoticed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcompat.core.errors import UsageError
from stackcompat.evidence.store import Store
from support.archived import RUNS, export, fill, import_, table_of

places = st.integers(0, len(RUNS) - 1)


@contextmanager
def stores(number: int) -> Iterator[tuple[Path, list[Store]]]:
    """A folder, and empty stores in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = [Store(folder / f"{place}.sqlite") for place in range(number)]
        yield folder, made
        for store in made:
            store.close()


@settings(max_examples=8)
@given(st.sets(places, min_size=1))
def test_a_store_comes_back(chosen: set[int]) -> None:
    with stores(2) as (folder, (here, there)):
        fill(here, [RUNS[place] for place in chosen])
        archive = export(here, folder / "a.parquet")
        import_(folder / "a.parquet", there)
        assert table_of(there) == table_of(here)
        assert export(there, folder / "b.parquet") == archive


@settings(max_examples=8)
@given(st.lists(st.tuples(st.sets(places, min_size=1, max_size=12), st.booleans()), min_size=2, max_size=3), st.data())
def test_archives_in_any_order_and_twice_make_the_same(parts: list[tuple[set[int], bool]], data: st.DataObject) -> None:
    order = data.draw(st.permutations([*range(len(parts)), data.draw(st.integers(0, len(parts) - 1))]))
    with stores(len(parts) + 2) as (folder, (whole, merged, *machines)):
        for place, (chosen, knows_all) in enumerate(parts):
            for store in (whole, machines[place]):
                fill(store, [RUNS[number] for number in sorted(chosen)], whole=knows_all)
            export(machines[place], folder / f"{place}.parquet")
        for place in order:
            import_(folder / f"{place}.parquet", merged)
        assert export(merged, folder / "merged.parquet") == export(whole, folder / "whole.parquet")


with stores(1) as (_folder, (_store,)):
    fill(_store, RUNS[:2], whole=False)
    SUMMARY = export(_store, _folder / "a.parquet")
    BYTES = (_folder / "a.parquet").read_bytes()


@settings(max_examples=40)
@given(st.integers(0, len(BYTES) - 1), st.integers(0, 7), st.booleans())
def test_no_damage_goes_unnoticed(place: int, bit: int, cut: bool) -> None:
    """A flipped bit can be one that no reader looks at. Then the content is that which was written."""
    damaged = bytearray(BYTES)
    damaged[place] ^= 1 << bit
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder, "s.sqlite"))) as store:
        path = Path(folder, "a.parquet")
        path.write_bytes(BYTES[:place] if cut else damaged)
        try:
            archive = import_(path, store)
        except UsageError:
            assert store.size() == 0
        else:
            assert not cut
            assert archive == SUMMARY
            assert store.size() == 2
