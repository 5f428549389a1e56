"""Jobs as files, and artifacts moved to and from a store."""

from __future__ import annotations

from pathlib import Path

from stackcompat.evidence.results import TestResult
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
    written = job("alpha", folder=tmp_path / "new" / "job", imports=(("alpha", "alpha.core"),))
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
