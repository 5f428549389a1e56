"""Locks and resolutions.

A lock is the exact, hashed set of distributions that a cell resolved to. A resolution is a lock, or why there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from pydantic import Field

from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import only_version, parse_requirement
from stackcompat.resolve.conflict import Conflict

__all__ = ["HeldBack", "Lock", "Pin", "Resolution", "version_of_file"]


class Pin(Record):
    """One distribution of a lock.

    Attributes:
        name: The distribution, in normal form.
        version: Its version.
        hashes: The hashes of the files that an installer can take, each ``algorithm:value``, sorted.
        source: The address of its file, if it does not come from an index; else empty.
    """

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    source: str = ""

    def line(self, *, portable: bool = False) -> str:
        """The pin with its hashes as a line of a requirements file. A `portable` line names no file of this machine."""
        what = f"{self.name} @ {self.source}" if self.source and not portable else f"{self.name}=={self.version}"
        return " ".join([what, *(f"--hash={value}" for value in self.hashes)])


class Lock(Record):
    """All distributions of an environment for one Python and platform, transitive ones too.

    Attributes:
        python: The Python, such as ``3.12``.
        platform: System and architecture, such as ``linux-x86_64``.
        pins: The distributions, in order of name.
    """

    python: str
    platform: str
    pins: tuple[Pin, ...]

    @cached_property
    def id(self) -> str:
        """Content address of Python, platform, and the names, versions and hashes of all pins.

        A wheel that is uploaded later for a release in the lock, and that fits, changes the address. Where a release
        has several wheels that fit, hosts with different system libraries can install different ones of the same lock.
        """
        return digest(self.python, self.platform, [[p.name, p.version, sorted(p.hashes)] for p in self.pins])

    @property
    def is_portable(self) -> bool:
        """Whether it names no file of this machine, so that it can be installed elsewhere."""
        return not any(pin.source for pin in self.pins)

    def versions(self) -> dict[str, str]:
        """The version of each distribution, by name."""
        return {pin.name: pin.version for pin in self.pins}

    def text(self, *, portable: bool = False) -> str:
        """The lock as a requirements file for ``uv pip sync --require-hashes`` or ``pip install``."""
        return "".join(pin.line(portable=portable) + "\n" for pin in self.pins)

    @classmethod
    def parse(cls, text: str, python: str, platform: str) -> Lock:
        """Read a requirements file of exact, hashed pins.

        Args:
            text: The file's content, as uv and pip write it.
            python: The Python that the lock is for.
            platform: The platform that the lock is for.

        Raises:
            ValueError: A line is no exact pin. The message names the first such line.
        """
        pins = [_parse_pin(words) for words in _lines(text)]
        return cls(python=python, platform=platform, pins=tuple(sorted(pins, key=lambda pin: pin.name)))


def _lines(text: str) -> Iterator[list[str]]:
    """The words of each line of a requirements file. Continued lines are joined; comments are left out."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        words = line.split(" #")[0].split()
        if words and not words[0].startswith("#"):
            yield words


def _parse_pin(words: list[str]) -> Pin:
    hashes = sorted(word.removeprefix("--hash=") for word in words if word.startswith("--hash="))
    plain = " ".join(word for word in words if not word.startswith("--"))
    requirement = parse_requirement(plain.rstrip("; "))
    version = version_of_file(requirement.url) if requirement.url else only_version(requirement)
    if not version:
        raise ValueError(f'"{plain}" is not an exact pin such as "jax==0.11.2 --hash=sha256:..."')
    return Pin(name=requirement.name, version=version, hashes=tuple(hashes), source=requirement.url or "")


def version_of_file(address: str) -> str:
    """The version in the name of a wheel. Raises ValueError for an address of anything else."""
    name = address.split("#", maxsplit=1)[0].rsplit("/", 1)[-1]
    try:
        return str(parse_wheel_filename(name)[1])
    except InvalidWheelFilename:
        raise ValueError(f'"{name}" is not a wheel; a lock takes built wheels only') from None


class HeldBack(Record):
    """A distribution that was asked for at its newest and came out older."""

    name: Annotated[str, Field(description="The distribution.")]
    newest: Annotated[str, Field(description="Its newest release.")]
    got: Annotated[str, Field(description="The release that the lock has.")]
    by: Annotated[str, Field(description="A release, a request or a Python that keeps it from its newest.")]
    bound: Annotated[str, Field(description="The bound by which it does so, in words.")]


class Resolution(Record):
    """The result of resolving a cell.

    Attributes:
        outcome: ``locked`` and ``conflict`` are answers. The other outcomes say why there is no answer.
        lock: The lock, if the outcome is ``locked``.
        conflict: Why no set of releases fits, if the outcome is ``conflict``.
        held_back: The distributions that were asked for at their newest and came out older.
        detail: Why there is neither a lock nor a conflict, in one sentence.
        seconds: The wall clock that resolving took.
    """

    outcome: Literal[
        "locked", "conflict", "no-wheel-for-platform", "index-unreachable", "interpreter-missing", "failed"
    ]
    lock: Lock | None = None
    conflict: Conflict | None = None
    held_back: tuple[HeldBack, ...] = ()
    detail: str = ""
    seconds: float = 0.0
