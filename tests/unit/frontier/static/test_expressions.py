"""What a call takes of the function that it calls."""

from __future__ import annotations

import pytest

from support.sources import missing_in, release


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
    assert missing_in(giver, f"import b\nimport b.deep as d\nx = {call}") == expected
