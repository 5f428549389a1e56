"""Groups of tests: whatever requires what, the import tests of a component run before all other tests that use it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.run.inside.groups import bases_of, path_of, places, split

NAMES = st.sampled_from("abcdef")
REQUIREMENTS = st.dictionaries(NAMES, st.frozensets(NAMES))


def visited(
    paths: list[tuple[str, ...]], imports: set[tuple[str, ...]], order: dict[str, int]
) -> list[tuple[str, ...]]:
    """The paths in the order in which the plugin comes to them."""
    found: list[tuple[str, ...]] = []
    loaded: set[str] = set()
    waiting = list(paths)
    while waiting:
        rest = {path: tuple(name for name in path if name not in loaded) for path in waiting}
        at_once = any(not rest[path] for path in waiting if path in imports)
        groups, following = split([rest[path] for path in waiting for _ in range(3)], order, 5, at_once=at_once)
        apart = [path for together in groups for group in together for path in waiting if rest[path] == group]
        found += apart
        waiting = [path for path in waiting if path not in apart]
        if following is None:
            assert not waiting
        else:
            loaded.add(following)
            found += [path for path in waiting if path in imports and loaded.issuperset(path)]
            waiting = [path for path in waiting if path not in found]
    return found


@given(REQUIREMENTS, st.lists(st.frozensets(NAMES), max_size=8))
def test_the_import_of_a_component_is_tested_before_anything_uses_it(
    requirements: dict[str, frozenset[str]], used: list[frozenset[str]]
) -> None:
    order, bases = places(requirements), bases_of(requirements)
    known = [uses & requirements.keys() for uses in used]
    own = {name: path_of([name], bases, order) for name in requirements}
    paths = [path_of(uses, bases, order) for uses in known]
    all_paths = list(dict.fromkeys([*own.values(), *paths]))
    found = visited(all_paths, set(own.values()), order)
    assert sorted(found) == sorted(all_paths)  # each once
    for uses, path in zip(known, paths, strict=True):
        assert uses <= set(path)
        for name in uses:
            assert found.index(own[name]) <= found.index(path)


@given(REQUIREMENTS)
def test_a_component_is_imported_after_all_that_it_requires(requirements: dict[str, frozenset[str]]) -> None:
    order, bases = places(requirements), bases_of(requirements)
    for name in requirements:
        path = path_of([name], bases, order)
        if all(name not in bases[base] for base in bases[name]):  # no circle
            assert path[-1] == name
