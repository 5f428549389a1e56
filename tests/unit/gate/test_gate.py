"""Both arms: locked alike, run, confirmed, repeated; with an executor and a resolver that answer from rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.record import StackcompatError, UsageError
from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import TestResult
from stackcompat.gate.gate import run_aa_gate, run_gate
from stackcompat.gate.model import FalseReds, GateReport
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import GatePolicy, Waivers
from stackcompat.pipeline.progress import Silent
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import HeldBack, Resolution
from stackcompat.run.job import Job
from support.fakes import Catalogue, FakeExecutor, FakeResolver, make_runner
from support.made_up import failed, make_lock, passed

NEWEST = {"alpha": "1.1", "alpha-native": "1.1", "beta": "2.0", "gamma": "3.0"}
DAY = "2026-05-01"
WORLD = Catalogue(
    {
        "alpha": {"1.0": "2026-01-01", "1.1": "2026-02-01", "1.2": {"uploaded": "2026-06-01", "requires": ["beta>=2"]}},
        "alpha-native": {"1.0": "2026-01-01", "1.1": "2026-02-01", "1.2": "2026-06-01"},
        "beta": {
            "1.0": {"uploaded": "2026-01-01", "requires": ["alpha"]},
            "2.0": {"uploaded": "2026-02-01", "requires": ["alpha>=1"]},
        },
        "gamma": {"3.0": {"uploaded": "2026-02-01", "requires": ["alpha<1.2"]}},
    }
)
POLICY = GatePolicy.model_validate(
    {
        "title": "P",
        "components": ["alpha", "alpha-native", "beta"],
        "pythons": ["3.12"],
        "rules": [{"rule": "newest", "weight": "required"}],
    }
)
JOINT = "t.py::together"


def green(job: Job, before: int) -> Iterable[TestResult]:
    return (passed(JOINT, "alpha", "beta"),)


def red(job: Job, before: int) -> Iterable[TestResult]:
    bad = job.lock.versions()["alpha"] == "1.2"
    return (failed(JOINT, "alpha", "beta", packages=("beta",)) if bad else passed(JOINT, "alpha", "beta"),)


class Solver:
    """A resolver that knows bounds: it takes the newest that constraints and requests allow, or says what is wrong."""

    def __init__(
        self, versions: dict[str, list[str]], refuse: Callable[[dict[str, str], Cell], str] | None = None
    ) -> None:
        self.asked: list[Cell] = []
        self._versions = versions
        self._refuse = refuse or (lambda _, __: "")

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        """See :class:`stackcompat.resolve.resolver.Resolver`."""
        self.asked.append(cell)
        texts = [*cell.requirements, *cell.constraints]
        names = {parse_requirement(text).name for text in cell.requirements} | {"numbers"}
        chosen = {}
        for name in names:
            bounds = [parse_requirement(text).specifier for text in texts if parse_requirement(text).name == name]
            fit = [v for v in self._versions[name] if all(b.contains(v) for b in bounds)]
            if not fit:
                return self._conflict(f"nothing of {name} fits")
            chosen[name] = fit[-1]
        said = self._refuse(chosen, cell)
        if said:
            return self._conflict(said)
        lock = make_lock({}, cell.python)
        pins = [pin for pin in make_lock({"alpha": "1", "beta": "1", "gamma": "1"}).pins if pin.name in chosen]
        pins = [pin.model_copy(update={"version": chosen[pin.name], "hashes": (chosen[pin.name],)}) for pin in pins]
        return Resolution(outcome="locked", lock=lock.model_copy(update={"pins": tuple(pins)}))

    @staticmethod
    def _conflict(said: str) -> Resolution:
        chain = (said,) if " depends on " in said else ()
        return Resolution(outcome="conflict", conflict=Conflict(kind="bounds", sentence=said, chain=chain))


VERSIONS = {
    "alpha": ["1.0", "1.1", "1.2"],
    "alpha-native": ["1.0", "1.1", "1.2"],
    "beta": ["1.0", "2.0"],
    "gamma": ["3.0"],
    "numbers": ["2.5.4", "2.5.5"],
}


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[Callable[..., tuple[Runner, FakeExecutor, Any]]]:
    opened: list[Runner] = []

    def make(rule: Any = green, resolver: Any = None, workers: int = 1) -> tuple[Runner, FakeExecutor, Any]:
        bench, executor, fake = make_runner(tmp_path, rule, NEWEST, workers=workers, catalog=WORLD)
        bench = replace(bench, resolver=resolver or fake)  # type: ignore[arg-type]
        opened.append(bench)
        return bench, executor, bench.resolver

    yield make
    for bench in opened:
        bench.store.close()


def judge(
    bench: Runner, *given: str, policy: GatePolicy = POLICY, as_of: dt.datetime | None = None, **more: Any
) -> GateReport:
    terms = GateOptions(policy=policy, waivers=Waivers(), pythons=policy.pythons, as_of=as_of)
    return run_gate(given or ("alpha==1.2",), terms, bench, WORLD, Silent(), **more)


def test_both_arms_are_alike_but_for_what_moves(open_bench: Any) -> None:
    bench, executor, resolver = open_bench(resolver=Solver(VERSIONS))
    report = judge(bench)
    assert report.decision == "PASS"
    control, candidate = resolver.asked
    assert control.requirements == ("alpha-native==1.1", "alpha==1.1", "beta")
    assert candidate.requirements == ("alpha-native==1.2", "alpha==1.2", "beta==2.0")
    assert candidate.constraints == ("numbers==2.5.5",)
    old, new = (job.lock.versions() for job in executor.asked)
    assert {name for name in old if old[name] != new[name]} == {"alpha", "alpha-native"}
    assert not any(job.thorough for job in executor.asked)


def test_going_back_to_a_day_admits_what_is_judged(open_bench: Any) -> None:
    bench, _, resolver = open_bench(resolver=Solver(VERSIONS))
    day = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    report = judge(bench, as_of=day)
    control, candidate = resolver.asked
    assert {cell.exclude_newer for cell in resolver.asked} == {day}
    assert candidate.admitted == ("alpha", "alpha-native")
    assert control.admitted == ("alpha", "alpha-native")
    assert report.as_of == day


def test_a_regression_is_confirmed_in_both_arms(open_bench: Any) -> None:
    bench, executor, _ = open_bench(red)
    report = judge(bench)
    assert report.decision == "BLOCK"
    assert report.sentence.startswith("alpha 1.2 breaks beta 2.0: t.py::together fails with")
    runs = [(job.lock.versions()["alpha"], job.tests) for job in executor.asked]
    # The candidate fails twice, and only then the control must pass once more.
    assert runs == [("1.1", ()), ("1.2", ()), ("1.2", (JOINT,)), ("1.1", (JOINT,))]


def test_a_control_that_fails_the_second_time_acquits(open_bench: Any) -> None:
    def wavering(job: Job, before: int) -> Iterable[TestResult]:
        wavers = failed(JOINT, "alpha", "beta")
        if job.lock.versions()["alpha"] == "1.1" and before == 0:
            wavers = passed(JOINT, "alpha", "beta")
        return (wavers, passed("t.py::solid", "alpha"))

    bench, executor, _ = open_bench(wavering)
    report = judge(bench)
    assert report.decision == "NEEDS-REVIEW"
    assert [flaky.test for flaky in report.flaky] == [JOINT]
    # Both arms were repeated until there is a rate.
    assert len(executor.asked) == 2 * POLICY.repeats
    assert (report.flaky[0].failed, report.flaky[0].runs) == (3, 4)


def test_the_control_arm_comes_from_evidence(open_bench: Any) -> None:
    bench, executor, _ = open_bench()
    judge(bench)
    assert len(executor.asked) == 2
    assert judge(bench).decision == "PASS"
    assert len(executor.asked) == 2
    judge(bench, rerun=True)
    assert len(executor.asked) == 4


def test_evidence_that_is_too_old_is_made_again(open_bench: Any) -> None:
    bench, executor, _ = open_bench()
    judge(bench)
    older = POLICY.model_copy(update={"max_age_days": 1e-9})
    report = judge(bench, policy=older)
    assert len(executor.asked) == 4
    # And what is made by the time of the decision is too old again under so odd a policy: never green.
    assert report.decision == "CANNOT-TELL"


def test_a_budget_leaves_cells_out_and_says_so(open_bench: Any) -> None:
    bench, executor, _ = open_bench()
    report = judge(bench, budget=1e-6)
    assert not executor.asked
    assert report.decision == "CANNOT-TELL"
    assert "the time budget" in report.sentence


def test_a_budget_leaves_nothing_out_that_is_known(open_bench: Any) -> None:
    bench, executor, _ = open_bench(red)
    assert judge(bench).decision == "BLOCK"
    before = len(executor.asked)
    assert judge(bench, budget=1e-6).decision == "BLOCK"
    assert len(executor.asked) == before
    # To run it again takes time.
    assert judge(bench, budget=1e-6, rerun=True).decision == "CANNOT-TELL"


def test_a_budget_leaves_out_what_is_known_in_part(open_bench: Any) -> None:
    def full(job: Job, before: int) -> Iterable[TestResult] | str:
        return "disk-full" if job.lock.versions()["alpha"] == "1.2" else green(job, before)

    bench, executor, _ = open_bench(full)
    judge(bench)
    before = len(executor.asked)
    report = judge(bench, budget=1e-6)
    assert "the time budget" in report.sentence
    assert len(executor.asked) == before


def test_a_bound_of_the_candidate_that_others_do_not_meet_blocks(open_bench: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "alpha==1.2 depends on beta>=3" if chosen["alpha"] == "1.2" else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": {"uploaded": "2026-06-01", "requires": ["beta>=3"]}},
            "beta": {"2.0": "2026-01-01"},
        }
    )
    bench, executor, _ = open_bench(resolver=Solver(VERSIONS, refuse))
    terms = GateOptions(policy=POLICY, pythons=("3.12",))
    report = run_gate(("alpha==1.2",), terms, bench, world, Silent())
    assert report.decision == "BLOCK"
    assert report.sentence == "alpha 1.2 needs beta>=3, but beta 2.0 is what comes with alpha 1.1"
    assert report.remedy == "release such a beta first, or widen the bound of alpha"
    assert report.requirements[0].findings[0].chain == ("alpha==1.2 depends on beta>=3",)
    assert not executor.asked


def test_a_bound_that_a_release_meets_already_is_only_to_be_widened(open_bench: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "alpha==1.2 depends on beta==1.0" if chosen["alpha"] == "1.2" else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": {"uploaded": "2026-06-01", "requires": ["beta==1.0"]}},
            "beta": {"1.0": "2026-01-01", "2.0": "2026-01-01"},
        }
    )
    bench, _, _ = open_bench(resolver=Solver(VERSIONS, refuse))
    report = run_gate(("alpha==1.2",), GateOptions(policy=POLICY, pythons=("3.12",)), bench, world, Silent())
    assert report.sentence == "alpha 1.2 needs beta==1.0, but beta 2.0 is what comes with alpha 1.1"
    assert report.remedy == "widen the bound of alpha"


def test_a_bound_of_another_leaves_it_out_and_tries_the_rest(open_bench: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "gamma==3.0 depends on alpha<1.2" if chosen["alpha"] == "1.2" and "gamma" in chosen else ""

    policy = POLICY.model_copy(update={"components": ("alpha", "alpha-native", "beta", "gamma")})
    bench, executor, _ = open_bench(resolver=Solver(VERSIONS, refuse))
    report = judge(bench, policy=policy)
    assert report.decision == "NEEDS-REVIEW"
    assert report.sentence == "gamma 3.0 depends on alpha<1.2, so alpha 1.2 cannot be installed with it yet"
    assert report.remedy == "release a gamma that takes alpha 1.2, before or right after"
    assert [(r.state, r.weight) for r in report.requirements] == [("satisfied", "required"), ("failed", "review")]
    assert all("gamma" not in job.lock.versions() for job in executor.asked)


def test_a_bound_of_what_another_brings_in_leaves_that_one_out(open_bench: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "numbers depends on alpha<1.2" if chosen["alpha"] == "1.2" and "gamma" in chosen else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": "2026-06-01"},
            "beta": {"2.0": "2026-01-01"},
            "gamma": {"3.0": {"uploaded": "2026-01-01", "requires": ["numbers", "alpha"]}},
            "numbers": {"2.5.5": {"uploaded": "2026-01-01", "requires": ["alpha<1.2"]}},
        }
    )
    policy = POLICY.model_copy(update={"components": ("alpha", "beta", "gamma")})
    bench, executor, _ = open_bench(resolver=Solver(VERSIONS, refuse))
    report = run_gate(("alpha==1.2",), GateOptions(policy=policy, pythons=("3.12",)), bench, world, Silent())
    assert report.decision == "NEEDS-REVIEW"
    assert report.sentence == "numbers 2.5.5 depends on alpha<1.2, so alpha 1.2 cannot be installed with it yet"
    assert report.requirements[1].what.endswith("together with gamma")
    assert [(told.what, told.why) for told in report.not_tested] == [
        ("gamma 3.0", "left out, since numbers 2.5.5 depends on alpha<1.2")
    ]
    assert {name for job in executor.asked for name in job.lock.versions()} == {"alpha", "beta", "numbers"}


def test_what_somebody_else_brings_in_may_exclude_the_candidate(open_bench: Any) -> None:
    refuse = lambda chosen, _: "numbers is in the way" if chosen["alpha"] == "1.2" else ""  # noqa: E731
    bench, _, _ = open_bench(resolver=Solver(VERSIONS, refuse))
    report = judge(bench)
    assert report.decision == "BLOCK"
    assert report.sentence == ("alpha 1.2 has no solution with what alpha 1.1 has one with: numbers is in the way")


def test_a_candidate_that_needs_another_transitive_version_moves_the_control_too(open_bench: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "numbers must be older" if chosen["alpha"] == "1.2" and chosen["numbers"] == "2.5.5" else ""

    class Downgrading(Solver):
        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            free = cell.model_copy(update={"constraints": (*cell.constraints, "numbers<2.5.5")})
            found = super().resolve(cell, catalog)
            return found if found.lock or cell.constraints else super().resolve(free, catalog)

    bench, executor, _ = open_bench(resolver=Downgrading(VERSIONS, refuse))
    report = judge(bench)
    assert report.decision == "PASS"
    assert not report.requirements[0].differs
    assert [job.lock.versions()["numbers"] for job in executor.asked] == ["2.5.4", "2.5.4"]


def test_a_candidate_that_needs_what_the_old_release_refuses_leaves_a_difference(open_bench: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        new = chosen["alpha"] == "1.2"
        return "" if new == (chosen["numbers"] == "2.5.5") else "numbers does not fit"

    class Moving(Solver):
        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            found = super().resolve(cell, catalog)
            older = cell.model_copy(update={"constraints": ("numbers<2.5.5",)})
            return found if found.lock or cell.constraints else super().resolve(older, catalog)

    bench, _, _ = open_bench(resolver=Moving(VERSIONS, refuse))
    report = judge(bench)
    assert report.requirements[0].differs == ("numbers 2.5.4 → 2.5.5",)


def test_a_python_that_the_candidate_dropped_is_told(open_bench: Any) -> None:
    conflict = Conflict(kind="python", sentence="alpha==1.2 requires Python >=3.13, and this cell has Python 3.12")
    resolver = FakeResolver(
        NEWEST, {"alpha 1.2 with the newest others (candidate)": Resolution(outcome="conflict", conflict=conflict)}
    )
    bench, _, _ = open_bench(resolver=resolver)
    report = judge(bench)
    assert report.decision == "CANNOT-TELL"
    assert [told.why for told in report.not_tested] == [conflict.sentence]


class WithoutPython(Solver):
    """A solver to which the candidate has no solution on Python 3.13."""

    def __init__(self, kind: Any, sentence: str) -> None:
        super().__init__(VERSIONS)
        self._conflicting = Conflict(kind=kind, sentence=sentence, chain=("alpha==1.2 is requested",))

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        if cell.python == "3.13" and "alpha==1.2" in cell.requirements:
            return Resolution(outcome="conflict", conflict=self._conflicting)
        return super().resolve(cell, catalog)


@pytest.mark.parametrize(
    ("kind", "sentence", "decision", "remedy"),
    [
        (
            "no-wheel-for-python",
            "alpha==1.2 has no wheel for Python 3.13",
            "BLOCK",
            "upload that wheel first, or exclude Python 3.13 in requires-python",
        ),
        (
            "python",
            "numbers==9 requires Python <3.13, and this cell has Python 3.13",
            "BLOCK",
            "have alpha bring in what supports Python 3.13, or exclude it in requires-python",
        ),
        (
            "python",
            "alpha==1.2 requires Python <3.13, and this cell has Python 3.13",
            "NEEDS-REVIEW",
            "see that nobody needs alpha on Python 3.13 any more, or go on supporting it",
        ),
    ],
)
def test_a_python_that_the_control_has_and_the_candidate_lacks_is_a_finding(
    open_bench: Any, kind: str, sentence: str, decision: str, remedy: str
) -> None:
    bench, executor, _ = open_bench(resolver=WithoutPython(kind, sentence))
    report = judge(bench, policy=POLICY.model_copy(update={"pythons": ("3.13", "3.12")}))
    assert (report.decision, report.remedy) == (decision, remedy)
    assert report.sentence == f"alpha 1.2 has no solution on Python 3.13, alpha 1.1 has one: {sentence}"
    assert {job.lock.python for job in executor.asked} == {"3.12"}
    assert [r.state for r in report.requirements if r.python == "3.12"] == ["satisfied"]


def test_a_set_without_a_solution_before_is_no_finding(open_bench: Any) -> None:
    conflict = Conflict(kind="bounds", sentence="beta depends on alpha<1")
    others = {"alpha 1.2 with the newest others (control)": Resolution(outcome="conflict", conflict=conflict)}
    bench, _, _ = open_bench(resolver=FakeResolver(NEWEST, others))
    report = judge(bench)
    assert report.decision == "CANNOT-TELL"
    assert "it has no solution without the candidate either: beta depends on alpha<1" in report.sentence


def test_who_is_held_back_is_told(open_bench: Any) -> None:
    class Holding(FakeResolver):
        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            found = super().resolve(cell, catalog)
            held = HeldBack(name="beta", newest="3.0", got="2.0", by="gamma", bound="gamma depends on beta<3")
            return found.model_copy(update={"held_back": (held,) if cell.newest else ()})

    bench, _, _ = open_bench(resolver=Holding(NEWEST))
    report = judge(bench)
    (told,) = report.not_tested
    assert (told.what, told.why) == (
        "beta 3.0 on Python 3.12",
        "2.0 is in its place, held back by gamma (gamma depends on beta<3)",
    )


def test_a_missing_python_cannot_tell(open_bench: Any) -> None:
    policy = POLICY.model_copy(update={"pythons": ("3.12", "3.99")})
    resolution = Resolution(outcome="interpreter-missing", detail="Python 3.99 was not found")

    class Partial(FakeResolver):
        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            return resolution if cell.python == "3.99" else super().resolve(cell, catalog)

    bench, _, _ = open_bench(resolver=Partial(NEWEST))
    report = judge(bench, policy=policy)
    assert report.decision == "CANNOT-TELL"
    assert "Python 3.99 was not found" in report.sentence
    assert {r.state for r in report.requirements} == {"satisfied", "undecided"}


def test_no_python_at_all(open_bench: Any) -> None:
    bench, _, _ = open_bench()
    policy = POLICY.model_copy(update={"pythons": ("3.99",)})
    with pytest.raises(StackcompatError, match="none of the Pythons that the policy wants"):
        judge(bench, policy=policy)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("alpha==9",), '"alpha==9": the index has no such release; its newest are 1.2, 1.1, 1.0'),
        (("other==1",), '"other==1": the index has no such release; its newest are none'),
        (("alpha==1.2", "alpha==1.1"), '"alpha" is given twice'),
        (("alpha==1.0",), "the index has no release of alpha older than 1.0"),
        (("no/such.whl",), '"no/such.whl": there is no such file or folder'),
    ],
)
def test_a_mistake_in_a_candidate(open_bench: Any, given: tuple[str, ...], sentence: str) -> None:
    bench, executor, _ = open_bench()
    with pytest.raises(UsageError, match=sentence):
        judge(bench, *given)
    assert not executor.asked


def test_a_candidate_must_be_a_component(open_bench: Any) -> None:
    bench, _, _ = open_bench()
    world = Catalogue({"stranger": {"1.0": "2026-01-01", "1.1": "2026-02-01"}})
    with pytest.raises(UsageError, match='"stranger" is no component; allowed are alpha, '):
        run_gate(("stranger==1.1",), GateOptions(policy=POLICY, pythons=("3.12",)), bench, world, Silent())


def test_alike_runs_count_false_reds(open_bench: Any) -> None:
    def unlucky(job: Job, before: int) -> Iterable[TestResult]:
        return (failed(JOINT, "alpha", "beta"),) if before > 0 else green(job, before)

    terms = GateOptions(policy=POLICY, pythons=("3.12",))
    bench, executor, _ = open_bench()
    report = run_aa_gate(terms, bench, WORLD, Silent())
    assert report.decision == "PASS"
    assert report.alike == FalseReds(different=0, compared=1, rate=0)
    assert len({job.lock.id for job in executor.asked}) == 1
    assert len(executor.asked) == 2  # the second time does not come from evidence
    bench, _, _ = open_bench(unlucky)
    report = run_aa_gate(terms, bench, WORLD, Silent())
    assert report.decision == "BLOCK"
    assert report.alike == FalseReds(different=1, compared=1, rate=1)


def test_alike_needs_a_release(open_bench: Any) -> None:
    bench, _, _ = open_bench()
    with pytest.raises(UsageError, match="--aa: the index has no release of alpha"):
        run_aa_gate(GateOptions(policy=POLICY, pythons=("3.12",)), bench, Catalogue({}), Silent())


def test_two_cells_at_once_share_the_workers(open_bench: Any) -> None:
    policy = POLICY.model_copy(update={"pythons": ("3.12", "3.13")})
    bench, executor, _ = open_bench(workers=4)
    assert judge(bench, policy=policy).decision == "PASS"
    assert len(executor.asked) == 4
