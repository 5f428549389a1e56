"""Known cases against verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.core.errors import UsageError
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.known_cases import KnownCase, load_cases
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from stackcompat.validation.calibration import (
    Calibration,
    calibrate,
    calibrate_crossings,
    compare_verdict,
    healthy_neighbours,
)
from stackcompat.verdict.verdict import CellVerdict, judge
from support.fakes import Catalogue, make_exchange_runner, make_runner
from support.made_up import COMPONENTS, NEWEST, NOW, failed, make_cell, passed, planned, run_of, unresolved

CELL = planned(make_cell(NEWEST), NEWEST)
RED = failed("t", "alpha", level="import", type="AttributeError", message="no attribute 'Box'")


def case(**fields: Any) -> KnownCase:
    known = {"id": "x", "python": "3.12", "requirements": ("alpha==1.0.0",), "verdict": "broken", "level": "import"}
    return KnownCase.model_validate(known | fields)


def broken() -> CellVerdict:
    return judge(CELL, (run_of(CELL, RED), run_of(CELL, RED, attempt=1)), COMPONENTS)


def diagnosis(result: SearchResult) -> Diagnosis:
    return Diagnosis.of(broken(), RED, result, NOW)


def works() -> CellVerdict:
    return judge(CELL, (run_of(CELL, passed("t", *CELL.cell.roots())),), COMPONENTS)


def limited() -> CellVerdict:
    boxes = RED.model_copy(update={"test": "boxes", "feature": "boxes"})
    return judge(CELL, tuple(run_of(CELL, passed("t", "alpha"), boxes, attempt=n) for n in range(2)), COMPONENTS)


def conflict() -> CellVerdict:
    return judge(unresolved(make_cell(NEWEST), "beta depends on alpha<1"), (), COMPONENTS)


def test_an_environment_that_is_known_to_be_invalid_is_told() -> None:
    sentence = "invalid at install on Python 3.12: alpha 1.0 and beta 1.0 write over each other's files"
    seen = broken().model_copy(update={"verdict": "invalid", "level": "install", "sentence": sentence, "failures": ()})
    known = case(verdict="invalid", level="install", message="alpha 1.0 and beta 1.0")
    told = Calibration(case=known, verdict=seen, wrong=compare_verdict(known, seen))
    assert (told.wrong, told.inconclusive) == ("", False)
    other = case(verdict="invalid", level="install", message="gamma")
    assert compare_verdict(other, seen) == f"another failure than the known one: {sentence}"
    assert Calibration(case=case(), verdict=seen, wrong="x").inconclusive


def test_a_case_that_would_have_to_be_built_is_not_told() -> None:
    refused = Resolution(outcome="no-wheel-for-platform", detail="no release of gamma has a wheel for Python 3.12 here")
    seen = judge(PlannedCell(cell=make_cell(NEWEST), resolution=refused), (), COMPONENTS)
    known = case(verdict="works")
    told = Calibration(case=known, verdict=seen, wrong=compare_verdict(known, seen))
    assert told.inconclusive
    assert told.wrong == f"not-applicable at resolve, known to be works: {seen.sentence}"


@pytest.mark.parametrize(
    ("known", "seen", "wrong"),
    [
        (case(), broken, ""),
        (case(message="no attribute"), broken, ""),
        (case(message="another thing"), broken, "another failure than the known one"),
        (case(level="interop"), broken, "broken at import, known to be so at interop"),
        (case(), works, "works at interop, known to be broken"),
        (case(verdict="works"), works, ""),
        (case(verdict="works"), broken, "broken at import, known to be works"),
        (case(verdict="works"), limited, ""),
        (case(verdict="works", limits=("boxes",), message="no attribute"), limited, ""),
        (case(verdict="works", limits=("boxes",), message="gamma"), limited, "another failure than the known one"),
        (case(verdict="works", limits=("boxes",)), works, "boxes works, known not to"),
        (case(verdict="unresolvable", level="resolve", message="alpha<1"), conflict, ""),
        (case(verdict="unresolvable", level="resolve", message="gamma"), conflict, "another failure"),
    ],
)
def test_a_verdict_is_compared_with_what_is_known(known: KnownCase, seen: Any, wrong: str) -> None:
    found = compare_verdict(known, seen())
    assert found.startswith(wrong)
    assert bool(found) == bool(wrong)


def test_cases_are_tried_like_any_cell(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Any:
        return (RED,) if job.lock.versions()["alpha"] == "1.0.0" else (passed("t", "alpha", level="import"),)

    catalog = Catalogue({"alpha": {"1.0.0": "2026-01-01"}})
    runner, executor, _ = make_runner(tmp_path, rule, {"alpha": "1.1.0"}, catalog=catalog)
    cases = (
        case(id="a"),
        case(id="same question"),
        case(id="healthy", requirements=("alpha==1.1.0",), verdict="works"),
        case(id="missed", requirements=("alpha==1.1.0",)),
        case(id="elsewhere", python="3.99"),
    )
    found = calibrate(cases, runner)
    assert {entry.case.id: bool(entry.wrong) for entry in found} == {
        "a": False,
        "same question": False,
        "healthy": False,
        "missed": True,
    }
    assert len(executor.asked) == 3
    runner.store.close()


@pytest.mark.parametrize(
    ("culprit", "outside"),
    [
        ({"last_good": "0.9.0", "first_bad": "1.0.0", "fixed_in": "1.1.0"}, {"older": True, "newer": True}),
        ({"last_good": "0.8.0", "first_bad": "0.9.0", "fixed_in": "1.1.0"}, {"older": False, "newer": True}),
        ({"last_good": "0.9.0", "first_bad": "1.0.0"}, {"older": True, "newer": False}),
        ({"never_passed": True, "fixed_in": "1.1.0"}, {"older": False, "newer": True}),
    ],
)
def test_a_healthy_neighbour_is_beyond_the_edges_that_were_found(
    culprit: dict[str, Any], outside: dict[str, bool]
) -> None:
    red = case(requirements=("alpha==1.0.0", "beta==1.0.0"))
    healthy = {"verdict": "works", "neighbour_of": "x"}
    cases = (
        red,
        case(id="older", requirements=("alpha==0.9.0", "beta==1.0.0"), **healthy),
        case(id="newer", requirements=("alpha==1.1.0", "beta==1.0.0"), **healthy),
        case(id="with its twin", requirements=("alpha==1.1.0", "alpha-native==1.1.0", "beta==1.0.0"), **healthy),
        case(id="both moved", requirements=("alpha==1.1.0", "beta==1.1.0"), **healthy),
        case(id="innocent moved", requirements=("alpha==1.0.0", "beta==1.1.0"), **healthy),
        case(id="elsewhere", python="3.99", requirements=("alpha==1.1.0", "beta==1.0.0"), **healthy),
        case(id="of another", requirements=("alpha==1.1.0", "beta==1.0.0"), verdict="works"),
        case(id="red too", requirements=("alpha==0.9.0", "beta==1.0.0"), neighbour_of="x"),
    )
    found = SearchResult(culprits=(Culprit(name="alpha", version="1.0.0", **culprit),))
    entry = Calibration(case=red, verdict=broken(), wrong="", blame=diagnosis(found))
    assert healthy_neighbours(entry, cases, COMPONENTS) == outside | {"with its twin": outside["newer"]}
    assert healthy_neighbours(entry.model_copy(update={"blame": None}), cases, COMPONENTS) == {}
    free = SearchResult(
        culprits=(*found.culprits, Culprit(name="gamma", version="1.0.0"))
    )  # which may have moved as well
    assert healthy_neighbours(entry.model_copy(update={"blame": diagnosis(free)}), cases, COMPONENTS) == {}


def test_a_case_with_a_writer_is_a_crossing_of_its_artifacts(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Any:
        assert job.exchange is not None
        version = job.lock.versions()["alpha"]
        artifact = job.exchange.artifacts[0]
        if job.exchange.mode == "write":
            folder = job.exchange.store / artifact
            folder.mkdir(parents=True)
            (folder / "by").write_text(version)
            test = passed("write", "alpha")
        else:
            newer = (job.exchange.store / artifact / "by").read_text() > version
            message = "this box is of a newer format"
            test = failed("read", "alpha", type="ValueError", message=message) if newer else passed("read", "alpha")
        return (test.model_copy(update={"artifact": artifact, "level": "exchange"}),)

    catalog = Catalogue({"alpha": {"1.0.0": "2026-01-01"}})
    plain, executor, _ = make_runner(tmp_path, rule, {"alpha": "1.1.0"}, catalog=catalog)
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    runner = make_exchange_runner(plain, helpers)
    old, new = ("alpha==1.0.0",), ("alpha==1.1.0",)
    red = {"writer": {"requirements": new}, "artifacts": ("box",), "level": "exchange", "message": "newer format"}
    cases = (
        case(id="red", requirements=old, **red),
        case(id="missed", requirements=new, **red),
        case(id="green", requirements=new, writer={"requirements": old}, artifacts=("box",), verdict="works"),
        case(id="other", requirements=new, writer={"requirements": old}, artifacts=("crate",), verdict="works"),
        case(id="elsewhere", requirements=new, writer={"requirements": old, "python": "3.99"}, verdict="works"),
        case(id="no writer", requirements=new, verdict="works"),
    )
    found = calibrate_crossings(cases, runner)
    assert {entry.case.id: bool(entry.wrong) for entry in found} == {
        "red": False,
        "missed": True,
        "green": False,
        "other": False,
    }
    assert {job.exchange.artifacts for job in executor.asked if job.exchange} == {("box",), ("crate",)}
    assert not calibrate(cases[:-1], plain)
    runner.store.close()


def test_a_mistake_in_the_file_is_told_by_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "known-cases.toml"
    path.write_text('[[cases]]\nid = "x"\npython = "3.12"\nrequirements = ["alpha=1"]\nverdict = "broken"\n')
    with pytest.raises(UsageError, match=r"known-cases.toml.*requirements"):
        load_cases(path)


def test_a_culprit_that_is_no_exact_pin_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r'"alpha>=1" must be an exact pin such as "alpha==1.2.3"'):
        case(culprit=("alpha>=1",))


@pytest.mark.parametrize(
    ("found", "exact"),
    [
        ((("alpha", "1.0.0"), ("python", "3.12")), True),
        ((("alpha", "1.0"), ("python", "3.12")), True),
        ((("alpha", "1.0.0"),), False),
        ((("alpha", "1.0.0"), ("python", "3.12"), ("beta", "1")), False),
        ((("alpha", "1.0.1"), ("python", "3.12")), False),
        ((("alpha", "<2"), ("python", "3.12")), False),
        ((), False),
    ],
)
def test_a_culprit_is_exact_or_it_is_not(found: tuple[tuple[str, str], ...], exact: bool) -> None:
    culprits = tuple(Culprit(name=name, version=version) for name, version in found)
    known = case(culprit=("alpha==1.0.0", "python==3.12"))
    entry = Calibration(case=known, verdict=broken(), wrong="", blame=diagnosis(SearchResult(culprits=culprits)))
    assert entry.exact is exact


def test_known_culprits_are_found_again(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Any:
        return (RED,) if job.lock.versions()["alpha"] == "1.0.0" else (passed("t", "alpha", level="import"),)

    catalog = Catalogue({"alpha": {"1.0.0": "2026-01-01", "1.1.0": "2026-02-01"}})
    runner, _, _ = make_runner(tmp_path, rule, {"alpha": "1.1.0"}, catalog=catalog)
    cases = (
        case(id="known", culprit=("alpha==1.0.0",)),
        case(id="not known"),
        case(id="healthy", requirements=("alpha==1.1.0",), verdict="works"),
    )
    found = calibrate(cases, runner, blaming=True)
    runner.store.close()
    assert [entry.exact for entry in found] == [True, False, False]
    assert [entry.blame is not None for entry in found] == [True, False, False]


def test_the_projects_own_cases_are_sound() -> None:
    """Every break has its message and a level; every id stands once; every neighbour is there."""
    cases = load_cases(Path(__file__).parents[3] / "matrices" / "known-cases.toml")
    ids = [known.id for known in cases]
    assert len(ids) == len(set(ids)) > 20
    assert {known.neighbour_of for known in cases} <= {"", *ids}
    assert {known.verdict for known in cases} == {"works", "broken", "unresolvable", "changed", "invalid"}
    for known in cases:
        assert known.cell().requirements
        assert known.writer is None or (known.writing_cell().requirements and known.artifacts)
        # Who overwrites whom is told before anything runs, so nobody is searched for.
        searched = known.verdict not in ("works", "invalid") or bool(known.limits)
        assert known.writer is not None or bool(known.culprit) == searched
