from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.vocabulary import Verdict
from stackcompat.table.build import summarise
from stackcompat.table.pairs import PairRelease, PairRow, intervals
from support.made_up import COMPONENTS, NOW, history

AMONG = tuple("123456")


def known(**verdicts: Verdict) -> dict[str, PairRelease]:
    return {version.removeprefix("v"): release(verdict) for version, verdict in verdicts.items()}


def release(verdict: Verdict, inferred: bool = False) -> PairRelease:
    return PairRelease(
        first_version="1",
        second_version="2",
        verdict=verdict,
        level="interop",
        inferred=inferred,
        pythons={"3.12": verdict},
        cell="c",
        failure="",
    )


def brief(among: tuple[str, ...], releases: dict[str, PairRelease]) -> list[tuple[str, str, str, str]]:
    found = intervals(among, releases)
    return [(one.verdict, f"{one.first}-{one.last}", "".join(one.tested), "".join(one.inferred)) for one in found]


def test_neighbours_with_equal_verdict_are_one_interval() -> None:
    found = brief(AMONG, known(v1="broken", v2="broken", v3="works", v4="works", v5="works", v6="works"))
    assert found == [("broken", "1-2", "12", ""), ("works", "3-6", "3456", "")]


def test_what_lies_between_equals_is_inferred() -> None:
    assert brief(AMONG, known(v2="works", v4="works")) == [("works", "2-4", "24", "3")]


def test_what_lies_between_different_ones_is_in_no_interval() -> None:
    assert brief(AMONG, known(v2="broken", v5="works")) == [("broken", "2-2", "2", ""), ("works", "5-5", "5", "")]


def test_an_inferred_verdict_is_not_tested() -> None:
    assert brief(AMONG, {"2": release("works"), "3": release("works", inferred=True)}) == [("works", "2-3", "2", "3")]


def test_nothing_known() -> None:
    assert intervals(AMONG, {}) == ()


@given(st.dictionaries(st.sampled_from(AMONG), st.sampled_from(["works", "broken", "flaky"])))
def test_intervals_say_exactly_what_is_known(verdicts: dict[str, Verdict]) -> None:
    found = intervals(AMONG, {version: release(verdict) for version, verdict in verdicts.items()})
    assert {version: one.verdict for one in found for version in one.tested} == verdicts
    covered = [version for one in found for version in AMONG if one.first <= version <= one.last]
    assert len(covered) == len(set(covered))
    assert sorted(covered) == sorted(version for one in found for version in (*one.tested, *one.inferred))


def pairs() -> dict[tuple[str, str], PairRow]:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    return {(pair.first, pair.second): pair for pair in summary.pairs}


def test_a_pair_at_its_newest_releases_and_at_every_other() -> None:
    pair = pairs()["alpha", "beta"]
    assert (pair.first_version, pair.second_version, pair.verdict) == ("1.3.0", "2.4.1", "works")
    found = {(one.first_version, one.second_version): one for one in pair.releases}
    assert found["1.3.0", "2.1.3"].verdict == "broken"
    assert found["1.3.0", "2.1.3"].failure
    assert found["1.0.0", "2.4.1"].verdict == "unresolvable"
    assert pair.releases[0].first_version == "1.3.0"
    with_newest = next(one for one in pair.ranges if (one.component, one.version) == ("alpha", "1.3.0"))
    assert [(one.verdict, one.first, one.last) for one in with_newest.intervals] == [
        ("broken", "2.0.0", "2.1.3"),
        ("works", "2.2.0", "2.5.0rc1"),
    ]


def test_a_pair_without_a_joint_test_is_untested_and_claims_nothing() -> None:
    pair = pairs()["beta", "epsilon"]
    assert (pair.verdict, pair.releases, pair.ranges, pair.together) == ("untested", (), (), None)


def test_untested_components_are_in_no_pair() -> None:
    assert not {"eta", "theta", "iota"} & {name for pair in pairs() for name in pair}
