"""What can be a candidate, and what it would replace."""

from __future__ import annotations

import re

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.gate.candidate import Candidate, kind_of, named_predecessors, predecessor
from support.world import World, day

WORLD = World(
    {
        "alpha": {
            "1.0": "2026-01-01",
            "1.1": "2026-02-01",
            "1.2rc1": "2026-03-01",
            "1.2": {"uploaded": "2026-04-01", "yanked": True},
            "1.3": "2026-05-01",
        },
        "young": {"1.0rc1": "2026-01-01", "1.0": "2026-02-01"},
    }
)


@pytest.mark.parametrize(
    ("given", "index", "kind"),
    [
        ("dist/alpha-1.0-py3-none-any.whl", "", "wheel"),
        ("alpha-1.0-py3-none-any.whl", "", "wheel"),
        ("dist/alpha-1.0.tar.gz", "", "sdist"),
        ("./alpha", "", "folder"),
        ("sources/alpha", "", "folder"),
        (".", "", "folder"),
        ("git+https://x.example/alpha@main", "", "git"),
        ("alpha==1.3rc1", "", "index"),
        ("alpha == 1.3", "", "index"),
        ("alpha==1.3", "NIGHTLY", "extra index"),
        ("alpha", "NIGHTLY", "extra index"),
    ],
)
def test_a_candidate_is_told_from_how_it_is_written(given: str, index: str, kind: str) -> None:
    assert kind_of(given, index) == kind


@pytest.mark.parametrize("given", ["alpha", "alpha>=1", "alpha==1.*", "alpha[x]==1", "alpha=1", "", "alpha==1,>=1"])
def test_anything_else_is_a_mistake(given: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f'CANDIDATE: "{given}" is none of: a wheel, an sdist')):
        kind_of(given)


@pytest.mark.parametrize(
    ("version", "as_of", "against", "found"),
    [
        ("1.4", None, "last-release", "1.3"),
        ("1.3", None, "last-release", "1.1"),  # 1.2 is yanked, and its candidate was none
        ("1.3", "2026-01-15", "last-release", "1.0"),
        ("1.4rc1", None, "1.0", "1.0"),
        ("1.4", None, "1.2rc1", "1.2rc1"),
    ],
)
def test_what_a_candidate_would_replace(version: str, as_of: str | None, against: str, found: str) -> None:
    until = day(as_of) if as_of else None
    assert predecessor(WORLD, "alpha", version, as_of=until, against=against) == found


def test_a_pre_release_is_replaced_where_there_is_nothing_else() -> None:
    assert predecessor(WORLD, "young", "1.0", as_of=None) == "1.0rc1"


@pytest.mark.parametrize(
    ("version", "against", "sentence"),
    [
        ("1.0", "last-release", "CANDIDATE: the index has no release of alpha older than 1.0"),
        ("1.4", "9.9", "--against: the index has no alpha 9.9; its newest releases are 1.3, 1.2, 1.2rc1"),
        ("1.4", "newest", '--against: "newest" is neither last-release nor a version'),
        ("1.3", "1.3", "--against: alpha 1.3 is not older than the candidate, alpha 1.3; name an older release"),
        ("1.1", "1.3", "--against: alpha 1.3 is not older than the candidate, alpha 1.1; name an older release"),
    ],
)
def test_nothing_to_replace_is_a_mistake(version: str, against: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        predecessor(WORLD, "alpha", version, as_of=None, against=against)


def test_what_is_on_no_index_may_replace_any_release() -> None:
    for against in ("1.3", "1.1"):
        found = predecessor(WORLD, "alpha", "1.2.dev1", as_of=None, against=against, published=False)
        assert found == against


def test_each_candidate_may_have_a_release_to_replace() -> None:
    assert named_predecessors(["1.1"], ["alpha"]) == {"alpha": "1.1"}
    assert named_predecessors(["last-release"], ["alpha", "beta"]) == {}
    assert named_predecessors(["Alpha==1.1", "beta == 2"], ["alpha", "beta"]) == {"alpha": "1.1", "beta": "2"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["1.1"], '--against: "1.1" does not say of which candidate; give name==1.1, once for each'),
        (["gamma==1"], '--against: "gamma" is no candidate; allowed are alpha, beta'),
        (["alpha==1", "alpha==2"], '--against: "alpha" is given twice; allowed is once'),
    ],
)
def test_a_release_to_replace_that_is_no_candidates_is_a_mistake(given: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        named_predecessors(given, ["alpha", "beta"])
    assert str(caught.value) == sentence


def test_needs_are_those_without_extras_on_a_python() -> None:
    requires = ("beta>=1", 'gamma; extra == "all"', 'delta; python_version < "3.12"')
    candidate = Candidate(name="alpha", version="1", replaces="0", source="index", requires=requires)
    assert [need.name for need in candidate.needs("3.12")] == ["beta"]
    assert [need.name for need in candidate.needs("3.11")] == ["beta", "delta"]
