"""Locks in TOML: what the project needs, and what only an extra or a group takes in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable

import pytest

from stackcompat.advice.document import Asked
from stackcompat.advice.listing import Entry
from stackcompat.advice.toml_locks import lock_entries, pylock_entries
from stackcompat.core.errors import UsageError

UV = """
version = 1
requires-python = ">=3.11"
[[package]]
name = "mine"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "alpha", extra = ["fast"] },
    { name = "beta", version = "1.0", source = { registry = "here" }, marker = "python_full_version < '3.12'" },
    { name = "beta", version = "2.0", source = { registry = "here" }, marker = "python_full_version >= '3.12'" },
    { name = "windows", marker = "sys_platform == 'win32'" },
]
[package.optional-dependencies]
cpu = [{ name = "jaxlib", version = "1.0", source = { registry = "here" } }]
gpu = [{ name = "jaxlib", version = "2.0", source = { registry = "here" } }]
[package.dev-dependencies]
dev = [{ name = "tester" }]
[[package]]
name = "alpha"
version = "1.0"
source = { registry = "here" }
dependencies = [
    { name = "switch", marker = "extra == 'extra-4-mine-gpu'" },
    { name = "plain", marker = "extra != 'extra-4-mine-gpu'" },
]
[package.optional-dependencies]
fast = [{ name = "speed" }]
slow = [{ name = "sloth" }]
[[package]]
name = "beta"
version = "1.0"
source = { registry = "here" }
[[package]]
name = "beta"
version = "2.0"
source = { registry = "here" }
[[package]]
name = "jaxlib"
version = "1.0"
source = { registry = "here" }
[[package]]
name = "jaxlib"
version = "2.0"
source = { registry = "here" }
[[package]]
name = "plain"
version = "1.0"
[[package]]
name = "sloth"
version = "1.0"
[[package]]
name = "speed"
version = "1.0"
[[package]]
name = "switch"
version = "1.0"
[[package]]
name = "tester"
version = "1.0"
dependencies = [{ name = "alpha" }]
[[package]]
name = "windows"
version = "1.0"
"""
POETRY = """
[[package]]
name = "alpha"
version = "1.0"
optional = false
groups = ["main"]
[[package]]
name = "beta"
version = "1.0"
optional = true
groups = ["main"]
markers = 'extra == "train"'
[[package]]
name = "gamma"
version = "1.0"
optional = false
groups = ["dev", "docs"]
markers = { dev = "sys_platform == 'none'" }
[[package]]
name = "delta"
version = "1.0"
optional = true
groups = ["main", "dev"]
markers = { main = "sys_platform == 'none'", dev = "python_version > '3'" }
[extras]
train = ["beta"]
[metadata]
lock-version = "2.1"
"""
POETRY_1 = """
[[package]]
name = "alpha"
version = "1.0"
optional = false
[[package]]
name = "beta"
version = "1.0"
optional = true
[package.dependencies]
gamma = ">=1"
[[package]]
name = "gamma"
version = "1.0"
optional = true
[[package]]
name = "delta"
version = "1.0"
category = "dev"
optional = false
[extras]
train = ["beta (>=1)"]
"""
PYLOCK = """
lock-version = "1.0"
created-by = "a tool"
extras = ["train"]
dependency-groups = ["base", "dev"]
default-groups = ["base"]
[[packages]]
name = "alpha"
version = "1.0"
wheels = [{ url = "https://x.example/alpha-1.0-py3-none-any.whl", hashes = { sha256 = "00" } }]
[[packages]]
name = "beta"
marker = "'train' in extras"
archive = { url = "https://x.example/beta-2.0.tar.gz#sub", hashes = { sha256 = "00" } }
[[packages]]
name = "gamma"
marker = "'dev' in dependency_groups"
vcs = { type = "git", url = "https://x.example/gamma.git", commit-id = "00" }
[[packages]]
name = "delta"
marker = "'base' in dependency_groups"
directory = { path = "../delta" }
[[packages]]
name = "epsilon"
version = "3.0"
marker = "python_version < '3.12'"
archive = { path = "e.zip", hashes = { sha256 = "00" } }
"""


def read(entries: Iterable[Entry]) -> set[str]:
    return {f"{entry.name} {entry.version}" for entry in entries if entry.kind is None}


def kinds(entries: Iterable[Entry]) -> dict[str, str]:
    return {entry.text: entry.kind for entry in entries if entry.kind is not None}


def uv(python: str = "3.12", extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> list[Entry]:
    return list(lock_entries(tomllib.loads(UV), Asked(python, extras, groups)))


def test_of_a_uv_lock_that_is_read_which_the_project_needs() -> None:
    assert read(uv()) == {"alpha 1.0", "beta 2.0", "speed 1.0", "plain 1.0"}
    assert read(uv("3.11")) == {"alpha 1.0", "beta 1.0", "speed 1.0", "plain 1.0"}
    assert kinds(uv()) == {
        "beta 1.0": "elsewhere",
        "jaxlib 1.0": "optional",
        "jaxlib 2.0": "optional",
        "mine 0.1.0": "project",
        "sloth 1.0": "elsewhere",
        "switch 1.0": "optional",
        "tester 1.0": "optional",
        "windows 1.0": "elsewhere",
    }


def test_extras_and_groups_of_a_uv_lock_are_read_where_they_are_asked_for() -> None:
    basis = read(uv())
    assert read(uv(extras=("CPU",))) - basis == {"jaxlib 1.0"}
    assert read(uv(extras=("gpu",))) ^ basis == {"jaxlib 2.0", "switch 1.0", "plain 1.0"}  # plain conflicts with gpu
    assert read(uv(groups=("dev",))) - basis == {"tester 1.0"}


def test_a_uv_lock_has_the_projects_of_a_workspace_or_none() -> None:
    document = tomllib.loads(UV)
    document["package"][0]["source"] = {"editable": "parts/mine"}
    everything = len(document["package"]) - 1  # the project itself is no release
    assert len(read(lock_entries(document, Asked("3.12")))) == everything
    document["manifest"] = {"members": ["mine"]}
    assert read(lock_entries(document, Asked("3.12"))) == read(uv())
    document["manifest"] = {"members": ["mine"], "requirements": [{"name": "sloth"}]}
    assert len(read(lock_entries(document, Asked("3.12")))) == everything


@pytest.mark.parametrize(
    ("package", "why"),
    [
        ({"source": {"git": "https://example.org/alpha"}}, "from git, so it is no release"),
        ({"source": {"url": "https://example.org/alpha-1.0-py3-none-any.whl"}}, "from an address, so it is no release"),
        ({"source": {"directory": "parts/alpha"}}, "from a folder, so it is no release"),
        ({"source": {"type": "git", "url": "https://example.org/alpha", "reference": "main"}}, "from git, so it is no"),
        ({"source": {"type": "file", "url": "alpha.whl"}}, "from a file, so it is no release"),
        ({"git": "https://example.org/alpha", "ref": "main"}, "from git, so it is no release"),
        ({"path": "./alpha.whl"}, "from a file, so it is no release"),
    ],
)
def test_what_is_not_from_an_index_is_no_release(package: dict[str, object], why: str) -> None:
    (entry,) = lock_entries({"package": [{"name": "alpha", "version": "1.0", **package}]}, Asked())
    assert (entry.kind, entry.version) == ("project", "")
    assert entry.why.startswith(why)


@pytest.mark.parametrize("source", [{"registry": "here"}, {"type": "legacy", "url": "here", "reference": "mirror"}])
def test_what_is_from_an_index_is_a_release(source: dict[str, str]) -> None:
    (entry,) = lock_entries({"package": [{"name": "alpha", "version": "1.0", "source": source}]}, Asked())
    assert (entry.kind, entry.version) == (None, "1.0")


def test_groups_and_extras_of_a_poetry_lock() -> None:
    def poetry(extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> list[Entry]:
        return list(lock_entries(tomllib.loads(POETRY), Asked("3.12", extras, groups)))

    assert read(poetry()) == {"alpha 1.0"}
    assert kinds(poetry()) == {"beta 1.0": "optional", "gamma 1.0": "optional", "delta 1.0": "elsewhere"}
    assert read(poetry(("train",))) == {"alpha 1.0", "beta 1.0"}
    assert read(poetry(groups=("dev",))) == {"alpha 1.0", "delta 1.0"}
    assert kinds(poetry(groups=("dev",)))["gamma 1.0"] == "elsewhere"
    assert read(poetry(groups=("docs",))) == {"alpha 1.0", "gamma 1.0"}  # docs takes it everywhere


def test_an_older_poetry_lock_says_only_what_is_optional() -> None:
    document = tomllib.loads(POETRY_1)
    assert read(lock_entries(document, Asked())) == {"alpha 1.0"}
    assert read(lock_entries(document, Asked(extras=("train",)))) == {"alpha 1.0", "beta 1.0", "gamma 1.0"}
    assert read(lock_entries(document, Asked(groups=("dev",)))) == {"alpha 1.0", "delta 1.0"}


def test_a_pdm_lock_counts_an_extra_as_a_group() -> None:
    document = {"package": [{"name": "alpha", "version": "1.0", "groups": ["train"]}]}
    assert kinds(lock_entries(document, Asked())) == {"alpha 1.0": "optional"}
    assert read(lock_entries(document, Asked(extras=("train",)))) == {"alpha 1.0"}


def test_a_pylock_has_extras_groups_and_packages_without_a_version() -> None:
    document = tomllib.loads(PYLOCK)
    assert read(pylock_entries(document, Asked("3.11"))) == {"alpha 1.0", "epsilon 3.0"}
    wanted = {"beta": "optional", "gamma": "optional", "delta": "project", "epsilon 3.0": "elsewhere"}
    assert kinds(pylock_entries(document, Asked("3.12"))) == wanted
    asked = Asked("3.12", ("train",), ("dev",))
    assert read(pylock_entries(document, asked)) == {"alpha 1.0", "beta 2.0"}
    assert kinds(pylock_entries(document, asked)) == {
        "gamma": "project",
        "delta": "project",
        "epsilon 3.0": "elsewhere",
    }


def test_a_pylock_that_breaks_its_rules_is_refused() -> None:
    with pytest.raises(UsageError, match=r"it is no pylock\.toml: Missing required value in 'created-by'"):
        list(pylock_entries({"lock-version": "1.0", "packages": []}, Asked()))
