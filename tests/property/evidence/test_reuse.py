"""Whatever tests load and whatever distributions hold: the rule of reuse agrees with itself and refuses ways in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.reuse import fingerprint, surface_id, surfaces_in, why_not
from stackcompat.resolve.lock import Lock, Pin

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")
_PARTS = ("alpha", "beta", "core", "extra")

names = st.sampled_from(NAMES)
modules = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3).map(".".join)
folders = st.lists(st.sampled_from(_PARTS), min_size=0, max_size=2).map("/".join)
groups = st.sampled_from(("backends", "pytest11", "console_scripts"))


def some(values: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=most, unique=True).map(sorted).map(tuple)


closures = st.builds(
    Closure,
    whole=st.sampled_from(("", "", "", "it started a process")),
    distributions=some(names),
    absent=some(modules),
    unknown=some(names),
    entry_points=some(st.sampled_from(("backends", "*"))),
    listed=some(folders, 1),
)
surfaces = st.builds(
    Surface,
    roots=some(modules),
    entry_points=some(groups, 1),
    folders=some(folders),
    at_start=st.sampled_from((False, False, False, True)),
)
versions = st.dictionaries(names, st.sampled_from(("1.0", "1.1")))


def make_lock(of: dict[str, str]) -> Lock:
    pins = [Pin(name=name, version=version, hashes=(f"sha256:{name}-{version}",)) for name, version in of.items()]
    return Lock(python="3.12", platform="linux-x86_64", pins=tuple(sorted(pins, key=lambda pin: pin.name)))


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Surface]:
    """The surfaces of some releases; those of others are not known."""
    locks = [make_lock({name: version}) for name in NAMES for version in ("1.0", "1.1")]
    known = [lock for lock in locks if draw(st.sampled_from((True, True, False)))]
    return {surface_id(lock.pins[0], lock): draw(surfaces) for lock in known}


@given(closures, versions, versions, worlds())
def test_the_sentence_and_the_fingerprint_agree_in_both_directions(
    closure: Closure, one: dict[str, str], other: dict[str, str], world: dict[str, Surface]
) -> None:
    here, there = make_lock(one), make_lock(other)
    addresses = [fingerprint(closure, lock, surfaces_in(lock, world)) for lock in (here, there)]
    holds = addresses[0] == addresses[1]
    assert holds == (not why_not(closure, here, there, world)) == (not why_not(closure, there, here, world))


@given(closures, versions, versions, worlds())
def test_what_holds_has_every_loaded_release_and_no_way_in(
    closure: Closure, one: dict[str, str], other: dict[str, str], world: dict[str, Surface]
) -> None:
    here, there = make_lock(one), make_lock(other)
    if why_not(closure, here, there, world):
        return
    assert not closure.whole or here == there
    differing = {name for name in NAMES if one.get(name) != other.get(name)}
    assert differing.isdisjoint((*closure.distributions, *closure.unknown))
    for lock in (here, there):
        for pin in lock.pins:
            if pin.name not in differing:
                continue
            surface = world[surface_id(pin, lock)]  # one that is not known would have been refused
            assert not surface.at_start
            assert "pytest11" not in surface.entry_points
            assert set(closure.entry_points).isdisjoint(surface.entry_points)
            assert not (surface.entry_points and "*" in closure.entry_points)
            assert set(closure.listed).isdisjoint(surface.folders)
            for root in surface.roots:
                for absent in closure.absent:
                    assert not f"{absent}.".startswith(f"{root}.")
                    assert not f"{root}.".startswith(f"{absent}.")
                for listed in closure.listed:
                    assert not f"{listed}/".startswith(root.replace(".", "/") + "/")


@given(closures, versions, worlds())
def test_a_result_holds_where_it_was_seen(closure: Closure, one: dict[str, str], world: dict[str, Surface]) -> None:
    assert why_not(closure, make_lock(one), make_lock(one), world) == ""
