"""Commands that are imported only when they are called, so that help and version import none of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from stackcompat.cli.system import runs_cells, where_cells_run
from stackcompat.core.errors import UsageError

__all__ = ["LazyCommand", "LazyGroup"]


class LazyCommand(NamedTuple):
    """A command that is not imported yet.

    Attributes:
        place: ``module:attribute``.
        summary: What it is for, in one line of the list of commands.
        needs_linux: Whether it runs cells, which it can do on Linux alone.
    """

    place: str
    summary: str
    needs_linux: bool = False


class LazyGroup(click.Group):
    """A group that imports a command only when it is called. The help of the group shows the summaries under headings.

    After the example in click's documentation, "Lazily Loading Subcommands".
    """

    def __init__(self, *arguments: Any, lazy: Mapping[str, Mapping[str, LazyCommand]], **settings: Any) -> None:
        """Make the group.

        Args:
            arguments: As of :class:`click.Group`.
            lazy: The commands by heading and name, in the order in which help lists them.
            settings: As of :class:`click.Group`.
        """
        super().__init__(*arguments, **settings)
        self._headings = lazy
        self._lazy = {name: command for commands in lazy.values() for name, command in commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (as click declares it)
        """The names of all commands, in the order of the help."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported now; None if there is none."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The name, the command and its arguments; see :class:`click.Group`.

        Raises:
            UsageError: The command needs Linux, and this is another system. Its help is shown everywhere.
        """
        command = self._lazy.get(args[0])
        asks_for_help = ctx.resilient_parsing or not set(ctx.help_option_names).isdisjoint(args)
        if command is not None and command.needs_linux and not runs_cells() and not asks_for_help:
            raise UsageError(f"{args[0]}: {where_cells_run()}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the names and summaries of all commands under their headings, without importing any."""
        width = max(map(len, self._lazy))
        for heading, commands in self._headings.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), command.summary) for name, command in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names that begin with `incomplete`, without importing a command; and the options of the group."""
        names = [
            CompletionItem(name, help=command.summary)
            for name, command in self._lazy.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)
