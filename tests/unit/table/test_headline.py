"""The claim and the headline."""

from __future__ import annotations

from stackcompat.report.site.latest import install_lines, latest_sets
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.table.headline import with_headline
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NEWEST, NOW, History, failed, make_cell, passed, planned, run_of, unresolved

HELD = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="Python 3.11", bound="requires-python >=3.12")

PINS = "alpha==1.3.0 alpha-native==1.3.0 beta==2.4.1 gamma==1.0.2 delta-checkpoint==5.3.0 epsilon==3.1.0 zeta==0.9.4"
TESTED = "Tested together on 2026-11-22: works up to interop"


def of(made: History) -> Summary:
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def newest(made: History, python: str, versions: dict[str, str] = NEWEST, *held: HeldBack) -> str:
    return made.add(make_cell(dict.fromkeys(NEWEST, ""), python, "newest"), versions, held).cell.id


def test_everything_works() -> None:
    made = History()
    newest(made, "3.13")
    newest(made, "3.12")
    summary = of(made)
    assert summary.claim == f"Install on Python 3.13 and 3.12: {PINS}. {TESTED}"
    assert summary.headline == f"{summary.claim}. As of 2026-11-22; 2 cells: 2 work."
    assert [one.instead for one in summary.today] == ["", ""]


def test_a_release_that_is_held_back_is_not_called_the_newest() -> None:
    made = History()
    newest(made, "3.12")
    newest(made, "3.11", NEWEST | {"alpha": "1.2.0"}, HELD, HELD.model_copy(update={"name": "alpha-native"}))
    older = PINS.replace("1.3.0", "1.2.0")
    assert of(made).claim == (
        f"Install on Python 3.12: {PINS}. {TESTED}. Install on Python 3.11: {older}. {TESTED} "
        "(held back: Alpha 1.2.0 by Python 3.11)"
    )
    assert [row.state for row in of(made).today] == ["works", "held back"]


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
        "The newest releases do not all work together on Python 3.12: Beta 2.1.3 fails with Alpha 1.3.0 at import; "
        "install alpha==1.1.0 alpha-native==1.1.0 "
        "beta==2.1.3 gamma==1.0.2 delta-checkpoint==5.3.0 epsilon==3.1.0 zeta==0.9.4, "
        "the nearest set that works"
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
        f"Install on Python 3.12: {PINS}. {TESTED}. Known problem: Eta 0.1.0 is broken at interop"
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
        "It is not known which newest releases work together: no cell with them was run. As of 2026-11-22; no cells."
    )


def test_a_problem_is_named_with_the_step_that_was_seen_to_help() -> None:
    made = History()
    newest(made, "3.12", {"alpha": "1.3.0"})
    for alpha, zeta in (("1.3.0", "0.9.4"), ("1.2.0", "0.9.4")):
        versions = {"alpha": alpha, "zeta": zeta}
        fails = failed("test_zeta.py::test_load", "alpha", "zeta", packages=("zeta",))
        made.add(
            make_cell(versions), versions, tests=(fails if alpha == "1.3.0" else passed(fails.test, "alpha", "zeta"),)
        )
    assert of(made).claim.endswith(
        "Known problem: Zeta 0.9.4 fails with Alpha 1.3.0 at interop; use Alpha 1.2.0 with Zeta 0.9.4"
    )


def test_the_headline_says_what_was_tried_less_than_the_rest() -> None:
    """Components that were only imported were counted among those that work together."""
    made = History()
    versions = {"alpha": "1.3.0", "beta": "2.4.1", "gamma": "1.0.2", "eta": "0.1.0"}
    tests = (
        *(passed(f"test_import.py::test_import[{name}]", name, level="import") for name in ("alpha", "beta", "eta")),
        passed("test_beta.py::test_apply", "alpha", "beta"),
        passed("test_gamma.py::test_lower", "gamma", level="lower"),
    )
    made.add(make_cell(dict.fromkeys(versions, ""), policy="newest"), versions, tests=tests)
    summary = of(made)
    assert summary.claim == (
        "Install on Python 3.12: alpha==1.3.0 alpha-native==1.3.0 beta==2.4.1 gamma==1.0.2 eta==0.1.0. "
        "Tested together on 2026-11-22: works up to interop, Gamma only up to lower; Eta was only imported"
    )
    assert (summary.today[0].level, summary.today[0].depths["eta"].level) == ("import", "import")


def test_imports_alone_are_no_work_together() -> None:
    made = History()
    versions = {"alpha": "1.3.0", "beta": "2.4.1"}
    imported = passed("test_import.py::test_import[alpha]", "alpha", level="import")
    made.add(make_cell(dict.fromkeys(versions, ""), policy="newest"), versions, tests=(imported,))
    assert of(made).claim == (
        "Install on Python 3.12: alpha==1.3.0 alpha-native==1.3.0 beta==2.4.1. Tested together on 2026-11-22: nothing "
        "deeper than an import was tried; Alpha and Alpha native were only imported; Beta was only installed"
    )


def test_what_no_component_requires_is_in_the_line_as_on_the_site() -> None:
    made = History()
    needs = newest(made, "3.12")
    newest(made, "3.11")
    summary = of(made)
    cells = tuple(
        cell.model_copy(update={"requirements": (*cell.requirements, "glue")}) if cell.id == needs else cell
        for cell in summary.cells
    )
    installed = {needs: {**NEWEST, "glue": "1.4"}}
    summary = with_headline(summary.model_copy(update={"cells": cells, "installed": installed}))
    first, second = f"Install on Python 3.12: {PINS} glue==1.4. {TESTED}", f"Install on Python 3.11: {PINS}. {TESTED}"
    assert summary.claim == f"{first}. {second}"
    for latest in latest_sets(summary, ()):
        assert install_lines(latest.pins, latest.besides)["pip"].removeprefix("pip install ") in summary.claim
