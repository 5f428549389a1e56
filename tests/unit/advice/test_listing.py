"""What a file lists, as one value."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from stackcompat.advice.listing import Entry, Line, Listed, collect, of_file_name, of_requirement, only_python, pinned


def test_of_two_versions_the_newer_counts_and_the_older_is_named() -> None:
    listed = collect([Entry("alpha 1.0", "alpha", "1.0"), Entry("Alpha 2.0", "Alpha", "2.0")], "3.12")
    assert (listed.versions, listed.python) == ({"alpha": "2.0"}, "3.12")
    assert listed.lines == (Line(text="alpha 1.0", kind="twice", name="alpha", why="the file also has 2.0"),)
    assert collect([Entry("alpha 1.0", "alpha", "1.0"), Entry("alpha 1.0.0", "alpha", "1.0.0")]).lines == ()


@pytest.mark.parametrize("text", ["alpha[b,a]==1.0", "alpha[a]==1.0"])
def test_a_line_with_extras_is_named(text: str) -> None:
    listed = collect([of_requirement(Requirement(text), text, "3.12", ())])
    why = "what its extras install is known from other lines only"
    assert (listed.versions, listed.lines) == (
        {"alpha": "1.0"},
        (Line(text=text, kind="extra", name="alpha", why=why),),
    )


def test_a_constraint_pins_a_line_without_a_version() -> None:
    loose = Entry("alpha>=1", "alpha", kind="loose", bounds=">=1")
    constraint = Entry("alpha==1.5", "alpha", "1.5", constraint=True)
    assert collect([loose, constraint]) == Listed({"alpha": "1.5"})
    below = constraint._replace(version="0.5")
    assert [line.text for line in collect([loose, below]).lines] == ["alpha>=1"]
    alone = collect([loose])
    assert (alone.versions, alone.loose, [line.kind for line in alone.lines]) == ({}, {"alpha": ">=1"}, ["loose"])
    only_limits = collect([loose._replace(constraint=True)])
    assert (only_limits.loose, len(only_limits.lines)) == ({}, 1)


@pytest.mark.parametrize(
    ("text", "version", "kind"),
    [
        ("alpha==1.0", "1.0", None),
        ("alpha===1.0", "1.0", None),
        ("alpha==1.*", "", "loose"),
        ("alpha", "", "loose"),
        ("alpha @ https://files.example/alpha-1.0-py3-none-any.whl", "1.0", None),
        ("alpha @ https://files.example/alpha-1.0.tar.gz#sha256=00", "1.0", None),
        ("alpha @ https://files.example/main.zip", "", "loose"),
        ("alpha @ git+https://files.example/alpha@v1.0", "", "loose"),
        ("alpha==1.0 ; python_version < '3'", "", "elsewhere"),
        ("alpha==1.0 ; sys_platform == 'none'", "", "elsewhere"),
        ("alpha==1.0 ; extra == 'more'", "", "optional"),
        ("alpha==1.0 ; extra == 'asked'", "1.0", None),
    ],
)
def test_a_requirement_pins_or_says_why_not(text: str, version: str, kind: str | None) -> None:
    entry = of_requirement(Requirement(text), text, "3.12", ("asked",))
    assert (entry.name, entry.version, entry.kind) == ("alpha", version, kind)


def test_a_version_that_is_none_is_named() -> None:
    assert pinned("alpha x", "alpha", "x").why == '"x" is no version'
    assert pinned("alpha", "alpha", "").kind == "loose"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("alpha_x-1.0-py3-none-any.whl", ("alpha-x", "1.0")),
        ("alpha-1.0%2Bcuda12-py3-none-any.whl", ("alpha", "1.0+cuda12")),
        ("alpha-x-1.0-py312_0.conda", ("alpha-x", "1.0")),
        ("alpha-1.0-0.tar.bz2", ("alpha", "1.0")),
        ("alpha-1.0.tar.gz", ("alpha", "1.0")),
        ("alpha.whl", ("", "")),
        ("alpha.conda", ("", "")),
        ("main.zip", ("", "")),
    ],
)
def test_names_of_files(name: str, found: tuple[str, str]) -> None:
    assert of_file_name(name) == found


@pytest.mark.parametrize(
    ("specifier", "python"),
    [("==3.12.*", "3.12"), (">=3.12,<3.13", "3.12"), ("==3.12.4", "3.12"), (">=3.12", ""), ("", ""), ("nonsense", "")],
)
def test_the_only_python_of_a_specifier(specifier: str, python: str) -> None:
    assert only_python(specifier) == python
