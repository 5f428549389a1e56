"""The newest cell of each Python."""

from __future__ import annotations

from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NEWEST, NOW, History, make_cell


def newest(made: History, python: str, versions: dict[str, str] = NEWEST, *held: HeldBack) -> str:
    return made.add(make_cell(dict.fromkeys(NEWEST, ""), python, "newest"), versions, held).cell.id


def test_the_first_line_is_about_the_largest_matrix() -> None:
    made, other = History(), History()
    newest(made, "3.12")
    made.add(make_cell({"alpha": "1.0.0"}), {"alpha": "1.0.0"})
    small = {"alpha": "1.3.0", "zeta": "0.9.4"}
    other.add(make_cell(dict.fromkeys(small, ""), "3.12", "newest"), small)
    alone = other.add(make_cell(dict.fromkeys(small, ""), "3.11", "newest"), small).cell.id
    runs = (made.record(), other.record().model_copy(update={"matrix": "small"}))
    summary = summarise(COMPONENTS, runs, made.evidence | other.evidence, NOW)
    assert [one.cell for one in summary.today] == [made.record().cells[0].cell.id, alone]
    assert [row.matrix for row in summary.runs] == [run.matrix for run in runs]
