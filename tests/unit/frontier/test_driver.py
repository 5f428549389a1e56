"""Two made-up components surveyed: what metadata says, which cells are asked, what their answers mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.record import UsageError
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.evidence.results import TestResult
from stackcompat.frontier.answers import PairQuestion
from stackcompat.frontier.driver import Survey
from stackcompat.frontier.static.usage import ModuleNames, NameTable, Take
from stackcompat.pipeline.progress import Silent
from stackcompat.pipeline.runner import Runner
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from support.fakes import Catalogue, FakeExecutor, Rule, make_runner
from support.made_up import COMPONENTS, blocked, failed, passed, starved
from support.world import day

WORLD = Catalogue(
    {
        "alpha": {
            "1.0": "2025-01-10",
            "1.1": {"uploaded": "2025-03-10", "requires": ["alpha-native==1.1"]},
            "1.2": {"uploaded": "2025-05-10", "python": ">=3.13"},
            "1.3rc1": "2025-06-01",
            "1.3": {"uploaded": "2025-06-10", "yanked": True},
            "1.4": "2025-07-10",
        },
        "alpha-native": {"1.0": "2025-01-12", "1.1": "2025-03-10", "1.4": "2025-07-09"},
        "beta": {
            "1.0": {"uploaded": "2025-02-10", "requires": ["alpha", "delta-checkpoint"]},
            "2.0": {"uploaded": "2025-04-10", "requires": ["alpha>=1.1", 'alpha<1; extra == "old"']},
        },
        "delta-checkpoint": {"1.0": "2025-01-10"},
        "plain": {"1.0": {"uploaded": "2025-01-10", "requires": ["beta<2"]}},
        # A package whose releases each bring the engine of their own, which has the bounds.
        "shell": {
            "1.0": {"uploaded": "2025-03-20", "requires": ["engine==1.0"]},
            "2.0": {"uploaded": "2025-07-20", "requires": ["engine[full]==2.0"]},
            "3.0": {"uploaded": "2025-08-20", "requires": ["engine>=2"]},
        },
        "engine": {
            "1.0": {"uploaded": "2025-03-20", "requires": ["alpha==1.0", "shell"]},
            "2.0": {"uploaded": "2025-07-20", "requires": ["alpha>=1.1", "alpha-native", 'alpha<1.4; extra == "full"']},
        },
    }
)
IMPORTS = (passed("import[alpha]", "alpha", level="import"), passed("import[beta]", "beta", level="import"))


def survey(first: str = "beta", second: str = "alpha", **more: Any) -> Survey:
    return Survey((first, second), COMPONENTS, WORLD, **{"python": "3.12", **more})


def bench_of(folder: Path, rule: Rule, others: dict[str, Resolution] | None = None) -> tuple[Runner, FakeExecutor]:
    bench, executor, _ = make_runner(folder, rule, {}, others, catalog=WORLD)
    return bench, executor


def test_what_metadata_forbids_needs_no_run() -> None:
    space = survey().space
    assert space.first.versions == ("1.0", "2.0")
    assert space.second.versions == ("1.0", "1.1", "1.2", "1.4")
    assert space.forbidden == {
        (0, 2): "alpha 1.2 does not support Python 3.12 (it requires >=3.13)",
        (1, 0): "beta 2.0 depends on alpha>=1.1",
        (1, 2): "alpha 1.2 does not support Python 3.12 (it requires >=3.13)",
    }
    assert survey("beta", "plain").space.forbidden == {(1, 0): "plain 1.0 depends on beta<2"}


def test_what_a_release_requires_in_one_version_alone_brings_its_bounds() -> None:
    found = survey("shell").space
    told = "shell 2.0 depends on exactly engine 2.0, which depends on alpha<1.4,>=1.1"
    assert found.rows() == {0: [0], 1: [1], 2: [0, 1, 3]}
    assert {found.forbidden[1, 0], found.forbidden[1, 3]} == {told}
    assert survey("alpha", "shell").space.forbidden[0, 1] == told


def test_a_span_of_time_chooses_releases() -> None:
    space = survey(since=day("2025-03-01"), until=day("2025-05-20")).space
    assert (space.first.versions, space.second.versions) == (("2.0",), ("1.1", "1.2"))


@pytest.mark.parametrize(
    ("names", "more", "said"),
    [
        (("beta", "absent"), {}, 'SECOND: the index has no "absent"'),
        (("no name", "alpha"), {}, 'FIRST: "no name" is neither a component nor the plain name of a distribution'),
        (("beta>=1", "alpha"), {}, 'FIRST: "beta>=1" is neither'),
        (("alpha", "alpha"), {}, "SECOND: alpha has the same distribution as alpha"),
        (("theta", "alpha"), {}, "FIRST: theta is published: git only"),
        (("beta", "alpha"), {"since": day("2026-01-01")}, "--since: beta has no final release since 2026-01-01"),
    ],
)
def test_mistakes_are_named(names: tuple[str, str], more: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        survey(*names, **more)
    assert said in str(caught.value)


def test_a_component_may_be_named_by_its_distribution() -> None:
    assert survey("delta-checkpoint").space.first.name == "delta"
    assert survey("plain").space.first.name == "plain"


def test_partners_are_of_the_day_of_the_later_release() -> None:
    cell = survey().cell((1, 1))
    assert cell.requirements == ("alpha==1.1", "beta==2.0")
    assert cell.exclude_newer == dt.datetime(2025, 4, 10, 23, 59, 59, tzinfo=dt.UTC)
    assert survey().cell((1, 1), today=True).exclude_newer is None


def installed_by(*install: str) -> Survey:
    """Beta beside alpha, where beta's documentation installs it so."""
    rows = [row.model_copy(update={"install": install}) if row.name == "beta" else row for row in COMPONENTS.components]
    components = COMPONENTS.model_copy(update={"components": tuple(rows)})
    return Survey(("beta", "alpha"), components, WORLD, python="3.12")


