"""A local source becomes a wheel, which is built if need be."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from stackcompat.core.errors import StackcompatError
from stackcompat.core.programs import end_programs
from stackcompat.run import sources
from stackcompat.run.package_cache import PackageCache
from stackcompat.run.sources import _clone
from support.loopback_index import make_wheel


@pytest.fixture
def cache(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path / "cache", "no-uv")


def test_a_wheel_is_its_own_source(cache: PackageCache, tmp_path: Path) -> None:
    filename, content, _ = make_wheel("alpha", "1.0")
    (tmp_path / filename).write_bytes(content)
    assert cache.wheel(str(tmp_path / filename), Path(sys.executable)) == tmp_path / filename


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two projects; its main branch says main, and release/1.0 says released."""
    folder = tmp_path / "project@home.git"

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    def commit(says: str) -> None:
        for place in (folder, folder / "checkpoint"):
            place.mkdir(exist_ok=True)
            (place / "says").write_text(f"{says} in {place.name}")
        git("add", ".")
        git("commit", "-m", says)

    folder.mkdir()
    git("init", "-b", "main")
    commit("main")
    git("checkout", "-b", "release/1.0")
    commit("released")
    git("tag", "v1.0")
    git("checkout", "main")
    return folder


#: Builds a "wheel" that holds what the source folder says.
BUILDER = """#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --out-dir ] && out=$2; shift; done
mkdir -p "$out" && cp "$1/says" "$out/alpha-1.0-py3-none-any.whl"
"""


@pytest.mark.parametrize(
    ("suffix", "says"),
    [
        ("", "main in project@home.git"),
        ("@release/1.0", "released in project@home.git"),
        ("@v1.0", "released in project@home.git"),
        ("#subdirectory=checkpoint", "main in checkpoint"),
        ("@main#subdirectory=checkpoint", "main in checkpoint"),
        ("@release/1.0#egg=alpha&subdirectory=checkpoint", "released in checkpoint"),
    ],
)
def test_a_git_address_names_a_revision_and_a_folder(tmp_path: Path, repository: Path, suffix: str, says: str) -> None:
    uv = tmp_path / "uv"
    uv.write_text(BUILDER)
    uv.chmod(0o755)
    # As with pip, the last "@" of the path is that of the revision.
    source = f"git+{repository.as_uri()}{suffix if '@' in suffix else f'@main{suffix}'}"
    assert PackageCache(tmp_path / "cache", str(uv)).wheel(source, Path(sys.executable)).read_text() == says


@pytest.mark.parametrize(
    ("suffix", "sentence"),
    [
        ("@gone", "git checkout failed: "),
        ("@main#subdirectory=gone", "#subdirectory=gone: there is no such folder in the repository"),
        ("@main#subdirectory=..", "#subdirectory=..: there is no such folder in the repository"),
    ],
)
def test_a_git_address_of_what_is_not_there(cache: PackageCache, repository: Path, suffix: str, sentence: str) -> None:
    with pytest.raises(StackcompatError, match=sentence):
        cache.wheel(f"git+{repository.as_uri()}{suffix}", Path(sys.executable))


def test_the_user_of_a_git_address_is_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        asked.append(command[command.index("--") :] if command[1] == "clone" else command[-2:-1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(sources, "ask_program", run)
    for address in ("ssh://git@host.example/project", "git@host.example:owner/project"):
        for revision in ("", "release/1.0"):
            _clone(f"git+{address}{f'@{revision}' if revision else ''}", tmp_path)
            assert asked.pop(0) == ["--", address, str(tmp_path)]
            assert [*asked] == ([[revision]] if revision else [])
            asked.clear()


@pytest.mark.parametrize("source", ["gone-1.0-py3-none-any.whl", "gone"])
def test_a_source_that_is_not_there(cache: PackageCache, tmp_path: Path, source: str) -> None:
    with pytest.raises(StackcompatError, match="there is no such"):
        cache.wheel(str(tmp_path / source), Path(sys.executable))


def test_a_source_that_does_not_build_says_why_without_addresses(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'no backend at https://me:pw@host.example/x' >&2\nexit 2\n")
    uv.chmod(0o755)
    with pytest.raises(StackcompatError, match="no wheel could be built: no backend at <address>"):
        PackageCache(tmp_path / "cache", str(uv)).wheel(str(tmp_path), Path(sys.executable))


@pytest.mark.parametrize("program", ["uv", "git"])
def test_what_builds_and_clones_ends_with_the_command(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    (tmp_path / program).write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {begun}.part\nmv {begun}.part {begun}\nwait\n")
    (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    source = "git+file:///gone" if program == "git" else str(tmp_path)
    cache, errors = PackageCache(tmp_path / "cache", str(tmp_path / "uv")), []

    def build() -> None:
        with pytest.raises(StackcompatError) as error:
            cache.wheel(source, Path(sys.executable))
        errors.append(error)

    building = threading.Thread(target=build, daemon=True)
    building.start()
    while not begun.exists():
        building.join(0.01)
    (child,) = map(int, begun.read_text().split())
    end_programs()
    building.join(20)
    assert len(errors) == 1
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
