"""How a command gives its answer: as a table for people, as JSON or as Markdown, and page by page if it is long.

A command says once what is to be printed. The same lines and tables become what a terminal shows and what Markdown has.
"""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

import click
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from stackcompat.cli.console import Printed, out
from stackcompat.cli.options import json_option, write_json
from stackcompat.core.errors import UsageError
from stackcompat.core.redact import masked
from stackcompat.core.text import fenced, plain, printable

__all__ = ["Form", "answer_options", "format_option", "markdown_of", "page_out", "say", "tell", "tell_at_once"]

#: The forms in which every command gives its answer on standard output.
Form = Literal["table", "json", "markdown"]

#: Those in which programs and code hosts read it; the table is for people.
_TABLE: Form = "table"


def _refuse_two(context: click.Context, _: click.Parameter, form: str) -> str:
    """Refuse two forms of one answer on standard output."""
    if form not in (_TABLE, "json") and context.params.get("json_file") == "-":
        raise UsageError(
            f"--json: - is standard output, and so is --format {form}; give --json a file, or leave one out"
        )
    return form


def format_option(*further: str) -> Callable[[Any], Any]:
    """The option --format, with the forms of :data:`Form` and those that only one command has."""
    text = "How the answer is printed: for people, or in a form that programs or code hosts read."
    return click.option(
        "--format",
        "form",
        type=click.Choice([*get_args(Form), *further]),
        default=_TABLE,
        show_default=True,
        callback=_refuse_two,
        help=text,
    )


def answer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --format and --json of a command that answers something, in this order in its help.

    The value of --json is known before that of --format is looked at, because it is eager.
    """
    with_both: Callable[..., Any] = format_option()(json_option(command))
    return with_both


def tell(
    form: str,
    json_file: str | None,
    answer: object,
    show: Callable[[], None],
    *,
    markdown: Callable[[], str] | None = None,
) -> None:
    """Give an answer as --format and --json ask for.

    Args:
        form: The value of --format, one of :data:`Form`.
        json_file: The value of --json. If it is ``-``, the JSON is all that goes to standard output.
        answer: The answer for JSON.
        show: Prints the answer for people by way of :data:`stackcompat.cli.console.out`.
        markdown: Makes the Markdown of a command that has its own; by default it is made of what `show` prints.
    """
    write_json(json_file, answer)
    if json_file == "-":
        return
    if form == "json":
        page_out(json.dumps(answer, indent=1, default=str) + "\n")
    elif form == "markdown":
        page_out(markdown() if markdown is not None else markdown_of(_recorded(show)))
    else:
        say(show)


def tell_at_once(form: str, json_file: str | None, act: Callable[[], object]) -> None:
    """Give the answer of something that takes long. What it prints for people is shown as soon as it is printed.

    Args:
        form: The value of --format, one of :data:`Form`.
        json_file: The value of --json.
        act: Does it, prints what it found, and returns the answer for JSON.
    """
    if form == _TABLE and json_file != "-":
        write_json(json_file, act())
        return
    with out.recorded() as page:
        answer = act()
    tell(form, json_file, answer, lambda: None, markdown=lambda: markdown_of(page))


def say(show: Callable[[], None]) -> None:
    """Print what `show` prints, page by page if it is longer than the terminal."""
    if not out.pages:
        show()
        return
    with out.capture() as captured:
        show()
    _page_out(captured.get())


def page_out(text: str) -> None:
    """Print a text as it is, but for secrets and for what a terminal would obey.

    On a terminal that is not as high as the text, a pager shows it, which PAGER can name.
    """
    _page_out(printable(masked(text)))


def _page_out(text: str) -> None:
    if out.pages and _rows(text, out.width) >= out.height:
        click.echo_via_pager(text.removesuffix("\n"), color=out.color_system is not None)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()


def _rows(text: str, width: int) -> int:
    """How many rows of a terminal a text takes."""
    lines = (Text.from_ansi(line).plain for line in text.splitlines())
    return sum(max(1, math.ceil(cell_len(line) / max(width, 1))) for line in lines)


# --- Markdown ---


def _recorded(show: Callable[[], None]) -> Sequence[Printed]:
    with out.recorded() as page:
        show()
    return page


def markdown_of(page: Iterable[Printed]) -> str:
    """What was printed, as Markdown.

    A line becomes a paragraph, an indented one an item of a list, a table a table, and what is to be kept as it is
    becomes code.

    Args:
        page: What was printed, in this order.
    """
    blocks: list[str] = []
    kinds: list[str] = []
    for kind, block in _blocks(page):
        if (kinds and kind == kinds[-1] == "item") or (kinds and kind == kinds[-1] == "code"):
            blocks[-1] += f"\n{block}"
        else:
            blocks.append(block)
            kinds.append(kind)
    text = [fenced(block) if kind == "code" else block for kind, block in zip(kinds, blocks, strict=True)]
    return "\n\n".join(text) + "\n"


def _blocks(page: Iterable[Printed]) -> Iterator[tuple[str, str]]:
    """Each block of what was printed: its kind (paragraph, item, table, code) and its Markdown."""
    for printed in page:
        for thing in printed.objects:
            if isinstance(thing, Table):
                yield "table", _table(thing)
                continue
            text = Text.from_markup(thing).plain if printed.markup and isinstance(thing, str) else str(thing)
            if printed.verbatim or "\n" in text.strip("\n"):
                yield "code", inspect.cleandoc(text)
            elif text.strip():
                line = plain(text.strip())
                yield ("item", f"- {line}") if text.startswith(" ") else ("paragraph", line)


def _table(table: Table) -> str:
    """A table of rich as one of Markdown. A column without a title keeps an empty one."""
    columns = [[_cell(column.header), *map(_cell, column.cells)] for column in table.columns]
    heads, *rows = zip(*columns, strict=True)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))


def _cell(content: object) -> str:
    return plain(Text.from_markup(content).plain if isinstance(content, str) else str(content))
