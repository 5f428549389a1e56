"""A cell: one combination of requirements to try on one Python and platform."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import name_of

__all__ = ["Cell", "readable"]


class Cell(Record):
    """One combination to try.

    Attributes:
        python: The Python, such as ``3.12``.
        platform: System and architecture, such as ``linux-x86_64``.
        requirements: What is asked for: PEP 508 texts in normal form.
        overrides: Requirements that force what metadata forbids.
        exclude_newer: Releases uploaded later do not exist for the cell.
        constraints: Exact pins for distributions that the resolver brings in besides.
        admitted: Distributions to which `exclude_newer` does not apply.
        newest: Distributions that the request wants at their newest; no part of the cell's identity.
        development: Distributions that must come out as development versions.
        index: The environment variable with the address of an extra index.
        local: Distribution to its file or source, or to ``$`` and the environment variable that holds it.
        thorough: Whether every test runs, those marked ``thorough`` too; no part of the cell's identity.
        policy: The policy that made the cell; no part of its identity.
        label: What tells the cell from others of the policy; no part of its identity.
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
        """Content address of what is asked for: the same for the same question from any policy."""
        # Fields that came later are left out where they are empty, so that older cells keep their addresses.
        unused = {name for name in ("constraints", "admitted") if not getattr(self, name)}
        question = self.model_dump(mode="json", exclude={"policy", "label", "newest", "thorough"} | unused)
        return digest(question, length=12)

    @property
    def forced(self) -> bool:
        """Whether metadata is overridden."""
        return bool(self.overrides)

    def roots(self) -> tuple[str, ...]:
        """The distributions that are asked for by name."""
        return tuple(sorted({name_of(text) for text in self.requirements}))


def readable(pins: Iterable[str]) -> str:
    """Exact pins as a person says them: ``alpha 1.2, beta 3.4``."""
    return ", ".join(pin.replace("==", " ") for pin in pins)
