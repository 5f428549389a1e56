"""Whom a resolver's refusal points at."""

from __future__ import annotations

import pytest

from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict_core import refused
from stackcompat.resolve.uv_refusal import parse_conflict
from support.made_up import PLATFORM


def cell(*requirements: str, python: str = "3.12") -> Cell:
    return Cell(python=python, platform=PLATFORM, requirements=requirements)


@pytest.mark.parametrize(
    ("words", "asked", "members"),
    [
        (
            (
                "Because beta==2.0 depends on gamma==0.2.6 and you require beta==2.0, we can conclude that you require "
                "gamma==0.2.6. And because you require gamma==0.2.8, we can conclude that your requirements are "
                "unsatisfiable."
            ),
            cell("beta==2.0", "gamma==0.2.8", "alpha"),
            {("beta", "2.0"), ("gamma", "0.2.8")},
        ),
        (
            (
                "Because zeta==0.1.1 depends on alpha[fast]>=0.6.0,<=0.7.1 and eta==0.0.4 depends on alpha>=0.8.0, we "
                "can conclude that zeta==0.1.1 and eta==0.0.4 are incompatible. And because you require "
                "zeta==0.1.1 and eta==0.0.4, we can conclude that your requirements are unsatisfiable."
            ),
            cell("zeta==0.1.1", "eta==0.0.4"),
            {("zeta", "0.1.1"), ("eta", "0.0.4")},
        ),
        (
            (
                "Because beta>=2 depends on gamma<1 and delta==5.0 depends on beta>=2, we can conclude that delta==5.0 "
                "depends on gamma<1. And because you require delta==5.0 and gamma==1.5, we can conclude that "
                "your requirements are unsatisfiable."
            ),
            cell("delta==5.0", "gamma==1.5"),
            {("delta", "5.0"), ("gamma", "1.5")},
        ),
        (
            (
                "Because beta==2.0 depends on gamma>=3 and you require beta==2.0 and gamma<3, we can conclude that "
                "your requirements are unsatisfiable."
            ),
            cell("beta==2.0", "gamma<3"),
            {("beta", "2.0"), ("gamma", "<3")},
        ),
    ],
    ids=["a pin against a request", "two bounds", "through another", "a range"],
)
def test_members(words: str, asked: Cell, members: set[tuple[str, str]]) -> None:
    assert set(refused(parse_conflict(words, asked), asked)) == members


@pytest.mark.parametrize(
    ("words", "member"),
    [
        (
            (
                "Because the current Python version (3.11.7) does not satisfy Python>=3.12 and alpha==0.11.0 depends "
                "on Python>=3.12, we can conclude that alpha==0.11.0 cannot be used."
            ),
            ("alpha", "0.11.0"),
        ),
        (
            (
                "Because alpha-native==0.4.30 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you "
                "require alpha-native==0.4.30, we can conclude that your requirements are unsatisfiable."
            ),
            ("alpha-native", "0.4.30"),
        ),
    ],
    ids=["declared", "no wheel"],
)
def test_a_python_is_a_member(words: str, member: tuple[str, str]) -> None:
    asked = cell("alpha==0.11.0", "alpha-native==0.4.30", python="3.11")
    assert refused(parse_conflict(words, asked), asked) == (member, ("python", "3.11"))
