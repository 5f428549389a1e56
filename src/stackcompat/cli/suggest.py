"""The commands that answer from the published table: what to install, and what something in a report means."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import click
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Advisory, load_links
from stackcompat.advice.check import check
from stackcompat.advice.checked import Checked
from stackcompat.advice.document import Asked
from stackcompat.advice.environment_file import read_file
from stackcompat.advice.listing import Listed
from stackcompat.advice.set_knowledge import SetKnowledge, parsed
from stackcompat.advice.suggestion import Move, Obstacle, Suggestion, suggest, upgrades
from stackcompat.cli.answers import answer_options, format_option, page_out, tell
from stackcompat.cli.console import out
from stackcompat.cli.exit_codes import ExitCode
from stackcompat.cli.options import json_option, project_option, python_option, write_json
from stackcompat.cli.published import reproduction
from stackcompat.core.errors import UsageError
from stackcompat.core.near_names import meant_by
from stackcompat.core.requirements import only_version, python_key, version_key
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.report.explain import Explanation, explain
from stackcompat.report.read import read_table
from stackcompat.report.site.latest import install_lines, set_constraints
from stackcompat.table.summary import Summary
from stackcompat.table.version_ranges import span

__all__ = ["explain_", "suggest_"]


@click.command("suggest")
@click.argument("requirements", metavar="[REQUIREMENT]...", nargs=-1)
@python_option("--python", help="The Python, such as 3.12; default: the newest one of the table.")
@click.option("--upgrade", metavar="FILE", help="Say instead what of a lock file may move, and what must not.")
@click.option("--pre", "prereleases", is_flag=True, help="Sets with pre-releases count, too.")
@format_option("install", "constraints")
@json_option
@project_option
def suggest_(
    requirements: tuple[str, ...],
    python: str | None,
    upgrade: str | None,
    prereleases: bool,
    form: str,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Name the newest set that is known to work and has every REQUIREMENT, as lines that install it.

    A REQUIREMENT is a component or its distribution, with bounds if you like. With --upgrade it is what each component
    of a lock file may move to, all else as it is.

    \b
    stackcompat suggest "flax>=0.12" "jax<0.12" --python 3.12
    stackcompat suggest flax --format constraints > constraints.txt
    stackcompat suggest --upgrade uv.lock

    Exit code: 0 a set is known; 2 bad usage; 3 no set that was tested as a whole is known to work.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    if not requirements and not upgrade:
        raise UsageError('suggest: give REQUIREMENT such as "flax>=0.12", or --upgrade FILE')
    if requirements and upgrade:
        both = f'REQUIREMENT ("{requirements[0]}") and --upgrade exclude each other'
        raise UsageError(f"suggest: {both}; leave out one: --upgrade answers for every component of its FILE")
    if upgrade and form in ("install", "constraints"):
        raise UsageError(f"--format: {form} is no form of what may move; give table, json or markdown")
    if upgrade and prereleases:
        raise UsageError("--pre: --upgrade names final releases only; give --pre with REQUIREMENT")
    summary, known = _table(project_folder)
    if upgrade:
        _tell_moves(upgrade, python, summary, known, form, json_file)
        return
    knowledge = SetKnowledge(summary, _python(python, summary))
    asked = _asked(requirements, summary)
    found = suggest(asked, knowledge, known, prereleases=prereleases)
    answer = found.model_dump(mode="json") if found is not None else None
    if form in ("install", "constraints"):
        write_json(json_file, answer)
        if found is not None:
            text = set_constraints(found.pins, found.everything, found.known.besides)
            page_out(text if form == "constraints" else install_lines(found.pins, found.known.besides)["uv"] + "\n")
    elif found is not None:
        tell(form, json_file, answer, partial(_print, found, knowledge.python))
    else:
        elsewhere = _on_other_pythons(asked, knowledge, known, prereleases=prereleases)
        tell(form, json_file, answer, partial(_print_none, asked, requirements, knowledge, known, elsewhere))
    if found is None:
        sys.exit(ExitCode.COULD_NOT_TELL)


def _table(project_folder: str | None) -> tuple[Summary, tuple[Advisory, ...]]:
    """The published table and its advisories."""
    project = find_ecosystem(project_folder)
    summary = read_table(project.existing_table().parent)
    return summary, advisories(summary, load_links(project.matrices / "advisories.toml"))


def _python(given: str | None, summary: Summary) -> str:
    """The Python that is asked about; it must be one of the table."""
    known = sorted({cell.python for cell in summary.cells}, key=python_key, reverse=True)
    if not known or (given is not None and given not in known):
        raise UsageError(f"--python: the table has no cell on Python {given}; it has {', '.join(known) or 'none'}")
    return given or known[0]


def _asked(texts: Sequence[str], summary: Summary) -> list[Requirement]:
    """The requirements, each named by the distribution of its component."""
    names: dict[str, str] = {}
    for row in reversed(summary.components):
        if row.distribution and row.releases:
            names |= {row.name: row.distribution, row.distribution: row.distribution}
    asked = []
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            raise UsageError(f'REQUIREMENT: "{text}" is none; give a name with bounds, such as "flax>=0.12"') from None
        distribution = names.get(canonicalize_name(requirement.name)) or names.get(requirement.name)
        if distribution is None:
            every = [row.name for row in summary.components if row.distribution and row.releases]
            has = meant_by(requirement.name, every) or f"it has {', '.join(every)}"
            raise UsageError(f'REQUIREMENT: "{requirement.name}" is not in the table; {has}')
        if requirement.url or requirement.marker or requirement.extras:
            allowed = 'give a name with bounds, such as "flax>=0.12"'
            raise UsageError(f'REQUIREMENT: "{text}" has an address, a marker or extras; {allowed}')
        requirement.name = distribution
        asked.append(requirement)
    return asked


def _on_other_pythons(
    asked: Sequence[Requirement], knowledge: SetKnowledge, known: Sequence[Advisory], *, prereleases: bool
) -> dict[str, Suggestion]:
    """The newest set on each other Python of the table, where there is one; the newest Python first."""
    pythons = sorted({cell.python for cell in knowledge.summary.cells}, key=python_key, reverse=True)
    found = {}
    for python in pythons:
        if python != knowledge.python:
            one = suggest(asked, SetKnowledge(knowledge.summary, python), known, prereleases=prereleases)
            if one is not None:
                found[python] = one
    return found


def _print_none(
    asked: Sequence[Requirement],
    requirements: Sequence[str],
    knowledge: SetKnowledge,
    known: Sequence[Advisory],
    elsewhere: Mapping[str, Suggestion],
) -> None:
    """Say why there is no set; of exact versions, say what a check of them says."""
    python, names = knowledge.python, " and ".join(requirements)
    checked = _checked(asked, knowledge, known)
    cell = knowledge.cell_with(parsed(checked.components)) if checked is not None else None
    if checked is None or checked.answer == "not known":
        lines = [f"not known: no tested set on Python {python} has {names}"]
    elif checked.answer == "broken":
        lines = [f"✗ known to be broken on Python {python}: {names}"]
    elif cell is not None:
        why = "it is left out because it has a pre-release, or was installed against declared bounds"
        lines = [f"cell {cell.id} on Python {python} works and has {names}; {why}"]
    else:
        tested = "tested" if all(pair.state == "seen" for pair in checked.pairs) else "tested or installed"
        whole = "no set that was tested as a whole has all of them"
        lines = [f"every two of these were {tested} together and work on Python {python}; {whole}"]
    if checked is not None:
        lines += [f"  ✗ {advisory.id}: {advisory.sentence()}" for advisory in checked.hits]
        lines += [f"  ✗ {red.sentence} (cell {red.cell})" for red in checked.red_cells]
        lines += [f"  ? likely broken: {likely.sentence}" for likely in checked.likely]
    for other, one in elsewhere.items():
        pins = " ".join(f"{requirement.name}=={one.pins[requirement.name]}" for requirement in asked)
        lines.append(f"  ✓ on Python {other} there is one, with {pins}; give --python {other}")
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def _checked(asked: Sequence[Requirement], knowledge: SetKnowledge, known: Sequence[Advisory]) -> Checked | None:
    """What a check says of exact versions; None: not every requirement names one, or two of them differ."""
    versions = {requirement.name: only_version(requirement) for requirement in asked}
    if not all(one.specifier.contains(versions[one.name] or "0", prereleases=True) for one in asked):
        return None
    return check(Listed(versions), knowledge, known) if all(versions.values()) else None


def _print(found: Suggestion, python: str) -> None:
    one = found.known
    when = f" on {one.seen:%Y-%m-%d}" if one.seen else ""
    out.print(f"✓ tested together{when} up to {one.level}, Python {python}, cell {one.cell}", markup=False)
    for line in install_lines(found.pins, found.known.besides).values():
        out.print(f"  {line}", markup=False, soft_wrap=True)
    for name, version in found.newer.items():
        told = (
            f"{name} {version} is newer; no tested set that works on Python {python} has it with all that is asked for"
        )
        if name in found.in_twos:
            told += f"; {name} {found.in_twos[name]} works with each of the others, tested or installed two at a time"
        out.print(told, markup=False, soft_wrap=True)


def _tell_moves(
    file: str, python: str | None, summary: Summary, known: Sequence[Advisory], form: str, json_file: str | None
) -> None:
    """Say what of a lock file may move."""
    if python is None:
        python = read_file(Path(file), Asked(_python(None, summary), (), ()), None).python or None
    its = _python(python, summary)
    listed = read_file(Path(file), Asked(its, (), ()), None)
    knowledge = SetKnowledge(summary, its)
    moves = upgrades(listed, knowledge, known)
    if not moves:
        raise UsageError(f"--upgrade: {file} has no exact version of a component of the table")
    answer = {"python": its, "moves": [move.model_dump(mode="json") for move in moves]}
    tell(form, json_file, answer, partial(_print_moves, moves, knowledge, file))


def _print_moves(moves: Sequence[Move], knowledge: SetKnowledge, file: str) -> None:
    out.print(f"What may move in {file}, one at a time, on Python {knowledge.python}:", markup=False)
    names = {row.distribution: row.name for row in reversed(knowledge.summary.components)}
    for move in moves:
        tried = list(knowledge.tried.get(names[move.distribution], {}).values())
        out.print(f"  {move.distribution} {move.installed}: {_move_words(move, tried)}", markup=False)
        for sign, verb, obstacles in (("✗", "not to", move.must_not), ("?", "not known:", move.unknown)):
            for versions, why in _joined(obstacles, tried):
                out.print(f"    {sign} {verb} {versions}: {why}", markup=False, soft_wrap=True)


def _move_words(move: Move, tried: Sequence[str]) -> str:
    if move.may:
        return f"✓ to {span(move.may, tried)}"
    if move.newest == move.installed:
        return "is the newest that was tried"
    return "stays: no newer release is known to work with the rest"


def _joined(obstacles: Sequence[Obstacle], tried: Sequence[str]) -> list[tuple[str, str]]:
    """The releases of each kind as ranges with the reason of the newest of them; the newest releases first."""
    kinds: dict[str, list[Obstacle]] = {}
    for obstacle in obstacles:
        kinds.setdefault(obstacle.kind or obstacle.version, []).append(obstacle)
    newest_first = sorted(kinds.values(), key=lambda members: version_key(members[-1].version), reverse=True)
    lines = [(span([each.version for each in members], tried), members[-1].why) for members in newest_first]
    if len(lines) <= _NAMED:
        return lines
    rest = [each.version for members in newest_first[_NAMED:] for each in members]
    return [*lines[:_NAMED], (span(rest, tried), "for other reasons, which --json has")]


#: How many reasons are printed; the releases with others are only listed.
_NAMED = 4


@click.command("explain")
@click.argument("words", metavar="ADVISORY|CELL|COMPONENT|PAIR|SENTENCE", nargs=-1, required=True)
@answer_options
@project_option
def explain_(words: tuple[str, ...], form: str, json_file: str | None, project_folder: str | None) -> None:
    """Explain what a report says: an advisory, a cell, a failure, a component, a pair, a word, or a sentence.

    \b
    stackcompat explain SC-b9a253f7ca
    stackcompat explain flax
    stackcompat explain flax with jax
    stackcompat explain flax 0.12.9 with jax 0.11.2
    stackcompat explain "has no attribute 'HiPrimitive'"
    stackcompat explain held back

    Exit code: 0 it is explained; 2 bad usage; 3 the table knows nothing of it.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    text = " ".join(words)
    summary, known = _table(project_folder)
    project = find_ecosystem(project_folder)
    folder = project.table().parent
    here = tuple(row.model_copy(update={"reproduce": reproduction(row, folder / row.lock)}) for row in summary.cells)
    found = explain(text, summary.model_copy(update={"cells": here}), known, project.site_address)
    tell(form, json_file, [one.model_dump(mode="json") for one in found], partial(_print_explained, text, found))
    if not any(one.known for one in found):
        sys.exit(ExitCode.COULD_NOT_TELL)


def _print_explained(text: str, found: Sequence[Explanation]) -> None:
    if not found:
        out.print(f'not known: the table has nothing about "{text}"', markup=False)
    for place, one in enumerate(found):
        if place:
            out.print()
        out.print(one.subject, style="bold", markup=False)
        for line in one.lines:
            out.print(f"  {line}", markup=False)
