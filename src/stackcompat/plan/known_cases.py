"""Known cases: combinations whose verdict is known, read from ``known-cases.toml``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pydantic import field_validator, model_validator

from stackcompat.core.dates import parse_date
from stackcompat.core.record import Record
from stackcompat.core.requirements import PythonText, exact_version, parse_requirement
from stackcompat.core.toml import load_record
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.plan.cell import Cell

__all__ = ["KnownCase", "load_cases"]


class KnownWriter(Record):
    """The environment that wrote the artifacts which a case reads.

    Attributes:
        requirements: The requirements of the environment.
        python: Its Python; that of the case if empty.
        exclude_newer: The day after which no release counts.
    """

    requirements: tuple[str, ...]
    python: PythonText = ""
    exclude_newer: dt.date | None = None


class KnownCase(Record):
    """A combination whose verdict is known.

    Attributes:
        id: Its name.
        python: Its Python.
        requirements: Its requirements.
        writer: The environment that wrote the artifacts; None for a case of one environment.
        artifacts: The artifacts that the case is about; all if none is given.
        limits: The features that do not work there although the rest does.
        overrides: Requirements that force what metadata forbids.
        exclude_newer: The day after which no release counts.
        verdict: The known verdict.
        level: How deep the tests must go to show the verdict.
        message: A text that the message of a failure, or the conflict, must hold.
        culprit: The smallest set of exact pins that makes the case red. It holds ``python==3.11`` if that matters.
        neighbour_of: The id of the red case that this case differs little from, while it works itself.
        source: Where the case was reported.
        note: Anything else that is known of the case.
        expected: What people expect of the combination, if they are wrong; empty if nobody is surprised.
        happens: What happens instead.
    """

    id: str
    python: PythonText
    requirements: tuple[str, ...]
    writer: KnownWriter | None = None
    artifacts: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    exclude_newer: dt.date | None = None
    verdict: Verdict
    level: Level = "interop"
    message: str = ""
    culprit: tuple[str, ...] = ()
    neighbour_of: str = ""
    source: str = ""
    note: str = ""
    expected: str = ""
    happens: str = ""

    @model_validator(mode="after")
    def _surprises_are_whole(self) -> KnownCase:
        if bool(self.expected) != bool(self.happens):
            raise ValueError("expected and happens belong together; give both, or neither")
        return self

    @field_validator("requirements", "overrides")
    @classmethod
    def _parse(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(parse_requirement(text)) for text in value)

    @field_validator("culprit")
    @classmethod
    def _exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for requirement in map(parse_requirement, value):
            if not exact_version(requirement.specifier):
                raise ValueError(f'"{requirement}" must be an exact pin such as "{requirement.name}==1.2.3"')
        return tuple(str(parse_requirement(text)) for text in value)

    def cell(self) -> Cell:
        """The cell that asks for this case."""
        return Cell(
            python=self.python,
            platform=this_platform(),
            requirements=tuple(sorted(self.requirements)),
            overrides=self.overrides,
            exclude_newer=parse_date(self.exclude_newer) if self.exclude_newer else None,
            policy="calibration",
            label=self.id,
        )

    def writing_cell(self) -> Cell:
        """The cell of the writer. The case must have a writer."""
        assert self.writer is not None
        as_case = self.model_copy(
            update={
                "python": self.writer.python or self.python,
                "requirements": tuple(str(parse_requirement(text)) for text in self.writer.requirements),
                "exclude_newer": self.writer.exclude_newer,
                "overrides": (),
            }
        )
        return as_case.cell()


class _Cases(Record):
    cases: tuple[KnownCase, ...]


def load_cases(path: Path) -> tuple[KnownCase, ...]:
    """Read a file of known cases. Raises UsageError for the mistakes in it."""
    return load_record(path, _Cases).cases
