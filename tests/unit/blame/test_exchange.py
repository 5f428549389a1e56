"""Searches on either side of a crossing: resolver and executor answer from rules, all between them is real."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.exchange import blame_crossing, blame_crossings, follow
from stackcompat.core.record import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.pipeline.exchange import artifact_store
from stackcompat.pipeline.progress import Silent
from stackcompat.run.job import Job
from stackcompat.verdict.exchange import ArtifactVerdict, CrossingVerdict
from support.blame_world import Rule
from support.crossing_world import Crossed, CrossingWorld, Shelf, edges_of
from support.made_up import failed, make_cell, planned

SIZES = {"alpha": 8, "beta": 6, "gamma": 5}
OLD, NEW = {"alpha": 1, "beta": 1, "gamma": 0}, {"alpha": 6, "beta": 4, "gamma": 4}
#: From alpha 4 on a format is written that alpha until 2 does not read with beta until 2.
WRITES, READS = Rule({"alpha": (4, 7)}), Rule({"alpha": (0, 2), "beta": (0, 2)}, named=("beta", "alpha"))

Make = Callable[..., CrossingWorld]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made = []

    def world(rule: Crossed | None = None, universe: Shelf | None = None) -> CrossingWorld:
        made.append(CrossingWorld(tmp_path, universe or Shelf(SIZES), rule or Crossed(WRITES, READS)))
        return made[-1]

    yield world
    for one in made:
        one.bench.store.close()


def names(found: Diagnosis) -> dict[str, str]:
    return {culprit.name: culprit.version for culprit in found.culprits}


def test_both_sides_have_their_own_culprits_and_edges(make: Make) -> None:
    world = make()
    found = world.blame(world.cell(NEW), world.cell(OLD))
    assert names(found["writer"]) == {"alpha": "6"}
    assert names(found["reader"]) == {"alpha": "1", "beta": "1"}
    for side, rule in (("writer", WRITES), ("reader", READS)):
        assert all(edges_of(one, rule, SIZES[one.name]) for one in found[side].culprits)  # type: ignore[index]
    assert {told.failing.test for told in found.values()} == {"read"}
    assert {told.probes > 0 for told in found.values()} == {True}


def test_the_side_that_is_held_is_what_it_was_and_probes_are_evidence(make: Make) -> None:
    world = make()
    writer, reader = world.cell(NEW), world.cell(OLD)
    first = world.blame(writer, reader)
    asked = [(job.exchange.mode, job.lock.versions()) for job in world.executor.asked if job.exchange]
    old, new = ({name: str(number) for name, number in versions.items()} for versions in (OLD, NEW))
    # The reader's side is searched first, and what was written for the baseline serves all of it.
    until = next(number for number, (mode, _) in enumerate(asked) if mode == "write")
    assert {versions == old for mode, versions in asked[:until]} == {False}
    assert all(versions == old for mode, versions in asked[until:] if mode == "read")
    assert all(versions != new for mode, versions in asked if mode == "write")
    assert {job.exchange.artifacts for job in world.executor.asked if job.exchange} == {("box",)}
    assert first["reader"].evidence
    again = world.blame(writer, reader)
    assert {side: told.model_copy(update={"made": first[side].made}) for side, told in again.items()} == first
    assert world.executor.asked == []


def test_each_side_keeps_its_python(make: Make) -> None:
    """Where they differ, what the other side has is not known to do on this side's: it is tried."""
    world = make()
    found = world.blame(world.cell(NEW, "3.13"), world.cell(OLD, "3.12"))
    assert names(found["writer"]) == {"alpha": "6"}
    assert names(found["reader"]) == {"alpha": "1", "beta": "1"}
    pythons = {(job.exchange.mode, job.lock.python) for job in world.executor.asked if job.exchange}
    assert pythons == {("write", "3.13"), ("read", "3.12")}


