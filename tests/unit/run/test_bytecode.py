"""Which wheels in the cache of uv are compiled, and when."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest
from filelock import FileLock

from stackcompat.ecosystem.interpreters import bytecode_tag
from stackcompat.resolve.lock import Lock
from stackcompat.run import manifest as manifests
from stackcompat.run.link_times import linking
from stackcompat.run.manifest import digest_of
from stackcompat.run.package_cache import PackageCache, remove_job_folder
from support.altering import alter

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCK = Lock.parse("alpha==1.0\nbeta-x==2.0", PYTHON, "p")


@pytest.fixture
def cache(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path / "cache", "true")


def unpack(cache: PackageCache, name: str, version: str) -> Path:
    """A wheel as uv unpacks it into its cache."""
    folder = cache.packages / "archive-v0" / f"{name}-{version}-id"
    (folder / name / "__pycache__").mkdir(parents=True)
    (folder / name / "__pycache__").rmdir()
    (folder / name / "__init__.py").write_text("x = 1\n")
    (folder / f"{name}-{version}.dist-info").mkdir()
    (folder / f"{name}-{version}.data" / "scripts").mkdir(parents=True)
    (folder / f"{name}-{version}.data" / "scripts" / "tool.py").write_text("x = 1\n")
    return folder


def compiled(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.pyc")}


def test_a_locks_wheels_are_compiled_once_and_no_others(cache: PackageCache) -> None:
    alpha, beta, other = unpack(cache, "alpha", "1.0"), unpack(cache, "beta_x", "2.0"), unpack(cache, "alpha", "3.0")
    assert cache.compile(LOCK, Path(sys.executable)) == 2
    tag = f"cpython-{PYTHON.replace('.', '')}"
    assert compiled(alpha) == {f"alpha/__pycache__/__init__.{tag}.pyc"}
    assert compiled(beta) == {f"beta_x/__pycache__/__init__.{tag}.pyc"}
    assert compiled(other) == set()
    assert cache.with_bytecode(LOCK) == {alpha, beta}
    assert cache.compile(LOCK, Path(sys.executable), cache.with_bytecode(LOCK)) == 0


def test_what_another_process_compiles_meanwhile_is_missing_in_an_environment(cache: PackageCache) -> None:
    """The environment was linked before, so it has to be linked again to have the bytecode."""
    wheels = unpack(cache, "alpha", "1.0"), unpack(cache, "beta_x", "2.0")
    done = cache.root / "compiled" / f"{bytecode_tag(PYTHON)}-sha256"
    done.mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        with FileLock(f"{done}.lock"):
            waiting = pool.submit(cache.compile, LOCK, Path(sys.executable))
            time.sleep(0.2)
            for wheel in wheels:
                (done / wheel.name).write_text("{}")
        assert waiting.result(timeout=30) == 2
    assert not any(compiled(wheel) for wheel in wheels)


def test_what_was_compiled_while_an_environment_was_linked_is_missing_in_it(cache: PackageCache) -> None:
    unpack(cache, "alpha", "1.0")
    cache.compile(LOCK, Path(sys.executable))
    before = cache.with_bytecode(LOCK)
    unpack(cache, "beta_x", "2.0")
    assert cache.compile(LOCK, Path(sys.executable)) == 2  # another process, to which nothing was known before
    assert cache.compile(LOCK, Path(sys.executable), before) == 1


def test_what_does_not_compile_does_not_matter(cache: PackageCache) -> None:
    folder = unpack(cache, "alpha", "1.0")
    (folder / "alpha" / "template.py").write_text("{% no python %}\n")
    assert cache.compile(LOCK, Path(sys.executable)) == 1
    assert len(compiled(folder)) == 1


def test_an_unknown_layout_only_costs_speed(cache: PackageCache) -> None:
    (cache.packages / "archive-v9").mkdir()
    (cache.packages / "something").write_text("")
    assert cache.compile(LOCK, Path(sys.executable)) == 0
    assert cache.with_bytecode(LOCK) == frozenset()


def test_a_wheel_that_was_changed_in_the_cache_is_found_once(cache: PackageCache) -> None:
    alpha, beta = unpack(cache, "alpha", "1.0"), unpack(cache, "beta_x", "2.0")
    cache.compile(LOCK, Path(sys.executable))
    assert cache.heal(LOCK) == {}
    (alpha / "alpha" / "__init__.py").write_text("x = 2\n")
    (alpha / "alpha" / "new.py").touch()
    next(beta.rglob("*.pyc")).unlink()
    found = cache.heal(LOCK)
    assert found["alpha"] == "alpha/__init__.py"
    assert found["beta-x"].endswith(".pyc")
    assert cache.heal(LOCK) == {}  # they are compiled, and looked at, anew
    assert cache.compile(LOCK, Path(sys.executable)) == 2


def link(cache: PackageCache, wheel: Path, folder: Path) -> None:
    """Link the module of a wheel into an environment, as uv does, and remove that environment."""
    with linking(cache.root):
        folder.mkdir(parents=True)
        (folder / "module.py").hardlink_to(wheel / "alpha" / "__init__.py")
    remove_job_folder(folder)


def test_a_wheel_that_was_altered_with_size_and_time_kept_is_found(cache: PackageCache) -> None:
    """Links that this tool makes explain a time of state. Nothing else does."""
    alpha = unpack(cache, "alpha", "1.0")
    cache.compile(LOCK, Path(sys.executable))
    fresh = cache.wheels(LOCK)
    time.sleep(0.05)  # the clock of the system has ticks
    link(cache, alpha, cache.environments / "1-a")
    assert cache.heal(LOCK, fresh) == {}
    time.sleep(0.05)
    alter(alpha / "alpha" / "__init__.py", "x = 2\n")
    assert cache.heal(LOCK, fresh) == {"alpha": "alpha/__init__.py"}


def read_while(work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose contents are read while something is done."""
    read: list[str] = []

    def digest(path: Path) -> str:
        read.append(path.name)
        return digest_of(path)

    with monkeypatch.context() as patch:
        patch.setattr(manifests, "digest_of", digest)
        work()
    return read


