"""Reading any source and following any chain ends, and a release always offers what it defines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.frontier.frontier import compare
from stackcompat.frontier.static.reader import read_module
from stackcompat.frontier.static.usage import ModuleNames, NameTable, Take, Wanted, missing

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
    wanted = ".".join([start, *chain])
    lacking = NameTable(modules).lacks(wanted)
    assert not lacking or lacking.split(".")[0] in ("p", "q")
    taken = missing([Wanted("a", Take(name=wanted, line=3))], NameTable(modules))
    assert [m.name for m in taken] == ([lacking] if lacking else [])


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    read_module(text.encode(), "a/b.py")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20))
def test_precision_and_recall_are_shares_of_what_was_observed(pairs: list[tuple[bool, bool]]) -> None:
    observed = {(number, 0): works for number, (_, works) in enumerate(pairs)}
    foreseen = {(number, 0) for number, (broken, _) in enumerate(pairs) if broken} | {(99, 99)}
    said = compare(foreseen, observed)
    assert said.hits + said.misses == sum(not works for _, works in pairs)
    assert said.hits + said.false == sum(broken for broken, _ in pairs)
    assert (said.recall is None) == (said.hits + said.misses == 0)
