"""A cell: one combination of requirements to try on one Python and platform."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import name_of

__all__ = ["Cell", "readable"]


class Cell(Record):
    """One combination to try.

    `requirements` and `overrides` are PEP 508 texts in normal form; `newest` are the distributions that the request
    means at their newest, `development` those that must come out as development versions; `index` is the name of the
    environment variable with an extra index's address, `local` maps a distribution to its file or source, or to ``$``
    and the name of the environment variable that holds it. `constraints` are exact pins for what the resolver brings in
    besides; `admitted` are distributions to which `exclude_newer` does not apply.
    `thorough` cells run every test, others leave out those marked so. That, `policy` and `label` say how and why the
    cell is there and are no part of its identity.
    """

    python: str
    platform: str
    requirements: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    exclude_newer: dt.datetime | None = None
    constraints: tuple[str, ...] = ()
    admitted: tuple[str, ...] = ()
    newest: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    index: str = ""
    local: dict[str, str] = {}
    thorough: bool = True
    policy: str = "pins"
    label: str = ""

    @property
    def id(self) -> str:
        """Content address of what is asked for, the same for the same question from any policy."""
        unsaid = {name for name in ("constraints", "admitted") if not getattr(self, name)}
        asked = self.model_dump(mode="json", exclude={"policy", "label", "newest", "thorough"} | unsaid)
        return digest(asked, length=12)

    @property
    def forced(self) -> bool:
        """Whether metadata is overridden."""
        return bool(self.overrides)

    def roots(self) -> tuple[str, ...]:
        """The distributions that are asked for by name."""
        return tuple(sorted({name_of(text) for text in self.requirements}))


def readable(pins: Iterable[str]) -> str:
    """Exact pins as a person says them."""
    return ", ".join(pin.replace("==", " ") for pin in pins)
