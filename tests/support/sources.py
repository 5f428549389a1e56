"""Made-up releases as source, and what one of them wants of another."""

from __future__ import annotations

from textwrap import dedent

from stackcompat.frontier.static.names import NameTable
from stackcompat.frontier.static.reader import read_module
from stackcompat.frontier.static.usage import missing, wanted

__all__ = ["OTHER", "missing_in", "release"]


def release(**files: str) -> NameTable:
    """A release with these modules; two underscores are a dot, and one at the end marks a package."""
    modules = {}
    for name, text in files.items():
        dotted = name.replace("__", ".").rstrip("_")
        path = dotted.replace(".", "/") + ("/__init__.py" if name.endswith("_") else ".py")
        modules[dotted] = read_module(dedent(text).encode(), path)
    return NameTable(modules)


def missing_in(giver: NameTable, taker: str, *, late: bool = False) -> list[str]:
    """The names that a module with the text `taker` wants of `giver` and does not get."""
    wants = wanted(release(a=taker), ["a"], giver.packages())
    return [found.name for found in missing(wants, giver, late=late)]


#: A release with a package and two modules.
OTHER = release(
    b_="from b.core import thing, gone_soon as soon\nimport b.deep as d\nVALUE: int = 1\n",
    b__core="def thing(): ...\nclass gone_soon: ...\n",
    b__deep="from b.core import *\n",
)
