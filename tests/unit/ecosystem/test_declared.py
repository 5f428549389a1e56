"""What releases declare to need."""

from __future__ import annotations

from stackcompat.ecosystem.declared import bounds_on, declared_in, needs, requirements
from support.world import World


def test_what_a_release_needs_here() -> None:
    requires = ["beta>=1", "Beta<3", "gamma>2; python_version<'3.12'", "delta; extra=='all'", "epsilon"]
    catalog = World({"alpha": {"1.0": {"uploaded": "2026-01-01", "requires": requires}}})
    found = needs(catalog, "alpha", "1.0", "3.12")
    assert found.keys() == {"beta", "epsilon"}
    assert found["beta"].contains("2.9")
    assert not found["beta"].contains("3.0")


def test_bounds_come_with_releases_that_are_required_exactly() -> None:
    catalog = World(
        {
            "meta": {"1": {"uploaded": "2026-01-01", "requires": ["alpha[fast]==2", "gamma<5", "beta>=1"]}},
            "alpha": {"2": {"uploaded": "2026-01-01", "requires": ["gamma>=3", "eps==1; extra == 'fast'"]}},
            "eps": {"1": {"uploaded": "2026-01-01", "requires": ["gamma!=4", "meta==1"]}},
            "beta": {"1": {"uploaded": "2026-01-01", "requires": ["gamma>=9"]}},
        }
    )
    found = bounds_on("gamma", catalog, "meta", "1", "3.12")
    assert [(bound.name, bound.version, str(bound.specifier)) for bound in found] == [
        ("meta", "1", "<5"),
        ("alpha", "2", ">=3"),
        ("eps", "1", "!=4"),
    ]
    assert requirements(catalog, "python", "3.12", "3.12") == []


def test_lines_that_are_no_requirement_are_left_out() -> None:
    metadata = "Metadata-Version: 2.1\nName: alpha\nVersion: 1\nRequires-Dist: beta>=1\nRequires-Dist: what is this\n"
    assert [str(requirement) for requirement in declared_in(metadata)] == ["beta>=1"]


def test_the_description_below_the_header_declares_nothing() -> None:
    header = "Metadata-Version: 2.1\nName: alpha\nVersion: 1\nRequires-Dist: beta>=1\nKeywords: a,\n  b\n"
    for end in ("\n", "\r\n"):
        metadata = f"{header}Requires-Dist: gamma\n\nRequires-Dist: delta\n\nmore\n".replace("\n", end)
        assert [str(requirement) for requirement in declared_in(metadata)] == ["beta>=1", "gamma"]


def test_an_answer_for_one_python_or_extra_is_none_for_another() -> None:
    requires = ["beta; python_version<'3.12'", "gamma; extra=='all'", "delta; extra=='more'"]
    catalog = World({"alpha": {"1.0": {"uploaded": "2026-01-01", "requires": requires}}})

    def names(python: str, *extras: str) -> list[str]:
        return [requirement.name for requirement in requirements(catalog, "alpha", "1.0", python, extras)]

    assert names("3.12") == []
    assert names("3.11") == ["beta"]
    assert names("3.11", "all") == ["beta", "gamma"]
    assert names("3.12", "all", "more") == ["gamma", "delta"]
    assert [str(requirement) for requirement in catalog.requires("alpha", "1.0")][1] == 'gamma; extra == "all"'
