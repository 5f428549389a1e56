"""Completion in the shell: the command that installs it, and what it offers for names of matrices and ids of cells."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import wraps
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from stackcompat.core.documents import parse_toml
from stackcompat.core.errors import UsageError
from stackcompat.core.files import read_given
from stackcompat.evidence.database import exists
from stackcompat.evidence.store import Store
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.table.judged import distinct_cells

__all__ = ["complete_cell", "complete_matrix", "completion"]

#: Where a shell looks for scripts of the user: the variable of the folder and its default, the file in it, and what the
#: shell needs besides. {folder} stands for the folder of the file.
_PLACES = {
    "bash": (
        ("XDG_DATA_HOME", ".local/share"),
        "bash-completion/completions/stackcompat",
        "new shells have it where the package bash-completion is installed",
    ),
    "zsh": (
        ("XDG_DATA_HOME", ".local/share"),
        "zsh/site-functions/_stackcompat",
        "new shells have it if ~/.zshrc says `fpath=({folder} $fpath)` before it calls compinit",
    ),
    "fish": (("XDG_CONFIG_HOME", ".config"), "fish/completions/stackcompat.fish", "new shells have it"),
}


@click.command()
@click.argument("shell", type=click.Choice(list(_PLACES)))
@click.option("--install", is_flag=True, help="Write the script where the shell finds it, and print nothing but where.")
def completion(shell: str, install: bool) -> None:
    """Print the script that completes commands, options, matrices and cells in SHELL, or install it."""
    text = _script(shell)
    if not install:
        click.echo(text)
        return
    path, remark = _place(shell)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")  # shells read no other ends of lines
    except OSError as error:
        raise UsageError(f"--install: {path} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {path}; {remark}")


def _script(shell: str) -> str:
    """The completion script of click for a shell."""
    kind = get_completion_class(shell)
    assert kind is not None
    return kind(click.get_current_context().find_root().command, {}, "stackcompat", "_STACKCOMPAT_COMPLETE").source()


def _place(shell: str) -> tuple[Path, str]:
    """The file for the script of a shell, and what the shell needs besides."""
    (variable, default), name, remark = _PLACES[shell]
    given = Path(os.environ.get(variable, ""))
    path = (given if given.is_absolute() else Path.home() / default) / name  # by the XDG specification
    return path, remark.format(folder=path.parent)


# --- what the shell offers ---

_Offer = Callable[[click.Context, str], Iterator[CompletionItem]]
_Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _silently(offer: _Offer) -> _Complete:
    """`offer` for click. It offers nothing where it fails: what is amiss is said when the command is called."""

    @wraps(offer)
    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return list(offer(context, incomplete))
        except Exception:  # noqa: BLE001  (a traceback would be written into the line that the user types)
            return []

    return complete


@_silently
def complete_matrix(context: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """The names of the matrices of the project that begin with `incomplete`; files if there are none."""
    files = find_ecosystem(context.params.get("project_folder")).matrix_files()
    fitting = [file for file in files if file.stem.startswith(incomplete)]
    if not fitting:
        yield CompletionItem(incomplete, type="file")
    for file in fitting:
        yield CompletionItem(file.stem, help=_title(file))


@_silently
def complete_cell(context: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """The ids of the cells of the last runs that begin with `incomplete`; after a plus, that of the cell that reads."""
    place = find_ecosystem(context.params.get("project_folder")).store
    if not exists(place):  # it would be made
        return
    writer, plus, begin = incomplete.rpartition("+")
    with closing(Store(place)) as store:
        for cell_id, ((planned, _), *_) in distinct_cells(store.runs()).items():
            if cell_id.startswith(begin):
                cell = planned.cell
                yield CompletionItem(f"{writer}{plus}{cell_id}", help=f"{cell.label} on Python {cell.python}")


def _title(file: Path) -> str | None:
    """The title of a matrix; None if its file cannot be read."""
    try:
        return str(parse_toml(read_given(file).decode())["title"])
    except (OSError, ValueError, KeyError):
        return None
