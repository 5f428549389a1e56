"""Failures compared and grouped: one failure has one signature wherever it occurs. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from packaging.utils import canonicalize_name

from stackcompat.core.record import digest
from stackcompat.core.vocabulary import LEVELS
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Failure, TestResult
from stackcompat.verdict.missing import missing_in

__all__ = [
    "failure_kind",
    "failure_of",
    "incompatibility_id",
    "leading",
    "owner_of",
    "parse_signature",
    "same_failure",
    "similar_failure",
]


def failure_kind(signature: str) -> str:
    """A failure's signature with a # in place of each number of its own, which can differ from release to release."""
    return re.sub(r"(?<![\w.])v?\d+(?:\.\d+)*(?!\w)", "#", signature)


def incompatibility_id(signature: str, distributions: Iterable[str]) -> str:
    """The id of the incompatibility that shows as `signature` between distributions: the same wherever it is seen."""
    return f"SC-{digest('advisory', failure_kind(signature), sorted(distributions), length=10)}"


def same_failure(first: Failure, second: Failure) -> bool:
    """Whether two failures are the same but for numbers and suggestions in the message, and for who words it.

    Python says that a module lacks a name, or the module says itself that it dropped the name: that is the same
    failure. In the second case the module is the deepest package on the traceback, so the packages that asked for the
    name are compared.
    """
    return _what_stays(first) == _what_stays(second)


def _what_stays(failure: Failure) -> tuple[str, str, str]:
    """Type, message and package of a failure, without what can differ between two that are the same."""
    message = failure.signature.removeprefix(f"{failure.type}: ").rpartition(" [")[0]
    message = re.sub(r"\s*\(?Did you mean:? .*", "", message)
    package = failure.package
    missing = missing_in(message, "attribute")
    if not missing.kind or not message.startswith(missing.words):
        missing = missing_in(message, "dropped")
    if missing.kind == "attribute" or missing.removed:
        before = message[: message.find(missing.words)]
        # What follows is advice.
        message = f"{before}module '{missing.owner}' has no attribute '{missing.name}'"
        if not before:
            owner = canonicalize_name(missing.owner.partition(".")[0])
            package = next((name for name in reversed(failure.packages) if name != owner), package)
    return failure.type, re.sub(r"\d+(?:\.\d+)*\w*", "#", message), package


def parse_signature(signature: str) -> Failure:
    """The failure of which this is the signature; a text that is none becomes the message of a failure."""
    parts = re.fullmatch(r"(?P<type>[\w.]+): (?P<message>.*) \[(?P<package>[^\[\]]*)\]", signature, re.DOTALL)
    if parts is None:
        return Failure(type="", message=signature)
    package = parts["package"] if parts["package"] != "test" else ""
    return Failure(type=parts["type"], message=parts["message"], package=package)


def owner_of(module: str, installed: Collection[str], components: Components) -> str | None:
    """The distribution that has a module, as far as names tell.

    Args:
        module: The dotted name of a module, or of what is in it.
        installed: The distributions to choose from.
        components: The components of the ecosystem, which list modules.
    """
    listed = {m.name: c.distribution for c in reversed(components.components) for m in c.modules}
    name = module
    while name:
        if listed.get(name) in installed:
            return listed[name]
        name = name.rpartition(".")[0]
    # A distribution is often called like its module: `a-b-c`, `a-b` or `a` for a.b.c, or `b` within a namespace.
    parts = [canonicalize_name(part) for part in module.split(".")[:3]]
    spellings = ["-".join(parts[:length]) for length in (3, 2, 1)] + parts[1:2]
    return next((spelling for spelling in spellings if spelling in installed), None)


def leading(failures: Sequence[TestResult]) -> TestResult:
    """The failing test that a search follows.

    It shows what keeps a module from loading or, if nothing does, what most tests show. Of tests that fail in the same
    way it is the shallowest, then the one that uses the fewest components.
    """
    first = min(
        failures, key=lambda test: (test.level != "import", -sum(similar_failure(test, other) for other in failures))
    )
    similar = [test for test in failures if similar_failure(test, first)]
    return min(similar, key=lambda test: (LEVELS.index(test.level), len(set(test.components)), test.seconds))


def similar_failure(first: TestResult, second: TestResult) -> bool:
    """Whether two tests show the same failure; see :func:`same_failure`."""
    return same_failure(failure_of(first), failure_of(second))


def failure_of(test: TestResult) -> Failure:
    """Why a test failed; if it left no exception, its outcome and its reason stand for one."""
    return test.failure or Failure(type=test.outcome, message=test.reason)
