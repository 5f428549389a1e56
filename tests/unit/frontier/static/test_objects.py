"""Names behind tables of deprecations, and attributes of objects."""

from __future__ import annotations

import pytest

from support.sources import missing_in, release


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
    assert missing_in(giver, "from b import served, removed") == ["b.removed"]


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
    assert missing_in(giver, f"import b\nif {chain}: pass") == expected
