"""Options that several commands share, and writing into the files and folders that they give."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from stackcompat.core.errors import UsageError
from stackcompat.core.files import write_whole
from stackcompat.core.redact import masked
from stackcompat.core.requirements import valid_python
from stackcompat.core.text import printable
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.run.job import IsolationChoice

__all__ = [
    "ACCELERATOR",
    "BUILD",
    "EVIDENCE_FROM",
    "EXECUTOR",
    "ISOLATION",
    "build_option",
    "executor_option",
    "file_option",
    "from_option",
    "is_given",
    "isolation_option",
    "jobs_option",
    "json_option",
    "open_output",
    "output_option",
    "project_option",
    "publish_option",
    "python_option",
    "reuse_option",
    "strict_isolation_option",
    "write_json",
    "write_text",
]

project_option = click.option(
    "--project",
    "project_folder",
    metavar="DIR",
    help="The folder of the ecosystem; default: the one around this folder, else the one that the tool carries.",
)


#: Where a command keeps the value of --from until it opens the store.
EVIDENCE_FROM = f"{__name__}.evidence_from"


def _keep_source(context: click.Context, _: click.Parameter, source: str | None) -> None:
    """Keep the value of --from for :func:`stackcompat.cli.workspace.open_store`."""
    if source is not None and Path(source).is_dir():
        raise UsageError(
            f"--from: {source} is a folder; give an archive of evidence, as stackcompat evidence export writes it "
            "(only stackcompat report takes a folder: published reports)"
        )
    context.meta[EVIDENCE_FROM] = source


#: The archive whose evidence is taken over when the command opens the store. It is no argument of the command.
from_option = click.option(
    "--from",
    "source",
    metavar="FILE|URL",
    expose_value=False,
    callback=_keep_source,
    help="First take over this archive of evidence, as evidence import does.",
)


#: Where a command keeps the value of --isolation until it makes its runner.
ISOLATION = f"{__name__}.isolation"


def _keep_isolation(context: click.Context, _: click.Parameter, choice: str) -> None:
    """Keep the value of --isolation for :func:`stackcompat.cli.runners.make_runner`."""
    context.meta[ISOLATION] = choice


#: Where a command keeps the value of --build until it makes its runner.
BUILD = f"{__name__}.build"


def _keep_build(context: click.Context, _: click.Parameter, build: bool) -> None:
    """Keep the value of --build for :func:`stackcompat.cli.runners.make_runner`."""
    context.meta[BUILD] = build


#: Whether source distributions are built. It is no argument of the command.
build_option = click.option(
    "--build",
    is_flag=True,
    envvar="STACKCOMPAT_BUILD",
    show_envvar=True,
    expose_value=False,
    callback=_keep_build,
    help="Build source distributions where there is no wheel. That runs code of the releases, in a sandbox where "
    "there is one, which reaches the index alone.",
)


def _isolation_option(default: IsolationChoice) -> Callable[[Any], Any]:
    """How far cells are closed. It is no argument of the command."""
    return click.option(
        "--isolation",
        type=click.Choice(["auto", "strict", "namespaces", "open"]),
        default=default,
        show_default=True,
        envvar="STACKCOMPAT_ISOLATION",
        show_envvar=True,
        expose_value=False,
        callback=_keep_isolation,
        help="How far tests are closed in: as far as the machine can; in a sandbox or not at all; no network; not at "
        "all.",
    )


isolation_option = _isolation_option("auto")


#: That of the gate: what nobody has tried yet is run in a sandbox, or not at all.
strict_isolation_option = _isolation_option("strict")


jobs_option = click.option(
    "-j", "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores", help="Cells at once."
)


#: Where a command keeps the values of --executor and --accelerator until it makes its runner.
EXECUTOR, ACCELERATOR = f"{__name__}.executor", f"{__name__}.accelerator"


def _keep_as(place: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    """Keep the value of an option for :func:`stackcompat.cli.runners.make_runner`."""

    def keep(context: click.Context, _: click.Parameter, value: str | None) -> None:
        context.meta[place] = value

    return keep


def executor_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about the machines on which cells run. They are no arguments of the command."""
    accelerator = click.option(
        "--accelerator",
        metavar="KIND[:TYPE][:N]",
        expose_value=False,
        callback=_keep_as(ACCELERATOR),
        help="With --executor ray: what each cell gets, such as gpu, gpu:H200 or tpu:TPU-V5LITEPOD:4.",
    )
    executor = click.option(
        "--executor",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        envvar="STACKCOMPAT_EXECUTOR",
        expose_value=False,
        callback=_keep_as(EXECUTOR),
        help="Where cells run: on this machine, or on the Ray cluster at RAY_ADDRESS (else one is started here).",
    )
    return executor(accelerator(command))


