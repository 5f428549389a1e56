"""Names that are one slip of a finger from others."""

from __future__ import annotations

import pytest

from stackcompat.core.near_names import meant_by, near_name

NAMES = ("flax", "jax", "orbax-checkpoint")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("flaxx", "flax"),
        ("flx", "flax"),
        ("flux", "flax"),
        ("falx", "flax"),
        ("obrax-checkpoint", "orbax-checkpoint"),
        ("ajx", "jax"),
        ("jaxx", "jax"),
        ("flax", ""),
        ("flxa-", ""),
        ("numpy", ""),
        ("xalf", ""),
        ("", ""),
    ],
)
def test_one_edit_is_near_and_two_are_not(name: str, meant: str) -> None:
    assert near_name(name, NAMES) == meant


def test_a_name_that_is_near_to_one_of_several() -> None:
    known = ("numpy", "pandas", "scipy")
    assert [near_name(name, known) for name in ("nunpy", "pandsa", "numpyy")] == ["numpy", "pandas", "numpy"]
    assert near_name("quite-other", known) == ""


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("orbax", "did you mean orbax-checkpoint or orbax-export?"),
        ("Checkpoint", "did you mean orbax-checkpoint?"),
        ("jaxx", "did you mean jax?"),
        ("orbax-chekpoint", "did you mean orbax-checkpoint?"),
        ("or", ""),
        ("quite-other", ""),
    ],
)
def test_what_was_meant_is_asked(name: str, question: str) -> None:
    assert meant_by(name, (*NAMES, "orbax-export")) == question
