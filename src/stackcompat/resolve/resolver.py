"""The resolver: uv turns a cell into a lock, or into a conflict that says whose bounds exclude each other."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from stackcompat.core.errors import StackcompatError
from stackcompat.ecosystem.interpreters import how_to_get
from stackcompat.ecosystem.releases import Catalog
from stackcompat.plan.cell import Cell
from stackcompat.resolve.held_back import held_back
from stackcompat.resolve.lock import Resolution
from stackcompat.resolve.uv import compile_arguments, extra_index, local_source, uv_environment, write_question
from stackcompat.resolve.uv_output import read_pylock, read_refusal, undated

__all__ = ["Resolver"]

#: Seconds before each further question to an index that gives no upload dates. An index can answer in its older format
#: for a moment. uv then leaves those files out, and a day of the past resolves to something that was never there.
_WAITS = (2.0, 5.0, 15.0, 30.0)


class Resolver:
    """Asks uv.

    uv runs in an empty folder and with an environment of its own, so that neither a project's nor a person's
    preferences (other than where packages come from) sway a resolution.

    Args:
        cache: The tool's own package cache.
        interpreters: Python (such as ``3.12``) to the path of its interpreter.
        uv: The uv executable.
        wheel: Gives the wheel for a local source (a wheel, a folder, a git address), built with an interpreter.
        in_use: A context that is held while uv works with the cache.
    """

    def __init__(
        self,
        cache: Path,
        interpreters: Mapping[str, Path],
        uv: str,
        wheel: Callable[[str, Path], Path],
        in_use: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._cache = cache
        self._interpreters = interpreters
        self._uv = uv
        self._wheel = wheel
        self._in_use = in_use

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        """The lock of `cell`, or why there is none. With a `catalog`, also who is held back and by whose bound."""
        began = time.monotonic()
        if cell.python not in self._interpreters:
            return Resolution(outcome="interpreter-missing", detail=how_to_get(cell.python))
        try:
            built = self._with_wheels(cell)
        except StackcompatError as error:
            return Resolution(outcome="failed", detail=str(error))
        resolution = self._compile(built)
        if resolution.lock is not None and catalog is not None:
            held = held_back(built, resolution.lock, catalog, lambda requirement: self._compile(built, requirement))
            resolution = resolution.model_copy(update={"held_back": held})
        return resolution.model_copy(update={"seconds": round(time.monotonic() - began, 3)})

    def _with_wheels(self, cell: Cell) -> Cell:
        """The cell with the address of a built wheel for each local source. Raises StackcompatError."""
        sources = {name: local_source(name, given) for name, given in cell.local.items()}
        interpreter = self._interpreters[cell.python]
        wheels = {name: self._wheel(source, interpreter).as_uri() for name, source in sources.items()}
        return cell.model_copy(update={"local": wheels})

    def _compile(self, cell: Cell, *further: str) -> Resolution:
        """What uv makes of the requirements of `cell` and of `further` ones."""
        if cell.index and not extra_index(cell.index):
            detail = f"the environment variable {cell.index} does not hold the address of the extra index"
            return Resolution(outcome="index-unreachable", detail=detail)
        with tempfile.TemporaryDirectory(prefix="stackcompat-lock-") as folder:
            files = write_question(Path(folder), cell, further)
            command = [self._uv, *compile_arguments(cell, self._interpreters[cell.python]), *files]
            answer = self._run(command, folder)
            for wait in _WAITS:
                if not undated(answer.stderr):
                    break
                time.sleep(wait)
                answer = self._run([*command, "--refresh"], folder)
        if filename := undated(answer.stderr):
            detail = f"the package index gave no upload date for {filename}, so no day can be gone back to"
            return Resolution(outcome="index-unreachable", detail=detail)
        if answer.returncode == 0:
            return read_pylock(answer.stdout, cell)
        return read_refusal(answer.stderr, cell)

    def _run(self, command: Sequence[str], folder: str) -> subprocess.CompletedProcess[str]:
        with self._in_use():
            return subprocess.run(
                command,
                cwd=folder,
                env=uv_environment(self._cache),
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
