"""What a table knows of sets of releases."""

from __future__ import annotations

from itertools import product

from stackcompat.advice.check import check
from stackcompat.advice.listing import Listed
from stackcompat.advice.set_knowledge import SetKnowledge, parsed, works
from stackcompat.core.requirements import version_key
from stackcompat.frontier.search import explore
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, History, failed, make_cell, passed
from support.planted import Planted, chart_of, stairs, table

ALPHA_BETA = {"alpha": "1.0", "beta": "2.0"}


def world(*cells: History, python: str = "3.12") -> SetKnowledge:
    return SetKnowledge(summary(*cells), python)


def summary(*histories: History) -> Summary:
    evidence = {key: runs for made in histories for key, runs in made.evidence.items()}
    return summarise(COMPONENTS, tuple(made.record() for made in histories), evidence, NOW)


def fact(knowledge: SetKnowledge, **versions: str) -> tuple[str, bool, str]:
    (first, first_version), (second, second_version) = parsed(versions).items()
    known = knowledge.fact(first, first_version, second, second_version)
    assert known == knowledge.fact(second, second_version, first, first_version)
    return known.state, known.broken, known.level


def test_what_a_test_used_together_is_seen_and_what_only_met_is_met() -> None:
    made = History()
    versions = {"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}
    tests = (
        passed("t.py::joint", "alpha", "beta"),
        passed("t.py::import_gamma", "gamma", level="import"),
        passed("t.py::alone", "alpha"),
    )
    made.add(make_cell(versions), versions, tests=tests)
    knowledge = world(made)
    assert fact(knowledge, alpha="1.0", beta="2.0") == ("seen", False, "interop")
    assert fact(knowledge, alpha="1.0", gamma="3.0") == ("met", False, "import")
    assert fact(knowledge, alpha="1.0.0", beta="2") == ("seen", False, "interop")
    assert fact(knowledge, alpha="1.1", beta="2.0") == ("unknown", False, "install")
    assert knowledge.deepest("beta", "alpha") == "interop"
    assert knowledge.deepest("gamma", "alpha") == "install"
    cell = knowledge.cell_with(parsed(versions))
    assert cell is not None
    assert knowledge.level_in(cell, versions) == "import"
    assert knowledge.level_in(cell, ["alpha"]) == "interop"


def test_what_another_python_shows_is_elsewhere() -> None:
    made = History()
    made.add(make_cell(ALPHA_BETA, "3.13"), ALPHA_BETA, tests=(passed("t.py::joint", "alpha", "beta"),))
    assert fact(world(made), alpha="1.0", beta="2.0") == ("elsewhere", False, "interop")
    assert fact(world(made, python="3.13"), alpha="1.0", beta="2.0") == ("seen", False, "interop")
    assert world(made).cell_with(parsed(ALPHA_BETA)) is None


def test_a_failure_of_a_releases_own_tests_breaks_nothing() -> None:
    made = History()
    tests = (
        passed("t.py::joint", "alpha", "beta"),
        failed("upstream/beta/x.py::test", "beta", "alpha", level="upstream", message="0.99 != 1"),
    )
    made.add(make_cell(ALPHA_BETA), ALPHA_BETA, tests=tests)
    knowledge = world(made)
    (cell,) = knowledge.summary.cells
    assert (works(cell), knowledge.red) == (True, ())
    # An older table calls such a cell broken.
    older = cell.model_copy(update={"verdict": "broken", "level": "upstream"})
    assert works(older)
    assert not works(older.model_copy(update={"level": "interop"}))
    state, broken, _ = fact(knowledge, alpha="1.0", beta="2.0")
    assert (state in ("seen", "met"), broken) == (True, False)


def test_a_follower_met_whatever_its_leader_was_tested_with() -> None:
    chart = chart_of(explore(table(2, 2), Planted(stairs([(0, 1)] * 2, 2), words="t: E: words [beta]")))
    made = History()
    alone = {"alpha": "1.0"}
    made.add(make_cell(alone), alone, tests=(passed("t.py::native", "alpha", "alpha-native"),))
    sides = {
        "first": chart.first.model_copy(update={"versions": ("1.0", "1.1")}),
        "second": chart.second.model_copy(update={"versions": ("2.0", "2.1")}),
    }
    found = summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=[chart.model_copy(update=sides)])
    knowledge = SetKnowledge(found, "3.12")
    working = [pair.versions for pair in found.frontiers[0].observed() if pair.verdict == "works"]
    leader = next(versions for versions in working if versions["alpha"] == "1.0")
    versions = parsed(leader | {"alpha-native": "1.0"})
    assert knowledge.fact_in(versions, "alpha-native", "beta").state == "met"
    assert knowledge.fact_in(versions, "beta", "alpha-native").state == "met"
    strange = versions | parsed({"alpha-native": "9.9"})
    assert knowledge.fact_in(strange, "alpha-native", "beta").state == "unknown"


