"""Where a dotted name leads."""

from __future__ import annotations

from stackcompat.frontier.static.names import ModuleNames, NameTable
from stackcompat.frontier.static.offers import first_missing
from support.sources import missing_in, release


def test_a_getattr_of_its_own_may_serve_anything() -> None:
    giver = release(b_="def __getattr__(name):\n    return name\n")
    assert missing_in(giver, "from b import whatever") == []
    assert missing_in(giver, "import b.whatever") == []


def test_a_name_may_come_from_another_distribution() -> None:
    giver = release(b_="from numbers_of_others import *\nimport numbers_of_others as n\n")
    assert missing_in(giver, "import b\nx = b.anything, b.n.whatever") == []


def test_modules_are_read_when_they_are_needed() -> None:
    read = []

    def reader(name: str) -> ModuleNames:
        read.append(name)
        return ModuleNames(offers={"x": ""})

    names = NameTable({"b": None, "b.other": None}, reader)
    assert first_missing(names, "b.x") == ""
    assert first_missing(names, "b.x") == ""
    assert read == ["b"]
