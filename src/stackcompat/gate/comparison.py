"""One test in both arms of a paired cell: what became of it, and whether that speaks against the candidate. Pure.

The outcomes are those of crater, the tool with which Rust's compilers are tried on all published crates: regressed,
fixed, broken before, passes, unknown, skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.outcomes import TestStatus, classify, why

__all__ = ["OUTCOMES", "Comparison", "compare"]

OUTCOMES = ("regressed", "fixed", "broken-before", "passes", "unknown", "skipped")


class Comparison(Record):
    """A test in both arms.

    `comparison`: what became of it from control to candidate; skipped ones apply in neither arm. `effect`: whether it
    speaks ``against`` the candidate, leaves the requirement ``undecided``, asks for ``review``, or has none.
    """

    test: str
    level: Level
    comparison: Literal["regressed", "fixed", "broken-before", "passes", "unknown", "skipped"]
    effect: Literal["none", "against", "undecided", "review"] = "none"
    note: str = ""
    result: TestResult


_ABSENT = (None, "not-applicable")


#: How the probe says that a test is not meant for what is installed; any other reason is a skip at run time.
_LIMITED = re.compile(r"(?P<name>\S+) (?:is not installed|(?P<version>\S+) is outside (?P<bounds>\S+))")


def compare(control: Iterable[Evidence], candidate: Iterable[Evidence]) -> tuple[Comparison, ...]:
    """Every test of either arm, from all of its runs; the first arm's order."""
    before = {status.result.test: status for status in classify(control)}
    runs = tuple(candidate)
    after = {status.result.test: status for status in classify(runs)}
    installed = {name: v for run in runs if run.observed for name, v in run.observed.distributions.items()}
    return tuple(_compare(before.get(test), after.get(test), installed) for test in dict.fromkeys((*before, *after)))


def _compare(before: TestStatus | None, after: TestStatus | None, installed: Mapping[str, str]) -> Comparison:
    old, new = before.state if before else None, after.state if after else None
    status = after or before
    assert status is not None  # the test is known from one of the arms
    result = status.result

    def said(comparison: str, effect: str = "none", note: str = "") -> Comparison:
        values = {"test": result.test, "level": result.level, "result": result}
        return Comparison.model_validate(values | {"comparison": comparison, "effect": effect, "note": note})

    if old in _ABSENT and new in _ABSENT:
        return said("skipped", note=result.reason)
    if new == "passed":
        if old in ("confirmed", "feature-broken", "blocked"):
            return said("fixed")
        return said("passes") if old == "passed" else said("unknown", note="there is nothing to compare it with")
    if old in ("confirmed", "feature-broken") or (
        old == "blocked" and new in ("blocked", "confirmed", "feature-broken")
    ):
        return said("broken-before", note=why(result))
    if "flaky" in (old, new):
        return said("unknown", "review", "is flaky: failed and passed, or failed each time differently")
    if new == "feature-broken":
        if old == "passed":
            return said("unknown", "review", f"{result.feature} does not work any more: {why(result)}")
        return said("unknown", note=f"{result.feature} does not work, and had no outcome in the control")
    if new == "confirmed":
        if old == "passed" and result.failure is not None and result.failure.changed:
            return said("unknown", "review", f"gives other values from the same seed: {why(result)}")
        if old == "passed":
            return said("regressed", "against")
        if old in _ABSENT:
            return said("unknown", "review", f"fails, and does not apply without the candidate: {why(result)}")
        return said("unknown", "undecided", f"fails, and had no outcome in the control: {why(result)}")
    if old != "passed":
        return said("unknown", note="has an outcome in neither arm")
    if new in ("unconfirmed", "infra", "blocked"):
        return said("unknown", "undecided", f"has no outcome with the candidate: {status.note or why(result)}")
    if new is None:
        gone = result.level == "import" and not set(result.components) & installed.keys()
        note = "is not there with the candidate"
        return said("unknown", "none" if gone else "undecided", note)
    note = f"does not apply with the candidate: {result.reason}"
    return said("unknown", "none" if _is_limited(result, installed) else "undecided", note)


def _is_limited(result: TestResult, installed: Mapping[str, str]) -> bool:
    """Whether what `result` uses is not there, or outside the bounds that the test declares: said, and true as well."""
    told = _LIMITED.fullmatch(result.reason)
    if told is None or told["name"] not in result.components or installed.get(told["name"]) != told["version"]:
        return False
    try:
        return told["version"] is None or not SpecifierSet(told["bounds"]).contains(told["version"], prereleases=True)
    except InvalidSpecifier:
        return False
