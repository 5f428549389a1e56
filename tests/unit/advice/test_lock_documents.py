"""Locks and project files in TOML, JSON and YAML."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml

from stackcompat.advice.document import Asked, needs_of_document
from stackcompat.advice.listing import Entry
from stackcompat.advice.lock_documents import json_entries, python_of_document, toml_entries, yaml_entries
from stackcompat.core.errors import UsageError

PROJECT = """
[project]
name = "mine"
requires-python = "==3.12.*"
dependencies = ["alpha==1.0", "beta>=2"]
[project.optional-dependencies]
cuda = ["gamma==3.0"]
[dependency-groups]
base = ["delta==4.0"]
dev = [{ include-group = "base" }, "epsilon==5.0"]
[tool.poetry.dependencies]
python = "^3.12"
zeta = "6.0"
eta = { version = "^7.0" }
"""
PIXI = """
version: 6
environments:
  default:
    packages:
      linux-64:
      - conda: https://index.example/noarch/alpha-1.0-pyhd8ed1ab_0.conda
      - pypi: https://index.example/beta-2.0-py3-none-any.whl
      osx-arm64:
      - conda: https://index.example/noarch/alpha-0.9-pyhd8ed1ab_0.conda
  test:
    packages:
      linux-64:
      - pypi: ./here
packages:
- conda: https://index.example/noarch/alpha-1.0-pyhd8ed1ab_0.conda
- pypi: https://index.example/beta-2.0-py3-none-any.whl
  name: beta
  version: 2.0.post1
