"""What a failure says, brought down to what stays the same from run to run.

One failure has one signature wherever it is met, so that failures can be grouped and compared.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from packaging.utils import canonicalize_name

from stackcompat.core.record import digest
from stackcompat.core.vocabulary import LEVELS
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Failure, TestResult

__all__ = [
    "api_of",
    "failure_kind",
    "failure_of",
    "incompatibility_id",
    "leading",
    "owner_of",
    "same_failure",
    "similar_failure",
]


def failure_kind(signature: str) -> str:
    """A failure's signature with a # for each number that stands by itself, which may be another with each release."""
    return re.sub(r"(?<![\w.])v?\d+(?:\.\d+)*(?!\w)", "#", signature)


def incompatibility_id(signature: str, distributions: Iterable[str]) -> str:
    """The name of the incompatibility that shows as `signature` between distributions, the same wherever it is seen."""
    return f"SC-{digest('advisory', failure_kind(signature), sorted(distributions), length=10)}"


#: What Python says of a name that is not there: the module and the name, where it says both.
_LACKS = (
    re.compile(r"module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'"),
    re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'"),
    re.compile(r"No module named '(?P<module>[\w.]+)'"),
    re.compile(r"'(?P<module>[\w.]+)' object has no attribute '(?P<name>\w+)'"),
    re.compile(r"type object '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'"),
    re.compile(r"(?P<module>[\w.]+)\(\) got an unexpected keyword argument '(?P<name>\w+)'"),
    re.compile(r"(?P<module>(?:[A-Za-z_]\w*\.)+)(?P<name>\w+)\s+(?:was|is|has\s+been)\s+(?:deprecated|removed)"),
)


#: A module that says itself that a name has gone from it.
_TOMBSTONE = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\.(\w+) (?:is|was|has been) (?:deprecated .*)?removed\b.*")


_NO_NAME = re.compile(r"module '([\w.]+)' has no attribute '\w+'")


def same_failure(one: Failure, other: Failure) -> bool:
    """Whether two failures have the same signature but for numbers, suggestions and who words it in the message.

    A name that a module no longer has is missed in the same way whether Python says so or the module itself does, which
    then is the deepest on the traceback: whoever asked for it is compared.
    """

    def way(failure: Failure) -> tuple[str, str, str]:
        message = failure.signature.removeprefix(f"{failure.type}: ").rpartition(" [")[0]
        message = re.sub(r"\s*\(?Did you mean:? .*", "", message)
        message = _TOMBSTONE.sub(r"module '\1' has no attribute '\2'", message)
        package = failure.package
        if missing := _NO_NAME.match(message):
            message = missing[0]  # what follows is advice
            owner = canonicalize_name(missing[1].partition(".")[0])
            package = next((name for name in reversed(failure.packages) if name != owner), package)
        return failure.type, re.sub(r"\d+(?:\.\d+)*\w*", "#", message), package

    return way(one) == way(other)


def api_of(failure: Failure) -> tuple[str, str]:
    """The module (class, function) and the name in it that a failure misses; empty texts where it names none."""
    for pattern in _LACKS:
        found = pattern.search(failure.message)
        if found:
            parts = found.groupdict()
            return parts["module"].rstrip("."), parts.get("name") or ""
    return "", ""


def owner_of(module: str, installed: Collection[str], components: Components) -> str | None:
    """The distribution among `installed` that has `module` (dotted, what is in it included), as far as names tell."""
    known = {m.name: c.distribution for c in reversed(components.components) for m in c.modules}
    name = module
    while name:
        if known.get(name) in installed:
            return known[name]
        name = name.rpartition(".")[0]
    parts = [canonicalize_name(part) for part in module.split(".")[:3]]
    spelt = ["-".join(parts[:length]) for length in (3, 2, 1)] + parts[1:2]
    return next((name for name in spelt if name in installed), None)


def leading(failures: Sequence[TestResult]) -> TestResult:
    """The failing test that a search follows: of what keeps a module from loading, else of what most tests show.

    Of tests that fail the same way it is the shallowest, and then the one that uses least.
    """

    def weight(test: TestResult) -> tuple[bool, int]:
        return test.level != "import", -sum(similar_failure(test, other) for other in failures)

    first = min(failures, key=weight)
    same = [test for test in failures if similar_failure(test, first)]
    return min(same, key=lambda test: (LEVELS.index(test.level), len(set(test.components)), test.seconds))


def similar_failure(one: TestResult, other: TestResult) -> bool:
    return same_failure(failure_of(one), failure_of(other))


def failure_of(test: TestResult) -> Failure:
    """Why a test failed, also where it left no exception."""
    return test.failure or Failure(type=test.outcome, message=test.reason)
