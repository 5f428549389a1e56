"""Compiled programs that cells share: which cells share them, who adds to them, and what a cell can do to others."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from stackcompat.ecosystem.components import CompilerCache
from stackcompat.evidence.results import CompilerCacheUse, TestResult
from stackcompat.resolve.lock import Lock, Pin
from stackcompat.run import compiler_cache
from stackcompat.run.compiler_cache import (
    OpenCache,
    extensions,
    may_be_shared,
    open_caches,
    processor,
    programs_key,
    with_caches,
)
from stackcompat.run.hardware import Hardware
from stackcompat.run.job import Job
from support.made_up import failed, not_applicable, passed

KERNEL = CompilerCache(
    keyed_by=("kernel", "alpha"),
    plugins=("kernel_plugins",),
    environment={"KERNEL_CACHE": "{folder}", "KERNEL_SMALL": "1"},
)
MACHINE = ["flags: fast"]


def lock_of(**hashes: str) -> Lock:
    """A lock of version 1.0 of each distribution, with the hash of its file."""
    pins = (Pin(name=name, version="1.0", hashes=(value,) if value else ()) for name, value in hashes.items())
    return Lock(python="3.12", platform="linux-x86_64", pins=tuple(pins))


PLAIN = lock_of(alpha="sha256:a", beta="sha256:b", kernel="sha256:c")


@pytest.fixture(autouse=True)
def one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler_cache, "processor", lambda: MACHINE)


@pytest.fixture
def env_python(tmp_path: Path) -> Path:
    """The Python of an environment in which only a compiler and one that calls it are installed."""
    python = tmp_path / "env" / "bin" / "python"
    install(python, "alpha", {"alpha/__init__.py": ""})
    install(python, "kernel", {"kernel.py": ""})
    return python


def install(env_python: Path, name: str, files: dict[str, str], entry_points: str = "") -> None:
    site = env_python.parent.parent / "lib" / "python3.12" / "site-packages"
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("".join(f"{path},sha256=x,1\n" for path in files))
    if entry_points:
        (info / "entry_points.txt").write_text(f"[{entry_points}]\nx = x\n")
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)


def make_job(tmp_path: Path, name: str, lock: Lock = PLAIN, **more: Any) -> Job:
    fields = {
        "folder": tmp_path / "jobs" / name,
        "lock": lock,
        "interpreter": Path("/python"),
        "requirements": (),
        "level": "interop",
        "suite": tmp_path,
        "files": (),
        "cache": tmp_path / "cache",
        "uv": "uv",
        "compilers": {"kernel": KERNEL},
    }
    return Job.model_validate(fields | more)


def open_one(tmp_path: Path, env_python: Path, name: str, lock: Lock = PLAIN, **more: Any) -> OpenCache:
    (opened,) = open_caches(make_job(tmp_path, name, lock, **more), env_python)
    return opened


def programs(cache: OpenCache) -> dict[str, str]:
    return {path.name: path.read_text() for path in cache.own.rglob("*") if path.is_file()}


def test_a_trusted_cell_leaves_its_programs_to_the_next(tmp_path: Path, env_python: Path) -> None:
    first = open_one(tmp_path, env_python, "first")
    assert programs(first) == {}
    (first.own / "add").write_text("1 + 1")
    (first.own / "gpu").mkdir()
    (first.own / "gpu" / "multiply").write_text("2 * 2")
    assert first.close(keep=True) == CompilerCacheUse(distribution="kernel", found=0, added=2)
    second = open_one(tmp_path, env_python, "second")
    assert programs(second) == {"add": "1 + 1", "multiply": "2 * 2"}
    assert second.close(keep=True) == CompilerCacheUse(distribution="kernel", found=2, added=0)


def test_a_cell_that_is_not_trusted_reaches_no_other(tmp_path: Path, env_python: Path) -> None:
    first = open_one(tmp_path, env_python, "first")
    (first.own / "add").write_text("1 + 1")
    first.close(keep=True)
    evil = open_one(tmp_path, env_python, "evil")
    (evil.own / "add").write_text("1 - 1")
    (evil.own / "multiply").write_text("2 / 2")
    assert evil.close(keep=False).added == 0
    assert programs(open_one(tmp_path, env_python, "next")) == {"add": "1 + 1"}


def test_no_cell_changes_a_program_that_others_have(tmp_path: Path, env_python: Path) -> None:
    """Not even a trusted one: the file is a copy, and what is there stays."""
    first = open_one(tmp_path, env_python, "first")
    (first.own / "add").write_text("1 + 1")
    first.close(keep=True)
    second = open_one(tmp_path, env_python, "second")
    with (second.own / "add").open("r+") as file:
        file.write("0")
    (second.own / "link").symlink_to(second.own / "add")
    assert second.close(keep=True).added == 0
    assert programs(open_one(tmp_path, env_python, "third")) == {"add": "1 + 1"}


@pytest.mark.parametrize(
    "other",
    [
        {"lock": lock_of(alpha="sha256:a", beta="sha256:b", kernel="sha256:repacked")},
        {"lock": lock_of(alpha="sha256:repacked", beta="sha256:b", kernel="sha256:c")},
        {"lock": lock_of(beta="sha256:b", kernel="sha256:c")},
        {"lock": PLAIN.model_copy(update={"python": "3.13"})},
        {"hardware": Hardware(variables={"OMP_NUM_THREADS": "1"})},
    ],
    ids=["compiler", "caller", "no caller", "python", "variables"],
)
def test_programs_of_another_compiler_are_not_found(tmp_path: Path, env_python: Path, other: dict[str, Any]) -> None:
    first = open_one(tmp_path, env_python, "first")
    (first.own / "add").write_text("1 + 1")
    first.close(keep=True)
    assert programs(open_one(tmp_path, env_python, "other", **other)) == {}
    assert programs(open_one(tmp_path, env_python, "same", lock_of(alpha="sha256:a", kernel="sha256:c"))) != {}


def test_programs_of_another_processor_are_not_found(
    tmp_path: Path, env_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_one(tmp_path, env_python, "first")
    (first.own / "add").write_text("1 + 1")
    first.close(keep=True)
    monkeypatch.setattr(compiler_cache, "processor", lambda: ["flags: slow"])
    assert programs(open_one(tmp_path, env_python, "second")) == {}


@pytest.mark.parametrize(
    ("files", "entry_points"),
    [
        ({"beta.py": "", "beta.pth": "import beta\n"}, ""),
        ({"sitecustomize.py": ""}, ""),
        ({"beta.py": ""}, "kernel_plugins"),
        ({"kernel_plugins/beta.py": ""}, ""),
    ],
    ids=["pth", "sitecustomize", "entry point", "namespace package"],
)
def test_what_can_change_a_compiler_unnamed_has_programs_of_its_own(
    tmp_path: Path, env_python: Path, files: dict[str, str], entry_points: str
) -> None:
    first = open_one(tmp_path, env_python, "first")
    (first.own / "add").write_text("1 + 1")
    first.close(keep=True)
    install(env_python, "beta", files, entry_points)
    assert extensions(env_python, KERNEL.plugins) == {"beta"}
    assert programs(open_one(tmp_path, env_python, "second")) == {}


def test_other_distributions_share(env_python: Path) -> None:
    install(env_python, "beta", {"beta/kernel_plugins/x.py": "", "betas.pth.txt": ""}, "pytest11")
    assert extensions(env_python, KERNEL.plugins) == set()


@pytest.mark.parametrize(
    "more",
    [
        {"compilers": {}},
        {"hardware": Hardware(label="1 GPU", accelerated=True)},
        {"lock": lock_of(alpha="sha256:a", kernel="")},
        {"lock": lock_of(beta="sha256:b")},
    ],
    ids=["no compiler", "accelerator", "no hash", "no distribution that counts"],
)
def test_cells_without_a_cache(tmp_path: Path, env_python: Path, more: dict[str, Any]) -> None:
    assert open_caches(make_job(tmp_path, "job", **more), env_python) == ()


def test_a_machine_that_does_not_name_its_processor_has_no_cache(
    tmp_path: Path, env_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler_cache, "processor", list)
    assert open_caches(make_job(tmp_path, "job"), env_python) == ()


def test_what_a_processor_is(tmp_path: Path) -> None:
    assert processor(tmp_path) == []
    (tmp_path / "proc").mkdir()
    block = "processor\t: {0}\nmodel\t\t: 85\ncpu MHz\t\t: 2{0}00.0\nflags\t\t: sse avx\nbogomips\t: 1\n"
    (tmp_path / "proc" / "cpuinfo").write_text("\n".join(block.format(number) for number in range(2)))
    assert processor(tmp_path) == ["model\t\t: 85", "flags\t\t: sse avx"]


def test_the_key_takes_the_order_of_hashes_for_nothing() -> None:
    pin = Pin(name="kernel", version="1.0", hashes=("sha256:a", "sha256:b"))
    turned = pin.model_copy(update={"hashes": ("sha256:b", "sha256:a")})
    one, other = (Lock(python="3.12", platform="p", pins=(each,)) for each in (pin, turned))
    assert programs_key(one, ["kernel"], MACHINE) == programs_key(other, ["kernel"], MACHINE) != ""


def test_tests_see_the_variables(tmp_path: Path, env_python: Path) -> None:
    job = make_job(tmp_path, "job", variables={"KERNEL_SMALL": "0", "OTHER": "x"})
    caches = open_caches(job, env_python)
    assert with_caches(job, caches).variables == {
        "KERNEL_CACHE": str(caches[0].own),
        "KERNEL_SMALL": "1",
        "OTHER": "x",
    }
    assert with_caches(job, ()) == job


def test_a_cache_that_fails_is_used_by_no_cell_again(tmp_path: Path, env_python: Path) -> None:
    opened = open_one(tmp_path, env_python, "first")
    opened.give_up("test_x fails with it")
    assert open_caches(make_job(tmp_path, "second"), env_python) == ()
    other = lock_of(alpha="sha256:a", kernel="sha256:other")
    assert open_caches(make_job(tmp_path, "third", other), env_python) != ()


@pytest.mark.parametrize(
    ("results", "shared"),
    [
        ((), True),
        ((passed("a", "alpha"), not_applicable("b", "alpha")), True),
        ((passed("a", "alpha"), failed("b", "alpha")), False),
        ((passed("a", "alpha"), failed("b", "alpha").model_copy(update={"feature": "lids"})), True),
        ((passed("a", "alpha").model_copy(update={"outcome": "crashed", "feature": "lids"}),), False),
        ((passed("a", "alpha").model_copy(update={"outcome": "timeout"}),), False),
        ((passed("a", "alpha").model_copy(update={"outcome": "blocked"}),), False),
    ],
)
def test_only_runs_that_show_nothing_wrong_leave_programs(results: tuple[TestResult, ...], shared: bool) -> None:
    assert may_be_shared(results) is shared


def test_a_folder_is_bounded_and_loses_the_oldest_first(
    tmp_path: Path, env_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler_cache, "MOST_BYTES", 10)
    first = open_one(tmp_path, env_python, "first")
    (first.own / "old").write_text("x" * 6)
    first.close(keep=True)
    os.utime(first.shared / "old", (1, 1))
    second = open_one(tmp_path, env_python, "second")
    (second.own / "new").write_text("y" * 6)
    second.close(keep=True)
    assert programs(open_one(tmp_path, env_python, "third")) == {"new": "y" * 6}


def test_what_a_stopped_process_left_half_written_is_not_found(tmp_path: Path, env_python: Path) -> None:
    first = open_one(tmp_path, env_python, "first")
    (first.own / "add").write_text("1 + 1")
    first.close(keep=True)
    (first.shared / "multiply.partial").write_text("2 *")
    second = open_one(tmp_path, env_python, "second")
    assert programs(second) == {"add": "1 + 1"}
    (second.own / "multiply").write_text("2 * 2")
    second.close(keep=True)
    assert programs(open_one(tmp_path, env_python, "third")) == {"add": "1 + 1", "multiply": "2 * 2"}


def test_many_cells_at_once_find_whole_programs(tmp_path: Path, env_python: Path) -> None:
    text = "z" * 50_000

    def cell(number: int) -> bool:
        opened = open_one(tmp_path, env_python, f"cell-{number}")
        whole = all(found == text for found in programs(opened).values())
        for name in range(number, number + 20):
            (opened.own / str(name)).write_text(text)
        opened.close(keep=True)
        return whole

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(cell, range(40)))
    assert programs(open_one(tmp_path, env_python, "last")).keys() == {str(name) for name in range(59)}


def test_nothing_is_lost_but_time_if_the_folder_cannot_be_used(
    tmp_path: Path, env_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_one(tmp_path, env_python, "first")
    (first.own / "add").write_text("1 + 1")
    first.close(keep=True)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(shutil, "copytree", refuse)
        full.setattr(shutil, "copyfile", refuse)
        second = open_one(tmp_path, env_python, "second")
        (second.own / "more").write_text("x")
        assert second.close(keep=True) == CompilerCacheUse(distribution="kernel", found=0, added=0)
    assert programs(open_one(tmp_path, env_python, "third")) == {"add": "1 + 1"}
