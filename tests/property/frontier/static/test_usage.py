"""Reading any source and following any chain ends, and a release always offers what it defines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.frontier.static.names import ModuleNames, NameTable, Take
from stackcompat.frontier.static.offers import first_missing
from stackcompat.frontier.static.reader import read_module
from stackcompat.frontier.static.usage import Wanted, missing

NAMES = st.sampled_from(["p", "p.a", "p.b", "p.a.c"])
ATTRIBUTE = st.sampled_from(["x", "y", "a", "b", "c"])
MODULES = st.dictionaries(
    NAMES,
    st.builds(
        ModuleNames,
        offers=st.dictionaries(ATTRIBUTE, st.sampled_from(["", "p", "p.a", "p.b.x", "p.a.c.y", "q.z"])),
        stars=st.lists(NAMES | st.just("q"), max_size=2).map(tuple),
        open=st.booleans(),
    ),
    min_size=1,
)


@given(MODULES, NAMES, st.lists(ATTRIBUTE, max_size=4))
def test_following_a_chain_ends_even_in_circles(modules: dict[str, ModuleNames], start: str, chain: list[str]) -> None:
    name = ".".join([start, *chain])
    lacking = first_missing(NameTable(modules), name)
    assert not lacking or lacking.split(".")[0] in ("p", "q")
    taken = missing([Wanted("a", Take(name=name, line=3))], NameTable(modules))
    assert [m.name for m in taken] == ([lacking] if lacking else [])


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    read_module(text.encode(), "a/b.py")
