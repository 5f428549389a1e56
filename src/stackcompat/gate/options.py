"""By what candidates are judged."""

from __future__ import annotations

import datetime as dt

from stackcompat.core.record import Record
from stackcompat.gate.policy import GatePolicy, Waivers
from stackcompat.plan.known_cases import KnownCase

__all__ = ["GateOptions"]


class GateOptions(Record):
    """By what candidates are judged: `pythons` are those to try, `known` cases say what broke before.

    `as_of` goes back to a day, on which the candidates may be newer.
    """

    policy: GatePolicy
    waivers: Waivers = Waivers()
    pythons: tuple[str, ...]
    known: tuple[KnownCase, ...] = ()
    as_of: dt.datetime | None = None