"""
PIPFILE: dict[str, Any] = {
    "_meta": {"requires": {"python_version": "3.12"}},
    "default": {
        "alpha": {"version": "==1.0", "hashes": []},
        "beta": {"git": "https://index.example/beta.git", "ref": "abc"},
        "gamma": {"version": "==3.0", "markers": "python_version < '3'"},
    },
    "develop": {"delta": {"version": "==4.0"}},
}


def told(entries: Any) -> list[tuple[str, str, str | None]]:
    return [(entry.name, entry.version, entry.kind) for entry in entries if isinstance(entry, Entry)]


def test_a_project_says_what_it_depends_on_and_what_only_some_ask_for() -> None:
    document = tomllib.loads(PROJECT)
    assert python_of_document(document) == "3.12"
    assert told(toml_entries(document, Asked("3.12"))) == [
        ("alpha", "1.0", None),
        ("beta", "", "loose"),
        ("gamma", "", "optional"),
        ("delta", "", "optional"),
        ("delta", "", "optional"),
        ("epsilon", "", "optional"),
        ("zeta", "6.0", None),
        ("eta", "", "loose"),
    ]
    asked = told(toml_entries(document, Asked("3.12", extras=("CUDA",), groups=("dev",))))
    assert {name for name, version, _ in asked if version} == {"alpha", "gamma", "delta", "epsilon", "zeta"}
    broken = {"dependency-groups": {"dev": ["delta==4.0", {"include-group": "nowhere"}]}}
    assert [name for name, *_ in told(toml_entries(broken, Asked()))] == ["delta", ""]


def test_of_a_pixi_lock_the_default_environment_and_this_platform_are_read() -> None:
    document = yaml.safe_load(PIXI)
    assert told(yaml_entries(document, Asked())) == [
        ("alpha", "1.0", None),
        ("beta", "2.0.post1", None),
        ("alpha", "", "elsewhere"),
        ("", "", "optional"),
    ]
    assert told(yaml_entries(document, Asked(groups=("test",))))[-1] == ("", "", "unread")


def test_a_pipfile_lock_has_groups_and_markers() -> None:
    assert python_of_document(PIPFILE) == "3.12"
    wanted = [("alpha", "1.0", None), ("beta", "", "loose"), ("gamma", "", "elsewhere"), ("delta", "", "optional")]
    assert told(json_entries(PIPFILE, Asked("3.12"))) == wanted
    assert told(json_entries(PIPFILE, Asked("3.12", groups=("develop",))))[-1] == ("delta", "4.0", None)


def test_a_lock_says_what_its_packages_need() -> None:
    uv: dict[str, Any] = {"package": [{"name": "alpha", "dependencies": [{"name": "Beta_x"}]}, {"name": "beta-x"}]}
    assert needs_of_document(uv) == {"alpha": {"beta-x"}, "beta-x": frozenset()}
    uv["package"].append({"name": "mine", "source": {"virtual": "."}, "dependencies": [{"name": "alpha"}]})
    assert needs_of_document(uv)["mine"] == frozenset()
    poetry = {"package": [{"name": "alpha", "dependencies": {"beta-x": ">=1"}}]}
    assert needs_of_document(poetry) == {"alpha": {"beta-x"}}
    assert needs_of_document({"packages": [{"name": "alpha"}]}) == {}
    pixi: dict[str, Any] = {"packages": [{"conda": "https://x/alpha-1.0-0.conda", "depends": ["beta-x >=1", "python"]}]}
    assert needs_of_document(pixi) == {"alpha": {"beta-x", "python"}}
    pixi = {"packages": [{"pypi": "./here", "name": "alpha", "requires_dist": ["Beta_x>=1 ; extra == 'more'"]}]}
    assert needs_of_document(pixi) == {"alpha": {"beta-x"}}
    assert needs_of_document([]) == {}


def test_lists_of_packages_in_json() -> None:
    packages = [{"name": "alpha", "version": "1.0"}, {"name": "beta"}, "nonsense"]
    assert told(json_entries(packages, Asked())) == [("alpha", "1.0", None), ("beta", "", "loose"), ("", "", "unread")]
    inspected = {"installed": [{"metadata": {"name": "alpha", "version": "1.0"}}]}
    assert told(json_entries(inspected, Asked())) == [("alpha", "1.0", None)]


def test_a_conda_lock_and_an_environment() -> None:
    locked = [
        {"name": "alpha", "version": "1.0", "platform": "linux-64"},
        {"name": "alpha", "version": "0.9", "platform": "win-64"},
    ]
    assert told(yaml_entries({"package": locked}, Asked())) == [("alpha", "1.0", None), ("alpha", "", "elsewhere")]
    development = {"package": [{"name": "alpha", "version": "1.0", "category": "dev", "manager": "pip"}]}
    assert told(yaml_entries(development, Asked())) == [("alpha", "", "optional")]
    assert told(yaml_entries(development, Asked(groups=("dev",)))) == [("alpha", "1.0", None)]
    dependencies = ["conda-forge::alpha==1.0", "beta=2.0.1", "gamma", {"pip": ["delta==4.0", "-f there"]}]
    assert told(yaml_entries({"dependencies": dependencies}, Asked())) == [
        ("alpha", "1.0", None),
        ("beta", "2.0.1", None),
        ("gamma", "", "loose"),
        ("delta", "4.0", None),
        ("", "", "option"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "dependencies:\n  - alpha==1.0  # why\n  - 'beta'\n  - pip:\n      - gamma==3.0\n",
        "{dependencies: [alpha==1.0, beta, {pip: [gamma==3.0]}]}",
        "dependencies: &needs\n- alpha==1.0\n- beta\n- pip: gamma==3.0\nmore: *needs\n",
        'dependencies:\n- >-\n  alpha==1.0\n- "beta"\n-   pip:\n    - |\n      gamma==3.0\n',
    ],
)
def test_every_style_of_yaml_says_the_same(text: str) -> None:
    entries = told(yaml_entries(yaml.safe_load(text), Asked()))
    assert entries == [("alpha", "1.0", None), ("beta", "", "loose"), ("gamma", "3.0", None)]


def test_what_an_environment_has_beside_conda_and_pip_is_named() -> None:
    document = {"dependencies": ["alpha", {"npm": ["beta"]}, {"pip": None}, {"pip": ["-r more.txt"]}]}
    entries = list(yaml_entries(document, Asked()))
    assert told(entries) == [("alpha", "", "loose"), ("", "", "unread")]
    assert [entry.text for entry in entries] == ["alpha", "npm: beta", "-r more.txt"]


def test_a_pixi_lock_may_name_its_platforms_itself() -> None:
    document = yaml.safe_load(PIXI.replace("linux-64:", "gpu:", 1))
    assert {kind for *_, kind in told(yaml_entries(document, Asked()))} == {"elsewhere", "optional"}
    document["platforms"] = [{"name": "gpu", "subdir": "linux-64"}, {"name": "osx-arm64"}]
    assert told(yaml_entries(document, Asked()))[:3] == [
        ("alpha", "1.0", None),
        ("beta", "2.0.post1", None),
        ("alpha", "", "elsewhere"),
    ]
    packages = document["environments"]["default"]["packages"]
    packages["cpu"] = [{"conda_source": "delta[0a1b] @ ./delta"}]
    document["platforms"].append({"name": "cpu", "subdir": "linux-64"})
    assert told(yaml_entries(document, Asked()))[3] == ("delta", "", "elsewhere")  # one platform of this kind is read
    packages["gpu"] = packages.pop("cpu")
    assert told(yaml_entries(document, Asked()))[0] == ("delta", "", "project")


@pytest.mark.parametrize("document", [{}, {"name": "x"}, "text", None])
def test_a_document_that_is_none_of_these_is_refused(document: Any) -> None:
    with pytest.raises(UsageError, match="it is YAML, but"):
        list(yaml_entries(document, Asked()))
    with pytest.raises(UsageError, match="it is JSON, but"):
        list(json_entries(document, Asked()))
    assert python_of_document(document) == ""
