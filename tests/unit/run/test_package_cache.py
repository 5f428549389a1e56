"""The package cache: what is compiled, when it is emptied, what a local source becomes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stackcompat.core.record import StackcompatError, UsageError
from stackcompat.resolve.lock import Lock
from stackcompat.run.package_cache import PackageCache, _clone, cache_bound, default_cache
from support.loopback_index import make_wheel

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCK = Lock.parse("alpha==1.0\nbeta-x==2.0", PYTHON, "p")


@pytest.fixture
def cache(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path / "cache", "no-uv")


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


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("STACKCOMPAT_CACHE")
    assert default_cache().name == "stackcompat"


def test_how_large_it_may_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACKCOMPAT_CACHE_GIB", raising=False)
    assert cache_bound() == 40 * 2**30
    monkeypatch.setenv("STACKCOMPAT_CACHE_GIB", "0.5")
    assert cache_bound() == 2**29


@pytest.mark.parametrize("given", ["0", "-1", "8 GB", "inf", "nan"])
def test_what_is_no_size(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("STACKCOMPAT_CACHE_GIB", given)
    with pytest.raises(UsageError, match=f'STACKCOMPAT_CACHE_GIB: "{given}" is no size in GiB; allowed is a number'):
        cache_bound()


def test_a_locks_wheels_are_compiled_once_and_no_others(cache: PackageCache) -> None:
    alpha, beta, other = unpack(cache, "alpha", "1.0"), unpack(cache, "beta_x", "2.0"), unpack(cache, "alpha", "3.0")
    assert cache.compile(LOCK, Path(sys.executable)) == 2
    tag = f"cpython-{PYTHON.replace('.', '')}"
    assert compiled(alpha) == {f"alpha/__pycache__/__init__.{tag}.pyc"}
    assert compiled(beta) == {f"beta_x/__pycache__/__init__.{tag}.pyc"}
    assert compiled(other) == set()
    assert cache.compile(LOCK, Path(sys.executable)) == 0


def test_what_does_not_compile_does_not_matter(cache: PackageCache) -> None:
    folder = unpack(cache, "alpha", "1.0")
    (folder / "alpha" / "template.py").write_text("{% no python %}\n")
    assert cache.compile(LOCK, Path(sys.executable)) == 1
    assert len(compiled(folder)) == 1


def test_an_unknown_layout_only_costs_speed(cache: PackageCache) -> None:
    (cache.packages / "archive-v9").mkdir()
    (cache.packages / "something").write_text("")
    assert cache.compile(LOCK, Path(sys.executable)) == 0


def test_the_cache_is_bounded_and_harnesses_survive(cache: PackageCache) -> None:
    unpack(cache, "alpha", "1.0")
    cache.compile(LOCK, Path(sys.executable))
    harness = cache.root / "harness" / "x"
    harness.mkdir(parents=True)
    assert cache.trim() == 0
    cache.bound = 1
    assert cache.trim() > 0
    assert not list(cache.packages.iterdir())
    assert harness.is_dir()
    # What was compiled is forgotten with it, so a wheel that comes back is compiled again.
    unpack(cache, "alpha", "1.0")
    assert cache.compile(LOCK, Path(sys.executable)) == 1


INSTALLER = """
import sys
from pathlib import Path
from stackcompat.run.package_cache import PackageCache

with PackageCache(Path(sys.argv[1]), "uv").in_use():
    print("installing", flush=True)
    sys.stdin.readline()
"""


def test_the_cache_is_not_emptied_while_another_process_installs_from_it(cache: PackageCache) -> None:
    unpack(cache, "alpha", "1.0")
    cache.bound = 1
    command = [sys.executable, "-c", INSTALLER, str(cache.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as installer:
        assert installer.stdout is not None
        assert installer.stdout.readline() == "installing\n"
        with cache.in_use():  # several may install at once
            assert cache.trim() == 0
        assert list(cache.packages.iterdir())
        installer.communicate("done\n", timeout=60)
    assert cache.trim() > 0


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

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command[command.index("--") :] if command[1] == "clone" else command[-2:-1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
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


def test_pytest_that_cannot_be_installed_is_said(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'no network' >&2\nexit 2\n")
    uv.chmod(0o755)
    with pytest.raises(StackcompatError, match=r"pytest for Python 3\.12 could not be installed: no network"):
        PackageCache(tmp_path / "cache", str(uv)).harness("3.12", Path(sys.executable))
