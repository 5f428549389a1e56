"""The reference of all commands, as a page in Markdown and as a manual page, made from the commands themselves.

``python -m stackcompat.cli.reference docs/reference.md`` writes the one, and a file that ends with ``.1`` the other.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

import stackcompat
from stackcompat.cli.exit_codes import MEANINGS
from stackcompat.cli.main import COMMANDS, HEADINGS, main
from stackcompat.core.text import fenced, plain

__all__ = ["Described", "describe", "manual_page", "reference_page"]


class Described(NamedTuple):
    """What the reference says of a command, or of a group of commands.

    Attributes:
        usage: How it is called.
        paragraphs: Its help. A paragraph with line ends is an example, to be left as it is.
        options: Each option as it is written, and what it does.
        needs_linux: Whether it runs cells, which it can do on Linux alone.
        name: Its name, with ``stackcompat`` and the names of the groups that it is in.
    """

    usage: str
    paragraphs: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    needs_linux: bool
    name: str


def describe(context: click.Context) -> Described:
    """Describe the command of a context."""
    command, name = context.command, context.command_path
    top = name.split()[1:2]
    options = [it for it in command.params if isinstance(it, click.Option) and not it.hidden]
    # Not click's own option of help: it is kept from the first call of the command, whatever names that one had for it.
    help_option = (", ".join(sorted(context.help_option_names, key=len)), "Show this message and exit.")
    arguments = [it for it in command.params if isinstance(it, click.Argument)]
    inner = ["COMMAND [ARGS]..."] if isinstance(command, click.Group) else []
    return Described(
        usage=" ".join([name, "[OPTIONS]", *map(_argument, arguments), *inner]),
        paragraphs=tuple(_paragraphs(command.help or "")),
        options=(*((_written(option), _what_it_does(option, context)) for option in options), help_option),
        needs_linux=any(COMMANDS[it].needs_linux for it in top),
        name=name,
    )


def _root() -> click.Context:
    """The context of the group of all commands."""
    return click.Context(main, info_name="stackcompat", **main.context_settings)


def _by_heading() -> Iterator[tuple[str, list[Described]]]:
    """All commands under the headings of the help, each group before the commands in it."""
    root = _root()
    for heading, names in HEADINGS.items():
        yield heading, [describe(it) for name in names for it in _contexts(name, root)]


def _contexts(name: str, parent: click.Context) -> Iterator[click.Context]:
    """The contexts of the command of that name in a group, and of all commands in it."""
    group = parent.command
    assert isinstance(group, click.Group)
    command = group.get_command(parent, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _contexts(inner, context)


# --- arguments, options and help. The words are made here, since those of click differ between its releases ---


def _argument(argument: click.Argument) -> str:
    """An argument as the usage has it."""
    name = argument.metavar or _choices(argument.type) or (argument.name or "").upper()
    name = name if argument.nargs == 1 or name.endswith("...") else f"{name}..."
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _choices(kind: click.ParamType[Any]) -> str:
    """What can be chosen, with a stroke between each two; empty if it is no choice."""
    return "|".join(map(str, kind.choices)) if isinstance(kind, click.Choice) else ""


def _written(option: click.Option) -> str:
    """An option as it is written, with its value."""
    shortest_first = sorted(option.opts, key=len)
    names = ", ".join(shortest_first) + "".join(f" / {name}" for name in option.secondary_opts)
    if option.is_flag or option.count:
        return names
    value = option.metavar or _choices(option.type) or option.type.name.removesuffix(" range").upper()
    return f"{names} {value}"


def _what_it_does(option: click.Option, context: click.Context) -> str:
    """The help of an option, with its default, its bounds, and whether it must be given."""
    marks = []
    if option.required:
        marks.append("required")
    if option.show_default:
        default = option.show_default if isinstance(option.show_default, str) else option.get_default(context)
        marks.append(f"default: {default}")
    if isinstance(option.type, click.IntRange | click.FloatRange):
        low, high = option.type.min, option.type.max
        if low is not None:
            marks.append(f"{'above' if option.type.min_open else 'at least'} {low:g}")
        if high is not None:
            marks.append(f"{'below' if option.type.max_open else 'at most'} {high:g}")
    said = " ".join((option.help or "").split())
    if option.multiple and "repeat" not in said.lower():
        marks.append("may be repeated")
    return f"{said} ({'; '.join(marks)})".lstrip() if marks else said


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help. Those after click's mark keep the ends of their lines."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        marked, _, kept = paragraph.partition("\b\n")
        yield kept or " ".join(marked.split())


def _is_example(paragraph: str) -> bool:
    return paragraph.startswith("stackcompat ") or "\n" in paragraph


# --- Markdown ---


def reference_page() -> str:
    """The page of all commands in Markdown."""
    group = describe(_root())
    lines = [
        "# Reference",
        "Every command with its options and exit codes. This page is made from the commands, by",
        "`python -m stackcompat.cli.reference docs/reference.md`; [Using it](usage.md) says what they are for.",
        "",
        *_section(group, 2),
        "## Exit codes",
        "What a command says of its own exit codes goes before this table.",
        "",
        *_table(("code", "meaning"), [(str(int(code)), plain(meaning)) for code, meaning in MEANINGS.items()]),
    ]
    for heading, commands in _by_heading():
        lines.append(f"## {heading}")
        for command in commands:
            lines += _section(command, 3)
    return "\n".join(lines).rstrip() + "\n"


def _section(described: Described, depth: int) -> Iterator[str]:
    """The lines of a command, under a title of that depth."""
    yield f"{'#' * depth} {described.name}"
    yield fenced(described.usage)
    yield ""
    for paragraph in described.paragraphs:
        yield fenced(paragraph) if _is_example(paragraph) else plain(paragraph)
        yield ""
    if described.needs_linux:
        yield "It runs cells, so it needs Linux."
        yield ""
    rows = [("`" + written.replace("|", r"\|") + "`", plain(does)) for written, does in described.options]
    yield from _table(("option", "what it does"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(cells)} |"
    yield ""


# --- roff ---


def manual_page() -> str:
    """The manual page of all commands, in the macros of man."""
    group = describe(_root())
    summary, *paragraphs = group.paragraphs
    lines = [
        f'.TH STACKCOMPAT 1 "" "stackcompat {stackcompat.__version__}" "User Commands"',
        ".SH NAME",
        rf"stackcompat \- {_roff(summary[0].lower() + summary[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {_roff(group.usage)}",
        ".SH DESCRIPTION",
        *_roff_paragraphs([summary, *paragraphs]),
        ".SH OPTIONS",
        *_roff_items(group.options),
    ]
    for heading, commands in _by_heading():
        lines.append(f".SH COMMANDS: {heading.upper()}")
        for command in commands:
            lines += [f".SS {_roff(command.usage)}", *_roff_paragraphs(command.paragraphs)]
            lines += [".PP", "It runs cells, so it needs Linux."] if command.needs_linux else []
            lines += _roff_items(command.options)
    codes = [(str(int(code)), meaning) for code, meaning in MEANINGS.items()]
    return "\n".join([*lines, ".SH EXIT STATUS", *_roff_items(codes)]) + "\n"


def _roff(text: str) -> str:
    """A line of text for roff, where a backslash, a hyphen that is typed, and a first dot or quote mean something."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


def _roff_paragraphs(paragraphs: Sequence[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        if _is_example(paragraph):
            yield from (".PP", ".RS 4", ".nf", *map(_roff, paragraph.splitlines()), ".fi", ".RE")
        else:
            yield from (".PP", _roff(paragraph))


def _roff_items(items: Sequence[tuple[str, str]]) -> Iterator[str]:
    for written, does in items:
        yield from (".TP", f".B {_roff(written)}", _roff(does))


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def _write(file: Path) -> None:
    """Write the page to FILE; the manual page, if FILE ends with .1."""
    text = manual_page() if file.suffix == ".1" else reference_page()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.BadParameter(f"{file} cannot be written: {error.strerror}") from None


if __name__ == "__main__":
    _write()