def test_what_the_documentation_installs_beside_a_side_is_there() -> None:
    asked = installed_by("beta[extra]", "plain>=1")
    assert asked.cell((1, 1)).requirements == ("alpha==1.1", "beta[extra]==2.0", "plain>=1")
    assert asked.space.forbidden == survey().space.forbidden


def test_bounds_of_the_extras_with_which_it_is_installed_count() -> None:
    forbidden = installed_by("beta[old]").space.forbidden
    assert {(1, column) for column in range(4)} <= forbidden.keys()
    assert (1, 1) not in survey().space.forbidden


def test_what_moves_with_a_release_is_pinned_alike_where_nobody_else_brings_it() -> None:
    cell = survey().cell((0, 0))
    assert cell.requirements == ("alpha-native==1.0", "alpha==1.0", "beta==1.0")
    assert survey(since=day("2025-01-01")).cell((0, 1)).requirements == ("alpha==1.1", "beta==1.0")
    late = survey("plain").cell((0, 0))
    assert late.exclude_newer == dt.datetime(2025, 1, 12, 23, 59, 59, tzinfo=dt.UTC)


def test_red_is_confirmed_and_what_is_known_is_not_run_again(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Iterable[TestResult]:
        message = "cannot import name 'thing' from 'alpha.core'"
        red = failed("import[beta]", "beta", level="import", type="ImportError", message=message, packages=("beta",))
        return IMPORTS if job.lock.versions()["alpha"] == "1.0" else (IMPORTS[0], red)

    bench, executor = bench_of(tmp_path, rule)
    questions = [PairQuestion((0, 0), "import"), PairQuestion((0, 1), "import")]
    green, red = survey().ask(questions, bench, Silent())
    assert (green.verdict, green.level, green.runs, green.reused) == ("works", "import", 1, 0)
    assert (red.verdict, red.level, red.runs, red.reused) == ("broken", "import", 2, 0)
    assert "cannot import name 'thing'" in red.sentence
    assert len(red.evidence) == 2
    again = survey().ask(questions, bench, Silent())
    assert [(answer.runs, answer.reused) for answer in again] == [(0, 1), (0, 2)]
    assert len(executor.asked) == 3
    assert all(job.level == "import" for job in executor.asked)
    bench.store.close()


def with_delta(bench: Runner) -> None:
    """Every cell asks for delta, too: version 1, or 2 among the partners of today."""
    resolver: Any = bench.resolver
    plain = resolver.resolve

    def resolve(cell: Any, catalog: Any = None) -> Resolution:
        free = cell.exclude_newer is None
        wider = cell.model_copy(update={"requirements": (*cell.requirements, f"delta-checkpoint=={2 if free else 1}")})
        resolution: Resolution = plain(wider, catalog)
        return resolution

    resolver.resolve = resolve


@pytest.mark.parametrize(
    ("tests", "verdict"),
    [
        ((passed("fits", "alpha", "beta"),), "works"),
        ((passed("fits", "alpha", "beta", "delta-checkpoint"),), "works"),
        ((passed("fits", "alpha"), passed("nets", "beta")), "untested"),
        ((passed("fits", "alpha", "beta"), blocked("saves", "alpha", "beta", "delta-checkpoint")), "untested"),
        ((passed("starts", "alpha", "beta", level="run"),), "untested"),
    ],
)
def test_where_only_others_fail_the_tests_of_both_tell(
    tests: tuple[TestResult, ...], verdict: str, tmp_path: Path
) -> None:
    red = failed("saves[delta]", "alpha", "delta-checkpoint", packages=("delta-checkpoint",))
    bench, _ = bench_of(tmp_path, lambda *_: (*IMPORTS, *tests, red))
    with_delta(bench)
    (answer,) = survey().ask([PairQuestion((0, 0), "interop")], bench, Silent())
    assert (answer.verdict, answer.level) == (verdict, "interop")
    assert answer.sentence.startswith("1 of their tests passed" if verdict == "works" else "hidden by a failure of")
    bench.store.close()


def test_a_failure_of_others_tells_nothing_and_may_be_asked_with_partners_of_today(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Iterable[TestResult]:
        message = "module 'alpha' has no attribute 'thing'"
        return (
            *IMPORTS,
            failed(
                "import[delta]",
                "delta-checkpoint",
                level="import",
                type="AttributeError",
                message=message,
                packages=("delta-checkpoint",),
            ),
        )

    bench, executor = bench_of(tmp_path, rule)
    with_delta(bench)
    questions = [PairQuestion((0, 0), "import"), PairQuestion((0, 0), "import", again=True)]
    for question in questions:
        (answer,) = survey().ask([question], bench, Silent())
        assert answer.verdict == "untested"
        assert answer.sentence.startswith("hidden by a failure of delta: ")
        assert answer.runs == 2
    assert len({job.lock.id for job in executor.asked}) == 2
    bench.store.close()


def test_a_run_without_a_test_of_both_is_no_pass(tmp_path: Path) -> None:
    bench, _ = bench_of(tmp_path, lambda *_: IMPORTS[:1])
    (answer,) = survey().ask([PairQuestion((0, 0), "import")], bench, Silent())
    assert (answer.verdict, answer.sentence) == ("untested", "no test of beta applies")
    bench.store.close()


def test_faults_stay_faults(tmp_path: Path) -> None:
    bench, _ = bench_of(tmp_path, lambda *_: (*IMPORTS, starved("slow", "alpha", "beta")))
    (answer,) = survey().ask([PairQuestion((0, 0), "interop")], bench, Silent())
    assert answer.verdict == "infra-error"
    bench.store.close()


def test_what_does_not_resolve_takes_no_run(tmp_path: Path) -> None:
    conflict = Conflict(kind="bounds", sentence="delta 1 depends on alpha>2")
    others = {"beta 1.0, alpha 1.0": Resolution(outcome="conflict", conflict=conflict)}
    bench, executor = bench_of(tmp_path, lambda *_: IMPORTS, others)
    (answer,) = survey().ask([PairQuestion((0, 0), "import")], bench, Silent())
    assert (answer.verdict, answer.runs) == ("unresolvable", 0)
    assert answer.sentence == "delta 1 depends on alpha>2"
    assert not executor.asked
    bench.store.close()


def test_the_forecast_compares_the_side_that_needs_with_each_release_of_the_other() -> None:
    taken = {"1.0": "alpha.thing", "2.0": "alpha.other"}
    read = []

    def names_of(name: str, version: str) -> NameTable:
        read.append((name, version))
        if (name, version) == ("alpha", "1.4"):
            raise IndexUnreachable("not now")
        if name == "alpha":
            return NameTable({"alpha": ModuleNames(offers={"thing": ""} if version == "1.0" else {})})
        late = Take(name="alpha.late", line=9, late=True)
        return NameTable(
            {"beta": ModuleNames(takes=(Take(name=taken[version], line=3), late)), "beta.nets": ModuleNames()}
        )

    foreseen = survey().forecast(names_of, Silent())
    assert len(read) == 6
    assert foreseen.names(["import"]) == {
        "import": {(0, 0): frozenset(), (0, 1): {"alpha.thing"}, (1, 1): {"alpha.other"}}
    }
    assert foreseen.names(["interop"])["interop"][0, 1] == {"alpha.thing", "alpha.late"}
    assert str(foreseen.at("import")[0, 1][0]) == "beta:3 takes alpha.thing, which is not there"


@pytest.mark.parametrize("together", [True, False])
def test_a_failure_of_one_side_alone_is_no_failure_of_the_two(tmp_path: Path, together: bool) -> None:
    """What beta could not import is not there at all, or else is alpha's: the one is of beta, the other of both."""

    def rule(job: Job, before: int) -> Iterable[TestResult]:
        absent = "alpha.thing" if together else "zeta"
        return (
            IMPORTS[0],
            failed(
                "import[beta]",
                "beta",
                level="import",
                type="ModuleNotFoundError",
                message=f"No module named '{absent}'",
                packages=("beta",),
            ),
        )

    bench, _ = bench_of(tmp_path, rule)
    (answer,) = survey().ask([PairQuestion((0, 0), "import")], bench, Silent())
    assert answer.verdict == "broken"
    assert (answer.alone, answer.doubt) == (("", "") if together else ("beta", "it points at beta and nobody else"))
    bench.store.close()
