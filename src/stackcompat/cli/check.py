"""The command that checks an environment against the published table."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import click
from pydantic import ValidationError

import stackcompat
from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import IssueLink, load_links
from stackcompat.advice.breaks import Locks
from stackcompat.advice.check import check
from stackcompat.advice.checked import choose
from stackcompat.advice.document import Asked
from stackcompat.advice.environment_file import read_environment, read_file, read_text
from stackcompat.advice.listing import Listed
from stackcompat.advice.proposal import propose
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.cli.answers import format_option, tell
from stackcompat.cli.check_output import print_checked, requirements_text
from stackcompat.cli.console import err, out
from stackcompat.cli.exit_codes import FailOn, of_checks
from stackcompat.cli.fail_on import fail_on_answer_option
from stackcompat.cli.options import file_option, json_option, project_option, python_option, write_json, write_text
from stackcompat.core.errors import UsageError
from stackcompat.core.files import read_given
from stackcompat.core.requirements import python_key
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.report.check_findings import Answered
from stackcompat.report.check_github import check_commands
from stackcompat.report.check_markdown import check_markdown
from stackcompat.report.check_sarif import check_sarif
from stackcompat.report.read import settled
from stackcompat.table.summary import Summary

__all__ = ["check_"]


@click.command("check")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--env", "environment", metavar="DIR", help="A live environment: its folder, or its interpreter.")
@python_option("--python", help="The Python that FILE is for, such as 3.12; default: the one that FILE names.")
@click.option("--extra", "extras", multiple=True, metavar="NAME", help="An extra of FILE to read too; repeatable.")
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="A dependency group or environment of FILE to read too."
)
@click.option("--table", metavar="FILE", help="The compat.json to check against; default: that of the ecosystem.")
@format_option("sarif", "github")
@fail_on_answer_option
@file_option("write", "the nearest set that works as requirements")
@json_option
@project_option
def check_(
    files: tuple[str, ...],
    environment: str | None,
    python: str | None,
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    table: str | None,
    form: str,
    fail_on: tuple[FailOn, ...],
    write_file: str | None,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Say whether the versions in FILE or an environment are known to work, and name the nearest set that works.

    FILE is a requirements.txt, freeze, pyproject.toml, uv.lock, poetry.lock, pylock.toml, Pipfile.lock, pixi.lock,
    conda-lock.yml or environment.yml, an SBOM in JSON (CycloneDX or SPDX), what conda list, pip list or uv tree prints,
    or - for standard input. Several are answered in turn, and the worst answer makes the exit code.

    \b
    stackcompat check uv.lock
    pip freeze | stackcompat check -
    stackcompat check pyproject.toml --extra cuda --write constraints.txt
    stackcompat check --env .venv
    stackcompat check requirements.txt --format github

    Exit code: 0 it works: every two of its components were tested together; 1 it is known to be broken; 2 bad usage;
    3 it is not known whether it works. With --fail-on broken, 3 is 0.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    if bool(files) == bool(environment):
        raise UsageError("check: give either a FILE such as uv.lock, or --env DIR")
    if write_file and len(files) > 1:
        raise UsageError("--write: writes the set for one FILE; give one")
    if files.count("-") > 1:
        raise UsageError("FILE: - can be given once, since standard input is read once")
    path, links, called = _sources(table, project_folder)
    summary = _read_table(path)
    known = advisories(summary, links)
    locks = _locks_beside(path)
    # All are read before the first answer, so that a mistake in one ends the command before anything is printed.
    if environment:
        asked = [_Asked(environment, "", "", _read_environment(environment, python))]
    else:
        asked = [_read(file, python, extras, groups, summary) for file in dict.fromkeys(files)]
    knowledge = cache(partial(SetKnowledge, summary))
    answers = []
    for source, place, text, listings in asked:
        checked = choose([check(listed, knowledge(name), known, locks) for name, listed in listings.items()])
        proposal = propose(checked, listings[checked.python], knowledge(checked.python), known, locks)
        answers.append(Answered(source, place, text, checked, proposal))
    write_json(json_file, _as_json(answers))
    if "-" not in (json_file, write_file):
        _print(form, answers, summary, called)
    if write_file:
        _write_nearest(write_file, answers[0])
    sys.exit(of_checks((answered.checked.answer for answered in answers), fail_on))


class _Asked(NamedTuple):
    """An environment that is asked about: as it was given, its file and what is in it, and what it lists by Python."""

    source: str
    path: str
    text: str
    listings: dict[str, Listed]


def _read(file: str, python: str | None, extras: tuple[str, ...], groups: tuple[str, ...], summary: Summary) -> _Asked:
    """The content of a FILE."""
    source = "standard input" if file == "-" else file
    content = sys.stdin.buffer.read() if file == "-" else _content(Path(file))
    listings = _read_file(Path(source), content, python, extras, groups, summary)
    return _Asked(source, "" if file == "-" else file, read_text(Path(source), content), listings)


def _content(path: Path) -> bytes:
    """The content of a FILE. It is read once, since it can be a pipe."""
    try:
        return read_given(path)
    except OSError as error:
        raise UsageError(f"FILE: {path} cannot be read: {error.strerror}") from None


def _write_nearest(target: str, answered: Answered) -> None:
    """Write the nearest set that works, or say why there is nothing to write."""
    checked, nearest = answered.checked, answered.proposal.nearest
    if nearest is not None:
        write_text("--write", target, requirements_text(nearest, checked.table))
    else:
        reason = "the environment works as it is" if checked.answer == "works" else "no set is known that works"
        err.print(f"--write: nothing was written, since {reason}", markup=False)


def _print(form: str, answers: Sequence[Answered], summary: Summary, table: str) -> None:
    """Print the answers. Programs read all forms but the table, so that these go out as they are."""
    match form:
        case "github":
            sys.stdout.write(check_commands(answers, summary))
        case "sarif":
            sys.stdout.write(json.dumps(check_sarif(answers, summary, stackcompat.__version__), indent=1) + "\n")
        case _:
            show = partial(_print_all, answers, summary, table)
            tell(form, None, _as_json(answers), show, markdown=partial(check_markdown, answers, summary))


def _print_all(answers: Sequence[Answered], summary: Summary, table: str) -> None:
    """Print the answers for people, with an empty line between each two."""
    for place, answered in enumerate(answers):
        if place:
            out.print()
        print_checked(answered.checked, answered.proposal, summary, source=answered.source, table=table)


def _as_json(answers: Sequence[Answered]) -> object:
    """The answer about one environment; of several files a list of them, each with its `file`."""
    found = [one.checked.model_dump(mode="json") | one.proposal.model_dump(mode="json") for one in answers]
    if len(answers) == 1:
        return found[0]
    return [{"file": answered.source} | record for answered, record in zip(answers, found, strict=True)]


def _sources(table: str | None, project_folder: str | None) -> tuple[Path, tuple[IssueLink, ...], str]:
    """The file of the table, the links of the ecosystem, and what the table is called.

    A table that is given needs no ecosystem.

    Raises:
        UsageError: No table is given, and there is no project, or it has no table yet.
    """
    try:
        project = find_ecosystem(project_folder)
    except UsageError:
        if table is None or project_folder is not None:
            raise
        return Path(table), (), table
    links = load_links(project.matrices / "advisories.toml")
    if table:
        return Path(table), links, table
    path = project.existing_table()
    carried = f"the table of the {project.name} that this stackcompat carries,"
    return path, links, carried if project.is_carried and path.is_relative_to(project.root) else str(path)


def _read_environment(place: str, python: str | None) -> dict[str, Listed]:
    """The packages of a live environment, by its Python."""
    listed = read_environment(Path(place))
    return {python or listed.python: listed}


def _read_file(
    path: Path,
    content: bytes | None,
    python: str | None,
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    summary: Summary,
) -> dict[str, Listed]:
    """The content of a file for the Python that is given or named; else for this Python and those of the table."""
    if python is None:
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        named = read_file(path, Asked(here, extras, groups), content).python
        others = sorted({cell.python for cell in summary.cells} - {here}, key=python_key, reverse=True)
        pythons = [named] if named else [here, *others]
    else:
        pythons = [python]
    return {name: read_file(path, Asked(name, extras, groups), content) for name in pythons}


def _locks_beside(table: Path) -> Locks:
    """The published locks, which lie beside the table."""

    @cache
    def read(path: str) -> Mapping[str, str]:
        lock = table.parent / path
        return read_file(lock).versions if path and lock.is_file() else {}

    return lambda cell: read(cell.lock)


def _read_table(path: Path) -> Summary:
    try:
        return settled(Summary.model_validate_json(read_given(path)))
    except OSError as error:
        raise UsageError(f"--table: {path} cannot be read ({error.strerror}); stackcompat report writes one") from None
    except ValidationError:
        raise UsageError(f"--table: {path} is no compat.json of this version; stackcompat report writes one") from None
