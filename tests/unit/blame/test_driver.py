"""Blame through the stages of a campaign: resolver and executor answer from tables, all between them is real."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from stackcompat.blame.culprit import Probe
from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.driver import Inquiry, Prober, Target, blame, blame_each
from stackcompat.blame.search import Search
from stackcompat.core.record import UsageError, digest
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.releases import Catalog
from stackcompat.pipeline.cells import try_cell
from stackcompat.pipeline.execution import execute
from stackcompat.pipeline.progress import Silent
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.plan.checkout import Checkout, published_sets
from stackcompat.plan.matrix import Matrix
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Lock, Pin, Resolution
from stackcompat.run.job import Job
from support.fakes import Catalogue, FakeExecutor, make_runner
from support.made_up import failed, passed

CATALOG = Catalogue(
    {
        "alpha": {f"1.{n}": f"2026-0{n + 1}-01" for n in range(6)},
        "beta": {
            **{f"1.{n}": f"2026-0{n + 1}-02" for n in range(4)},
            "1.4": {"uploaded": "2026-06-02", "requires": ["gamma>=1.1"]},
        },
        "gamma": {"1.0": "2026-01-03", "1.1": "2026-06-03"},
        "omega": {"2026.1": {"uploaded": "2026-02-01", "requires": ["alpha==1.1", "beta==1.1", "zeta==9"]}},
    }
)
BOX: dict[str, Any] = {
    "type": "AttributeError",
    "message": "module 'alpha.boxes' has no attribute 'Box'",
    "packages": ("beta",),
}


class TableResolver:
    """Takes the newest that fits `CATALOG`; what a release requires of what is asked for must hold or be overridden."""

    def __init__(self) -> None:
        self.asked: list[Cell] = []

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        self.asked.append(cell)
        versions = {}
        for text in cell.requirements:
            requirement = Requirement(text)
            fit = [
                release.version
                for release in CATALOG.project(requirement.name).releases
                if requirement.specifier.contains(release.version)
                and (cell.exclude_newer is None or release.uploaded <= cell.exclude_newer)
            ]
            if not fit:
                return Resolution(outcome="conflict", conflict=Conflict(kind="not-found", sentence=f"no {text}"))
            versions[requirement.name] = fit[-1]
        for name, version in versions.items():
            for need in CATALOG.requires(name, version):
                if not cell.overrides and need.name in versions and not need.specifier.contains(versions[need.name]):
                    sentence = f"{name}=={version} depends on {need}, but {need.name} is requested"
                    chain = (f"{name}=={version} depends on {need}", f"{need.name}=={versions[need.name]} is requested")
                    return Resolution(
                        outcome="conflict", conflict=Conflict(kind="bounds", sentence=sentence, chain=chain)
                    )
        pins = tuple(Pin(name=n, version=v, hashes=(f"sha256:{digest(n, v)}",)) for n, v in sorted(versions.items()))
        return Resolution(outcome="locked", lock=Lock(python=cell.python, platform=cell.platform, pins=pins))


def dropped(job: Job, before: int) -> Any:
    """`alpha` 1.3 drops what `beta` uses until 1.2."""
    versions = job.lock.versions()
    red = versions["alpha"] >= "1.3" and versions["beta"] <= "1.2"
    return (
        passed("test_alpha", "alpha"),
        failed("test_both", "alpha", "beta", **BOX) if red else passed("test_both", "alpha", "beta"),
    )


class Setting:
    """A bench with a catalogue, and a cell asked for on it."""

    def __init__(self, folder: Path, rule: Any) -> None:
        self.bench: Runner
        self.executor: FakeExecutor
        self.bench, self.executor, _ = make_runner(folder, rule, {}, catalog=CATALOG)
        self.resolver = TableResolver()
        self.bench = replace(self.bench, resolver=self.resolver)  # type: ignore[arg-type]

    def blame(self, *requirements: str, **more: Any) -> Diagnosis:
        cell = Cell(python="3.12", platform=this_platform(), requirements=requirements)
        verdict, _ = try_cell(cell, self.bench, "interop")
        self.executor.asked.clear()
        return blame(verdict, self.bench, CATALOG, Silent(), **more)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path, dropped)
    yield made
    made.bench.store.close()


def names(found: Diagnosis) -> dict[str, str]:
    return {culprit.name: culprit.version for culprit in found.culprits}


class Steps(Silent):
    """A reporter that remembers the steps, and the stages with their totals."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.steps: list[str] = []

    def stage(self, title: str, total: int) -> None:
        self.stages.append((title, total))

    def step(self, text: str) -> None:
        self.steps.append(text)