reuse_option = click.option(
    "--no-reuse",
    is_flag=True,
    help="Run every test for real, even if its result is known from a cell that has the same of all it depends on.",
)


def _pythons(_: click.Context, parameter: click.Parameter, given: Any) -> Any:
    """Refuse what is no Python such as 3.12. The option has one, several or none."""
    for text in given if isinstance(given, tuple) else () if given is None else (given,):
        try:
            valid_python(text)
        except ValueError as error:
            raise UsageError(f"{parameter.opts[0]}: {error}") from None
    return given


#: An option that names a Python, or with ``multiple=True`` several. It takes what :func:`click.option` takes.
python_option = partial(click.option, metavar="VERSION", callback=_pythons)


def _writable(_: click.Context, parameter: click.Parameter, target: str | None) -> str | None:
    """Refuse a file that cannot be written, before anything is run for it."""
    if target not in (None, "-") and (Path(target).is_dir() or not Path(target).absolute().parent.is_dir()):
        option = parameter.opts[0]
        raise UsageError(f"{option}: {target} cannot be written; give a file in a folder that exists, or -")
    return target


def is_given(parameter: str) -> bool:
    """Whether a person gave a parameter of the command that runs, so that its value is no default."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is not click.core.ParameterSource.DEFAULT


def file_option(name: str, what: str) -> Callable[[Any], Any]:
    """The option --`name` for a file to write `what` into."""
    text = f"Write {what}; - for standard output."
    # It is eager, so that the options that depend on it see it, wherever it is on the command line.
    return click.option(f"--{name}", f"{name}_file", metavar="FILE", callback=_writable, is_eager=True, help=text)


json_option = file_option("json", "the answer as JSON")


def write_text(option: str, target: str | None, text: str) -> None:
    """Write a text into the file of an option.

    Args:
        option: The name of the option, for messages.
        target: The file, or ``-`` for standard output; None if the option is not given.
        text: The text.

    Raises:
        UsageError: The file cannot be written.
    """
    text = printable(masked(text))
    if target == "-":
        sys.stdout.write(text)
    elif target is not None:
        try:
            write_whole(Path(target), text)
        except OSError as error:
            if error.errno == errno.ENOSPC:  # no mistake of whoever gave the option
                raise
            raise UsageError(f"{option}: {target} cannot be written: {error.strerror}") from None


def write_json(target: str | None, value: object) -> None:
    """Write a value as JSON into the file of --json, if that option is given."""
    if target is not None:
        write_text("--json", target, json.dumps(value, indent=1, default=str) + "\n")


output_option = click.option("-o", "--output", metavar="DIR", help="Where to write; default: .stackcompat/site/.")


publish_option = click.option(
    "--publish", is_flag=True, help="Write where the ecosystem publishes its table, unless that one knows more cells."
)


def open_output(given: str | None, project: Ecosystem, *, publish: bool = False) -> Path:
    """The folder for what a command writes. It is made if it does not exist.

    Args:
        given: The folder that --output gives.
        project: The ecosystem. Its folder for what is not published is the default.
        publish: Whether --publish is given: then it is the folder where the ecosystem publishes.

    Raises:
        UsageError: The folder cannot be written, or both options are given.
    """
    if publish and given:
        raise UsageError("--publish: writes where the ecosystem publishes; leave out --output")
    if publish and project.is_carried:
        raise UsageError("--publish: this ecosystem came with the tool; give a folder of your own by --project")
    folder = Path(given) if given else project.published if publish else project.site
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output: {folder} cannot be written: {error.strerror}; give a folder") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--output: {folder} cannot be written; give a folder that you may write to")
    return folder
