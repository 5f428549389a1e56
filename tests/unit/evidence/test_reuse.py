"""A result holds in another lock if the same distributions can reach the test there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.reuse import fingerprint, may_overlap, surface_id, surfaces_in, why_not
from stackcompat.resolve.lock import Lock, Pin

#: A test that loads two distributions and looks for what is not there.
CLOSURE = Closure(
    distributions=("alpha", "numbers"),
    absent=("extra", "extra.fast", "optional.deep.part"),
    unknown=("torch",),
    entry_points=("alpha.backends",),
    listed=("shared", "other/plugins"),
)

SURFACES = {"alpha": Surface(roots=("alpha",)), "numbers": Surface(roots=("numbers", "shared.numbers"))}


def lock_of(
    versions: Mapping[str, str], python: str = "3.12", hashes: Mapping[str, tuple[str, ...]] | None = None
) -> Lock:
    pins = [
        Pin(name=name, version=version, hashes=(hashes or {}).get(name, (f"sha256:{name}{version}",)))
        for name, version in sorted(versions.items())
    ]
    return Lock(python=python, platform="linux-x86_64", pins=tuple(pins))


def known(*locks: Lock, **surfaces: Surface) -> dict[str, Surface]:
    """The surfaces of all pins: those given by name, and for others one root called like the distribution."""
    given = SURFACES | {name.replace("_", "-"): surface for name, surface in surfaces.items()}
    return {
        surface_id(pin, lock): given.get(pin.name, Surface(roots=(pin.name,))) for lock in locks for pin in lock.pins
    }


HERE = lock_of({"alpha": "1.0", "numbers": "2.0", "beta": "3.0"})


def address(closure: Closure, lock: Lock, surfaces: Mapping[str, Surface]) -> str:
    return fingerprint(closure, lock, surfaces_in(lock, surfaces))


def holds(closure: Closure, here: Lock, there: Lock, surfaces: Mapping[str, Surface]) -> bool:
    """Whether both functions agree that a result holds, in both directions."""
    answers = {
        not why_not(closure, here, there, surfaces),
        not why_not(closure, there, here, surfaces),
        address(closure, here, surfaces) == address(closure, there, surfaces) != "",
    }
    assert len(answers) == 1
    return answers.pop()


@pytest.mark.parametrize(
    "there",
    [
        {"alpha": "1.0", "numbers": "2.0", "beta": "3.1"},
        {"alpha": "1.0", "numbers": "2.0"},
        {"alpha": "1.0", "numbers": "2.0", "beta": "3.0", "gamma": "1.0"},
    ],
)
def test_a_distribution_that_cannot_reach_the_test_can_differ(there: Mapping[str, str]) -> None:
    other = lock_of(there)
    assert holds(CLOSURE, HERE, other, known(HERE, other))


@pytest.mark.parametrize("name", ["alpha", "numbers"])
def test_what_was_loaded_must_be_the_same_release_with_the_same_files(name: str) -> None:
    versions = HERE.versions()
    other, rebuilt = lock_of(versions | {name: "9.0"}), lock_of(versions, hashes={name: ("sha256:rebuilt",)})
    missing = lock_of({one: version for one, version in versions.items() if one != name})
    for there in (other, rebuilt, missing):
        assert not holds(CLOSURE, HERE, there, known(HERE, there))
    assert why_not(CLOSURE, HERE, other, known(HERE, other)) == (
        f"{name} is {versions[name]} in the lock of the run and 9.0 in the other, and the test loaded it"
    )
    assert why_not(CLOSURE, HERE, rebuilt, known(HERE, rebuilt)) == (
        f"{name} {versions[name]} has other files in the other lock, and the test loaded it"
    )


def test_a_distribution_without_a_hash_can_be_anything() -> None:
    unknown = lock_of(HERE.versions(), hashes={"alpha": ()})
    assert not holds(CLOSURE, unknown, unknown, known(unknown))
    assert "has no hash" in why_not(CLOSURE, unknown, unknown, known(unknown))


#: The ways in which a distribution can reach a test that does not load it, by what a reader is told.
WAYS_IN = {
    "runs code when the interpreter starts": Surface(roots=("gamma",), at_start=True),
    "has a plugin that pytest loads": Surface(roots=("gamma",), entry_points=("pytest11",)),
    "gamma has pluggy, which runs the tests": Surface(roots=("gamma", "pluggy")),
    "the entry points of alpha.backends": Surface(roots=("gamma",), entry_points=("alpha.backends", "other")),
    "looked for the module extra and did not find it, and gamma has extra": Surface(roots=("extra",)),
    "looked for the module extra and did not find it, and gamma has extra.slow": Surface(roots=("extra.slow",)),
    "looked for the module optional.deep.part and did not find it": Surface(roots=("optional.deep",)),
    "has alpha, which can hide it": Surface(roots=("alpha",)),
    "has shared, which can hide it": Surface(roots=("shared",)),
    "the test loaded alpha, and gamma has alpha.core in it": Surface(roots=("alpha.core",)),
    "the test loaded alpha, and gamma puts files there": Surface(folders=("", "alpha")),
    "the test loaded alpha.data, and gamma puts files there": Surface(folders=("", "alpha/data")),
    "looked for the module extra and did not find it, and gamma has this folder": Surface(folders=("", "extra")),
    "listed the folder shared, and gamma puts files there": Surface(roots=("shared.gamma",), folders=("", "shared")),
    "listed the folder other/plugins": Surface(roots=("other.plugins",)),
}


@pytest.mark.parametrize(("words", "surface"), WAYS_IN.items())
def test_each_way_in_is_refused(words: str, surface: Surface) -> None:
    there = lock_of(HERE.versions() | {"gamma": "1.0"})
    surfaces = known(HERE, there, gamma=surface)
    assert not holds(CLOSURE, HERE, there, surfaces)
    assert words in why_not(CLOSURE, HERE, there, surfaces)
    again = lock_of(HERE.versions() | {"gamma": "1.1"})
    assert not holds(CLOSURE, there, again, surfaces | known(again, gamma=surface))
    assert holds(
        CLOSURE, there, lock_of(there.versions() | {"beta": "4.0"}), surfaces | known(lock_of({"beta": "4.0"}))
    )


def test_a_way_in_that_only_one_of_two_releases_has_is_refused() -> None:
    there = lock_of(HERE.versions() | {"beta": "3.1"})
    surfaces = known(HERE) | {surface_id(pin, there): Surface(at_start=pin.name == "beta") for pin in there.pins}
    surfaces |= known(lock_of({"alpha": "1.0", "numbers": "2.0"}))
    assert not holds(CLOSURE, HERE, there, surfaces)


def test_a_distribution_that_the_test_asked_for_by_name_is_refused() -> None:
    there = lock_of(HERE.versions() | {"torch": "2.0"})
    assert not holds(CLOSURE, HERE, there, known(HERE, there))
    assert "the test asked whether torch is installed" in why_not(CLOSURE, HERE, there, known(HERE, there))


def test_all_entry_points_are_asked_for() -> None:
    closure = CLOSURE.model_copy(update={"entry_points": ("*",)})
    there = lock_of(HERE.versions() | {"gamma": "1.0"})
    assert holds(closure, HERE, there, known(HERE, there))
    some = known(HERE, there, gamma=Surface(roots=("gamma",), entry_points=("anything",)))
    assert not holds(closure, HERE, there, some)
    assert "the test asked for all entry points" in why_not(closure, HERE, there, some)


@pytest.mark.parametrize("closure", [Closure(whole="it started a process"), Closure(listed=("",))])
def test_a_test_that_can_depend_on_the_whole_lock_holds_only_there(closure: Closure) -> None:
    there = lock_of(HERE.versions() | {"beta": "3.1"})
    assert not holds(closure, HERE, there, known(HERE, there))
    assert "the test can depend on everything that is installed" in why_not(closure, HERE, there, known(HERE, there))
    assert holds(closure, HERE, HERE, known(HERE))


def test_a_surface_that_is_not_known_is_refused() -> None:
    there = lock_of(HERE.versions() | {"gamma": "1.0"})
    assert not holds(CLOSURE, HERE, there, known(HERE))
    assert why_not(CLOSURE, HERE, there, known(HERE)) == (
        "gamma is only in the other lock, and it is not known by what gamma 1.0 can reach a test"
    )


def test_modules_of_what_was_loaded_that_are_not_known_can_be_hidden_by_anything() -> None:
    there = lock_of(HERE.versions() | {"beta": "3.1"})
    surfaces = {id_: surface for id_, surface in known(HERE, there).items() if surface != SURFACES["alpha"]}
    assert not holds(CLOSURE, HERE, there, surfaces)
    assert "it is not known which modules alpha 1.0 has" in why_not(CLOSURE, HERE, there, surfaces)


def test_another_python_is_another_place() -> None:
    there = lock_of(HERE.versions(), "3.13")
    assert not holds(CLOSURE, HERE, there, known(HERE, there))


def test_a_distribution_that_must_not_count_leaves_no_address() -> None:
    surfaces = surfaces_in(HERE, known(HERE))
    assert fingerprint(CLOSURE, HERE, surfaces, without=("beta",)) == fingerprint(CLOSURE, HERE, surfaces)
    assert not fingerprint(CLOSURE, HERE, surfaces, without=("alpha",))


@pytest.mark.parametrize(
    ("roots", "overlap"),
    [
        ((("alpha",), ("beta", "gamma")), False),
        ((("space.alpha",), ("space.beta",)), False),
        ((("alpha", "alpha.core"), ("beta",)), False),
        ((("alpha",), ("tests",), ("beta", "tests")), True),
        ((("alpha",), ("alpha.plugin",)), True),
        ((("alpha.plugin",), ("alpha",)), True),
    ],
)
def test_two_distributions_can_have_the_same_file(roots: tuple[tuple[str, ...], ...], overlap: bool) -> None:
    assert may_overlap(Surface(roots=of_one) for of_one in roots) is overlap
