"""Wheels for local sources. A source folder, an sdist or a git address is built into a wheel."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

from stackcompat.core.errors import StackcompatError
from stackcompat.core.programs import ask_program
from stackcompat.core.redact import strip_addresses

__all__ = ["Uv", "find_wheel"]


class Uv(Protocol):
    """Runs uv with `arguments` in `folder`. It raises nothing, whatever the exit code of uv is."""

    def __call__(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run uv."""
        ...


def find_wheel(source: str, interpreter: Path, uv: Uv, kept: Path) -> Path:
    """The wheel for a local source. It is built unless the source is a wheel.

    Args:
        source: A wheel, a source folder, an sdist, or ``git+ADDRESS[@REVISION][#subdirectory=FOLDER]``.
        interpreter: The interpreter that the wheel is built with.
        uv: Runs uv to build the wheel.
        kept: The folder for built wheels. Each lies in a folder of its own, named after its content.

    Raises:
        StackcompatError: There is no such source, or no wheel could be built from it.
    """
    if source.endswith(".whl"):
        wheel = Path(source).expanduser().resolve()
        if not wheel.is_file():
            raise StackcompatError(f"{wheel.name}: there is no such wheel")
        return wheel
    with tempfile.TemporaryDirectory(prefix="stackcompat-build-") as name:
        folder = Path(name)
        project = _clone(source, folder / "source") if source.startswith("git+") else Path(source).expanduser()
        if not project.exists():
            raise StackcompatError(f"{source}: there is no such file or folder")
        options = ("--wheel", "--python", str(interpreter), "--out-dir", str(folder / "built"))
        done = uv("build", *options, str(project.resolve()), folder=folder)
        built = list((folder / "built").glob("*.whl"))
        if done.returncode != 0 or len(built) != 1:
            reason = strip_addresses(" ".join(done.stderr.split())[-400:])
            raise StackcompatError(f"{Path(source).name}: no wheel could be built: {reason}")
        content = hashlib.sha256(built[0].read_bytes()).hexdigest()[:16]
        wheel = kept / content / built[0].name
        wheel.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(built[0], wheel)
        return wheel


def _clone(source: str, folder: Path) -> Path:
    """Clone ``git+ADDRESS[@REVISION][#subdirectory=FOLDER]`` into `folder`. Returns the project's folder in it."""
    place, _, fragment = source.removeprefix("git+").partition("#")
    address, at, revision = place.rpartition("@")
    # An "@" before the path belongs to a user, as in git+ssh://git@host/project.
    if not at or "/" not in address.split("://")[-1]:
        address, revision = place, ""
    _git("clone", ["clone", "--quiet", "--", address, str(folder)])
    if revision:
        _git("checkout", ["-C", str(folder), "checkout", "--quiet", revision, "--"])
    subdirectory = dict(part.partition("=")[::2] for part in fragment.split("&")).get("subdirectory", "")
    project = (folder / subdirectory).resolve()
    if not project.is_dir() or not project.is_relative_to(folder.resolve()):
        raise StackcompatError(f"#subdirectory={subdirectory}: there is no such folder in the repository")
    return project


def _git(action: str, arguments: list[str]) -> None:
    """Run git. Raises StackcompatError if that fails."""
    done = ask_program(["git", *arguments])
    if done.returncode != 0:
        raise StackcompatError(f"git {action} failed: {strip_addresses(done.stderr.strip())[-300:]}")
