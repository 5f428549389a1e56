"""Candidates as people write them: what comes from another index really comes from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.loader import load_candidates
from support.fakes import Catalogue, FakeResolver, make_runner
from support.loopback_index import LoopbackIndex
from support.made_up import component

WORLD = Catalogue({"alpha": {"1.0": "2026-01-01", "1.1": "2026-02-01"}, "beta": {"1.0": "2026-01-01"}})


class Metadata:
    """A package cache that knows what releases declare."""

    def metadata(self, requirement: str, interpreter: Path, index: str = "") -> str:
        """See :class:`stackcompat.run.package_cache.PackageCache`."""
        name, _, version = requirement.partition("==")
        return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: beta>=1\n"


@pytest.fixture
def extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        monkeypatch.setenv("NIGHTLY", index.address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield index


class Newest(FakeResolver):
    """A resolver that takes the newest also where any development release will do."""

    def resolve(self, cell: Any, catalog: Any = None) -> Any:
        """See :class:`stackcompat.resolve.resolver.Resolver`."""
        texts = tuple(text.removesuffix(">=0.dev0") for text in cell.requirements)
        return super().resolve(cell.model_copy(update={"requirements": texts}), catalog)


Take = Callable[..., tuple[Candidate, ...]]


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    """Loads candidates, where both indexes together have `newest` of each."""
    runner, _, _ = make_runner(tmp_path, lambda *_: (), {}, catalog=WORLD)

    def load(*given: str, newest: str = "1.2.dev2", **more: Any) -> tuple[Candidate, ...]:
        resolver = Newest(dict.fromkeys(("alpha", "beta"), newest))
        loading = replace(runner, cache=Metadata(), resolver=resolver)  # type: ignore[arg-type]
        return load_candidates(loading, given, pythons=("3.12",), **more)

    yield load
    runner.store.close()


def test_what_is_no_component_is_refused_with_each_distribution_once(tmp_path: Path) -> None:
    world = Catalogue({"stranger": {"1.0": "2026-01-01", "1.1": "2026-02-01"}})
    rows = (component("alpha"), component("alpha-part", distributions=("alpha",)), component("beta"))
    runner, _, _ = make_runner(tmp_path, lambda *_: (), {}, catalog=world)
    sentence = 'CANDIDATE: "stranger" is no component; allowed are alpha, beta'
    with pytest.raises(UsageError, match=f"^{sentence}$"):
        load_candidates(replace(runner, components=Components(components=rows)), ("stranger==1.1",), pythons=("3.12",))
    runner.store.close()


@pytest.mark.parametrize("named", ["", "nightly="])
@pytest.mark.parametrize("given", ["alpha", "alpha==1.2.dev2"])
def test_a_candidate_of_another_index_brings_along_what_moves_with_it_there(
    take: Take, extra: LoopbackIndex, monkeypatch: pytest.MonkeyPatch, given: str, named: str
) -> None:
    monkeypatch.setenv("NIGHTLY", f"{named}{extra.address}")
    extra.add("alpha", "1.2.dev2")
    (alpha,) = take(given, index="NIGHTLY")
    assert (alpha.version, alpha.replaces, alpha.requires) == ("1.2.dev2", "1.1", ("beta>=1",))
    assert not alpha.followers
    extra.add("alpha-native", "1.2.dev1")
    assert not take(given, index="NIGHTLY")[0].followers
    extra.add("alpha-native", "1.2.dev2")
    assert take(given, index="NIGHTLY")[0].followers == {"alpha-native": "1.2.dev2"}


@pytest.mark.parametrize("given", ["alpha", "alpha==1.1"])
def test_what_is_not_from_the_other_index_is_no_candidate(take: Take, extra: LoopbackIndex, given: str) -> None:
    with pytest.raises(UsageError, match=r"--index: alpha 1\.1 is not from the index in NIGHTLY; there is none"):
        take(given, index="NIGHTLY", newest="1.1")
    extra.add("alpha", "1.0.dev1")
    extra.add("alpha", "1.0.dev10")
    sentence = r"--index: alpha 1\.1 is not from the index in NIGHTLY; the newest there is 1\.0\.dev10"
    with pytest.raises(UsageError, match=sentence):
        take(given, index="NIGHTLY", newest="1.1")


def test_an_index_that_does_not_answer_or_has_no_address(
    take: Take, extra: LoopbackIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTLY", "http://127.0.0.1:9/simple/")
    with pytest.raises(IndexUnreachable, match="the index in NIGHTLY did not answer for alpha: ConnectionError"):
        take("alpha", index="NIGHTLY")
    monkeypatch.delenv("NIGHTLY")
    with pytest.raises(UsageError, match="--index: the environment variable NIGHTLY does not hold the address"):
        take("alpha", index="NIGHTLY")


def test_several_candidates_have_each_their_own_release_to_replace(take: Take) -> None:
    world = ("alpha==1.1", "beta==1.0")
    with pytest.raises(UsageError, match=r'--against: "1\.0" does not say of which candidate'):
        take(*world, against=("1.0",))
    with pytest.raises(UsageError, match=r"--against: beta 1\.0 is not older than the candidate, beta 1\.0"):
        take(*world, against=("beta==1.0",))
    (alpha,) = take("alpha==1.1", against=("alpha==1.0",))
    assert alpha.replaces == "1.0"
