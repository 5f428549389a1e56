"""What good guesses get wrong, as a page: known cases and smoke tests that say what people expect. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from stackcompat.core.text import plain
from stackcompat.ecosystem.suite_file import SurprisingTest
from stackcompat.plan.known_cases import KnownCase

__all__ = ["Surprise", "surprises_page", "surprising"]

_HEAD = """\
# What good guesses get wrong

Each row says what people expect, what happens instead, and with which versions. The last column names what holds it: a
known case, which `stackcompat calibrate NAME` tries for real, or a smoke test, which runs in every cell that it applies
to. This page is written by `stackcompat surprises`.

| people expect | what happens | with | shown by |
| --- | --- | --- | --- |
"""


class Surprise(NamedTuple):
    """What a good guess gets wrong.

    Attributes:
        expected: What people expect.
        happens: What happens instead.
        where: With which versions or components.
        shown_by: The known case or the smoke test that holds it.
    """

    expected: str
    happens: str
    where: str
    shown_by: str


def surprising(cases: Iterable[KnownCase], tests: Iterable[tuple[str, SurprisingTest]]) -> tuple[Surprise, ...]:
    """All surprises, those of known cases first.

    Args:
        cases: The known cases. Those count that say what people expect.
        tests: The smoke tests that hold a surprise, each with the path of its file.
    """
    return (*_of_cases(cases), *_of_tests(tests))


def surprises_page(surprises: Iterable[Surprise]) -> str:
    """The page of all surprises, in Markdown."""
    return _HEAD + "".join(f"| {' | '.join(map(plain, row))} |\n" for row in surprises)


def _of_cases(cases: Iterable[KnownCase]) -> Iterator[Surprise]:
    for case in cases:
        if case.expected:
            versions = [*case.requirements, f"Python {case.python}"]
            if case.exclude_newer is not None:
                versions.append(f"as of {case.exclude_newer}")
            yield Surprise(case.expected, case.happens, ", ".join(versions), f"case {case.id}")


def _of_tests(tests: Iterable[tuple[str, SurprisingTest]]) -> Iterator[Surprise]:
    for path, test in tests:
        yield Surprise(test.expected, test.happens, ", ".join(test.uses), f"{path}::{test.name}")
