"""How uv is started: its arguments, its input files, its environment, indexes and local sources."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement

from stackcompat.core.errors import StackcompatError
from stackcompat.core.requirements import name_of
from stackcompat.plan.cell import Cell

__all__ = ["compile_arguments", "extra_index", "local_source", "uv_environment", "write_question"]

#: The variables that uv gets. They say where packages are and how to reach them, never which of them to prefer.
_PASSED_ON = re.compile(
    r"(UV_(DEFAULT_INDEX|INDEX(_URL|_STRATEGY|_.*_(USERNAME|PASSWORD))?|EXTRA_INDEX_URL|FIND_LINKS"
    r"|NATIVE_TLS|SYSTEM_CERTS|HTTP_TIMEOUT|HTTP_RETRIES|INSECURE_HOST|KEYRING_PROVIDER|CONFIG_FILE|OFFLINE"
    r"|CONCURRENT_\w+)"
    r"|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|HOME|USERPROFILE|PATH|LANG|LC_\w+|TMPDIR|NETRC"
    r"|XDG_CONFIG_\w+)"
)


def uv_environment(cache: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that uv sees: the user's addresses and certificates, but not the user's preferences.

    Args:
        cache: The tool's own package cache.
        environ: The variables of the user.
    """
    kept = {name: value for name, value in environ.items() if _PASSED_ON.fullmatch(name)}
    if "PIP_INDEX_URL" in environ and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environ.keys():
        kept["UV_DEFAULT_INDEX"] = environ["PIP_INDEX_URL"]
    return kept | {"UV_CACHE_DIR": str(cache), "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}


def extra_index(variable: str) -> list[str]:
    """The arguments by which uv looks into an extra index as well.

    Args:
        variable: The environment variable with the address of the index; empty for no extra index.

    Returns:
        The arguments; none if there is no variable or it is empty.
    """
    address = os.environ.get(variable, "").strip() if variable else ""
    return ["--index", address, "--index-strategy", "unsafe-best-match"] if address else []


def local_source(name: str, given: str) -> str:
    """The wheel, folder or address that a local distribution comes from.

    Args:
        name: The distribution.
        given: A wheel, a source folder or a git address; or ``$`` and the name of the environment variable that holds
            one of these.

    Raises:
        StackcompatError: The environment variable is empty.
    """
    if not given.startswith("$"):
        return given
    source = os.environ.get(given[1:], "").strip()
    if not source:
        allowed = "a wheel, a source folder or git+ADDRESS@REVISION"
        raise StackcompatError(f"the environment variable {given[1:]} does not say where {name} is: {allowed}")
    return source


def compile_arguments(cell: Cell, python: Path, *, stand_in: bool = False, build: bool = False) -> list[str]:
    """The arguments with which uv resolves the input files that :func:`write_question` wrote.

    Args:
        cell: The cell to resolve.
        python: The interpreter to resolve for.
        stand_in: Whether the interpreter is of another Python than the cell. Then uv takes all else from it.
        build: Whether source distributions are built where there is no wheel. That runs code of the releases.
    """
    arguments = ["pip", "compile", "requirements.in", "--python", str(python)]
    if stand_in:
        arguments += ["--python-version", cell.python]
    arguments += ["--format", "pylock.toml", "--no-header", "--no-sources"]
    if not build:
        arguments.append("--no-build")
    # These are uv's defaults. They are given since a person's configuration file can change them.
    arguments += ["--resolution", "highest", "--prerelease", "if-necessary"]
    if cell.exclude_newer is not None:
        arguments += ["--exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
        for name in cell.admitted:
            arguments += ["--exclude-newer-package", f"{name}=false"]  # the date does not hold for this one
    # As with pip, a request that names a pre-release takes it. By default uv would prefer a final release.
    for requirement in map(Requirement, cell.requirements):
        if requirement.specifier.prereleases:
            arguments += ["--prerelease-package", f"{requirement.name}=allow"]
    return arguments + extra_index(cell.index)


def write_question(folder: Path, cell: Cell, further: Sequence[str] = ()) -> list[str]:
    """Write the requirements, overrides and constraints of a cell into files that uv reads.

    Args:
        folder: An empty folder, in which uv will run.
        cell: The cell.
        further: Further requirements.

    Returns:
        The arguments that name the files of overrides and of constraints, if the cell has any.
    """
    lines = [_with_source(text, cell.local) for text in (*cell.requirements, *further)]
    _write_lines(folder / "requirements.in", lines)
    arguments = []
    for option, filename, texts in (
        ("--overrides", "overrides.txt", cell.overrides),
        ("--constraints", "constraints.txt", cell.constraints),
    ):
        if texts:
            _write_lines(folder / filename, texts)
            arguments += [option, filename]
    return arguments


def _with_source(requirement: str, local: Mapping[str, str]) -> str:
    name = name_of(requirement)
    return f"{name} @ {local[name]}" if name in local else requirement


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
