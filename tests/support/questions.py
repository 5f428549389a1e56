"""A made-up index for tests of what a gate asks: alpha 1.2 is to take the place of alpha 1.1."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from stackcompat.gate.candidate import Candidate
from stackcompat.gate.model import NotTested
from stackcompat.gate.moving import find_moving
from stackcompat.gate.plan import make_questions
from stackcompat.gate.policy import GatePolicy
from stackcompat.gate.question import PairedQuestion
from support.world import World, components

ROWS = components("alpha", "native", "beta", "gamma", native="alpha")
WORLD = World(
    {
        "alpha": {"1.0": "2026-01-01", "1.1": "2026-02-01", "1.2": "2026-06-01"},
        "native": {"1.0": "2026-01-01", "1.2": "2026-06-01"},
        "beta": {
            "1.0": {"uploaded": "2026-01-01", "requires": ["alpha"]},
            "1.1": {"uploaded": "2026-02-01", "requires": ["alpha>=1"]},
            "1.2": {"uploaded": "2026-03-01", "requires": ["alpha>=1"], "python": ">=3.12"},
            "1.3": {"uploaded": "2026-08-01", "requires": ["alpha>=1"]},
        },
        "gamma": {
            "2.0": {"uploaded": "2026-01-01", "requires": ['alpha; extra == "all"']},
            "2.1": {"uploaded": "2026-02-01", "requires": ['alpha; extra == "all"']},
        },
        "meta": {
            "2026.1": {"uploaded": "2026-03-01", "requires": ["alpha==1.0", "native==1.0", "beta==1.0", "gamma==2.0"]}
        },
    }
)
ALPHA = Candidate(name="alpha", version="1.2", replaces="1.1", source="index", requires=("beta>=1.1", "other>=3"))


def policy(*rules: dict[str, Any], pythons: tuple[str, ...] = ("3.12",)) -> GatePolicy:
    """A policy that requires the newest of everything, and has more rules."""
    first = {"rule": "newest", "weight": "required"}
    return GatePolicy.model_validate(
        {"title": "P", "components": ROWS.names(), "pythons": pythons, "rules": [first, *rules]}
    )


def ask(
    *rules: dict[str, Any],
    pythons: tuple[str, ...] = ("3.12",),
    as_of: dt.datetime | None = None,
    candidates: tuple[Candidate, ...] = (ALPHA,),
    known: Counter[str] | None = None,
) -> tuple[tuple[PairedQuestion, ...], tuple[NotTested, ...]]:
    """The questions of such a policy, and what could not be asked."""
    given = policy(*rules, pythons=pythons)
    moving = find_moving(candidates, given, ROWS, WORLD)
    return make_questions(
        given, candidates, moving, ROWS, WORLD, pythons=pythons, as_of=as_of, known=known or Counter()
    )
