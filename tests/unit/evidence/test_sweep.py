"""The results of single modules become those of whole sweeps."""

from __future__ import annotations

from typing import Any

from stackcompat.evidence.closure import Closure
from stackcompat.evidence.greens import GreenRelease, green_releases
from stackcompat.evidence.results import Failure, TestResult
from stackcompat.evidence.sweep import fold_sweeps, imported_in, is_whole
from support.made_up import failed, make_cell, passed, planned, run_of
from support.swept import module_test, swept, whole_sweep

PLAIN = passed("test_a.py::test_a", "alpha")
CLOSURES = (Closure(distributions=("alpha",)), Closure(distributions=("beta",), absent=("gamma",)))


def lost(module: str, message: str, **more: Any) -> TestResult:
    failure = Failure(type="ImportError", message=message, package="alpha", where="alpha.deep:<module>")
    return swept(module, outcome="failed", failure=failure, feature=module, closure=0, **more)


def test_modules_that_were_imported_are_one_result_with_all_that_was_looked_at() -> None:
    results = [PLAIN, swept("alpha.a", closure=0), swept("alpha.b", closure=1), whole_sweep(closure=0)]
    folded, closures = fold_sweeps(results, CLOSURES)
    plain, whole = folded
    assert plain == PLAIN
    assert (whole.modules, whole.lost, whole.outcome) == (("alpha.a", "alpha.b"), (), "passed")
    assert is_whole(whole)
    assert whole.closure is not None
    assert closures[whole.closure] == Closure(distributions=("alpha", "beta"), absent=("gamma",))
    assert closures[:2] == CLOSURES
    assert whole.seconds == sum(result.seconds for result in results[1:])
    assert set(imported_in(folded)) == {module_test("alpha.a"), module_test("alpha.b")}


def test_modules_that_fail_in_the_same_way_are_one_result_of_the_first() -> None:
    results = [lost("alpha.a", "no x"), lost("alpha.b", "no x"), lost("alpha.c", "no y"), whole_sweep(closure=1)]
    folded, closures = fold_sweeps(results, CLOSURES)
    whole, first, second = folded
    assert whole.lost == (first.test, second.test) == (module_test("alpha.a"), module_test("alpha.c"))
    assert (first.modules, second.modules) == (("alpha.a", "alpha.b"), ("alpha.c",))
    # So they hold in another lock only together.
    assert whole.closure == first.closure == second.closure == len(closures) - 1


def test_what_was_not_tried_or_had_no_outcome_is_in_no_result() -> None:
    results = [
        swept("alpha.a", outcome="not-applicable", closure=0),
        swept("alpha.b", outcome="blocked"),
        swept("alpha.c", outcome="timeout"),
        whole_sweep(closure=0),
    ]
    (whole,), _ = fold_sweeps(results, CLOSURES)
    assert (whole.modules, whole.lost) == ((), ())
    assert whole.closure is None  # what the module that did not end depends on is not known


def test_a_blocked_module_leaves_the_closure_known() -> None:
    (whole,), closures = fold_sweeps([swept("alpha.b", outcome="blocked"), whole_sweep(closure=1)], CLOSURES)
    assert whole.closure is not None
    assert closures[whole.closure] == CLOSURES[1]


def test_a_crash_counts_and_leaves_the_closure_unknown() -> None:
    (whole, crash), _ = fold_sweeps([swept("alpha.a", outcome="crashed"), whole_sweep(closure=0)], CLOSURES)
    assert whole.lost == (crash.test,)
    assert (whole.closure, crash.closure) == (None, None)


def test_what_was_asked_for_by_name_stays_as_it_is() -> None:
    alone = swept("alpha.a", closure=0)
    assert fold_sweeps([alone], CLOSURES) == ((alone,), CLOSURES)
    kept, whole = fold_sweeps([alone, whole_sweep(closure=0)], CLOSURES, [alone.test])[0]
    assert kept == alone
    assert whole.modules == ("alpha.a",)


def test_every_module_that_was_imported_is_green_with_the_release() -> None:
    cell = planned(make_cell({"alpha": "1.3.0"}), {"alpha": "1.3.0"})
    whole = whole_sweep("alpha.a", "alpha.b")
    single = swept("alpha.c")
    broken = failed(module_test("alpha.d"), "alpha", level="import").model_copy(update={"modules": ("alpha.d",)})
    assert green_releases(run_of(cell, whole, single, broken)) == {
        GreenRelease(module_test(module), "alpha", "1.3.0") for module in ("alpha.a", "alpha.b", "alpha.c")
    }
