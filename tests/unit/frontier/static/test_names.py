"""The modules of a release: which there are, and when they are read."""

from __future__ import annotations

import pytest

from stackcompat.frontier.static.names import ModuleNames, NameTable

CORE = ModuleNames(offers={"jit": ""})


def test_a_module_is_read_once_and_only_when_it_is_needed() -> None:
    asked: list[str] = []

    def read(name: str) -> ModuleNames:
        asked.append(name)
        return CORE

    table = NameTable({"alpha": ModuleNames(), "alpha.core": None}, read)
    assert not asked
    assert table.module("alpha") == ModuleNames()
    assert not asked
    assert (table.module("alpha.core"), table.module("alpha.core")) == (CORE, CORE)
    assert asked == ["alpha.core"]
    assert table.modules["alpha.core"] == CORE


def test_a_package_without_a_file_is_there_and_has_no_names() -> None:
    table = NameTable({"alpha.deep.core": CORE})
    assert table.has("alpha")
    assert table.has("alpha.deep")
    assert table.module("alpha.deep") == ModuleNames()
    assert "alpha.deep" not in table.modules


@pytest.mark.parametrize("name", ["alpha.co", "core", "alpha.core.jit", ""])
def test_what_is_no_module(name: str) -> None:
    assert not NameTable({"alpha.core": CORE}).has(name)


def test_packages_are_the_top_level() -> None:
    assert NameTable({"alpha.core": CORE, "alpha": None, "single": None}).packages() == {"alpha", "single"}
    assert NameTable({}).packages() == set()
