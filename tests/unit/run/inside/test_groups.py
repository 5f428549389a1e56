"""Which tests share a process, and in which order components are imported for them."""

from __future__ import annotations

import pytest

from stackcompat.run.inside.groups import Split, bases_of, blas_threads, places, split

#: A stack: box needs nothing; lid, hinge and chest build on box, chest on both others too; rope stands alone.
STACK = {
    "box": ["wood"],
    "chest": ["box", "lid", "hinge", "rope"],
    "lid": ["box"],
    "hinge": ["box"],
    "rope": [],
    "crate": ["lid", "box"],
}


def test_what_all_other_requirements_build_on_is_imported_first() -> None:
    bases = bases_of(STACK)
    assert bases["box"] == frozenset()
    assert bases["lid"] == {"box"}
    assert bases["chest"] == {"box"}  # whether it imports lid or hinge is not known
    assert bases["crate"] == {"box", "lid"}
    assert bases["rope"] == frozenset()


def test_requirements_in_a_circle_are_no_trouble() -> None:
    assert bases_of({"a": ["b"], "b": ["a"]}) == {"a": {"b"}, "b": {"a"}}


def test_a_component_comes_after_all_that_it_requires_and_else_as_it_was_named() -> None:
    assert sorted(places(STACK), key=places(STACK).__getitem__) == ["box", "rope", "lid", "hinge", "chest", "crate"]


ORDER = {name: place for place, name in enumerate("abcd")}


def test_what_most_tests_use_is_imported_next_and_groups_of_one_other_component_run_apart() -> None:
    paths = [*[("a",)] * 6, *[("a", "c")] * 3, *[("b", "c")] * 3, *[("c",)] * 5, *[("d",)] * 4]
    # Three components are used with others; c most often. Four tests of d are not worth a process.
    assert split(paths, ORDER, 5) == Split(((("a",),),), "c")
    # Tests that use no more than is loaded come first in a process that is forked anyway.
    assert split([*[()] * 5, *paths], ORDER, 5) == Split((((), ("a",)),), "c")
    assert split([*[()] * 5, *[("c",)] * 9], ORDER, 5) == Split((((),),), "c")


def test_a_few_tests_wait_until_more_can_run_or_nothing_is_left_to_import() -> None:
    assert split([*[()] * 4, ("a",)], ORDER, 5) == Split((), "a")
    assert split([()] * 4, ORDER, 5) == Split((((),),), None)
    assert split([*[()] * 4, ("a",)], ORDER, 5, at_once=True) == Split((((),),), "a")
    assert split([], ORDER) == Split((), None)


def test_of_components_that_are_used_alike_the_first_is_imported() -> None:
    assert split([("a", "b"), ("a", "b", "c")], ORDER).following == "a"


@pytest.mark.parametrize(("cores", "threads"), [(1, 0), (2, 2), (8, 14)])
def test_each_blas_library_has_a_thread_for_each_further_core(cores: int, threads: int) -> None:
    maps = (
        "7f-80 r-xp 0 08:01 1 /env/numpy.libs/libscipy_openblas64_-a.so\n"
        "80-81 r--p 0 08:01 1 /env/numpy.libs/libscipy_openblas64_-a.so\n"
        "81-82 r-xp 0 08:01 2 /env/scipy.libs/libopenblas-b.so\n"
        "82-83 r-xp 0 08:01 3 /env/openblas/other.so\n"
    )
    assert blas_threads(maps, cores) == threads