def test_several_searches_at_once_find_what_each_alone_does(setting: Setting) -> None:
    asked = (("alpha==1.4", "beta==1.1", "gamma==1.0"), ("alpha==1.5", "beta==1.2", "gamma==1.0"))
    cells = [Cell(python="3.12", platform=this_platform(), requirements=one) for one in asked]
    verdicts = [try_cell(cell, setting.bench, "interop")[0] for cell in cells]
    told = Steps()
    setting.executor.workers = 2
    inquiries = [Inquiry(verdict) for verdict in verdicts]
    found = {
        one.verdict.cell.id: said.culprits
        for one, said in blame_each(inquiries, setting.bench, CATALOG, told, budget=40)
    }
    alone = [blame(one, setting.bench, CATALOG, Silent(), budget=40) for one in verdicts]
    assert found == {one.cell.id: said.culprits for one, said in zip(verdicts, alone, strict=True)}
    assert all(found.values())
    assert told.stages == [("blame", 80)]
    assert {text.partition(": ")[0] for text in told.steps} == {cell.id for cell in cells}


def test_no_search_is_begun_after_its_time(setting: Setting) -> None:
    cell = Cell(python="3.12", platform=this_platform(), requirements=("alpha==1.4", "beta==1.1", "gamma==1.0"))
    verdict, _ = try_cell(cell, setting.bench, "interop")
    assert not list(blame_each([Inquiry(verdict)], setting.bench, CATALOG, Silent(), seconds=0))


def test_each_step_says_what_was_tried_though_it_cannot_be_had(setting: Setting) -> None:
    cell = Cell(python="3.12", platform=this_platform(), requirements=("alpha==1.4", "beta==1.1", "gamma==1.0"))
    verdict, _ = try_cell(cell, setting.bench, "interop")
    target = Target(cell, verdict.installed, verdict.lock_id, verdict.failures[0])
    prober = Prober(target, setting.bench, CATALOG, told := Steps())

    def asking() -> Search[None]:
        yield Probe(free=("alpha", "beta"))
        yield Probe(free=("alpha==9.9", "beta"))
        yield Probe(pins={**verdict.installed, "alpha": "9.9"})
        yield Probe(pins=verdict.installed)

    prober.drive(asking())
    assert told.steps == [
        "alpha 1.5, beta 1.4: pass",
        "alpha==9.9, beta: unresolved",
        "alpha 9.9: unresolved",
        "nothing moved: same",
    ]


def test_a_pair_and_who_moved(setting: Setting) -> None:
    found = setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0")
    assert names(found) == {"alpha": "1.4", "beta": "1.1"}
    members = {culprit.name: culprit for culprit in found.culprits}
    assert (members["alpha"].last_good, members["alpha"].first_bad) == ("1.2", "1.3")
    assert (members["beta"].never_passed, members["beta"].fixed_in) == (True, "1.3")
    assert found.moved is not None
    assert (found.moved.kind, found.moved.side, found.moved.release) == ("removed", "alpha", "1.3")
    assert found.failing.test == "test_both"


def test_a_probe_runs_the_failing_test_alone_and_red_ones_twice(setting: Setting) -> None:
    setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0")
    assert {job.tests for job in setting.executor.asked} == {("test_both",)}
    runs: dict[str, int] = {}
    for job in setting.executor.asked:
        runs[job.lock.id] = runs.get(job.lock.id, 0) + 1
    for job in setting.executor.asked:
        red = any(test.outcome == "failed" for test in dropped(job, 0))
        assert runs[job.lock.id] == (2 if red else 1)


def test_probes_are_evidence_that_is_used_again(setting: Setting) -> None:
    first = setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0")
    again = setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0")
    assert setting.executor.asked == []
    assert again.model_copy(update={"made": first.made}) == first
    assert first.evidence


def test_what_metadata_forbids_is_forced_and_said(setting: Setting) -> None:
    """To move beta alone past its bug, its bound on gamma has to be overridden."""

    def stuck(job: Job, before: int) -> Any:
        red = job.lock.versions()["beta"] < "1.4" and job.lock.versions()["gamma"] == "1.0"
        return (failed("test_both", "beta", "gamma", **BOX) if red else passed("test_both", "beta", "gamma"),)

    setting.executor._rule = stuck
    found = setting.blame("alpha==1.0", "beta==1.3", "gamma==1.0")
    assert names(found) == {"beta": "1.3", "gamma": "1.0"}
    assert found.forced > 0


def test_infrastructure_leaves_a_doubt_and_accuses_nobody(tmp_path: Path) -> None:
    def full(job: Job, before: int) -> Any:
        versions = job.lock.versions()
        return dropped(job, before) if versions["alpha"] == "1.4" and versions["beta"] == "1.1" else "disk-full"

    made = Setting(tmp_path, full)
    found = made.blame("alpha==1.4", "beta==1.1", "gamma==1.0")
    made.bench.store.close()
    assert names(found) == {}
    assert "disk-full" in found.doubt


def test_another_failure_of_the_cell_is_a_finding(setting: Setting) -> None:
    def two(job: Job, before: int) -> Any:
        tests = dropped(job, before)
        return (*tests, failed("test_other", "gamma", message="something else"))

    setting.executor._rule = two
    found = setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0", about="has no attribute 'Box'")
    assert names(found) == {"alpha": "1.4", "beta": "1.1"}
    assert [finding.signature for finding in found.findings] == ["AssertionError: something else [test]"]


