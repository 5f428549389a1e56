"""The command that writes the site that people open."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from stackcompat.advice.advisory import IssueLink, load_links
from stackcompat.cli.console import out
from stackcompat.cli.options import project_option
from stackcompat.core.errors import UsageError
from stackcompat.core.folders import from_here
from stackcompat.core.text import counted, size_words
from stackcompat.evidence.download import download, is_address
from stackcompat.plan.ecosystem import Ecosystem, find_ecosystem
from stackcompat.report.site.read import previous_table, read_published
from stackcompat.report.site.write import write_site

__all__ = ["site_"]

#: The most bytes that a table may have. One of 5,000 cells has less than 30 MiB.
_MOST_BYTES = 2**28


@click.command("site")
@click.option("-o", "--output", metavar="DIR", help="Where to write; default: .stackcompat/pages/.")
@click.option(
    "--table", metavar="FILE|URL", help="The compat.json to show, with what lies beside it; default: the ecosystem's."
)
@click.option("--name", metavar="WORDS", help="What the ecosystem is called on the pages; default: as it calls itself.")
@click.option(
    "--address",
    metavar="URL",
    help="Where the site will be read, for feeds; default: site in stackcompat.toml, else their links are relative.",
)
@click.option("--keep", type=click.IntRange(1), metavar="N", help="Keep the N newest editions; default: all.")
@project_option
def site_(
    output: str | None,
    table: str | None,
    name: str | None,
    address: str | None,
    keep: int | None,
    project_folder: str | None,
) -> None:
    """Write the table as a site of small pages: what to install, what broke, what goes with your versions.

    Any web server can serve DIR. An edition for the day of the table is added to those that DIR has, and latest/
    becomes the newest edition. The same facts are there as JSON, feeds, constraints and badges.

    \b
    stackcompat site -o public
    stackcompat site -o public --table reports/compat.json
    python -m http.server -d public

    Exit code: 0 done; 2 bad usage.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    if address is not None and not address.startswith(("https://", "http://")):
        raise UsageError(f'--address: "{address}" must begin with https:// or http://')
    project = _project(table, project_folder)
    if output is not None:
        folder = Path(output)
    elif project is not None:
        folder = project.work / "pages"
    else:
        raise UsageError("--output: name a folder, since there is no ecosystem around this one")
    called = name or (project.name if project is not None else "stackcompat")
    links = load_links(project.matrices / "advisories.toml") if project is not None else ()
    with tempfile.TemporaryDirectory(prefix="stackcompat-site-") as scratch:
        source = _source(table, project, Path(scratch))
        where = address or (project.site_address if project is not None else "")
        _write(source, folder, called, links, where, keep)


def _write(source: Path, folder: Path, name: str, links: tuple[IssueLink, ...], address: str, keep: int | None) -> None:
    published = read_published(source, name, links, address=address)
    published = published.after(previous_table(folder, published.summary))
    try:
        written = write_site(folder, published, keep)
    except (NotADirectoryError, PermissionError, FileExistsError) as error:
        raise UsageError(f"--output: {folder} cannot be written: {error.strerror}; give a folder") from None
    out.print(
        f"{counted(written.pages, 'page')} in {counted(written.files, 'file')}, {size_words(written.size)}: "
        f"{from_here(folder / 'latest' / 'index.html')}",
        markup=False,
    )


def _project(table: str | None, project_folder: str | None) -> Ecosystem | None:
    """The ecosystem; None if there is none and a table is given, which needs none."""
    try:
        return find_ecosystem(project_folder)
    except UsageError:
        if table is None or project_folder is not None:
            raise
        return None


def _source(table: str | None, project: Ecosystem | None, scratch: Path) -> Path:
    """The folder with the table. One with another name, or from an address, is put into a folder of its own."""
    if table is None:
        assert project is not None  # without a table there is an ecosystem
        return project.existing_table().parent
    if is_address(table):
        target = scratch / "compat.json"
        download(table, target, lambda _done, _of: None, most=_MOST_BYTES, argument="--table", what="compat.json")
        return scratch
    path = Path(table)
    if path.is_dir() or path.name == "compat.json":
        return path if path.is_dir() else path.parent
    try:
        shutil.copyfile(path, scratch / "compat.json")
    except OSError as error:
        raise UsageError(f"--table: {path} cannot be read: {error.strerror}; name a compat.json") from None
    return scratch
