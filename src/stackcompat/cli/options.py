"""Options that several commands have, and how answers are written where the options say."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from stackcompat.core.errors import UsageError
from stackcompat.plan.checkout import Checkout

__all__ = [
    "file_option",
    "jobs_option",
    "json_option",
    "open_output",
    "output_option",
    "project_option",
    "write_json",
    "write_text",
]

project_option = click.option(
    "--project", "project_folder", metavar="DIR", help="The checkout to work in; default: this one."
)


jobs_option = click.option(
    "-j", "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores", help="Cells at once."
)


def _writable(_: click.Context, parameter: click.Parameter, target: str | None) -> str | None:
    """Refuse a file that could not be written before anything is run for it."""
    if target not in (None, "-") and (Path(target).is_dir() or not Path(target).absolute().parent.is_dir()):
        option = parameter.opts[0]
        raise UsageError(f"{option}: {target} cannot be written; give a file in a folder that there is, or -")
    return target


def file_option(name: str, what: str) -> Callable[[Any], Any]:
    """The option --`name` for a file to write `what` into."""
    text = f"Write {what}; - for standard output."
    return click.option(f"--{name}", f"{name}_file", metavar="FILE", callback=_writable, help=text)


json_option = file_option("json", "the answer as JSON")


def write_text(option: str, target: str | None, text: str) -> None:
    """Write a text where an option says, if it is given.

    Args:
        option: The name of the option, for messages.
        target: The file, or ``-`` for standard output; None if the option is not given.
        text: The text.

    Raises:
        UsageError: The file cannot be written.
    """
    if target == "-":
        sys.stdout.write(text)
    elif target is not None:
        try:
            Path(target).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{option}: {target} cannot be written: {error.strerror}") from None


def write_json(target: str | None, value: object) -> None:
    """Write a value where --json says, if it is given."""
    if target is not None:
        write_text("--json", target, json.dumps(value, indent=1, default=str) + "\n")


output_option = click.option("-o", "--output", metavar="DIR", help="Where to write; default: reports/ of the project.")


def open_output(given: str | None, project: Checkout) -> Path:
    """The folder that --output gives, made if need be; that of the project's reports if the option is not given.

    Raises:
        UsageError: The folder cannot be written.
    """
    folder = Path(given) if given else project.reports
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output: {folder} cannot be written: {error.strerror}; give a folder") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--output: {folder} cannot be written; give a folder that you may write to")
    return folder
