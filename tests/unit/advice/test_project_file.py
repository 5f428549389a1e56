"""The requirements of a pyproject.toml."""

from __future__ import annotations

import tomllib

import pytest

from stackcompat.advice.document import Asked
from stackcompat.advice.listing import Entry
from stackcompat.advice.project_file import of_poetry, project_entries

EXTRAS = """
[project]
name = "Mine"
[project.optional-dependencies]
train = ["alpha==1.0"]
all = ["mine[train]", "beta==2.0"]
[tool.uv]
dev-dependencies = ["gamma==3.0"]
[tool.pdm.dev-dependencies]
docs = ["delta==4.0"]
"""
POETRY = """
[tool.poetry.dependencies]
python = "^3.11"
alpha = "1.0"
beta = { version = "2.0", optional = true }
gamma = [{ version = "3.0", python = "<3.12" }, { version = "4.0", python = ">=3.12" }]
delta = { git = "https://x.example/delta.git" }
epsilon = { version = "5.0", markers = "sys_platform == 'none'" }
zeta = "^0.4.2"
[tool.poetry.extras]
train = ["beta"]
[tool.poetry.group.test.dependencies]
eta = "6.0"
[tool.poetry.dev-dependencies]
theta = "7.0"
"""


def told(text: str, asked: Asked = Asked()) -> list[tuple[str, str, str | None]]:  # noqa: B008  # it never changes
    entries = project_entries(tomllib.loads(text), asked)
    return [(entry.name, entry.version, entry.kind) for entry in entries if isinstance(entry, Entry)]


def pinned(text: str, asked: Asked) -> set[str]:
    return {f"{name} {version}" for name, version, kind in told(text, asked) if kind is None}


def test_an_extra_may_take_in_another_one() -> None:
    assert {kind for *_, kind in told(EXTRAS)} == {"optional"}
    assert pinned(EXTRAS, Asked(extras=("train",))) == {"alpha 1.0"}
    assert pinned(EXTRAS, Asked(extras=("all",))) == {"alpha 1.0", "beta 2.0"}
    assert "mine" not in [name for name, _, kind in told(EXTRAS, Asked(extras=("all",))) if kind != "optional"]


def test_groups_that_only_one_tool_knows() -> None:
    assert pinned(EXTRAS, Asked(groups=("dev",))) == {"gamma 3.0"}
    assert pinned(EXTRAS, Asked(groups=("docs",))) == {"delta 4.0"}


def test_what_only_a_build_or_another_tool_knows_is_named() -> None:
    dynamic = '[project]\nname = "mine"\ndynamic = ["version", "dependencies"]\n[tool.pixi.dependencies]\nalpha = "1"\n'
    entries = list(project_entries(tomllib.loads(dynamic), Asked()))
    assert [entry.text for entry in entries] == ["dynamic dependencies", "[tool.pixi]"]
    assert {kind for *_, kind in told(dynamic)} == {"unread"}


def test_constraints_of_uv_limit_and_pin() -> None:
    text = '[tool.uv]\nconstraint-dependencies = ["alpha==1.0"]\noverride-dependencies = ["beta<2"]\n'
    entries = list(project_entries(tomllib.loads(text), Asked()))
    assert [(entry.text, entry.constraint) for entry in entries] == [("alpha==1.0", True), ("beta<2", True)]


def test_the_requirements_of_poetry() -> None:
    assert told(POETRY, Asked("3.12")) == [
        ("alpha", "1.0", None),
        ("beta", "", "optional"),
        ("gamma", "", "elsewhere"),
        ("gamma", "4.0", None),
        ("delta", "", "loose"),
        ("epsilon", "", "elsewhere"),
        ("zeta", "", "loose"),
        ("eta", "", "optional"),
        ("theta", "", "optional"),
    ]
    more = pinned(POETRY, Asked("3.11", ("train",), ("test", "dev")))
    assert more == {"alpha 1.0", "beta 2.0", "gamma 3.0", "eta 6.0", "theta 7.0"}
    (zeta,) = (entry for entry in project_entries(tomllib.loads(POETRY), Asked()) if entry.text.startswith("zeta"))
    assert isinstance(zeta, Entry)
    assert zeta.bounds == "<0.5,>=0.4.2"


@pytest.mark.parametrize(
    ("text", "specifier"),
    [
        ("^1.2.3", "<2,>=1.2.3"),
        ("^0.2.3", "<0.3,>=0.2.3"),
        ("^0.0.3", "<0.0.4,>=0.0.3"),
        ("^0", "<1,>=0"),
        ("~1.2.3", "<1.3,>=1.2.3"),
        ("~1", "<2,>=1"),
        ("~=1.2", "~=1.2"),
        ("1.2", "==1.2"),
        ("1.2.*", "==1.2.*"),
        (">=1,<2", "<2,>=1"),
        (">=1 <2", "<2,>=1"),
        (">= 1, < 2", "<2,>=1"),
        ("*", ""),
        ("^1 || ^2", ""),
    ],
)
def test_a_constraint_of_poetry_is_a_specifier(text: str, specifier: str) -> None:
    assert ",".join(sorted(of_poetry(text).split(","))) == specifier
