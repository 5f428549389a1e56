"""Which side moved, and how it is cause."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.blame.cause import Moved, which_side_moved
from stackcompat.blame.probe import RedCell
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.evidence.results import WarningSeen
from stackcompat.resolve.conflict import Conflict
from support.made_up import COMPONENTS, failed
from support.world import World

VERSIONS = {"alpha": "1.2", "beta": "2.0", "gamma": "3.0"}
CATALOG = World(
    {
        "alpha": {"1.1": "2026-01-01", "1.2": "2026-03-01"},
        "beta": {
            "1.9": "2026-01-15",
            "2.0": {"uploaded": "2026-02-01", "requires": ["alpha>=1.0", "gamma"]},
            "2.1": "2026-04-01",
        },
        "gamma": {"3.0": "2026-01-01"},
    }
)
ALPHA = Culprit(name="alpha", version="1.2", last_good="1.1", first_bad="1.2")
BETA = Culprit(name="beta", version="2.0", never_passed=True, first_bad="2.0", fixed_in="2.1")


def moved(
    message: str,
    *culprits: Culprit,
    type: str = "AttributeError",  # noqa: A002
    packages: tuple[str, ...] = ("beta",),
    **found: Any,
) -> Moved | None:
    test = failed("t", "beta", type=type, message=message, packages=packages)
    red = RedCell(versions=VERSIONS, test=test, requirements=("alpha==1.2", "beta==2.0"), python="3.12")
    return which_side_moved(red, SearchResult(culprits=culprits, **found), CATALOG, COMPONENTS)


def test_a_name_that_was_dropped() -> None:
    cause = moved("module 'alpha.boxes' has no attribute 'Box'", ALPHA, BETA, warnings={"alpha": ()})
    assert cause is not None
    assert (cause.kind, cause.side, cause.release, cause.user) == ("removed", "alpha", "1.2", "beta")
    assert cause.api == "alpha.boxes.Box"
    assert cause.warned is False
    assert cause.bound == "alpha<1.2"
    assert cause.sentence == (
        "alpha 1.2 no longer has alpha.boxes.Box, which beta 2.0 uses while it declares alpha>=1.0; "
        "alpha 1.1 had not warned of it"
    )


@pytest.mark.parametrize(
    ("category", "text", "warned"),
    [
        ("DeprecationWarning", "alpha.boxes.Box is deprecated", True),
        ("DeprecationWarning", "alpha.boxes.Bag is deprecated", False),
        ("UserWarning", "Box is slow", False),
    ],
)
def test_whether_it_had_warned(category: str, text: str, warned: bool) -> None:
    seen = WarningSeen(category=category, raised_by="alpha", triggered_by="beta", message=text, count=1)
    cause = moved("module 'alpha.boxes' has no attribute 'Box'", ALPHA, BETA, warnings={"alpha": (seen,)})
    assert cause is not None
    assert cause.warned is warned


def test_who_never_ran_has_neither_warned_nor_not() -> None:
    cause = moved("module 'alpha.boxes' has no attribute 'Box'", ALPHA, BETA)
    assert cause is not None
    assert cause.warned is None
    assert "warned" not in cause.sentence
    unsure = ALPHA.model_copy(update={"unresolved": ("1.1.5",)})
    cause = moved("module 'alpha.boxes' has no attribute 'Box'", unsure, BETA, warnings={"alpha": ()})
    assert cause is not None
    assert cause.warned is None


@pytest.mark.parametrize(
    "message",
    [
        "'Box' object has no attribute 'lid'",
        "type object 'Box' has no attribute 'lid'",
        "Box() got an unexpected keyword argument 'lid'",
    ],
)
def test_who_reaches_for_what_is_missing_in_a_stranger_is_its_user(message: str) -> None:
    """The error comes out of beta, to which nobody says whose class it is."""
    cause = moved(message, BETA, ALPHA, packages=("alpha", "beta"))
    assert cause is not None
    assert (cause.kind, cause.side, cause.user, cause.bound) == ("removed", "alpha", "beta", "alpha<1.2")
    young = Culprit(name="alpha", version="1.2", never_passed=True, first_bad="1.1", fixed_in="1.3")
    broke = Culprit(name="beta", version="2.0", last_good="1.9", first_bad="2.0")
    cause = moved(message, broke, young, packages=("alpha", "beta"))
    assert cause is not None
    assert (cause.kind, cause.side, cause.bound) == ("missing bound", "beta", "alpha>=1.3")


def test_a_stranger_beside_a_single_member_is_no_interface_of_it() -> None:
    broke = Culprit(name="beta", version="2.0", last_good="1.9", first_bad="2.0")
    cause = moved("'Box' object has no attribute 'lid'", broke, packages=("alpha", "beta"))
    assert cause is not None
    assert (cause.kind, cause.side, cause.api) == ("changed", "beta", "")


@pytest.mark.parametrize(
    ("words", "release"),
    [
        ("removed in Alpha v1.1.5", "1.1.5"),
        ("removed in version 1.2", "1.2"),
        ("removed from 1.1.9 on", "1.1.9"),
        ("removed in Alpha v1.0", "1.2"),
        ("removed in Alpha v3", "1.2"),
        ("removed long ago", "1.2"),
    ],
)
def test_the_release_that_the_failure_says_dropped_it_counts_where_it_can_be(words: str, release: str) -> None:
    cause = moved(f"alpha.core.Box  was deprecated in Alpha v1.0 and {words}. Use a bag.", ALPHA, BETA)
    assert cause is not None
    assert (cause.kind, cause.release, cause.api, cause.bound) == (
        "removed",
        release,
        "alpha.core.Box",
        f"alpha<{release}",
    )


def test_a_name_that_is_not_there_yet_is_a_bound_that_is_missing() -> None:
    old = Culprit(name="alpha", version="1.2", never_passed=True, first_bad="1.1", fixed_in="1.3")
    cause = moved("cannot import name 'Crate' from 'alpha.boxes'", old, BETA, type="ImportError")
    assert cause is not None
    assert (cause.kind, cause.side, cause.bound) == ("missing bound", "beta", "alpha>=1.3")
    assert cause.sentence == "beta 2.0 needs alpha.boxes.Crate, which alpha has from 1.3 on, and declares alpha>=1.0"


@pytest.mark.parametrize(("module", "how"), [("epsilon", "does not declare it"), ("gamma", "declares it, yet")])
def test_a_module_of_nobody(module: str, how: str) -> None:
    versions = {name: version for name, version in VERSIONS.items() if name != "gamma"}
    test = failed("t", "beta", type="ModuleNotFoundError", message=f"No module named '{module}'", packages=("beta",))
    red = RedCell(versions=versions, test=test, requirements=(), python="3.12")
    cause = which_side_moved(red, SearchResult(culprits=(BETA,)), CATALOG, COMPONENTS)
    assert cause is not None
    assert (cause.kind, cause.side, cause.api) == ("undeclared", "beta", module)
    assert how in cause.sentence


def test_a_behaviour_that_changed_is_laid_to_who_moved_last() -> None:
    older = Culprit(name="beta", version="2.0", last_good="1.9", first_bad="2.0")
    cause = moved("the loss is 0.9", older, ALPHA, type="AssertionError", packages=())
    assert cause is not None
    assert (cause.kind, cause.side, cause.release, cause.user) == ("changed", "alpha", "1.2", "beta")
    assert cause.sentence == "alpha 1.2 behaves differently from 1.1 beside beta 2.0"


def test_what_never_passed() -> None:
    cause = moved("the loss is 0.9", BETA, type="AssertionError", packages=())
    assert cause is not None
    assert cause.kind == "never passed"
    assert cause.sentence == "no release of beta before 2.0 was seen to pass; fixed in 2.1"


def test_of_a_first_release_no_earlier_one_is_mentioned() -> None:
    first = BETA.model_copy(update={"never_passed": False})
    cause = moved("the loss is 0.9", first, type="AssertionError", packages=())
    assert cause is not None
    assert (cause.kind, cause.sentence) == ("never passed", "beta 2.0 fails; fixed in 2.1")


def test_nobody_moved_if_nobody_was_found() -> None:
    assert moved("m") is None


def test_a_refusal_has_its_own_reason() -> None:
    test = failed("resolve")
    red = RedCell(versions=VERSIONS, test=test, requirements=(), python="3.12")
    conflict = Conflict(kind="bounds", sentence="beta depends on alpha<1, but alpha==1.2 is requested")
    cause = which_side_moved(red, SearchResult(culprits=(ALPHA,)), CATALOG, COMPONENTS, conflict)
    assert cause == Moved(kind="metadata", side="alpha", sentence=conflict.sentence)
