"""The culprits of a cell, and of a failure that several cells have."""

from __future__ import annotations

import datetime as dt

from stackcompat.blame.diagnosis import Diagnoses, Diagnosis
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.table.culprits import culprit_of_cell, culprit_of_failure
from stackcompat.table.failures import group_failures
from stackcompat.table.judged import judge_cells
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, NOW, History, failed, make_cell, passed, planned, run_of, unresolved


def test_the_certain_diagnosis_names_the_culprits() -> None:
    """Two cells have the same failure. The later search found only one of the two culprits."""
    made = History()
    brought: list[Diagnosis] = []
    test = failed("t", "alpha", "beta", packages=("beta", "alpha"))
    for version, names in (("1.2.0", ("alpha", "beta")), ("1.3.0", ("alpha",))):
        versions = {"alpha": version, "beta": "2.0.0"}
        cell = planned(make_cell(versions), versions)
        made.cells.append(cell)
        made.evidence[cell.key] = (run_of(cell, test), run_of(cell, test, attempt=1))
        culprits = tuple(Culprit(name=name, version=versions[name]) for name in names)
        moment = NOW + dt.timedelta(days=len(brought))
        brought.append(
            Diagnosis.of(
                judge(cell, made.evidence[cell.key], COMPONENTS), test, SearchResult(culprits=culprits), moment
            )
        )
    cases = judge_cells(COMPONENTS, (made.record(),), made.evidence)
    (group,), _ = group_failures(cases, COMPONENTS, Diagnoses(brought))
    assert group.culprit is not None
    assert [culprit.name for culprit in group.culprit.culprits] == list(group.culprit.versions) == ["alpha", "beta"]


GOOD, BAD = {"alpha": "1.3.0", "beta": "2.4.1"}, {"alpha": "1.3.0", "beta": "2.0.0"}
TEST = failed("t", "alpha", "beta", packages=("beta", "alpha"))


def red(versions: dict[str, str]) -> CellVerdict:
    """The verdict on a cell in which the test fails twice."""
    cell = planned(make_cell(versions), versions)
    return judge(cell, (run_of(cell, TEST), run_of(cell, TEST, attempt=1)), COMPONENTS)


def diagnosis(verdict: CellVerdict, doubt: str = "") -> Diagnosis:
    culprit = Culprit(name="beta", version=verdict.installed["beta"])
    return Diagnosis.of(verdict, TEST, SearchResult(culprits=(culprit,), doubt=doubt), NOW)


def test_the_culprit_of_a_cell_that_does_not_resolve_comes_from_its_conflict() -> None:
    chain = ("beta==2.4.1 depends on alpha>=1.1", "alpha==1.0.0 is requested")
    cell = make_cell({"alpha": "1.0.0", "beta": "2.4.1"})
    row = culprit_of_cell(
        judge(unresolved(cell, "beta 2.4.1 requires alpha>=1.1", chain=chain), (), COMPONENTS), Diagnoses()
    )
    assert row is not None
    assert (set(row.versions), row.inferred, row.culprits) == ({"alpha", "beta"}, False, ())


def test_the_culprit_of_a_red_cell_is_inferred_unless_its_own_search_was_certain() -> None:
    verdict = red(BAD)
    other = red(BAD | {"alpha": "1.2.0"})
    assert culprit_of_cell(verdict, Diagnoses()) is None
    for made, inferred in (
        (diagnosis(verdict), False),
        (diagnosis(verdict, doubt="perhaps"), True),
        (diagnosis(other), True),
    ):
        row = culprit_of_cell(verdict, Diagnoses([made]))
        assert row is not None
        assert (row.versions, row.inferred) == ({"beta": "2.0.0"}, inferred)


def test_a_green_cell_has_no_culprit() -> None:
    cell = planned(make_cell(GOOD), GOOD)
    green = judge(cell, (run_of(cell, passed("t", "alpha", "beta")),), COMPONENTS)
    assert culprit_of_cell(green, Diagnoses([diagnosis(red(BAD))])) is None


def test_a_row_leaves_out_empty_fields() -> None:
    row = culprit_of_cell(red(BAD), Diagnoses([diagnosis(red(BAD))]))
    assert row is not None
    assert row.model_dump(mode="json") == {"versions": {"beta": "2.0.0"}, "inferred": False}
    best = culprit_of_failure([diagnosis(red(BAD))], why(TEST))
    assert best is not None
    assert {"versions", "inferred", "culprits", "cell"} <= best.model_dump(mode="json").keys()
    assert culprit_of_failure([], why(TEST)) is None


def test_other_sets_that_are_enough_stand_with_the_cell_and_the_failure() -> None:
    verdict = red(BAD)
    beta, alpha = Culprit(name="beta", version="2.0.0"), Culprit(name="alpha", version="1.3.0")
    found = SearchResult(culprits=(beta,), alternatives=((alpha,),), way_out={"alpha": "1.2.0", "beta": "2.4.1"})
    made = Diagnosis.of(verdict, TEST, found, NOW)
    row = culprit_of_cell(verdict, Diagnoses([made]))
    assert row is not None
    assert row.alternatives == ((alpha,),)
    best = culprit_of_failure([made], why(TEST))
    assert best is not None
    assert (best.alternatives, best.works_with) == (((alpha,),), {"beta": "2.4.1"})
    assert best.way_out == {"alpha": "1.2.0", "beta": "2.4.1"}


def test_what_passed_only_the_failing_test_is_no_advice() -> None:
    verdict = red(BAD)
    found = SearchResult(
        culprits=(Culprit(name="beta", version="2.0.0"),), passing=verdict.installed | {"beta": "2.1.0"}
    )
    best = culprit_of_failure([Diagnosis.of(verdict, TEST, found, NOW)], why(TEST))
    assert best is not None
    assert best.works_with == {}
