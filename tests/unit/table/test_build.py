from __future__ import annotations

from stackcompat.evidence.outline import SharedPins
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NEWEST, NOW, History, history, make_cell
from support.outlined import outlined

WORKS = "1 work"
HELD = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="Python 3.11", bound="requires-python >=3.12")


def of(made: History) -> Summary:
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def newest(made: History, python: str, versions: dict[str, str] = NEWEST, *held: HeldBack) -> str:
    return made.add(make_cell(dict.fromkeys(NEWEST, ""), python, "newest"), versions, held).cell.id


def test_counts_and_could_not_tell() -> None:
    summary = of(history())
    assert sum(summary.counts.values()) == len(summary.cells)
    assert summary.could_not_tell == 2


def test_locks_are_of_red_cells_only() -> None:
    summary = of(history())
    assert set(summary.locks) == {cell.id for cell in summary.cells if cell.lock}
    assert {cell.verdict for cell in summary.cells if cell.lock} == {"broken", "flaky", "uninstallable"}


def test_the_same_records_give_the_same_summary() -> None:
    assert of(history()) == of(history())


def test_outlines_of_the_evidence_give_the_same_summary() -> None:
    made = history()
    outlines = outlined(run for runs in made.evidence.values() for run in runs)
    arguments = COMPONENTS, (SharedPins().read(made.record().to_json()),)
    found = summarise(*arguments, outlines.evidence, NOW, passes=outlines.longest)
    assert found == summarise(*arguments, made.evidence, NOW)
