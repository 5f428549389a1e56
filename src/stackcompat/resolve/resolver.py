"""The resolver: uv turns a cell into a lock, or into a conflict that names the bounds which exclude each other."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.programs import ask_program
from stackcompat.ecosystem.interpreters import how_to_get
from stackcompat.ecosystem.releases import Catalog
from stackcompat.plan.cell import Cell
from stackcompat.resolve.held_back import held_back
from stackcompat.resolve.lock import Resolution
from stackcompat.resolve.uv import compile_arguments, extra_index, local_source, uv_environment, write_question
from stackcompat.resolve.uv_output import read_pylock, undated
from stackcompat.resolve.uv_refusal import doubted_metadata, read_refusal, unreadable_requirement

__all__ = ["Closed", "Resolver"]

#: The seconds to wait before each further question to an index that gave no upload dates. An index can answer in its
#: older format for a moment. uv then leaves files out, and a past day resolves to a set that nobody got on that day.
_WAITS = (2.0, 5.0, 15.0, 30.0)


class Closed(Protocol):
    """Gives the command that runs another one in a sandbox, and its variables."""

    def __call__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path,
        python: Path,
        sources: Iterable[str] = (),
    ) -> tuple[list[str], dict[str, str]]:
        """Give them.

        Args:
            command: The command.
            environment: The variables that it would have outside.
            folder: The folder that it runs in. It can write there.
            python: The interpreter that it is given.
            sources: Where local distributions come from.
        """
        ...


class Resolver:
    """Resolves cells with uv.

    uv runs in an empty folder and with an environment of its own. So no preference of a project or a person changes a
    resolution, except where packages come from.

    Args:
        cache: The tool's own package cache.
        interpreters: Python (such as ``3.12``) to the path of an interpreter.
        uv: The uv executable.
        wheel: Gives the wheel for a local source (a wheel, a folder, a git address). It is built with the given
            interpreter if need be.
        in_use: Makes the context that is held while uv works with the cache.
        build: Whether source distributions are built where there is no wheel.
        closed: Puts uv into a sandbox, where it can build; None: it runs outside.
    """

    #: The most seconds that uv may take to answer once. It has a limit for each read, but none for all of them.
    seconds: float = 1200

    def __init__(
        self,
        cache: Path,
        interpreters: Mapping[str, Path],
        uv: str,
        wheel: Callable[[str, Path], Path],
        in_use: Callable[[], AbstractContextManager[None]] = nullcontext,
        *,
        build: bool = False,
        closed: Closed | None = None,
    ) -> None:
        self._cache = cache
        self._interpreters = interpreters
        self._uv = uv
        self._wheel = wheel
        self._in_use = in_use
        self._build = build
        self._closed = closed

    def resolve(self, cell: Cell, catalog: Catalog | None = None, *, stand_in: bool = False) -> Resolution:
        """Resolve a cell.

        Args:
            cell: The cell.
            catalog: Gives the newest releases. If None, held back distributions are not looked for.
            stand_in: Whether the interpreter of this process can stand in for a Python that this machine lacks.

        Raises:
            UsageError: uv cannot read a requirement. That is a mistake of whoever gave it.
            IndexUnreachable: What the index gives as the metadata of a release is not that.
        """
        began = time.monotonic()
        if cell.python not in self._interpreters and not stand_in:
            return Resolution(outcome="interpreter-missing", detail=how_to_get(cell.python))
        try:
            built = self._with_wheels(cell)
        except StackcompatError as error:
            return Resolution(outcome="failed", detail=str(error))
        resolution = self._compile(built)
        if resolution.conflict is not None and catalog is not None:
            for name, version in doubted_metadata(resolution.conflict):
                catalog.requires(name, version)  # else it would be the release's fault that the index gives other text
        if resolution.lock is not None and catalog is not None:
            held = held_back(built, resolution.lock, catalog, lambda requirement: self._compile(built, requirement))
            resolution = resolution.model_copy(update={"held_back": held})
        return resolution.model_copy(update={"seconds": round(time.monotonic() - began, 3)})

    def _with_wheels(self, cell: Cell) -> Cell:
        """The cell with the address of a wheel for each local source. Raises StackcompatError if none can be built."""
        wheels = {}
        for name, given in cell.local.items():
            source = local_source(name, given)
            try:
                wheels[name] = self._wheel(source, self._interpreters[cell.python]).as_uri()
            except StackcompatError as error:
                if source == given:
                    raise
                # The reason is published. What a variable holds is not, since it can be anything.
                reason = str(error).replace(source, given).replace(Path(source).name, given)
                raise StackcompatError(reason) from None
        return cell.model_copy(update={"local": wheels})

    def _compile(self, cell: Cell, *further: str) -> Resolution:
        """Let uv resolve the requirements of `cell` together with `further` ones."""
        if cell.index and not extra_index(cell.index):
            detail = f"the environment variable {cell.index} does not hold the address of the extra index"
            return Resolution(outcome="index-unreachable", detail=detail)
        with tempfile.TemporaryDirectory(prefix="stackcompat-lock-") as folder:
            files = write_question(Path(folder), cell, further)
            here = self._interpreters.get(cell.python)
            arguments = compile_arguments(cell, here or Path(sys.executable), stand_in=here is None, build=self._build)
            command = [self._uv, *arguments, *files]
            variables = uv_environment(self._cache)
            if self._closed is not None:
                python, sources = here or Path(sys.executable), cell.local.values()
                command, variables = self._closed(
                    command, variables, folder=Path(folder), python=python, sources=sources
                )
            try:
                answer = self._run(command, folder, variables)
                for wait in _WAITS:
                    if not undated(answer.stderr):
                        break
                    time.sleep(wait)
                    answer = self._run([*command, "--refresh"], folder, variables)
            except subprocess.TimeoutExpired:
                detail = f"the resolver was not done after {self.seconds:g} s; the package index may be slow"
                return Resolution(outcome="index-unreachable", detail=detail)
        if filename := undated(answer.stderr):
            detail = f"the package index gave no upload date for {filename}, so no day can be gone back to"
            return Resolution(outcome="index-unreachable", detail=detail)
        if answer.returncode == 0:
            return read_pylock(answer.stdout, cell)
        if sentence := unreadable_requirement(answer.stderr):
            raise UsageError(sentence)
        return read_refusal(answer.stderr, cell)

    def _run(
        self, command: Sequence[str], folder: str, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        with self._in_use():
            return ask_program(command, folder=Path(folder), environment=variables, seconds=self.seconds)
