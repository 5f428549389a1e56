"""Every record is the same after it was written to JSON and read."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.record import digest
from stackcompat.evidence.results import Environment, Evidence, Failure, Isolation, TestResult, WarningSeen

text = st.text(st.characters(codec="utf-8"), max_size=20)
seconds = st.floats(0, 1e4, allow_nan=False)
warnings = st.builds(
    WarningSeen, category=text, raised_by=text, triggered_by=text, message=text, count=st.integers(1, 9)
)
failures = st.builds(Failure, type=text, message=text, package=text, packages=st.lists(text).map(tuple), where=text)
tests = st.builds(
    TestResult,
    test=text,
    level=st.sampled_from(["import", "run", "interop"]),
    components=st.lists(text, max_size=3).map(tuple),
    outcome=st.sampled_from(["passed", "failed", "crashed", "timeout", "out-of-memory", "not-applicable", "blocked"]),
    seconds=seconds,
    failure=st.none() | failures,
    warnings=st.lists(warnings, max_size=2).map(tuple),
)
evidence = st.builds(
    Evidence,
    key=text,
    attempt=st.integers(0, 9),
    lock_id=text,
    python=text,
    interpreter=text,
    platform=text,
    suite=text,
    level=st.just("interop"),
    outcome=st.sampled_from(["ran", "uninstallable", "invalid"]),
    started=st.datetimes(timezones=st.just(dt.UTC)),
    seconds=seconds,
    observed=st.none() | st.builds(Environment, distributions=st.dictionaries(text, text, max_size=3)),
    tests=st.lists(tests, max_size=3).map(tuple),
    isolation=st.none() | st.just(Isolation(network="open", memory_limit_mb=1, time_limit_s=1.0)),
)


@given(evidence)
def test_evidence_goes_through_json_and_back(record: Evidence) -> None:
    again = Evidence.model_validate_json(record.to_json())
    assert again == record
    assert again.id == record.id


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
def test_equal_content_has_one_address_and_other_content_another(first: object, second: object) -> None:
    assert (digest(first) == digest(second)) == (repr(_plain(first)) == repr(_plain(second)))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    return [_plain(item) for item in value] if isinstance(value, list) else value
