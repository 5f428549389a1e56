"""Limits that other cells confirm, over made-up sets of versions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.results import Evidence
from stackcompat.verdict.confirmation import confirmation, limits_seen
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import next_run
from support.made_up import DISTRIBUTION, failed, limited, make_cell, planned, run_of

NAMES = ("alpha", "beta", "delta", "gamma")
VERSIONS = st.fixed_dictionaries({name: st.sampled_from(["1.0", "2.0"]) for name in NAMES})
PACKAGES = st.lists(st.sampled_from([DISTRIBUTION[name] for name in NAMES]), unique=True, max_size=3).map(tuple)
CELLS = st.tuples(VERSIONS, st.sampled_from(["3.12", "3.13"]), PACKAGES, st.sampled_from(["limit", "break"]))


def run_in(cell: tuple[dict[str, str], str, tuple[str, ...], str]) -> Evidence:
    versions, python, packages, kind = cell
    result = limited("save", packages=packages) if kind == "limit" else failed("save", packages=packages)
    return run_of(planned(make_cell(versions, python), versions), result)


@given(CELLS, st.lists(CELLS, max_size=6))
def test_a_limit_is_confirmed_only_by_what_is_the_same_wherever_its_traceback_went(
    own: tuple[dict[str, str], str, tuple[str, ...], str],
    others: list[tuple[dict[str, str], str, tuple[str, ...], str]],
) -> None:
    run, other_runs = run_in(own), [run_in(other) for other in others]
    found = confirmation((run,), [seen for other in other_runs for seen in limits_seen(other)])
    versions, python, packages, kind = own
    same = [
        other.id
        for other, (there, there_on, there_packages, there_kind) in zip(other_runs, others, strict=True)
        if (there, there_on) != (versions, python)
        and kind == there_kind == "limit"
        and packages
        and packages[-1] == (there_packages or ("",))[-1]
        and all(there[name] == versions[name] for name in NAMES if DISTRIBUTION[name] in {*packages, *there_packages})
    ]
    assert (found is not None) == bool(same)
    if found is not None:
        assert found.tests[0].confirmed_by in same
        # All runs together say what they say without the record, but for the limit; and no run is due for it.
        assert [status.state for status in classify((run, found))] == ["feature-broken"]
        assert next_run((run, found), ()) is None
        assert found == Evidence.model_validate_json(found.to_json())
