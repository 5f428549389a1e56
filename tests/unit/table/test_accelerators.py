"""Accelerator plugins: which components they are, and the levels of each set of their releases."""

from __future__ import annotations

from stackcompat.ecosystem.components import Components
from stackcompat.table.accelerators import accelerator_plugins, accelerator_rows
from stackcompat.table.build import summarise
from stackcompat.table.judged import judge_cells
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.judge import Judge
from support.made_up import COMPONENTS, NOW, History, component, failed, make_cell, passed, unresolved

KNOWN = Components(
    components=tuple(
        component("zeta", hardware=("GPU",)) if row.name == "zeta" else row for row in COMPONENTS.components
    )
)
SET = {"alpha": "1.3.0", "zeta": "0.9.4"}
LOWERS = passed("test_zeta.py::test_lower", "alpha", "zeta", level="lower")
RED = failed("test_zeta.py::test_lower", "alpha", "zeta", packages=("zeta",), level="lower")


def test_a_component_that_ran_without_an_accelerator_is_no_plugin() -> None:
    made = History()
    made.add(make_cell(SET), SET, tests=(LOWERS,))
    summary = summarise(KNOWN, (made.record(),), made.evidence, NOW)
    assert accelerator_plugins(summary.components) == ("zeta",)
    made.add(make_cell(SET, "3.13"), SET, tests=(passed("t", "zeta", level="run"),))
    deeper = summarise(KNOWN, (made.record(),), made.evidence, NOW)
    assert accelerator_plugins(deeper.components) == ()


def test_a_set_of_releases_is_one_row_with_the_worst_at_each_level() -> None:
    made = History()
    made.add(make_cell(SET), SET, tests=(LOWERS,))
    more = SET | {"gamma": "1.0.2"}
    made.add(make_cell(more), more, tests=(RED,))
    made.cells.append(unresolved(make_cell({"alpha": "1.1.0", "zeta": "0.9.3"}), "zeta 0.9.3 wants alpha 1.0"))
    cells = judge_cells(KNOWN, (made.record(),), made.evidence)
    rows = summarise(KNOWN, (made.record(),), made.evidence, NOW).components
    newest, older = accelerator_rows(rows, cells, KNOWN)
    assert newest.versions == {"alpha": "1.3.0", "alpha-native": "1.3.0", "zeta": "0.9.4"}
    assert {level: seen.verdict for level, seen in newest.levels.items()} == {
        "resolve": "works",
        "install": "works",
        "import": "untested",
        "lower": "broken",
        "compile": "untested",
    }
    assert (older.levels["resolve"].verdict, older.levels["resolve"].sentence) == (
        "unresolvable",
        "zeta 0.9.3 wants alpha 1.0",
    )


def test_a_test_that_is_not_judged_shows_nothing_of_its_level() -> None:
    made = History()
    made.add(make_cell(SET), SET, tests=(RED, passed("test_zeta.py::test_compile", "zeta", level="compile")))
    greens = Greens(())
    cells = judge_cells(KNOWN, (made.record(),), made.evidence, judge=Judge(KNOWN, {}, greens))
    rows = summarise(KNOWN, (made.record(),), made.evidence, NOW, greens=greens).components
    (row,) = accelerator_rows(rows, cells, KNOWN)
    assert row.levels["lower"].verdict == "untested"
