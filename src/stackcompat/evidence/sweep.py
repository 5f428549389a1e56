"""The results of a sweep, which imports every public module of a distribution. Pure.

A run imports each module by itself. Its record has one result for the whole sweep of a distribution, which lists the
modules that could be imported, and one for each way in which others fail: it is that of one of them and lists all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stackcompat.evidence.closure import Closure, joined
from stackcompat.evidence.results import TestResult

__all__ = ["fold_sweeps", "imported_in", "is_whole", "test_of", "whole_of"]


def whole_of(test: str, distribution: str) -> str:
    """The test that stands for a whole sweep.

    Args:
        test: A test of the sweep.
        distribution: The distribution that is swept.
    """
    return f"{test.partition('[')[0]}[{distribution}.*]"


def test_of(test: str, module: str) -> str:
    """The test of one module.

    Args:
        test: A test of the sweep to which the module belongs.
        module: The module.
    """
    return f"{test.partition('[')[0]}[{module}]"


test_of.__test__ = False  # type: ignore[attr-defined]  # pytest would collect a function with this name


def is_whole(result: TestResult) -> bool:
    """Whether a result is that of a whole sweep."""
    return result.modules is not None and result.test == whole_of(result.test, result.components[0])


def imported_in(results: Iterable[TestResult]) -> Iterator[str]:
    """The tests of the modules that whole sweeps could import."""
    for result in results:
        if is_whole(result) and result.outcome == "passed":
            yield from (test_of(result.test, module) for module in result.modules or ())


def fold_sweeps(
    results: Sequence[TestResult], closures: Sequence[Closure], asked: Iterable[str] = ()
) -> tuple[tuple[TestResult, ...], tuple[Closure, ...]]:
    """Fold the results of single modules into those of whole sweeps.

    A module that was not tried, or kept from an outcome, is in none of the results.

    Args:
        results: The results of a run, one for each module.
        closures: What the tests were seen to depend on.
        asked: The tests that were asked for by name. Their results stay as they are.

    Returns:
        The results and the closures.
    """
    kept = set(asked)
    wholes = [result for result in results if is_whole(result)]
    swept = {whole.test: list[TestResult]() for whole in wholes}
    others = []
    for result in results:
        address = whole_of(result.test, result.components[0]) if result.modules is not None else ""
        if address in swept and address != result.test:
            swept[address].append(result)
        if address not in swept or (result.test in kept and address != result.test):
            others.append(result)
    known = list(closures)
    for whole in wholes:
        others += _folded(whole, swept[whole.test], known, kept)
    return tuple(others), tuple(known)


def _folded(
    whole: TestResult, swept: Sequence[TestResult], closures: list[Closure], kept: set[str]
) -> Iterator[TestResult]:
    """The result of a whole sweep, and of each way in which modules fail. Their closure is added to `closures`.

    Args:
        whole: The result of the test that stands for the whole sweep.
        swept: The results of the modules.
        closures: The closures of the run.
        kept: The tests whose results stay as they are.
    """
    ways: dict[object, list[TestResult]] = {}
    for result in swept:
        if result.outcome in ("failed", "crashed"):
            failure = result.failure
            ways.setdefault((failure.signature, failure.where) if failure else result.test, []).append(result)
    closure = _closure_of([one for one in (whole, *swept) if one.outcome != "blocked"], closures)
    modules = tuple(name for one in swept if one.outcome == "passed" for name in one.modules or ())
    update = {
        "modules": modules,
        "lost": tuple(first.test for first, *_ in ways.values()),
        "seconds": round(sum(one.seconds for one in (whole, *swept)), 4),
        "closure": closure,
    }
    yield whole.model_copy(update=update)
    for first, *more in ways.values():
        if first.test not in kept:
            alike = tuple(name for one in (first, *more) for name in one.modules or ())
            yield first.model_copy(update={"modules": alike, "closure": closure})


def _closure_of(results: Sequence[TestResult], closures: list[Closure]) -> int | None:
    """The place of the closure of several tests together, which is added; None if that of one is not known."""
    places = {result.closure for result in results}
    if None in places or not places:
        return None
    closure = joined(*(closures[place] for place in sorted(place for place in places if place is not None)))
    if closure not in closures:
        closures.append(closure)
    return closures.index(closure)
