"""The files of a new ecosystem, made from a few distributions. Pure: what is known of them is given."""

from __future__ import annotations

import calendar
import datetime as dt
import json
import textwrap
from collections.abc import Iterable, Sequence

from stackcompat.core.record import Record

__all__ = ["Member", "day_to_look_back_to", "gitignore_with", "new_files"]

#: The line of .gitignore: the store and the tables that are not published.
_IGNORED = ".stackcompat/"
#: How many months ago the second set of a quick look was what an installer gave.
_MONTHS_BACK = 6


class Member(Record):
    """A distribution that becomes a component of a new ecosystem.

    Attributes:
        distribution: Its name, in normal form.
        modules: The modules that whoever installs it imports, the most important first.
        requires: The distributions that its newest release declares to need.
        first: The day of its first final release.
    """

    distribution: str
    modules: tuple[str, ...]
    requires: tuple[str, ...] = ()
    first: dt.date


def new_files(name: str, members: Sequence[Member], pythons: Sequence[str], today: dt.date) -> dict[str, str]:
    """The files of a new ecosystem, by their paths within its folder.

    Args:
        name: What the ecosystem is called.
        members: Its components, one at least.
        pythons: The Pythons to try, the newest first; one at least.
        today: The day on which it is made.
    """
    names = [member.distribution for member in members]
    return {
        "stackcompat.toml": f"# What stackcompat tests here.\nname = {_toml(name)}\n",
        "matrices/components.toml": _components(members),
        "matrices/quick.toml": _quick(names, pythons, day_to_look_back_to(members, today)),
        "matrices/gate.toml": _gate(names, pythons[0]),
        "tests/interop/test_import.py": _IMPORTS,
        "tests/interop/test_together.py": _together(members),
    }


def day_to_look_back_to(members: Iterable[Member], today: dt.date) -> dt.date | None:
    """A past day on which all members had a release: some months ago, or later if one of them is younger than that.

    Args:
        members: The components.
        today: The day from which months are counted back.

    Returns:
        The day; None if some member had no release before today.
    """
    months = today.year * 12 + today.month - 1 - _MONTHS_BACK
    year, month = months // 12, months % 12 + 1
    back = dt.date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
    day = max([back, *(member.first for member in members)])
    return day if day < today else None


def gitignore_with(text: str) -> str:
    """The text of a .gitignore, with the line for what is never committed added if it is not there."""
    if _IGNORED.rstrip("/") in (line.strip().strip("/") for line in text.splitlines()):
        return text
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{_IGNORED}\n"


# ---------------------------------------------------------------------------------------------------------------------
# The text of each file
# ---------------------------------------------------------------------------------------------------------------------


def _toml(value: str | Sequence[str]) -> str:
    """A text or a list of texts as TOML, whose strings are written as those of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _components(members: Iterable[Member]) -> str:
    head = """
        # The libraries with releases of their own, in the order in which tables show them. A distribution is enough;
        # `modules` are what the import test must find.
    """
    rows = (
        f"\n[[components]]\ndistribution = {_toml(member.distribution)}\nmodules = [{_modules(member)}]\n"
        for member in members
    )
    return textwrap.dedent(head).lstrip() + "".join(rows)


def _modules(member: Member) -> str:
    return ", ".join(f"{{ name = {_toml(module)} }}" for module in member.modules)


def _quick(names: Sequence[str], pythons: Sequence[str], back: dt.date | None) -> str:
    text = f"""
        # A quick look: what an installer gives today, and what it gave some months ago.

        title = "Quick look"
        components = {_toml(names)}
        pythons = {_toml(pythons)}

        [[policies]]
        policy = "newest"
    """
    if back is not None:
        text += f"""
        [[policies]]
        policy = "as-of"
        dates = [{back.isoformat()}]
    """
    return textwrap.dedent(text).strip() + "\n"


def _gate(names: Sequence[str], python: str) -> str:
    text = f"""
        # What a release of a component must pass: `stackcompat gate "{names[0]}==VERSION"`.
        # A red cell of a `required` rule blocks it, one of a `review` rule asks a human.

        title = "Release gate"
        components = {_toml(names)}
        pythons = [{_toml(python)}]

        [[rules]]
        # What everybody gets who upgrades on the day of the release.
        rule = "newest"
        weight = "required"

        [[rules]]
        # Whether the release works with the oldest releases that it declares to work with.
        rule = "floors"
        weight = "review"
    """
    return textwrap.dedent(text).strip() + "\n"


_IMPORTS = '''\
"""Every module of every component can be imported."""

from __future__ import annotations

import importlib

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each module that the components in the cell have; stackcompat hands over the list."""
    imports = getattr(metafunc.config, "stackcompat_imports", [])
    metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[module for _, module, _ in imports])


@pytest.mark.level("import")
def test_import(distribution: str, module: str, declared: bool) -> None:
    """The module loads. A guessed module that needs more than its distribution declares does not count."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if declared:
            raise
        pytest.skip(f"{distribution} needs {error.name} for {module}, and does not declare it")
'''


def _together(members: Sequence[Member]) -> str:
    """The example of a test: of the first two components, the one that needs the other last; or of the only one."""
    used = list(members[:2])
    if len(used) == 2 and used[1].distribution in used[0].requires:
        used.reverse()
    names = [member.distribution for member in reversed(used)]
    modules = [member.modules[0] for member in used]
    steps = [f"made = {modules[0]}.something(...)", f"result = {modules[-1]}.something(made)", "assert result == ..."]
    alone = len(used) == 1
    return _EXAMPLE.format(
        what=f"What {names[0]} does" if alone else " with ".join(names),
        uses=", ".join(_toml(member.distribution) for member in used),
        function="_with_".join(name.replace("-", "_") for name in names),
        asks="It can be imported." if alone else "Both can be imported in one process.",
        imports="\n".join(f"    import {module}" for module in modules),
        level="run" if alone else "interop",
        steps="\n".join(f"    #     {step}" for step in steps),
    )


_EXAMPLE = '''\
"""{what}: an example, to be replaced by what people do."""

from __future__ import annotations

import pytest


# A test names the distributions that it uses, with bounds if it needs them, and imports them inside its function: it is
# tried wherever they are installed. This one only imports yet, so its level is "import". A test in which a component
# does something has the level "run", one in which components do something together "interop".
@pytest.mark.uses({uses})
@pytest.mark.level("import")
def test_{function}() -> None:
    """{asks}"""
{imports}

    # Write what people do, compare the result with one that is known otherwise, so that the test can fail, and set the
    # level to "{level}":
{steps}
'''