RED = {
    "import": failed("test_import", "beta", level="import", message="no module"),
    "run": failed("test_run", "alpha", level="run", message="one test alone"),
    "wide": failed("test_wide", "alpha", "beta", "gamma", message="the same"),
    "narrow": failed("test_narrow", "beta", "gamma", message="the same"),
}


@pytest.mark.parametrize(
    ("failing", "about", "followed"),
    [
        (("run", "import", "wide", "narrow"), "", "test_import"),
        (("run", "wide", "narrow"), "", "test_narrow"),
        (("run", "wide"), "", "test_run"),
        (("run", "wide", "narrow"), "one test", "test_run"),
        (("run", "wide", "narrow"), "wide", "test_wide"),
    ],
    ids=["what cannot be loaded", "what most tests show", "the shallowest", "as the message says", "as the name says"],
)
def test_which_failure_is_followed(setting: Setting, failing: tuple[str, ...], about: str, followed: str) -> None:
    def rule(job: Job, before: int) -> Any:
        red = job.lock.versions()["beta"] == "1.1"
        return tuple(RED[name] if red else passed(RED[name].test, level=RED[name].level) for name in failing)

    setting.executor._rule = rule
    found = setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0", about=about)
    assert found.failing.test == followed
    assert names(found) == {"beta": "1.1"}


def test_a_failure_that_is_not_there_cannot_be_followed(setting: Setting) -> None:
    with pytest.raises(UsageError, match=r'--about: no failing test has "xyz" .* those that fail are test_both'):
        setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0", about="xyz")


def test_a_test_that_does_not_apply_there_answers_nothing(setting: Setting) -> None:
    def gone(job: Job, before: int) -> Any:
        return dropped(job, before) if job.lock.versions()["beta"] != "1.3" else (passed("test_alpha", "alpha"),)

    setting.executor._rule = gone
    found = setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0")
    beta = next(culprit for culprit in found.culprits if culprit.name == "beta")
    assert beta.fixed_in == "1.4"
    assert "1.3" in beta.unresolved


def test_evidence_of_a_matrix_is_the_contrast(setting: Setting) -> None:
    matrix = Matrix.model_validate(
        {
            "title": "M",
            "components": ("alpha", "beta", "gamma"),
            "pythons": ("3.12",),
            "policies": [
                {"policy": "pins", "requirements": ("alpha==1.2", "beta==1.1", "gamma==1.0")},
                {"policy": "pins", "requirements": ("alpha==1.4", "beta==1.1", "gamma==1.0")},
            ],
        }
    )
    execute(matrix, setting.bench)
    setting.resolver.asked.clear()
    found = setting.blame("alpha==1.4", "beta==1.1", "gamma==1.0")
    assert names(found) == {"alpha": "1.4", "beta": "1.1"}
    assert not any(cell.requirements == ("alpha", "beta", "gamma") for cell in setting.resolver.asked)


def test_a_refusal_is_blamed_without_running_anything(setting: Setting) -> None:
    found = setting.blame("alpha==1.5", "beta==1.4", "gamma==1.0")
    assert names(found) == {"beta": "1.4", "gamma": "1.0"}
    assert not any(cell.overrides for cell in setting.resolver.asked)
    members = {culprit.name: culprit for culprit in found.culprits}
    assert (members["beta"].last_good, members["beta"].first_bad) == ("1.3", "1.4")
    assert members["gamma"].fixed_in == "1.1"
    assert setting.executor.asked == []
    assert found.probes == 0
    assert found.chain == ("beta==1.4 depends on gamma>=1.1", "gamma==1.0 is requested")


def test_nobody_is_to_blame_for_what_works(setting: Setting) -> None:
    with pytest.raises(UsageError, match="is works; allowed are broken and unresolvable"):
        setting.blame("alpha==1.0", "beta==1.0", "gamma==1.0")


def test_sets_that_metapackages_publish(tmp_path: Path) -> None:
    (tmp_path / "matrices").mkdir()
    rows = "".join(
        f'[[components]]\nname = "{name}"\ntitle = "T"\nsummary = "s"\ngroup = "core"\ndistributions = ["{name}"]\n'
        'documentation = "d"\n'
        for name in ("alpha", "beta")
    )
    (tmp_path / "matrices" / "components.toml").write_text(rows)
    (tmp_path / "matrices" / "m.toml").write_text(
        'title = "M"\ncomponents = ["alpha", "beta"]\npythons = ["3.12"]\n'
        '[[policies]]\npolicy = "metapackage"\ndistribution = "omega"\n'
    )
    cell = Cell(python="3.12", platform="p", requirements=("alpha==1.4", "beta"))
    assert published_sets(Checkout(tmp_path), cell, CATALOG) == (("alpha==1.1", "beta==1.1"),)
