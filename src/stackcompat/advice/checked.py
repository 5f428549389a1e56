"""The answer about one environment, as a record. It works, it is broken, or it is not known whether it works. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.listing import Line
from stackcompat.advice.set_knowledge import PairState
from stackcompat.core.record import Record
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Level

__all__ = ["Answer", "Checked", "CheckedPair", "LikelyBreak", "RedCell", "Table", "choose"]

#: The answers about an environment. Only `works` gets a tick.
Answer = Literal["works", "broken", "not known"]


class Table(Record):
    """The table that an environment was compared with: when it was made, and its number of cells."""

    generated: dt.datetime
    cells: int


class CheckedPair(Record):
    """Two components of an environment, and how these releases are known together.

    Attributes:
        versions: Component to version.
        state: How they are known.
        broken: Whether they are broken together.
        level: The deepest level that they passed, or the one that is red.
        python: The Python that shows it; empty: none does.
    """

    versions: dict[str, str]
    state: PairState
    broken: bool
    level: Level
    python: str

    @property
    def names(self) -> frozenset[str]:
        """The two components."""
        return frozenset(self.versions)


class LikelyBreak(Record):
    """Versions that are inferred to be broken together: not tested, or it is not known which component is at fault.

    Attributes:
        versions: The versions, by component.
        sentence: The versions and the failure.
        advisory: Id of the advisory that it most likely belongs to; empty: unknown.
    """

    versions: dict[str, str]
    sentence: str
    advisory: str


class RedCell(Record):
    """A red cell whose versions the environment holds.

    Attributes:
        cell: Its id.
        versions: Its components and their versions.
        sentence: The failure.
        exact: Whether the environment has its whole lock.
    """

    cell: str
    versions: dict[str, str]
    sentence: str
    exact: bool


class Checked(Record):
    """The answer about one environment on one Python.

    Attributes:
        answer: The answer.
        level: The level that every pair reached; reserved: the environment does not work, or that is not known.
        python: The Python.
        table: The table that it was compared with.
        components: Its components, name to version.
        others: Its distributions that are no component. Nothing is known about them.
        hits: The advisories whose failure was observed at exactly these versions.
        red_cells: The red cells whose versions it holds.
        likely: The breaks that are inferred.
        unknown: Why it is not known whether it works, each reason a sentence.
        about: The distributions that a reason in `unknown` is about, by its sentence; none: it is about all of it.
        pairs: Every two of its components.
        limits: The features that do not work at these versions, each a sentence. They do not change the answer.
        notes: The failures of releases' own tests, each a sentence. They do not change the answer.
        lines: The lines of the file without an exact version.
    """

    answer: Answer
    level: Level
    python: str
    table: Table
    components: dict[str, str]
    others: tuple[str, ...]
    hits: tuple[Advisory, ...]
    red_cells: tuple[RedCell, ...]
    likely: tuple[LikelyBreak, ...]
    unknown: tuple[str, ...]
    pairs: tuple[CheckedPair, ...]
    limits: tuple[str, ...]
    notes: tuple[str, ...]
    lines: tuple[Line, ...]
    about: dict[str, tuple[str, ...]] = {}


def choose(checks: Sequence[Checked]) -> Checked:
    """The answer that counts if an environment can be for several Pythons.

    The first answer counts if it rests on evidence from its own Python. Else the others that do decide, if all of them
    agree.

    Args:
        checks: The answers about the environment on each Python, that of this Python first.
    """
    first, *others = checks
    decided = [checked for checked in others if _is_decided(checked)]
    if _is_decided(first) or (first.answer == "broken" and not decided):
        return first
    answers = {checked.answer for checked in decided}
    if len(answers) == 1:
        return decided[0]
    if answers:
        where = [f"{checked.answer} on Python {checked.python}" for checked in decided]
        reason = f"the answer differs: {and_list(where)}; say which one it is for with --python"
        return first.model_copy(update={"answer": "not known", "unknown": (reason, *first.unknown)})
    nearest = max(others, key=lambda checked: sum(pair.state != "unknown" for pair in checked.pairs), default=first)
    return nearest if not _tells(first) and _tells(nearest) else first


def _is_decided(checked: Checked) -> bool:
    """Whether an answer is known, and rests on evidence from its own Python."""
    own = any(checked.python in advisory.pythons for advisory in checked.hits)
    return checked.answer == "works" or bool(checked.red_cells) or own


def _tells(checked: Checked) -> bool:
    """Whether an answer has a fact of its own Python: about some pair, or a likely break."""
    return bool(checked.likely) or any(pair.state not in ("unknown", "elsewhere") for pair in checked.pairs)
