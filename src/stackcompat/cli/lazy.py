"""Commands that are imported when they are called, so that help and version need none of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

__all__ = ["LazyCommand", "LazyGroup"]


class LazyCommand(NamedTuple):
    """Where a command is, and what it does.

    Attributes:
        place: ``module:attribute``.
        summary: The first sentence of its help.
    """

    place: str
    summary: str


class LazyGroup(click.Group):
    """A group that imports a command when it is called; its own help shows their summaries alone.

    After the example in click's documentation, "Lazily Loading Subcommands".
    """

    def __init__(self, *arguments: Any, lazy: Mapping[str, LazyCommand], **settings: Any) -> None:
        """Make the group.

        Args:
            arguments: As of :class:`click.Group`.
            lazy: The commands by name.
            settings: As of :class:`click.Group`.
        """
        super().__init__(*arguments, **settings)
        self._places = {name: command.place for name, command in lazy.items()}
        for name, command in lazy.items():
            self.add_command(click.Command(name, help=command.summary))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported if need be; None if there is none."""
        if cmd_name not in self._places:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._places[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names and summaries of all commands, as :class:`click.Group` does, without importing any."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(len(name) for name in names)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].get_short_help_str(limit)) for name in names])
