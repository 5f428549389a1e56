"""Whatever cells there are, the answers about sets of releases contradict neither the cells nor each other."""

from __future__ import annotations

import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st

from stackcompat.advice.advisories import advisories
from stackcompat.advice.check import check
from stackcompat.advice.listing import Listed
from stackcompat.advice.proposal import propose
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, History, failed, make_cell, passed

NAMES = ("beta", "gamma", "zeta")
VERSIONS = ("1.0", "1.1", "2.0")

sets = st.tuples(*(st.sampled_from(VERSIONS) for _ in NAMES))
pairs = st.tuples(st.sampled_from(tuple(itertools.combinations(NAMES, 2))), st.tuples(*[st.sampled_from(VERSIONS)] * 2))


def table(cells: list[tuple[str, ...]], broken: set[object], threes: set[tuple[str, ...]]) -> SetKnowledge:
    """The table of cells in a world where these pairs fail, and these sets of three."""
    made = History()
    for chosen in dict.fromkeys(cells):
        versions = dict(zip(NAMES, chosen, strict=True))
        tests = [
            (failed if (names, tuple(versions[name] for name in names)) in broken else passed)(
                f"t.py::{'_'.join(names)}", *names
            )
            for names in itertools.combinations(NAMES, 2)
        ]
        tests.append((failed if chosen in threes else passed)("t.py::all", *NAMES))
        made.add(make_cell(versions), versions, tests=tuple(tests))
    return SetKnowledge(summarise(COMPONENTS, (made.record(),), made.evidence, NOW), "3.12")


# The pairs of a working cell failed in another cell, beside a third release: the cell is proposed all the same.
@example(
    cells=[("1.0", "1.0", "1.1"), ("1.1", "1.0", "1.0"), ("1.1", "1.0", "1.1"), ("1.1", "1.1", "1.1")],
    broken=set(),
    threes={("1.1", "1.0", "1.1")},
    asked=("1.0", "1.0", "1.0"),
)
@settings(max_examples=60)
@given(st.lists(sets, min_size=1, max_size=8), st.sets(pairs, max_size=4), st.sets(sets, max_size=2), sets)
def test_cells_checks_and_proposals_agree(
    cells: list[tuple[str, ...]], broken: set[object], threes: set[tuple[str, ...]], asked: tuple[str, ...]
) -> None:
    knowledge = table(cells, broken, threes)
    known = advisories(knowledge.summary)
    for cell in knowledge.summary.cells:
        versions = {name: held.version for name, held in cell.components.items()}
        answer = check(Listed(versions), knowledge, known).answer
        assert answer == {"works": "works", "broken": "broken"}.get(cell.verdict, answer)
        newer = check(Listed(versions | {"beta": "9.9"}), knowledge, known)
        assert newer.answer != "works"
        local = check(Listed(versions | {"beta": f"{versions['beta']}+mine"}), knowledge, known)
        assert local.answer != "works"

    listed = Listed(dict(zip(NAMES, asked, strict=True)))
    checked = check(listed, knowledge, known)
    assert (checked.answer == "works") == (not (checked.hits or checked.red_cells or checked.likely or checked.unknown))
    if checked.answer == "works":
        assert all(pair.state in ("seen", "met") and not pair.broken for pair in checked.pairs)
    nearest = propose(checked, listed, knowledge, known).nearest
    ticked = [
        chosen
        for chosen in itertools.product(VERSIONS, repeat=len(NAMES))
        if check(Listed(dict(zip(NAMES, chosen, strict=True))), knowledge, known).answer == "works"
    ]
    if checked.answer == "works":
        assert nearest is None
    elif nearest is None:
        assert ticked == []
    else:
        chosen = tuple(nearest.pins.values())
        assert chosen in ticked
        fewest = min(sum(one != other for one, other in zip(asked, good, strict=True)) for good in ticked)
        assert len(nearest.moves) == fewest