def test_on_another_python_what_the_other_side_has_is_tried(make: Make) -> None:
    """Nothing else passes: newer releases read no better, and older ones never did."""
    world = make()

    def only_the_same(job: Job, before: int) -> Iterable[TestResult]:
        only = job.lock.versions()["alpha"] == "6"
        return Crossed(WRITES, Rule({"alpha": (-1, -1)} if only else {}))(job, before)

    world.executor._rule = only_the_same
    found = world.blame(world.cell(NEW, "3.13"), world.cell(OLD, "3.12"))["reader"]
    assert [(one.name, one.last_good, one.fixed_in) for one in found.culprits] == [("alpha", None, "6")]


def test_neither_side_takes_what_is_the_others_to_ask(make: Make) -> None:
    world = make()
    found = world.blame(world.cell(NEW), world.cell(OLD), budget=9)
    assert found["reader"].probes == 5
    assert 0 < found["writer"].probes <= 4


def test_a_python_that_is_to_blame_is_no_culprit_but_a_doubt(make: Make) -> None:
    """Whatever is installed, the one Python does not read what the other wrote."""
    world = make()

    def of_python(job: Job, before: int) -> Iterable[TestResult]:
        rule = Crossed(Rule({}), Rule({} if job.lock.python == "3.12" else {"alpha": (-1, -1)}))
        if job.exchange is not None and job.exchange.mode == "read" and job.lock.python == "3.12":
            own = artifact_store(job.exchange.store.name, world.bench) / "python"
            rule = Crossed(Rule({} if own.read_text() == "3.13" else {"alpha": (-1, -1)}), Rule({}))
        found = list(rule(job, before))
        if job.exchange is not None and job.exchange.mode == "write":
            (job.exchange.store / "python").write_text(job.lock.python)
        return found

    world.executor._rule = of_python
    found = world.blame(world.cell(NEW, "3.13"), world.cell(NEW, "3.12"))
    assert [told.culprits for told in found.values()] == [(), ()]
    assert {told.doubt for told in found.values()} == {"no set of versions was found with which it passes"}


def test_other_values_than_were_written_have_culprits_too(make: Make) -> None:
    world = make(Crossed(WRITES, READS, changed=True))
    verdict, _ = world.cross(world.cell(NEW), world.cell(OLD))
    assert verdict.verdict == "changed"
    found = world.blame(world.cell(NEW), world.cell(OLD))
    assert names(found["writer"]) == {"alpha": "6"}
    assert names(found["reader"]) == {"alpha": "1", "beta": "1"}


def test_who_does_not_write_is_another_failure(make: Make) -> None:
    world = make(Crossed(WRITES, READS, unwritable=Rule({"alpha": (2, 3)}, message="cannot write")))
    (culprit,) = world.blame(world.cell(NEW), world.cell(OLD))["writer"].culprits
    assert (culprit.name, culprit.last_good, culprit.first_bad, culprit.unjudged) == ("alpha", "1", "4", ("2", "3"))
    found = world.blame(world.cell(NEW), world.cell(OLD))["writer"]
    assert [finding.signature for finding in found.findings] == ["AssertionError: cannot write [test]"]


def test_a_writer_that_fails_now_accuses_nobody_of_the_readers(make: Make) -> None:
    """It wrote before: that it does not write again is the machine's doing."""
    world = make()
    verdict, _ = world.cross(world.cell(NEW), world.cell(OLD))
    shutil.rmtree(world.bench.cache.root / "artifacts")
    world.executor._rule = Crossed(WRITES, READS, unwritable=Rule({"alpha": (6, 6)}))
    found = blame_crossing(verdict, follow(verdict), world.bench, world.universe, Silent(), budget=20)["reader"]
    assert found.infra
    assert found.doubt
    assert not found.culprits


def test_the_nearest_set_that_is_known_to_pass_is_the_contrast(make: Make) -> None:
    """Another reader of the same square, of which nothing has to be asked again."""
    world = make()
    near = world.cell(OLD | {"alpha": 3})
    found = world.blame(world.cell(NEW), world.cell(OLD), near)["reader"]
    alone = world.blame(world.cell(NEW), world.cell(OLD))["reader"]
    assert found.culprits == alone.culprits
    assert found.probes < alone.probes


