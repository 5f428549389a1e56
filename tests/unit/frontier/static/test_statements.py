"""What a module takes when it is imported, and when its functions are called."""

from __future__ import annotations

import pytest

from support.sources import OTHER, missing_in, release


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
    assert missing_in(OTHER, taker) == expected


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
    assert missing_in(OTHER, taker) == expected


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
    assert missing_in(OTHER, taker) == []
    assert sorted(missing_in(OTHER, taker, late=True)) == ["b.core.absent", "b.gone", "b.lost"]


def test_a_name_that_is_deleted_is_not_offered() -> None:
    assert missing_in(release(b_="x = 1\ny = 2\ndel x\n"), "from b import x, y") == ["b.x"]
