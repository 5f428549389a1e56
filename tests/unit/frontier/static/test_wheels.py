"""Readings of releases: made once, kept, made again only for what nobody needed before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stackcompat.frontier.static.offers import first_missing
from stackcompat.frontier.static.wheels import WheelNames

FILES = {"a/__init__.py": b"x = 1\n", "a/b.py": b"y = 1\n", "a/tests/t.py": b"z = 1\n", "a/data.json": b"{}"}


class Wheels:
    """Gives the files of one release and remembers being asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str, version: str) -> Mapping[str, bytes]:
        self.asked.append((name, version))
        return FILES if name == "a" else {}


def test_a_wheel_is_fetched_once_and_readings_outlive_the_process(tmp_path: Path) -> None:
    wheels = Wheels()
    names = WheelNames(tmp_path, wheels)
    assert first_missing(names.of("A", "1.0"), "a.x") == ""
    assert first_missing(names.of("a", "1.0"), "a.gone") == "a.gone"
    names.keep()
    assert wheels.asked == [("a", "1.0")]
    later = WheelNames(tmp_path, wheels)
    assert first_missing(later.of("a", "1.0"), "a.x") == ""
    assert wheels.asked == [("a", "1.0")]
    assert first_missing(later.of("a", "1.0"), "a.b.y") == ""
    assert first_missing(later.of("a", "1.0"), "a.tests.t") == "a.tests"
    later.keep()
    assert wheels.asked == [("a", "1.0")] * 2
    assert first_missing(WheelNames(tmp_path, wheels).of("a", "1.0"), "a.b.gone") == "a.b.gone"
    assert len(wheels.asked) == 2


def test_a_release_without_a_wheel_has_no_names(tmp_path: Path) -> None:
    names = WheelNames(tmp_path, Wheels())
    assert not names.of("b", "1.0").modules
    names.keep()
    assert not list(tmp_path.rglob("*.json"))
