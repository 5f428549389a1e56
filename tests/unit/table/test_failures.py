from __future__ import annotations

import datetime as dt

from stackcompat.core.redact import public
from stackcompat.table.build import summarise
from stackcompat.table.failures import FailureGroup, failures_by_kind, group_failures
from stackcompat.table.judged import JudgedCell, judge_cells
from stackcompat.verdict.signature import has_particulars, parse_signature
from support.made_up import COMPONENTS, NOW, History, failed, history, make_cell, planned, run_of


def groups_of(made: History) -> tuple[list[FailureGroup], dict[str, tuple[str, ...]], tuple[JudgedCell, ...]]:
    cases = judge_cells(COMPONENTS, (made.record(),), made.evidence)
    groups, of_cell = group_failures(cases, COMPONENTS)
    return list(groups), of_cell, cases


def test_each_distinct_failure_once_the_most_frequent_first() -> None:
    groups, of_cell, cases = groups_of(history())
    kinds = {(g.verdict, g.signature, () if has_particulars(parse_signature(g.signature)) else g.tests) for g in groups}
    assert len(kinds) == len(groups) == len({g.id for g in groups})
    assert [len(group.cells) for group in groups] == sorted((len(group.cells) for group in groups), reverse=True)
    by_id = {group.id: group for group in groups}
    for case in cases:
        cell, green = case.verdict.cell.id, case.verdict.verdict in ("works", "untested", "not-applicable")
        assert bool(of_cell.get(cell)) != green
        assert all(cell in by_id[failure].cells for failure in of_cell.get(cell, ()))


def test_crashes_of_different_tests_are_different_failures() -> None:
    made = History()
    for versions, test in (({"alpha": "1.3.0", "beta": "2.4.1"}, "one"), ({"alpha": "1.2.0", "beta": "2.4.1"}, "two")):
        cell = planned(make_cell(versions), versions)
        crash = failed(test, "alpha", "beta", type="ProcessEnded", message="ended by signal 11", outcome="crashed")
        made.cells.append(cell)
        made.evidence[cell.key] = (run_of(cell, crash), run_of(cell, crash, attempt=1))
    groups, of_cell, _ = groups_of(made)
    assert sorted(group.tests for group in groups) == [("one",), ("two",)]
    assert all(len(group.cells) == 1 for group in groups)
    rows = summarise(COMPONENTS, (made.record(),), made.evidence, NOW).pairs
    by_cell = {release.cell: release.failure for row in rows for release in row.releases if release.failure}
    assert by_cell == {cell: failures[0] for cell, failures in of_cell.items()}


def test_a_failure_says_where_it_was_seen() -> None:
    group = next(g for g in groups_of(history())[0] if "MutableBox" in g.signature)
    assert (group.verdict, group.level, group.package, group.inferred) == ("broken", "import", "beta", False)
    assert group.tests == ("test_import.py::test_import[beta.nets]",)
    assert group.versions == {"alpha": ("1.2.0", "1.3.0"), "beta": ("2.0.0", "2.1.3")}
    assert group.pythons == ("3.11", "3.12", "3.13")
    assert not group.today
    assert group.last_seen == NOW - dt.timedelta(hours=6) + dt.timedelta(minutes=1)
    assert group.details.endswith("no attribute 'MutableBox'\n")
    assert "/home" not in group.details


def test_a_conflict_has_the_versions_that_were_asked_for() -> None:
    group = next(g for g in groups_of(history())[0] if g.signature.startswith("beta 2.4.1 requires"))
    assert (group.verdict, group.suspects) == ("unresolvable", ("alpha", "beta"))
    assert group.versions == {"alpha": ("1.0.0",), "beta": ("2.4.1",)}
    assert "depends on alpha>=1.1" in group.details


def test_a_failure_of_the_newest_releases_comes_with_their_cells_first() -> None:
    made = History()
    old, new = {"alpha": "1.2.0", "beta": "2.0.0"}, {"alpha": "1.3.0", "beta": "2.0.0"}
    made.add(make_cell(old, policy="metapackage"), old)
    made.add(make_cell(new, policy="newest"), new)
    (group,), _, cases = groups_of(made)
    assert group.today
    assert group.cells[0] == next(case.verdict.cell.id for case in cases if case.today)


def test_a_long_traceback_is_cut_at_its_beginning() -> None:
    made = History()
    cell = planned(make_cell({"alpha": "1.0.0"}), {"alpha": "1.0.0"})
    test = failed("t", "alpha")
    assert test.failure is not None
    long = test.model_copy(update={"failure": test.failure.model_copy(update={"traceback": "x" * 5000 + "the end"})})
    made.cells.append(cell)
    made.evidence[cell.key] = (run_of(cell, long), run_of(cell, long, attempt=1))
    (group,), _, _ = groups_of(made)
    assert len(group.details) == 1500
    assert group.details.endswith("the end")


def test_public_text_has_no_folders_of_a_machine() -> None:
    assert public('File "/home/me/.cache/x/lib/python3.12/site-packages/alpha/core.py", line 3') == (
        'File "alpha/core.py", line 3'
    )
    assert public('File "/opt/python/lib/python3.12/json/decoder.py"') == 'File "json/decoder.py"'
    assert public('File "/srv/checkout/tests/interop/test_beta.py"') == 'File "…/interop/test_beta.py"'
    assert public("see https://index.example/simple/alpha now") == "see <address> now"
    assert public("either/or, 1/2 and a/b/c stay") == "either/or, 1/2 and a/b/c stay"


def test_failures_stand_by_kind_those_of_the_newest_releases_first() -> None:
    groups, _, _ = groups_of(history())
    kinds = failures_by_kind(groups)
    assert list(kinds) == ["today", "elsewhere", "unresolvable", "flaky", "unknown", "own tests"]
    assert sorted(group.id for found in kinds.values() for group in found) == sorted(group.id for group in groups)
    assert all(group.today for group in kinds["today"])
    assert {group.verdict for group in kinds["elsewhere"]} <= {"broken", "uninstallable"}
    assert {group.verdict for group in kinds["unknown"]} <= {"invalid", "infra-error", "changed"}
