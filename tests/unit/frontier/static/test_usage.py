"""What is read from source: what a module takes, what it offers, and what one release wants of another in vain."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from stackcompat.frontier.frontier import Accuracy, compare
from stackcompat.frontier.static.reader import module_name, read_module
from stackcompat.frontier.static.usage import Missing, ModuleNames, NameTable, lost, missing, wanted


def release(**files: str) -> NameTable:
    """A release with these modules; two underscores are a dot, and one at the end marks a package."""
    modules = {}
    for name, text in files.items():
        dotted = name.replace("__", ".").rstrip("_")
        path = dotted.replace(".", "/") + ("/__init__.py" if name.endswith("_") else ".py")
        modules[dotted] = read_module(dedent(text).encode(), path)
    return NameTable(modules)


def lacks(taker: str, giver: NameTable, *, late: bool = False) -> list[str]:
    """What the module `a` with this text wants of the other in vain."""
    wants = wanted(release(a=taker), ["a"], giver.packages())
    return [found.name for found in missing(wants, giver, late=late)]


OTHER = release(
    b_="from b.core import thing, gone_soon as soon\nimport b.deep as d\nVALUE: int = 1\n",
    b__core="def thing(): ...\nclass gone_soon: ...\n",
    b__deep="from b.core import *\n",
)


@pytest.mark.parametrize(
    ("taker", "expected"),
    [
        ("import b", []),
        ("import b.core", []),
        ("import b.absent", ["b.absent"]),
        ("from b import thing, soon, VALUE", []),
        ("from b import gone", ["b.gone"]),
        ("from b.core import thing as t, gone", ["b.core.gone"]),
        ("import b\nx = b.core.gone(1)", ["b.core.gone"]),
        ("import b as c\nx: c.core.gone = None", ["b.core.gone"]),
        ("import b\ndef f(x: b.gone, *y: list[b.lost]) -> b.lacking: z: b.idle = 1", ["b.lacking", "b.lost", "b.gone"]),
        ("import b\ndef f(x: 'b.gone'): ...", []),
        ("from __future__ import annotations\nimport b\nx: b.gone\ndef f(x: b.gone) -> b.gone: ...", []),
        ("import b as c\nclass A(c.core.gone): ...", ["b.core.gone"]),
        ("import b as c\n@c.gone\ndef f(x=c.VALUE): ...", ["b.gone"]),
        ("from b import core\ny = core.thing.attribute.of.what.is.no.module", []),
        ("from b import d\ny = d.thing\nz = d.gone", ["b.deep.gone"]),
        ("from b import core as k\nalias = k\nz = alias.gone", ["b.core.gone"]),
        ("from b.deep import thing, gone", ["b.deep.gone"]),
        ("import b\nif b.gone: pass", ["b.gone"]),
        ("import b\nfor x in b.gone: y = b.lost", ["b.gone", "b.lost"]),
        ("import b\nf = lambda: b.gone", []),
        ("import other\nother.gone", []),
        ("b = object()\nb.gone", []),
    ],
)
def test_what_importing_a_module_wants(taker: str, expected: list[str]) -> None:
    assert lacks(taker, OTHER) == expected


@pytest.mark.parametrize(
    ("taker", "expected"),
    [
        ("try:\n  from b import gone\nexcept ImportError:\n  gone = None", []),
        ("try:\n  from b import gone\nexcept ImportError:\n  from b import lost", ["b.lost"]),
        ("try:\n  from b import gone\nexcept (ValueError, ImportError):\n  from b import thing", []),
        ("try:\n  from b import gone\nexcept ImportError as e:\n  raise RuntimeError from e", ["b.gone"]),
        ("try:\n  from b import gone\nexcept ValueError:\n  pass", ["b.gone"]),
        ("try:\n  from b import gone\nfinally:\n  x = 1", ["b.gone"]),
        ("import b\nif hasattr(b, 'gone'):\n  x = b.gone\nelse:\n  x = b.thing", []),
        ("import b\nif hasattr(b, 'gone'):\n  x = b.gone\nelse:\n  x = b.lost", ["b.lost"]),
        ("import b\nif b.__version__ > '2':\n  x = b.gone", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  from b import gone", []),
        ("import typing\nif not typing.TYPE_CHECKING:\n  from b import gone", ["b.gone"]),
        ("import typing\nif typing.TYPE_CHECKING:\n  from b import gone\nelse:\n  from b import lost", ["b.lost"]),
        ("import b\nx = b.gone if hasattr(b, 'gone') else None", []),
    ],
)
def test_what_the_source_guards_is_wanted_only_if_every_way_is_closed(taker: str, expected: list[str]) -> None:
    assert lacks(taker, OTHER) == expected


def test_functions_want_only_once_they_are_called() -> None:
    taker = """
        import b
        from b import core
        def f(core, q=1):
            from b import lost
            def inner():
                return b.gone, core.not_the_module
            return inner
        class A:
            def method(self):
                return core.absent()
        """
    assert lacks(taker, OTHER) == []
    assert sorted(lacks(taker, OTHER, late=True)) == ["b.core.absent", "b.gone", "b.lost"]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("b.make(size=1)", []),
        ("b.make(shape=1)", ["b.make(shape)"]),
        ("b.make(1, **more)", []),
        ("b.make.more(shape=1)", []),
        ("b.any(shape=1)", []),
        ("b.Box(shape=1)", []),
        ("b.gone(shape=1)", ["b.gone"]),
        ("d.make(shape=1)", ["b.deep.make(shape)"]),
        ("b.replaced(shape=1)", []),
    ],
)
def test_arguments_that_a_function_does_not_take(call: str, expected: list[str]) -> None:
    giver = release(
        b_="""
        from b.deep import *
        def any(**options): ...
        class Box: ...
        def replaced(): ...
        replaced = any
        """,
        b__deep="def make(place, *, size=0): ...\n",
    )
    assert lacks(f"import b\nimport b.deep as d\nx = {call}", giver) == expected


def test_names_behind_a_table_of_deprecations() -> None:
    giver = release(
        b_="""
        import typing
        from b.old import make as _make
        _table = {"served": ("use make", _make), "removed": ("it is gone", None)}
        if typing.TYPE_CHECKING:
            removed = _make
        else:
            from b.lazy import deprecated
            __getattr__ = deprecated(__name__, _table)
        """,
        b__old="def make(): ...",
        b__lazy="def deprecated(name, table): ...",
    )
    assert lacks("from b import served, removed", giver) == ["b.removed"]


SETTINGS = """
    class Settings:
        level: int
        def __init__(self):
            self.values = {}
        def update(self, name): ...
    class Any:
        def __getattr__(self, name): ...
    class Derived(Settings): ...
    def option(name):
        setattr(Settings, name, 0)
    settings = Settings()
    any = Any()
    derived = Derived()
    made = option(name="fast_math")
