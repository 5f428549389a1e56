"""How uv is started: its arguments, its environment, the user's index configuration, local sources."""

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

#: The variables that uv gets: where packages are and how to reach them, never which of them to prefer.
_PASSED_ON = re.compile(
    r"(UV_(DEFAULT_INDEX|INDEX(_URL|_STRATEGY|_.*_(USERNAME|PASSWORD))?|EXTRA_INDEX_URL|FIND_LINKS"
    r"|NATIVE_TLS|SYSTEM_CERTS|HTTP_TIMEOUT|HTTP_RETRIES|INSECURE_HOST|KEYRING_PROVIDER|CONFIG_FILE|OFFLINE"
    r"|CONCURRENT_\w+)"
    r"|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|HOME|USERPROFILE|PATH|LANG|LC_\w+|TMPDIR|NETRC"
    r"|XDG_CONFIG_\w+)"
)


def uv_environment(cache: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which uv runs: the user's addresses and certificates, and none of the user's preferences.

    Args:
        cache: The tool's own package cache.
        environ: The environment of the user.
    """
    kept = {name: value for name, value in environ.items() if _PASSED_ON.fullmatch(name)}
    if "PIP_INDEX_URL" in environ and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environ.keys():
        kept["UV_DEFAULT_INDEX"] = environ["PIP_INDEX_URL"]
    return kept | {"UV_CACHE_DIR": str(cache), "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}


def extra_index(variable: str) -> list[str]:
    """The arguments by which uv looks in a further index as well.

    Args:
        variable: The environment variable that holds the index's address; empty for no further index.

    Returns:
        The arguments; none where there is no variable, or it holds no address.
    """
    address = os.environ.get(variable, "").strip() if variable else ""
    return ["--index", address, "--index-strategy", "unsafe-best-match"] if address else []


def local_source(name: str, given: str) -> str:
    """The file or source of a local component.

    Args:
        name: The component's distribution.
        given: A wheel, a source folder or a git address; or ``$`` and the name of the environment variable that holds
            one.

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


def compile_arguments(cell: Cell, python: Path) -> list[str]:
    """The arguments with which uv resolves the files of :func:`write_question`.

    Args:
        cell: The cell to resolve.
        python: The interpreter to resolve for.
    """
    arguments = ["pip", "compile", "requirements.in", "--python", str(python)]
    arguments += ["--format", "pylock.toml", "--no-header", "--no-sources"]
    # Given although they are uv's defaults, since a person's configuration file can prefer others.
    arguments += ["--resolution", "highest", "--prerelease", "if-necessary"]
    if cell.exclude_newer is not None:
        arguments += ["--exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
        for name in cell.admitted:
            arguments += ["--exclude-newer-package", f"{name}=false"]
    # A request that names a pre-release wants it, as with pip; uv alone would still prefer a final release.
    for requirement in map(Requirement, cell.requirements):
        if requirement.specifier.prereleases:
            arguments += ["--prerelease-package", f"{requirement.name}=allow"]
    return arguments + extra_index(cell.index)


def write_question(folder: Path, cell: Cell, further: Sequence[str] = ()) -> list[str]:
    """Write what a cell asks for into files that uv reads.

    Args:
        folder: An empty folder, in which uv will run.
        cell: The cell.
        further: Requirements that are asked for besides those of the cell.

    Returns:
        The arguments that name the files which not every cell has.
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
