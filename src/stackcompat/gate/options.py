"""What candidates are judged by."""

from __future__ import annotations

import datetime as dt

from stackcompat.core.record import Record
from stackcompat.gate.policy import GatePolicy
from stackcompat.gate.waivers import Waivers
from stackcompat.plan.known_cases import KnownCase

__all__ = ["GateOptions"]


class GateOptions(Record):
    """What candidates are judged by.

    Attributes:
        policy: What they must pass.
        waivers: The exceptions to it.
        pythons: The Pythons to try, such as ``3.12``.
        known: The known cases. A component that broke with a candidate before is tried earlier.
        as_of: The day to which the index is taken back; None: today. The candidates can be newer.
    """

    policy: GatePolicy
    waivers: Waivers = Waivers()
    pythons: tuple[str, ...]
    known: tuple[KnownCase, ...] = ()
    as_of: dt.datetime | None = None