"""


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ("b.settings.fast_math", []),
        ("b.settings.update", []),
        ("b.settings.level", []),
        ("b.settings.values.whatever", []),
        ("b.settings.slow_math", ["b.config.settings.slow_math"]),
        ("b.settings.update('fast_math', 1)", []),
        ("b.settings.update('slow_math', 1)", ["b.config.settings.slow_math"]),
        ("b.settings.update('slow math')", []),
        ("b.option('slow_math')", []),
        ("b.any.update('slow_math')", []),
        ("b.any.slow_math", []),
        ("b.derived.slow_math", []),
        ("b.made.slow_math", []),
    ],
)
def test_attributes_of_an_object(chain: str, expected: list[str]) -> None:
    giver = release(b_="from b.config import settings, any, derived, made, option", b__config=SETTINGS)
    assert lacks(f"import b\nif {chain}: pass", giver) == expected


def test_an_attribute_that_no_release_shows_comes_from_elsewhere() -> None:
    now = release(b="class Settings: ...\nsettings = Settings()")
    then = release(b="class Settings: ...\nsettings = Settings()\nwith_one(name='fast_math')")
    wants = wanted(release(a="import b\nb.settings.fast_math, b.settings.elsewhere, b.gone"), ["a"], {"b"})
    found = lost({"now": missing(wants, now), "then": missing(wants, then)}, [now, then])
    names = {key: sorted(one.name for one in some) for key, some in found.items()}
    assert names == {"now": ["b.gone", "b.settings.fast_math"], "then": ["b.gone"]}


def test_a_getattr_of_its_own_may_serve_anything() -> None:
    giver = release(b_="def __getattr__(name):\n    return name\n")
    assert lacks("from b import whatever", giver) == []
    assert lacks("import b.whatever", giver) == []


def test_a_name_that_is_deleted_is_not_offered() -> None:
    assert lacks("from b import x, y", release(b_="x = 1\ny = 2\ndel x\n")) == ["b.x"]


def test_a_name_may_come_from_another_distribution() -> None:
    giver = release(b_="from numbers_of_others import *\nimport numbers_of_others as n\n")
    assert lacks("import b\nx = b.anything, b.n.whatever", giver) == []


def test_what_is_taken_is_found_through_the_modules_that_an_import_reaches() -> None:
    taker = release(
        a_="from . import inner\n",
        a__inner="from .deep.most import x\n",
        a__deep_="",
        a__deep__most="from b import gone\nx = 1\n",
        a__apart="from b import lost\n",
    )
    wants = wanted(taker, ["a"], {"b"})
    assert missing(wants, OTHER) == (Missing("b.gone", "a.deep.most", 1),)
    assert str(missing(wants, OTHER)[0]) == "a.deep.most:1 takes b.gone, which is not there"
    apart = wanted(taker, ["a.apart"], {"b"})
    assert {found.module for found in missing(apart, OTHER)} == {"a.deep.most", "a.apart"}


def test_two_releases_may_share_a_top_level_package() -> None:
    taker = release(ns__one_="from ns.two import gone\nfrom ns.one import own\n")
    giver = release(ns__two_="there = 1\n")
    assert [found.name for found in missing(wanted(taker, ["ns.one"], {"ns"}), giver)] == ["ns.two.gone"]


def test_what_cannot_be_parsed_is_open() -> None:
    assert read_module(b"print 'x'", "b/__init__.py") == ModuleNames(open=True)


def test_what_parses_it_may_be_given() -> None:
    def parse(content: bytes) -> ast.Module:
        return ast.parse(content.removeprefix(b"new "))

    assert read_module(b"new x = 1", "b.py", parse).offers == {"x": ""}


def test_modules_are_read_when_they_are_needed() -> None:
    read = []

    def reader(name: str) -> ModuleNames:
        read.append(name)
        return ModuleNames(offers={"x": ""})

    names = NameTable({"b": None, "b.other": None}, reader)
    assert names.lacks("b.x") == ""
    assert names.lacks("b.x") == ""
    assert read == ["b"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.py", "a.b"),
        ("a/__init__.py", "a"),
        ("a.py", "a"),
        ("a/tests/b.py", ""),
        ("a/b.txt", ""),
        ("a-1.data/scripts/run.py", ""),
    ],
)
def test_names_of_files(path: str, name: str) -> None:
    assert module_name(path) == name


def test_accuracy() -> None:
    said = compare({(0, 0), (0, 1)}, {(0, 0): False, (0, 1): True, (0, 2): False, (0, 3): True})
    assert said == Accuracy(hits=1, misses=1, false=1)
    assert (said.precision, said.recall) == (0.5, 0.5)
    assert compare((), {}) == Accuracy(hits=0, misses=0, false=0)
    assert compare((), {}).precision is None
