"""Failures in words: ``X fails with Y because Z; do W``, and notes about the tests that releases ship. Pure."""

from __future__ import annotations

from stackcompat.advice.building import because
from stackcompat.core.text import and_list
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary, suspects_of
from stackcompat.table.workaround import smallest_steps, steps_sentence

__all__ = ["failure_sentence", "own_tests_note"]


def failure_sentence(group: FailureGroup, summary: Summary) -> str:
    """What fails with what, why, and the smallest step that was seen to help, without the last full stop.

    Args:
        group: The failure.
        summary: The table.
    """
    if group.verdict == "unresolvable":
        named = suspects_of(group, summary)
        return f"{named or 'It'} cannot be installed because {_inline(group.signature)}"
    if group.verdict != "broken":
        return _inline(group.signature)
    words = f"{_what_fails(group, summary)} at {group.level} {because(group.message or group.type)}"
    steps = steps_sentence(smallest_steps(_releases(group, summary), summary), summary.titles())
    return f"{words}; {steps}" if steps else words


def own_tests_note(group: FailureGroup, summary: Summary) -> str:
    """How many of a release's own tests fail and why, without the last full stop. It is a note and no warning.

    Args:
        group: A failure at the level `upstream`.
        summary: The table.
    """
    owners = {test.split("/")[1] for test in group.tests if test.startswith("upstream/")}
    names = {row.distribution: row.name for row in reversed(summary.components)}
    titles = summary.titles()
    cells = [cell for cell in summary.cells if cell.id in group.cells]
    subjects = []
    for owner in sorted(owners):
        name = names.get(owner, owner)
        versions = {cell.components[name].version for cell in cells if name in cell.components}
        subjects.append(f"{titles.get(name, name)} {', '.join(sorted(versions))}".rstrip())
    number = len([test for test in group.tests if "::" in test])
    what = f"{number} of the own tests" if number > 1 else "One of the own tests"
    others = {name: version for name, version in _culprits(group).items() if name not in owners}
    titled = [f"{titles.get(names.get(name, name), name)} {version}" for name, version in others.items()]
    with_others = f" with {and_list(titled)}" if titled else ""
    fails = "fail" if number > 1 else "fails"
    words = f"{what} of {and_list(subjects)} {fails}{with_others} {because(group.message or group.type)}"
    works = all(cell.verdict == "works" for cell in cells)
    return f"{words}; the smoke tests pass there" if works and cells else words


def _culprits(group: FailureGroup) -> dict[str, str]:
    return dict(group.culprit.versions) if group.culprit is not None and not group.culprit.doubt else {}


def _what_fails(group: FailureGroup, summary: Summary) -> str:
    """The suspects at their versions in the first cell: the one that the error came out of fails with the others.

    The versions of all cells would claim every combination of them.
    """
    if not group.suspects:
        first = next((cell for cell in summary.cells if cell.id in group.cells), None)
        return f"{', '.join(first.requirements) if first else 'A cell'} fails"
    rows = {row.name: row for row in summary.components}
    names = sorted(group.suspects, key=lambda name: rows[name].distribution == group.package)
    held = _releases(group, summary)
    *others, failing = [f"{rows[name].title} {held.get(name, '')}".rstrip() for name in names]
    return f"{failing} fails with {and_list(others)}" if others else f"{failing} fails"


def _releases(group: FailureGroup, summary: Summary) -> dict[str, str]:
    """The releases for which a way out is looked for: those of the suspects and culprits in the first cell."""
    first = summary.cells_by_id.get(group.cells[0]) if group.cells else None
    if first is None:
        return {}
    names = {row.distribution: row.name for row in reversed(summary.components)}
    culprits = [names.get(name, name) for name in _culprits(group)]
    wanted = dict.fromkeys((*group.suspects, *culprits))
    return {name: first.components[name].version if name in first.components else "" for name in wanted}


def _inline(text: str) -> str:
    return " ".join(text.split())
