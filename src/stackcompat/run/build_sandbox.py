"""The sandbox in which uv runs where it may build: a build runs code of a release before any test does.

Programs in it see the system, their interpreter, the package cache and the folder that they work in. Home and temporary
folders are in memory. The network is shared, since a build fetches what it needs from the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from stackcompat.run.isolation import Means, Sandbox, interpreter_folders

__all__ = ["BuildSandbox", "build_sandbox"]

#: The home folder of the builds. No machine has it, so that it hides nothing.
_HOME = Path("/run/stackcompat-build")

#: The variables with paths that uv and its builds read.
_FILES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class BuildSandbox:
    """What runs uv so that a build sees only what it needs.

    Attributes:
        bubblewrap: The path of bubblewrap.
        packages: The cache folder of uv. Builds can write to it.
    """

    bubblewrap: str
    packages: Path

    def command(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path,
        python: Path,
        sources: Iterable[str] = (),
        writable: Sequence[Path] = (),
    ) -> tuple[list[str], dict[str, str]]:
        """The command that runs uv in the sandbox, and its variables.

        Args:
            command: The command. The first of it is the path of uv.
            environment: The variables that it would have outside.
            folder: The folder that it runs in. It can write there.
            python: The interpreter that it is given.
            sources: Where distributions come from. It can read those that are files.
            writable: Further folders that it can write to.
        """
        inside = dict(environment) | {"HOME": str(_HOME), "TMPDIR": str(_HOME / "tmp")}
        inside |= {"XDG_CONFIG_HOME": str(_HOME / ".config")}
        readable = [Path(command[0]), Path("/etc/resolv.conf").resolve(), *interpreter_folders(python)]
        if (python.parent.parent / "pyvenv.cfg").is_file():
            readable.append(python.parent.parent)
        readable += [Path(environment[name]) for name in _FILES if environment.get(name)]
        readable += [Path(url2pathname(urlsplit(source).path)) for source in sources if source.startswith("file:")]
        settings = _settings(environment)
        if settings is not None:
            readable.append(settings)
            inside["UV_CONFIG_FILE"] = str(settings)
        sandbox = Sandbox(
            bubblewrap=self.bubblewrap,
            environment=self.packages,
            layer=None,
            home=_HOME,
            readable=tuple(readable),
            network=True,
        )
        return sandbox.command(command, writable=[folder, *writable], start=folder), inside


def build_sandbox(means: Means, packages: Path) -> BuildSandbox | None:
    """The sandbox for builds; None if this machine has no bubblewrap that works."""
    return BuildSandbox(means.bubblewrap, packages) if means.bubblewrap else None


def _settings(environment: Mapping[str, str]) -> Path | None:
    """The user's configuration of uv, which says where the index is; None without one."""
    given = environment.get("UV_CONFIG_FILE")
    if given:
        return Path(given).absolute()
    base = environment.get("XDG_CONFIG_HOME")
    found = Path(base or Path(environment.get("HOME", ""), ".config"), "uv", "uv.toml")
    return found if found.is_file() else None
