"""What works today, in one sentence."""

from __future__ import annotations

from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NEWEST, NOW, History, failed, make_cell, planned, run_of, unresolved

HELD = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="Python 3.11", bound="requires-python >=3.12")


def of(made: History) -> Summary:
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def newest(made: History, python: str, versions: dict[str, str] = NEWEST, *held: HeldBack) -> str:
    return made.add(make_cell(dict.fromkeys(NEWEST, ""), python, "newest"), versions, held).cell.id


def test_everything_works() -> None:
    made = History()
    newest(made, "3.13")
    newest(made, "3.12")
    summary = of(made)
    assert summary.claim == "The newest releases of 7 components work together on Python 3.13 and 3.12"
    assert summary.headline == (
        f"{summary.claim}. Install today on Python 3.13 and 3.12: Alpha 1.3.0, Alpha native 1.3.0, Beta 2.4.1, "
        "Gamma 1.0.2, Delta 5.3.0, Epsilon 3.1.0, Zeta 0.9.4. As of 2026-11-22; 2 cells: 2 work."
    )
    assert [one.instead for one in summary.today] == ["", ""]


def test_who_is_held_back_is_not_called_the_newest() -> None:
    made = History()
    newest(made, "3.12")
    newest(made, "3.11", NEWEST | {"alpha": "1.2.0"}, HELD, HELD.model_copy(update={"name": "alpha-native"}))
    assert of(made).claim == (
        "The newest releases of 7 components work together on Python 3.12. On Python 3.11 an installer gives Alpha "
        "1.2.0 (held back by Python 3.11), and that works"
    )


def test_what_is_broken_is_named_with_what_works_in_its_place() -> None:
    made = History()
    newest(made, "3.12", NEWEST | {"beta": "2.1.3"})
    far = NEWEST | {"alpha": "1.0.0", "beta": "2.1.3"}
    near = NEWEST | {"alpha": "1.1.0", "beta": "2.1.3"}
    made.add(make_cell(far), far)
    expected = made.add(make_cell(near), near).cell.id
    made.add(make_cell(near, "3.13"), near)
    summary = of(made)
    assert summary.claim == (
        "The newest releases do not all work together on Python 3.12: Alpha 1.3.0 with Beta 2.1.3 is broken at import"
    )
    assert [one.instead for one in summary.today] == [expected]


def test_a_newest_release_that_is_red_elsewhere_is_named_beside_what_works() -> None:
    made = History()
    newest(made, "3.12")
    apart = planned(make_cell({"eta": "0.1.0"}), {"eta": "0.1.0"})
    red = failed("test_eta.py::test_call", "eta")
    made.cells.append(apart)
    made.evidence[apart.key] = (run_of(apart, red), run_of(apart, red, attempt=1))
    assert of(made).claim == (
        "The newest releases of 7 components work together on Python 3.12. "
        "Known problem: Eta 0.1.0 is broken at interop"
    )


def test_a_break_that_no_pair_explains_is_quoted() -> None:
    made = History()
    cell = planned(make_cell({"alpha": ""}, policy="newest"), {"alpha": "1.3.0"})
    red = failed("test_alpha.py::test_grad", "alpha")
    made.cells.append(cell)
    made.evidence[cell.key] = (run_of(cell, red), run_of(cell, red, attempt=1))
    assert "broken: test_alpha.py::test_grad: AssertionError" in of(made).claim


def test_bounds_that_exclude_the_newest_releases() -> None:
    made = History()
    made.cells.append(unresolved(make_cell(NEWEST, policy="newest"), "beta 2.4.1 requires alpha<1.3, gamma 1 alpha>1"))
    summary = of(made)
    assert "do not all work together on Python 3.12: unresolvable: beta 2.4.1 requires alpha<1.3" in summary.claim
    assert summary.today[0].instead == ""


def test_not_known() -> None:
    made = History()
    made.cells.append(planned(make_cell(NEWEST, policy="newest"), NEWEST))
    assert of(made).claim == (
        "It is not known whether the newest releases work together on Python 3.12 (untested: locked, but not run yet)"
    )
    assert of(History()).headline == (
        "It is not known what works today: no cell with the newest releases was run. As of 2026-11-22; no cells."
    )
