"""A cell: one combination of requirements to try on one Python and platform."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cached_property

from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import name_of

__all__ = ["Cell", "readable"]


class Cell(Record):
    """One combination to try.

    Attributes:
        python: The Python, such as ``3.12``.
        platform: System and architecture, such as ``linux-x86_64``.
        requirements: The requirements to install: PEP 508 texts in normal form.
        overrides: Requirements that force what metadata forbids.
        exclude_newer: The moment after which no release counts: the resolver sees none that was uploaded later.
        constraints: Exact pins for distributions that are not asked for, if the resolver brings them in.
        admitted: Distributions to which `exclude_newer` does not apply.
        accompanying: Distributions among the requirements that the cell is not about: what tests need besides, and a
            metapackage next to its pins; no part of the cell's identity.
        newest: Distributions that are asked for at their newest; no part of the cell's identity.
        development: Distributions that must come out as development versions.
        index: The environment variable with the address of an extra index.
        local: Distribution to its wheel or source, or to ``$`` and the name of the environment variable that holds one.
        thorough: Whether the tests marked ``thorough`` run, too; no part of the cell's identity.
        policy: The policy that made the cell; no part of its identity.
        label: Distinguishes the cell from others of the same policy; no part of its identity.
    """

    python: str
    platform: str
    requirements: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    exclude_newer: dt.datetime | None = None
    constraints: tuple[str, ...] = ()
    admitted: tuple[str, ...] = ()
    accompanying: tuple[str, ...] = ()
    newest: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    index: str = ""
    local: dict[str, str] = {}
    thorough: bool = True
    policy: str = "pins"
    label: str = ""

    @cached_property
    def id(self) -> str:
        """Content address of the combination. Equal combinations of two policies have the same."""
        # Fields that came later are left out where they are empty, so that older cells keep their addresses.
        unused = {name for name in ("constraints", "admitted") if not getattr(self, name)}
        no_part = {"policy", "label", "newest", "accompanying", "thorough"}
        question = self.model_dump(mode="json", exclude=no_part | unused)
        return digest(question, length=12)

    @property
    def forced(self) -> bool:
        """Whether metadata is overridden."""
        return bool(self.overrides)

    def roots(self) -> tuple[str, ...]:
        """The distributions that are asked for by name."""
        return self._roots

    @cached_property
    def _roots(self) -> tuple[str, ...]:
        return tuple(sorted({name_of(text) for text in self.requirements}))


def readable(pins: Iterable[str]) -> str:
    """Exact pins for a sentence: ``alpha 1.2, beta 3.4``."""
    return ", ".join(pin.replace("==", " ") for pin in pins)
