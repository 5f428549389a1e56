"""A matrix: which components and Pythons are tried, and the policies that choose their versions.

Most TOML files in ``matrices/`` are matrices; the others hold components, known cases, advisories and the gate's files.
Loading a matrix gives a frozen record, or raises :class:`~stackcompat.core.errors.UsageError`. Its message has one
sentence for each mistake: the file, the key, and what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr, field_validator

from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import PythonText, RequirementText, exact_version, parse_requirement
from stackcompat.core.toml import Table, Write, load_record
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Components
from stackcompat.plan.policies import (
    POLICY_NAMES,
    EachPolicy,
    ExtraIndex,
    LocalSource,
    Pairs,
    Policy,
    Prerelease,
    Series,
)

__all__ = ["Matrix", "Promise", "load_matrix"]

#: What the name of a group begins with, where names of components are expected.
_GROUP = "group:"


class Promise(Table):
    """The promise of a component that a release reads artifacts which another of its releases wrote.

    Attributes:
        artifact: The artifact, or a pattern with ``*``.
        component: The component that promises it.
        backward_days: By how many days the upload of the writer's release can be earlier than that of the reader's.
        forward_days: By how many days it can be later.
    """

    artifact: str
    component: str
    backward_days: Annotated[int, Field(ge=0)]
    forward_days: Annotated[int, Field(ge=0)]


class Matrix(Table):
    """One matrix file.

    Attributes:
        title: Its name in reports.
        components: The components that its cells install.
        also: Requirements that are added to every cell: the tests need them and no component declares them.
        pythons: The Pythons to try.
        platform: The platform; that of this machine if none is given.
        level: The deepest level of the tests that run.
        policies: The policies that make its cells.
        promises: The promises of components about artifacts; for the level ``exchange``.
        artifacts: For the level ``exchange``: the artifacts to exchange, or patterns of their names; all if none is
            given.
    """

    title: str
    components: Annotated[tuple[str, ...], Field(min_length=1)]
    also: tuple[RequirementText, ...] = ()
    pythons: Annotated[tuple[PythonText, ...], Field(min_length=1), Write('pythons = ["3.12"]')]
    platform: str = ""
    level: Level = "interop"
    policies: Annotated[tuple[Policy, ...], Field(min_length=1), Write('policies = [{ policy = "newest" }]')]
    promises: tuple[Promise, ...] = ()
    artifacts: tuple[str, ...] = ()
    _source: Path = PrivateAttr(default=Path("unnamed"))

    @property
    def source(self) -> Path:
        """The file that the matrix was read from."""
        return self._source

    @property
    def name(self) -> str:
        """The name of the file without its suffix. Runs of the matrix are stored under this name."""
        return self._source.stem

    def read_from(self, source: Path) -> Matrix:
        """A copy of the matrix that knows `source`, the file that it was read from."""
        matrix = self.model_copy()
        matrix._source = source  # noqa: SLF001  (a private attribute, so that no file can set it)
        return matrix

    @field_validator("pythons")
    @classmethod
    def _pythons(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("names a Python twice")
        return value


def load_matrix(path: Path, components: Components) -> Matrix:
    """Read a matrix file, and check the names in it as far as the index is not needed.

    Only the index knows which releases exist. They are checked when the plan is made.

    Args:
        path: The file.
        components: The components that it can name.

    Raises:
        UsageError: There are mistakes in the file: all that its keys and values have by themselves, each on a line of
            its own; or else the first name that is not allowed.
    """
    matrix = _with_groups(load_record(path, Matrix, tags=POLICY_NAMES), components).read_from(path)
    published = [component.name for component in components.components if component.distributions]
    _check_names(matrix, "components", matrix.components, published)
    for number, policy in enumerate(matrix.policies):
        _check_policy(matrix, f"policies[{number}]", policy, components)
    for number, promise in enumerate(matrix.promises):
        _check_names(matrix, f"promises[{number}].component", [promise.component], matrix.components)
    return matrix


def _with_groups(matrix: Matrix, components: Components) -> Matrix:
    """The matrix, with the components of each group in place of its name."""
    members: dict[str, list[str]] = {}
    for row in components.components:
        if row.distributions:
            members.setdefault(f"{_GROUP}{row.group}", []).append(row.name)

    def expanded(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(member for name in names for member in members.get(name, [name]))

    policies = tuple(
        policy.model_copy(update={"each": expanded(policy.each)}) if isinstance(policy, EachPolicy) else policy
        for policy in matrix.policies
    )
    return matrix.model_copy(update={"components": expanded(matrix.components), "policies": policies})


def _check_names(matrix: Matrix, key: str, names: Iterable[str], allowed: Collection[str]) -> None:
    """Refuse a name that is not allowed, or given twice."""
    given = list(names)
    for name in given:
        if name not in allowed:
            sentence = f'"{name}" is not possible here; allowed are {", ".join(allowed)}'
            raise UsageError(f"{matrix.source}: {key}: {sentence}")
        if given.count(name) > 1:
            raise UsageError(f'{matrix.source}: {key}: names "{name}" twice; allowed is once')


def _check_policy(matrix: Matrix, key: str, policy: Policy, components: Components) -> None:
    """Refuse a policy that names a Python or a component which is not allowed there."""
    _check_names(matrix, f"{key}.pythons", policy.pythons, matrix.pythons)
    if isinstance(policy, EachPolicy):
        _check_names(matrix, f"{key}.each", policy.each, matrix.components)
    rows = [components[name] for name in matrix.components]
    leaders = [row.name for row in rows if not row.moves_with]
    match policy:
        case Pairs():
            releasable = [name for name in leaders if components.whole(components[name]) is None]
            _check_names(matrix, f"{key}.releases", policy.releases, releasable)
            for place, seed in enumerate(policy.seeds):
                seed_key = f"{key}.seeds[{place}]"
                names = [_name_of_exact_pin(matrix, text, seed_key) for text in seed]
                _check_names(matrix, seed_key, names, policy.releases)
        case Prerelease() | ExtraIndex():
            _check_names(matrix, f"{key}.components", policy.components, matrix.components)
        case LocalSource():
            _check_names(matrix, f"{key}.component", [policy.component], matrix.components)
        case Series():
            _check_names(matrix, f"{key}.component", [policy.component], leaders)
        case _:
            pass


def _name_of_exact_pin(matrix: Matrix, text: str, key: str) -> str:
    """The name in an exact pin. Raises UsageError for any other text."""
    requirement = parse_requirement(text)
    if not exact_version(requirement.specifier):
        sentence = f'"{text}" must be an exact pin such as "{requirement.name}==1.2.3"'
        raise UsageError(f"{matrix.source}: {key}: {sentence}")
    return requirement.name
