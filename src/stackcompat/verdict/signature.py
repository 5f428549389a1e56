"""When two failures are the same. Pure.

Failures are compared for four purposes, so there are four rules:

* Two runs of one test in one cell: :func:`failed_alike`. The exception and the place where it was raised must be equal,
  down to the line of the test. Numbers in the message can differ from run to run. Equal failures confirm each other.
* Two reports of a failure: equal :attr:`~stackcompat.evidence.results.Failure.signature`. Tables group failures so, and
  night is compared with night so.
* Two cells, in a search for a culprit and where its diagnosis is applied: :func:`same_failure`, or for two tests
  :func:`similar_failure`. Numbers and advice in the message are left out. A name that a module lacks is the same as a
  name that the module reports as dropped.
* Two releases, for advisories and frontiers: equal :func:`failure_kind`. That is the signature without its numbers.

A failure without particulars (:func:`has_particulars`) is not known to be the same as that of another test, whatever
these rules say.

:func:`leading` chooses the failing test that a search follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from packaging.utils import canonicalize_name

from stackcompat.core.record import digest
from stackcompat.core.vocabulary import LEVELS
from stackcompat.evidence.results import Failure, TestResult
from stackcompat.verdict.missing import missing_in

__all__ = [
    "failed_alike",
    "failure_kind",
    "failure_of",
    "has_particulars",
    "incompatibility_id",
    "leading",
    "parse_signature",
    "same_break",
    "same_failure",
    "similar_failure",
]


def failed_alike(first: TestResult, second: TestResult) -> bool:
    """Whether two runs of a test failed in the same way: by the same exception, raised at the same place.

    The line of the test is part of the place. If it is not known of both runs, the words of the two messages must be
    the same, in any order, since many messages list the members of a set. A process that ended must have ended by the
    same signal or with the same code.
    """
    if _way_of_failing(first) != _way_of_failing(second):
        return False
    one, other = failure_of(first), failure_of(second)
    if first.outcome == "crashed":
        return one.message == other.message
    if one.line and other.line:
        return one.line == other.line
    return _words_of(one) == _words_of(other)


def _way_of_failing(result: TestResult) -> tuple[str, str, str, str]:
    """The outcome, the exception and its place."""
    failure = failure_of(result)
    return result.outcome, failure.type, failure.package, failure.where


def _words_of(failure: Failure) -> list[str]:
    """The words of a failure's kind, in alphabetical order."""
    return sorted(re.findall(r"[\w#]+", failure_kind(failure.signature)))


def failure_kind(signature: str) -> str:
    """A failure's signature with a # in place of each number, since numbers can differ from release to release.

    A digit within a word, such as that of ``float32``, is kept.
    """
    return re.sub(r"(?<![\w.])v?\d+(?:\.\d+)*(?!\w)", "#", signature)


def incompatibility_id(signature: str, distributions: Iterable[str]) -> str:
    """The id of the incompatibility of `distributions` that shows as `signature`. It is the same in all cells."""
    return f"SC-{digest('advisory', failure_kind(signature), sorted(distributions), length=10)}"


def same_failure(first: Failure, second: Failure) -> bool:
    """Whether two failures are the same, but for numbers and advice in their messages.

    A name is missing from a module. Either Python reports that the module lacks the name, or the module reports that
    it dropped the name. Both are the same failure. In the second case the module is the deepest package on the
    traceback, so the packages that asked for the name are compared instead.
    """
    return _what_stays(first) == _what_stays(second)


def _what_stays(failure: Failure) -> tuple[str, str, str]:
    """Type, message and package of a failure, without the details that :func:`same_failure` ignores."""
    message = failure.signature.removeprefix(f"{failure.type}: ").rpartition(" [")[0]
    message = re.sub(r"\s*\(?Did you mean:? .*", "", message)
    package = failure.package
    missing = missing_in(message, "attribute")
    if not missing.kind or not message.startswith(missing.words):
        missing = missing_in(message, "dropped")
    if missing.kind == "attribute" or missing.removed:
        before = message[: message.find(missing.words)]
        # The rest of the message is advice, so it is dropped.
        message = f"{before}module '{missing.owner}' has no attribute '{missing.name}'"
        if not before:
            owner = canonicalize_name(missing.owner.partition(".")[0])
            package = next((name for name in reversed(failure.packages) if name != owner), package)
    return failure.type, re.sub(r"\d+(?:\.\d+)*\w*", "#", message), package


#: The types of failures without an exception: the process ended, or the time was over.
_WITHOUT_EXCEPTION = frozenset(("ProcessEnded", "Hang", "crashed", "timeout", "out-of-memory"))

#: Where a helper that compares values raises an exception.
_COMPARES = re.compile(r"(?:^|[._])(?:testing|asserts?|unittest)\b|:_?assert")

#: A name in a message: quoted, dotted, called, with an underscore, or with a capital letter inside.
_NAME = re.compile(
    r"""(?<!\w)['"`][A-Za-z_][\w.-]*['"`]|\b[A-Za-z_]\w*\.[A-Za-z_]\w*|\b[A-Za-z_]\w*\(|\b[A-Za-z]+_\w+"""
    r"|\b[A-Za-z]*[a-z][A-Z]\w*"
)


def has_particulars(failure: Failure) -> bool:
    """Whether a failure says enough to be recognised in another test: a frame of a library, or a name in its message.

    A process that died, a hang and a bare assertion of a test look alike whatever their cause is. The words of an
    assertion are those of the test, so a name among them tells nothing of a library. A helper of a library that
    compares values raises its assertion for whichever test calls it.
    """
    if failure.packages or failure.package:
        compares = failure.type.rpartition(".")[2] == "AssertionError" and _COMPARES.search(failure.where)
        return not compares
    if failure.type in _WITHOUT_EXCEPTION or failure.type.rpartition(".")[2] == "AssertionError":
        return False
    return _NAME.search(failure.message) is not None


def parse_signature(signature: str) -> Failure:
    """The failure that has this signature. A text that is no signature becomes the message of a failure."""
    parts = re.fullmatch(r"(?P<type>[\w.]+): (?P<message>.*) \[(?P<package>[^\[\]]*)\]", signature, re.DOTALL)
    if parts is None:
        return Failure(type="", message=signature)
    package = parts["package"] if parts["package"] != "test" else ""
    return Failure(type=parts["type"], message=parts["message"], package=package)


def leading(failures: Sequence[TestResult]) -> TestResult:
    """The failing test that a search follows.

    If a test at the level `import` fails, the search follows its failure; if none does, the most frequent failure. Of
    the tests with that failure, the search follows the shallowest, then the one that uses the fewest components.

    Args:
        failures: The failing tests, at least one.
    """
    first = min(
        failures, key=lambda test: (test.level != "import", -sum(similar_failure(test, other) for other in failures))
    )
    similar = [test for test in failures if similar_failure(test, first)]
    return min(similar, key=lambda test: (LEVELS.index(test.level), len(set(test.components)), test.seconds))


def similar_failure(first: TestResult, second: TestResult) -> bool:
    """Whether two tests show the same failure; see :func:`same_failure`."""
    return same_failure(failure_of(first), failure_of(second))


def same_break(first: TestResult, second: TestResult) -> bool:
    """Whether a culprit of the failure of `first` can explain that of `second`.

    The failures are the same, and they have particulars or are of one test.
    """
    return similar_failure(first, second) and (first.test == second.test or has_particulars(failure_of(first)))


def failure_of(test: TestResult) -> Failure:
    """The failure of a test. If there was no exception, the outcome and the reason of the test stand in for one."""
    return test.failure or Failure(type=test.outcome, message=test.reason)
