"""A lock: the exact, hashed set of every distribution that a cell resolved to, and what was held back for it."""

from __future__ import annotations

import re
from typing import Literal

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import only_version
from stackcompat.resolve.conflict import Conflict

__all__ = ["HeldBack", "Lock", "Pin", "Resolution", "version_of_file"]


class Pin(Record):
    """One distribution of a lock. `source` is a file address for what does not come from an index, else empty."""

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    source: str = ""

    def line(self, *, portable: bool = False) -> str:
        """The pin as a line of a requirements file, hashes included; a `portable` one names no file of this machine."""
        what = f"{self.name} @ {self.source}" if self.source and not portable else f"{self.name}=={self.version}"
        return " ".join([what, *(f"--hash={value}" for value in self.hashes)])


class Lock(Record):
    """Every distribution of an environment for one Python and platform, transitive ones too, in order of name."""

    python: str
    platform: str
    pins: tuple[Pin, ...]

    @property
    def id(self) -> str:
        """Content address: equal exactly when the same files are installed for the same Python and platform."""
        return digest(self.python, self.platform, [[p.name, p.version, sorted(p.hashes)] for p in self.pins])

    def versions(self) -> dict[str, str]:
        """Distribution to version."""
        return {pin.name: pin.version for pin in self.pins}

    def text(self, *, portable: bool = False) -> str:
        """The lock as a requirements file that ``uv pip sync --require-hashes`` and ``pip install`` take."""
        return "".join(pin.line(portable=portable) + "\n" for pin in self.pins)

    @classmethod
    def parse(cls, text: str, python: str, platform: str) -> Lock:
        """Read a requirements file of exact, hashed pins. Raises ValueError naming the first line that is not one."""
        pins = []
        for line in re.sub(r"\\\n\s*", " ", text).splitlines():
            words = line.split(" #")[0].split()
            if not words or words[0].startswith("#"):
                continue
            hashes = tuple(sorted(word.removeprefix("--hash=") for word in words if word.startswith("--hash=")))
            plain = " ".join(word for word in words if not word.startswith("--"))
            requirement = Requirement(plain.rstrip("; "))
            if requirement.url:
                version = version_of_file(requirement.url)
                source = requirement.url
            else:
                version, source = only_version(requirement), ""
                if not version:
                    raise ValueError(f'"{plain}" is not an exact pin such as "jax==0.11.2 --hash=sha256:..."')
            pins.append(Pin(name=canonicalize_name(requirement.name), version=version, hashes=hashes, source=source))
        return cls(python=python, platform=platform, pins=tuple(sorted(pins, key=lambda pin: pin.name)))


def version_of_file(address: str) -> str:
    name = address.split("#", maxsplit=1)[0].rsplit("/", 1)[-1]
    try:
        return str(parse_wheel_filename(name)[1])
    except InvalidWheelFilename:
        raise ValueError(f'"{name}" is not a wheel; a lock takes built wheels only') from None


class HeldBack(Record):
    """`name` was asked for at its newest and came out older, because of `by` (a release, a request or a Python)."""

    name: str
    newest: str
    got: str
    by: str
    bound: str


class Resolution(Record):
    """What became of resolving a cell; `seconds` of wall clock. `detail` is one sentence where there is no lock."""

    outcome: Literal[
        "locked", "conflict", "no-wheel-for-platform", "index-unreachable", "interpreter-missing", "failed"
    ]
    lock: Lock | None = None
    conflict: Conflict | None = None
    held_back: tuple[HeldBack, ...] = ()
    detail: str = ""
    seconds: float = 0.0
