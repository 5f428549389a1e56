"""The command that makes an ecosystem."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import distributions as installed_distributions
from pathlib import Path

import click
from packaging.utils import InvalidName, canonicalize_name

from stackcompat.cli.console import err, out
from stackcompat.cli.workspace import open_index
from stackcompat.core.dates import now
from stackcompat.core.errors import UsageError
from stackcompat.core.near_names import near_name
from stackcompat.core.text import and_list
from stackcompat.ecosystem.components import load_components
from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.interpreters import USUAL_PYTHON, find_interpreters, how_to_get
from stackcompat.ecosystem.releases import IndexUnreachable, Project, Release
from stackcompat.ecosystem.wheel_modules import modules_to_import
from stackcompat.plan.ecosystem import CARRIED
from stackcompat.plan.new_ecosystem import Member, gitignore_with, new_files

__all__ = ["init"]

#: How many Pythons a quick look tries: each makes cells of its own.
_MOST_PYTHONS = 3


@click.command()
@click.argument("distributions", nargs=-1, metavar="[DISTRIBUTION]...")
@click.option("--project", "folder", metavar="DIR", help="The folder to make it in; default: this folder.")
def init(distributions: tuple[str, ...], folder: str | None) -> None:
    """Make an ecosystem of DISTRIBUTIONs in this folder: its components, a quick matrix, a gate, first tests.

    On a terminal it asks for the names if none is given. It overwrites no file.
    """
    root = Path(folder or ".")
    names = _valid(distributions or _asked())
    pythons = list(find_interpreters())[:_MOST_PYTHONS]
    if not pythons:
        raise UsageError(how_to_get(USUAL_PYTHON))
    _refuse_existing(root, ["stackcompat.toml", "matrices/components.toml"])
    members = _look_up(names, open_index())
    files = new_files(root.resolve().name or "ecosystem", members, pythons, now().date())
    _write(root, files)
    _tell(root, files, names, given=folder)


def _asked() -> Sequence[str]:
    """The names that a person types. Raises UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError("DISTRIBUTION: none is given; name those to test together, such as numpy pandas")
    answer: str = click.prompt("Which distributions shall be tested together", err=True)
    return answer.replace(",", " ").split()


def _valid(given: Iterable[str]) -> list[str]:
    """The names in normal form, each once. Raises UsageError for one that is no name."""
    try:
        return list(dict.fromkeys(canonicalize_name(name, validate=True) for name in given))
    except InvalidName:
        wrong = next(name for name in given if not _is_name(name))
        raise UsageError(f'DISTRIBUTION: "{wrong}" is no name; give names without versions, such as numpy') from None


def _is_name(text: str) -> bool:
    try:
        canonicalize_name(text, validate=True)
    except InvalidName:
        return False
    return True


def _look_up(names: Sequence[str], index: PackageIndex) -> list[Member]:
    """What the index says of distributions.

    Raises:
        UsageError: The index does not know one of them, or has no release of it.
        IndexUnreachable: The index does not answer as it should.
    """
    index.prefetch(names)
    newest = {name: release for name in names if (release := _newest(index.project(name))) is not None}
    unknown = [name for name in names if name not in newest]
    requires = {name: _required(index, release, name) for name, release in newest.items()}
    if unknown:
        known = sorted(_known_names(newest, requires.values()))
        near = dict.fromkeys(meant for name in unknown if (meant := near_name(name, known)))
        hint = f"did you mean {' or '.join(near)}?" if near else "give the names that an installer takes"
        quoted = and_list([f'"{name}"' for name in unknown])
        raise UsageError(f"DISTRIBUTION: the index has no release of {quoted}; {hint}")
    return [
        Member(
            distribution=name,
            modules=_modules(index, name, newest[name].version),
            requires=requires[name],
            first=min(release.uploaded for release in index.project(name).releases if not release.yanked).date(),
        )
        for name in names
    ]


def _newest(project: Project) -> Release | None:
    """The release that an installer takes: a final one, or if there is none a pre-release."""
    return project.newest() or project.newest(prereleases=True)


def _required(index: PackageIndex, release: Release, name: str) -> tuple[str, ...]:
    needed = index.requires(name, release.version)
    return tuple(dict.fromkeys(canonicalize_name(requirement.name) for requirement in needed))


def _modules(index: PackageIndex, name: str, version: str) -> tuple[str, ...]:
    """The modules to import; from the name alone if the index does not give the wheel."""
    try:
        paths = index.paths(name, version)
    except IndexUnreachable as error:
        err.print(f"{error}; the module of {name} is taken to be called like it.", style="yellow", markup=False)
        paths = ()
    return modules_to_import(name, paths)


def _known_names(found: Iterable[str], required: Iterable[Iterable[str]]) -> set[str]:
    """The names that a mistyped one can stand for.

    They are what the other distributions are and need, what is installed beside the tool, and what it carries. The
    index is not asked for names that are only alike, since anybody can upload such a one.
    """
    names = {*found, *(name for several in required for name in several)}
    names |= {canonicalize_name(one.metadata["Name"]) for one in installed_distributions() if one.metadata["Name"]}
    carried = CARRIED / "matrices" / "components.toml"
    if carried.is_file():
        components = load_components(carried)
        names |= {name for row in components.components for name in row.distributions}
        names |= {library.distribution for library in components.libraries}
    return names


def _refuse_existing(root: Path, paths: Iterable[str]) -> None:
    """Raise UsageError if one of the files is there."""
    there = [path for path in paths if (root / path).exists()]
    if there:
        raise UsageError(f"--project: {root / there[0]} is there already, and nothing was written; give another folder")


def _write(root: Path, files: dict[str, str]) -> None:
    """Write the files, and the line of .gitignore. Raises UsageError if one is there already or cannot be written."""
    _refuse_existing(root, files)
    ignore = root / ".gitignore"
    try:
        before = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with (root / path).open("x", encoding="utf-8") as file:
                file.write(text)
        if (after := gitignore_with(before)) != before:
            ignore.write_text(after, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--project: {error.filename or root} cannot be written: {error.strerror}") from None


def _tell(root: Path, files: Iterable[str], names: Sequence[str], *, given: str | None) -> None:
    """Print what was made, and the commands that come next."""
    for path in files:
        out.print(str(root / path), markup=False)
    # Without the option, the variable decides which ecosystem a command works with.
    elsewhere = given or ("." if os.environ.get("STACKCOMPAT_PROJECT", "").strip() else "")
    option = f" --project {elsewhere}" if elsewhere else ""
    commands = {
        f"stackcompat run quick{option}": "try them, and write .stackcompat/site/index.html",
        f"stackcompat try {' '.join(names)}{option}": "one combination, in a sentence",
        f"stackcompat check FILE{option}": "a lock or a requirements file",
        f"stackcompat gate {names[0]}==VERSION{option}": "whether a release can ship",
    }
    width = max(map(len, commands))
    out.print("\nNext:")
    for command, what in commands.items():
        out.print(f"  {command:{width}}  # {what}", markup=False)
