"""What goes with one release of a component: for each other component, which releases, and how that is known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from stackcompat.advice.set_knowledge import PairFact, SetKnowledge
from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.table.version_ranges import span

__all__ = ["Partner", "PartnerGroup", "PartnerRelease", "partner_groups", "partners_of"]

#: How two releases are known to go together, best first. `works`: a test used both. `met`: a working cell had both, and
#: no test used both. `inferred works`, `inferred broken`: nobody tried them. `elsewhere`: seen on another Python only.
State = Literal[
    "works",
    "met",
    "inferred works",
    "works elsewhere",
    "broken",
    "inferred broken",
    "broken elsewhere",
    "not known",
]

_STATES: dict[tuple[str, bool], State] = {
    ("seen", False): "works",
    ("met", False): "met",
    ("inferred", False): "inferred works",
    ("elsewhere", False): "works elsewhere",
    ("seen", True): "broken",
    ("inferred", True): "inferred broken",
    ("elsewhere", True): "broken elsewhere",
}

_ORDER: tuple[State, ...] = (
    "works",
    "met",
    "inferred works",
    "works elsewhere",
    "broken",
    "inferred broken",
    "broken elsewhere",
    "not known",
)


#: How each state is said; `level` is the deepest level that passed, or the first one that is red.
_WORDS: dict[State, str] = {
    "works": "✓ tested together up to {level}",
    "met": "✓ installed together in a cell that works, but no test uses both",
    "inferred works": "(✓) inferred up to {level}",
    "works elsewhere": "✓ on another Python only, up to {level}",
    "broken": "✗ broken at {level}",
    "inferred broken": "(✗) inferred to be broken at {level}",
    "broken elsewhere": "✗ broken on another Python, at {level}",
    "not known": "? no verdict",
}

#: What is said where a third component can be at fault. A check does not call such releases broken either.
_DOUBT = "a third component can be at fault"
_LIKELY = f"? likely broken at {{level}}; {_DOUBT}"

#: The most characters of a failure that are told for each release. The failure has a page of its own.
_MOST_WORDS = 160


class PartnerRelease(Record):
    """A release of another component, and how it goes with the release that is asked about."""

    version: str
    state: State
    level: Annotated[Level, Field(description="The deepest level that passed, or the first one that is red.")] = (
        "interop"
    )
    python: Annotated[str, Field(description="The Python that shows it, if it is another one.")] = ""
    doubt: Annotated[bool, Field(description="Whether a third component can be at fault.")] = False
    why: Annotated[str, Field(description="The failure, or why nothing is known; empty: neither.")] = ""


class Partner(NamedTuple):
    """A component and its releases of which something is known beside the release that is asked about."""

    component: str
    releases: tuple[PartnerRelease, ...]


class PartnerGroup(NamedTuple):
    """Releases of a partner that are known in the same way, as ranges over those that were tried."""

    state: State
    level: Level
    versions: str
    why: str
    doubt: bool = False

    @property
    def words(self) -> str:
        """How they are known, in words; what nobody tried is in brackets."""
        if self.doubt and self.state == "broken":
            return _LIKELY.format(level=self.level)
        return _WORDS[self.state].format(level=self.level) + (f"; {_DOUBT}" if self.doubt else "")


def partners_of(name: str, version: str, knowledge: SetKnowledge) -> tuple[Partner, ...]:
    """What is known of a release beside the releases of other components, on one Python.

    Args:
        name: The component.
        version: Its release.
        knowledge: What the table knows on that Python.
    """
    facts = knowledge.facts_of(name, version_key(version))
    found = []
    for other in (row.name for row in knowledge.summary.components):
        if other not in facts:
            continue
        spelling, python = knowledge.tried[other], knowledge.python
        releases = tuple(_release(spelling.get(its, str(its)), fact, python) for its, fact in facts[other].items())
        found.append(Partner(other, releases))
    return tuple(found)


@cache  # few are different, and a large table asks for hundreds of thousands
def _release(version: str, fact: PairFact, python: str) -> PartnerRelease:
    return PartnerRelease(
        version=version,
        state=_STATES.get((fact.state, fact.broken), "not known"),
        level=fact.level,
        python=fact.python if fact.python != python else "",
        doubt=fact.doubt,
        why=_cut(fact.failure if fact.broken else fact.why),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_WORDS else f"{text[: _MOST_WORDS - 1]}…"


def partner_groups(partner: Partner, tried: Sequence[str]) -> list[PartnerGroup]:
    """The releases of a partner grouped by how they are known, the best known first.

    Args:
        partner: The partner.
        tried: All its releases that were tried, the lowest first.
    """
    groups: dict[tuple[State, bool, Level], list[PartnerRelease]] = {}
    for release in partner.releases:
        groups.setdefault((release.state, release.doubt, release.level), []).append(release)
    ordered = sorted(groups, key=lambda group: (_ORDER.index(group[0]), group[1], -LEVELS.index(group[2])))
    return [
        PartnerGroup(
            state,
            level,
            span([release.version for release in groups[state, doubt, level]], tried),
            next((release.why for release in reversed(groups[state, doubt, level]) if release.why), ""),
            doubt,
        )
        for state, doubt, level in ordered
    ]