def test_only_what_somebody_else_has_touched_is_read(cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = unpack(cache, "alpha", "1.0")
    cache.compile(LOCK, Path(sys.executable))
    time.sleep(0.05)
    link(cache, alpha, cache.environments / "1-a")
    assert read_while(lambda: cache.heal(LOCK), monkeypatch) == []
    time.sleep(0.05)
    (alpha / "alpha" / "__init__.py").chmod(0o600)
    assert read_while(lambda: cache.heal(LOCK), monkeypatch) == ["__init__.py"]
    assert read_while(lambda: cache.heal(LOCK), monkeypatch) == []


def test_all_is_read_once_a_day_and_when_asked(cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """So what a disk has damaged is found too, which sets no time."""
    unpack(cache, "alpha", "1.0")
    cache.compile(LOCK, Path(sys.executable))
    (mark,) = (cache.root / "compiled").rglob("alpha-1.0-id")
    all_files = set(json.loads(mark.read_text()))
    assert len(read_while(lambda: cache.heal(LOCK, whole=True), monkeypatch)) == len(all_files)
    os.utime(mark, (time.time() - 86_400, time.time() - 86_400))
    assert len(read_while(lambda: cache.heal(LOCK), monkeypatch)) == len(all_files)
    assert read_while(lambda: cache.heal(LOCK), monkeypatch) == []


def write_record(wheel: Path, text: str) -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    (wheel / "alpha-1.0.dist-info" / "RECORD").write_text(f"alpha/__init__.py,sha256={digest},6\nodd,sha256,\n\n")


def test_a_wheel_that_was_damaged_before_it_was_marked_is_told_by_its_record(cache: PackageCache) -> None:
    alpha = unpack(cache, "alpha", "1.0")
    write_record(alpha, "y = 1\n")
    cache.compile(LOCK, Path(sys.executable))
    assert [wheel.files for wheel in cache.wheels(LOCK)] == [""]
    assert cache.heal(LOCK) == {"alpha": "."}
    (alpha / "alpha" / "__init__.py").write_text("y = 1\n")  # downloaded again
    cache.compile(LOCK, Path(sys.executable))
    assert cache.heal(LOCK) == {}


def test_a_release_whose_record_is_wrong_is_used_as_it_is(cache: PackageCache) -> None:
    """It comes out the same after another download."""
    write_record(unpack(cache, "alpha", "1.0"), "y = 1\n")
    for files in (1, 0):
        cache.compile(LOCK, Path(sys.executable))
        assert [wheel.files for wheel in cache.wheels(LOCK)].count("") == files
        cache.heal(LOCK)
    assert cache.heal(LOCK) == {}


def test_bytecode_that_a_wheel_brings_is_not_compared_with_its_record(cache: PackageCache) -> None:
    """It is compiled again. The wheel of numpy 1.26.4 brings some."""
    alpha = unpack(cache, "alpha", "1.0")
    write_record(alpha, "x = 1\n")
    brought = alpha / "alpha" / "__pycache__" / f"__init__.{sys.implementation.cache_tag}.pyc"
    brought.parent.mkdir()
    brought.write_bytes(b"of another day")
    with (alpha / "alpha-1.0.dist-info" / "RECORD").open("a") as record:
        digest = base64.urlsafe_b64encode(hashlib.sha256(brought.read_bytes()).digest()).decode().rstrip("=")
        record.write(f"{brought.relative_to(alpha)},sha256={digest},14\n")
    cache.compile(LOCK, Path(sys.executable))
    assert brought.read_bytes() != b"of another day"
    assert "" not in [wheel.files for wheel in cache.wheels(LOCK)]
    assert cache.heal(LOCK) == {}


def test_a_mark_is_there_whole_or_not_at_all(cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other cells read it, and a process can be ended while it writes."""
    unpack(cache, "alpha", "1.0")
    with monkeypatch.context() as ending:
        ending.setattr(Path, "replace", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            cache.compile(LOCK, Path(sys.executable))
    assert [wheel.files for wheel in cache.wheels(LOCK)] == [None]
    cache.compile(LOCK, Path(sys.executable))
    assert cache.heal(LOCK) == {}


@pytest.mark.parametrize("mark", ["", "[]", '{"alpha'])
def test_a_wheel_whose_mark_cannot_be_read_counts_as_changed(cache: PackageCache, mark: str) -> None:
    unpack(cache, "alpha", "1.0")
    cache.compile(LOCK, Path(sys.executable))
    next(path for path in (cache.root / "compiled").rglob("alpha-*")).write_text(mark)
    assert cache.heal(LOCK) == {"alpha": "."}


def test_what_another_cell_has_healed_since_counts_as_changed_for_those_that_ran_with_it(cache: PackageCache) -> None:
    alpha, _ = unpack(cache, "alpha", "1.0"), unpack(cache, "beta_x", "2.0")
    cache.compile(LOCK, Path(sys.executable))
    fresh = cache.wheels(LOCK)
    assert cache.heal(LOCK, fresh) == {}
    (alpha / "alpha" / "__init__.py").write_text("x = 222\n")
    assert cache.heal(LOCK) == {"alpha": "alpha/__init__.py"}  # the other cell, which ends first
    shutil.rmtree(alpha)
    assert cache.heal(LOCK) == {}
    assert cache.heal(LOCK, fresh) == {"alpha": "a file"}
    unpack(cache, "alpha", "1.0")  # downloaded again, into a folder of the same name
    cache.compile(LOCK, Path(sys.executable))
    later = cache.wheels(LOCK)
    assert cache.heal(LOCK, fresh) == {"alpha": "a file"}
    assert cache.heal(LOCK, later) == {}


def test_after_a_cell_each_wheel_is_looked_at_once(cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, _ = unpack(cache, "alpha", "1.0"), unpack(cache, "beta_x", "2.0")
    cache.compile(LOCK, Path(sys.executable))
    fresh = cache.wheels(LOCK)
    looked = Mock(side_effect=manifests.first_change)
    monkeypatch.setattr("stackcompat.run.bytecode.first_change", looked)
    assert cache.heal(LOCK, fresh) == {}
    assert looked.call_count == 2
    # A wheel that has no metadata any more is not found by its lock, and is looked at all the same.
    (alpha / "alpha-1.0.dist-info").rename(alpha / "moved")
    (alpha / "alpha" / "__init__.py").write_text("x = 222\n")
    assert cache.heal(LOCK, fresh) == {"alpha": "alpha/__init__.py"}


@pytest.mark.parametrize("text", ["x = 1\n", "x = 222\n"], ids=["as it was", "changed"])
def test_a_cache_that_is_emptied_while_cells_run_says_what_was_changed(cache: PackageCache, text: str) -> None:
    alpha = unpack(cache, "alpha", "1.0")
    cache.compile(LOCK, Path(sys.executable))
    fresh = cache.wheels(LOCK)
    if text != (alpha / "alpha" / "__init__.py").read_text():
        (alpha / "alpha" / "__init__.py").write_text(text)
    cache.bound, cache.used = 1, True
    assert cache.trim() > 0
    assert not alpha.exists()
    assert cache.compile(LOCK, Path(sys.executable)) == 0
    assert cache.heal(LOCK, fresh) == ({} if text == "x = 1\n" else {"alpha": "a file"})
