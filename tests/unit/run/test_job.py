"""Jobs as files, and artifacts moved to and from a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.ecosystem.components import ImportedModule
from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.reuse import Condition
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import Exchange, Job
from support.made_up import failed, passed

LOCK = Lock.parse("alpha==1.0\nbeta==2.0.dev3\ngamma==3.0", "3.12", "linux-x86_64")


def job(*requirements: str, **more: object) -> Job:
    fields: dict[str, object] = {
        "folder": Path("/job"),
        "lock": LOCK,
        "interpreter": Path("/python"),
        "requirements": requirements,
        "level": "interop",
        "suite": Path("/suite"),
        "files": (),
        "cache": Path("/cache"),
        "uv": "uv",
    }
    return Job.model_validate(fields | more)


def result(test: str, *, ok: bool = True, artifact: str = "box") -> TestResult:
    found = passed(test, "alpha") if ok else failed(test, "alpha")
    return found.model_copy(update={"artifact": artifact, "level": "exchange"})


def test_a_job_is_written_whole(tmp_path: Path) -> None:
    written = job(
        "alpha", folder=tmp_path / "new" / "job", imports=(ImportedModule(distribution="alpha", module="alpha.core"),)
    )
    path = written.write()
    assert Job.model_validate_json(path.read_text(encoding="utf-8")) == written
    assert written.result.parent == path.parent


def test_a_reader_gets_a_copy_and_a_writer_keeps_what_passed(tmp_path: Path) -> None:
    store, folder = tmp_path / "store", tmp_path / "one"
    write = Exchange(mode="write", store=store)
    write.open(folder)
    for name in ("box", "crate"):
        (folder / name).mkdir()
        (folder / name / "content").write_text("first")
    write.close(folder, [result("write"), result("write crate", ok=False, artifact="crate")])
    assert [path.name for path in store.iterdir()] == ["box"]
    read = Exchange(mode="read", store=store, artifacts=("box",))
    read.open(tmp_path / "two")
    (tmp_path / "two" / "box" / "content").write_text("scribble")
    read.close(tmp_path / "two", [result("read")])
    assert (store / "box" / "content").read_text() == "first"
    write.open(tmp_path / "three")
    (tmp_path / "three" / "box").mkdir()
    write.close(tmp_path / "three", [result("write")])
    assert not (store / "box" / "content").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "a/b", "/"])
def test_a_writer_leaves_only_what_lies_in_its_folder(tmp_path: Path, name: str) -> None:
    store, folder = tmp_path / "store", tmp_path / "one"
    write = Exchange(mode="write", store=store)
    write.open(folder)
    (folder / "a" / "b").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    write.close(folder, [result("write", artifact=name)])
    assert (folder / "a" / "b").is_dir()
    assert (tmp_path / "other").is_dir()
    assert list(store.iterdir()) == []


def test_a_link_that_a_test_made_leads_nowhere(tmp_path: Path) -> None:
    store, outside = tmp_path / "store", tmp_path / "outside"
    outside.mkdir()
    write = Exchange(mode="write", store=store)
    write.open(tmp_path / "one")
    (tmp_path / "one" / "box").symlink_to(outside)
    write.close(tmp_path / "one", [result("write")])
    assert list(store.iterdir()) == []
    (store / "box").symlink_to(outside)
    write.open(tmp_path / "two")
    (tmp_path / "two" / "box").mkdir()
    write.close(tmp_path / "two", [result("write")])
    assert not (store / "box").is_symlink()
    assert list(outside.iterdir()) == []


def test_tests_that_a_new_release_can_reach_run_after_all() -> None:
    conditions = tuple(
        Condition(closure=Closure(distributions=(name,)), tests=(f"{name} test",), releases=("beta", "gamma"))
        for name in ("alpha", "gamma")
    )
    known = job(
        skip=("alpha test", "another test", "gamma test"),
        conditions=conditions,
        unimportable={"alpha test": "a limit", "gamma test": ""},
    )
    surfaces = {name: Surface(roots=(name,)) for name in ("alpha", "beta", "gamma")}
    settled = known.settled(surfaces)
    assert (settled.skip, settled.unimportable) == (("alpha test", "another test"), {"alpha test": "a limit"})
    assert settled.conditions == ()
    for beta in (Surface(roots=("alpha", "beta")), Surface(at_start=True), None):
        reached = {name: surface for name, surface in (surfaces | {"beta": beta}).items() if surface is not None}
        assert known.settled(reached).skip == ("another test",)