def test_what_a_frontier_infers_is_told_apart() -> None:
    chart = chart_of(explore(table(6, 6), Planted(stairs([(0, 3)] * 6, 6), words="t: E: words [beta]")))
    found = summarise(COMPONENTS, (), {}, NOW, frontiers=[chart])
    for python, seen in (("3.12", "seen"), ("3.13", "elsewhere")):
        knowledge = SetKnowledge(found, python)
        for finding in chart.findings:
            known = fact(knowledge, alpha=f"1.{finding.pair[0]}", beta=f"1.{finding.pair[1]}")
            if finding.inferred:
                assert known[0] == ("inferred" if python == "3.12" else "unknown")
            else:
                assert known[:2] == (seen, finding.verdict == "broken")
    incomplete = summarise(COMPONENTS, (), {}, NOW, frontiers=[chart.model_copy(update={"complete": False})])
    guess = next(one for one in chart.findings if one.inferred and one.verdict == "works")
    known = fact(SetKnowledge(incomplete, "3.12"), alpha=f"1.{guess.pair[0]}", beta=f"1.{guess.pair[1]}")
    assert known[0] == "unknown"


def test_bounds_that_keep_two_releases_apart_are_told() -> None:
    space = table(3, 3, permitted={(first, second) for first in range(3) for second in range(3) if second >= first})
    chart = chart_of(explore(space, Planted(stairs([(0, 2)] * 3, 3))))
    found = summarise(COMPONENTS, (), {}, NOW, frontiers=[chart])
    for python, where in (("3.12", ""), ("3.13", " on Python 3.12")):
        knowledge = SetKnowledge(found, python)
        for first, second in product(range(3), repeat=2):
            pair = ("alpha", version_key(f"1.{first}"), "beta", version_key(f"1.{second}"))
            words = f"cannot be installed together{where}: bounds"
            assert knowledge.kept_apart(*pair) == ("" if second >= first else words)
            assert knowledge.kept_apart(*pair[2:], *pair[:2]) == knowledge.kept_apart(*pair)
    known = check(Listed({"alpha": "1.2", "beta": "1.0"}), SetKnowledge(found, "3.12"), ())
    assert "Alpha 1.2 with Beta 1.0 cannot be installed together: bounds" in known.unknown


def test_a_release_that_bounds_keep_apart_from_all_others_is_not_to_be_tried() -> None:
    chart = chart_of(explore(table(2, 2, permitted={(0, 0), (0, 1)}), Planted(stairs([(0, 1)] * 2, 2))))
    found = summarise(COMPONENTS, (), {}, NOW, frontiers=[chart])
    known = check(Listed({"alpha": "1.1", "beta": "1.0"}), SetKnowledge(found, "3.12"), ())
    assert known.unknown[-1] == "Alpha 1.1 with Beta 1.0 cannot be installed together: bounds"
    assert not any("stackcompat try" in reason for reason in known.unknown)


def test_a_pair_that_two_reasons_of_an_older_table_cover_has_both() -> None:
    chart = chart_of(explore(table(1, 3, permitted={(0, 0)}), Planted(stairs([(0, 2)], 3))))
    found = summarise(COMPONENTS, (), {}, NOW, frontiers=[chart])
    (row,) = found.frontiers
    (bounds,) = row.reasons
    (rectangle,) = bounds.ranges
    last = rectangle.model_copy(update={"second": ("1.2", "1.2")})
    wheel = bounds.model_copy(update={"sentence": "no such wheel", "ranges": (last,)})
    older = found.model_copy(update={"frontiers": (row.model_copy(update={"reasons": (bounds, wheel)}),)})
    alpha, knowledge = ("alpha", version_key("1.0")), SetKnowledge(older, "3.12")
    assert knowledge.kept_apart(*alpha, "beta", version_key("1.1")).endswith(": bounds")
    assert knowledge.kept_apart(*alpha, "beta", version_key("1.2")).endswith(": bounds, or no such wheel")


def test_a_broken_frontier_counts_where_the_two_only_passed_beside_a_break() -> None:
    chart = chart_of(explore(table(2, 2), Planted(stairs([(0, 0)] * 2, 2), words="t: E: words [gamma]")))
    versions = next(
        {"alpha": f"1.{one.pair[0]}", "beta": f"1.{one.pair[1]}"} for one in chart.findings if one.verdict == "broken"
    )
    joint = passed("t.py::joint", "alpha", "beta")
    red = History()
    beside = versions | {"gamma": "3.0"}
    red.add(make_cell(beside), beside, tests=(joint, failed("t.py::other", "gamma", "beta")))
    found = summarise(COMPONENTS, (red.record(),), red.evidence, NOW, frontiers=[chart])
    assert found.cells[0].verdict == "broken"
    assert fact(SetKnowledge(found, "3.12"), **versions)[:2] == ("seen", True)
    # A cell that works with the two shows more than the frontier, which had something else beside them.
    green = History()
    green.add(make_cell(versions), versions, tests=(joint,))
    records = (red.record(), green.record())
    found = summarise(COMPONENTS, records, red.evidence | green.evidence, NOW, frontiers=[chart])
    assert fact(SetKnowledge(found, "3.12"), **versions)[:2] == ("seen", False)