def test_however_far_what_is_known_to_pass_is_not_asked_for(make: Make) -> None:
    sizes = {"alpha": 8, **dict.fromkeys("bcdefg", 3)}
    world = make(Crossed(WRITES, Rule({"alpha": (0, 2)})), Shelf(sizes))
    old, new = ({"alpha": alpha, **dict.fromkeys("bcdefg", other)} for alpha, other in ((1, 0), (6, 1)))
    world.blame(world.cell(new), world.cell(old))
    assert all("==" in requirement for requirement in world.resolver.asked[0].requirements)


def test_the_readers_calls_are_not_the_writers(make: Make) -> None:
    class Declared(Shelf):
        def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
            return (Requirement("alpha"),) if name == "beta" else ()

    world = make(Crossed(WRITES, Rule({"alpha": (0, 2)}, named=("beta", "alpha"))), Declared(SIZES))
    found = world.blame(world.cell(NEW), world.cell(OLD))
    assert names(found["reader"]) == {"alpha": "1", "beta": "1"}  # beta called it
    assert names(found["writer"]) == {"alpha": "6"}


def test_several_failures_are_searched_as_the_time_allows(make: Make) -> None:
    world = make()
    verdict, plan = world.cross(world.cell(NEW), world.cell(OLD))
    asked = [(verdict, follow(verdict))]
    arguments = (asked, world.bench, world.universe, Silent())
    assert not list(blame_crossings(*arguments, plans=[plan], seconds=-1))
    ((one, found),) = blame_crossings(*arguments, plans=[plan])
    assert (one, names(found["writer"])) == (asked[0], {"alpha": "6"})


CELLS = [planned(make_cell(versions), versions) for versions in ({"alpha": "1.0.0"}, {"alpha": "1.3.0"})]


def red(artifact: str, message: str) -> TestResult:
    return failed(f"test_{artifact}", "alpha", message=message).model_copy(update={"artifact": artifact})


def crossing(**artifacts: tuple[str, tuple[TestResult, ...]]) -> CrossingVerdict:
    return CrossingVerdict(
        writer=CELLS[0],
        reader=CELLS[1],
        verdict="broken",
        level="exchange",
        sentence="said",
        artifacts=tuple(
            ArtifactVerdict.model_validate({"artifact": name, "verdict": word, "sentence": "", "failures": failures})
            for name, (word, failures) in artifacts.items()
        ),
    )


MIXED = crossing(
    tin=("changed", (red("tin", "other values"),)),
    box=("broken", (red("box", "no lid"),)),
    crate=("broken", (red("crate", "no nails"),)),
    sack=("broken", (red("sack", "no nails"),)),
    jar=("works", ()),
    cup=("untested", (red("cup", "cannot be written"),)),
)


@pytest.mark.parametrize(
    ("about", "artifact"),
    [("", "crate"), ("tin", "tin"), ("box", "box"), ("no lid", "box"), ("test_sack", "sack"), ("nails", "crate")],
)
def test_what_is_broken_and_most_frequent_is_followed_unless_told(about: str, artifact: str) -> None:
    assert follow(MIXED, about).artifact == artifact


def test_what_is_not_there_cannot_be_followed() -> None:
    with pytest.raises(UsageError, match=r'no failure has "cup" in it; the artifacts .* are box, crate, sack, tin'):
        follow(MIXED, "cup")
    with pytest.raises(UsageError, match=r"the crossing \w+\+\w+ is broken; allowed are broken and changed"):
        follow(crossing(cup=("untested", (red("cup", "x"),))))


def test_plans_whose_sides_have_no_lock_are_passed_over(make: Make) -> None:
    world = make(universe=Shelf(SIZES, holes=frozenset({("gamma", 2)})))
    found = world.blame(world.cell(NEW), world.cell(OLD), world.cell(OLD | {"gamma": 2}))
    assert names(found["writer"]) == {"alpha": "6"}
