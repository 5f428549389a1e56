"""The sandbox in which uv runs where it may build: a build runs code of a release before any test does.

Programs in it see the system, their interpreter, the package cache and the folder that they work in. Home and temporary
folders are in memory. Of the network they reach the hosts of the index alone (:mod:`stackcompat.run.build_network`),
since a build fetches what it needs from there.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

from stackcompat.ecosystem.index_client import default_address, file_addresses
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.run.isolation import Means, Sandbox, interpreter_folders

__all__ = ["BuildSandbox", "build_sandbox"]

#: The home folder of the builds. No machine has it, so that it hides nothing.
_HOME = Path("/run/stackcompat-build")

#: The variables with paths that uv and its builds read.
_FILES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

_NETWORK = Path(__file__).with_name("build_network.py")

#: The variables and the settings with addresses of indexes, and the variable with further hosts that builds reach.
_ADDRESSES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_OF_DEFAULT = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_SETTINGS = ("index-url", "extra-index-url", "find-links", "index")
_FURTHER = "STACKCOMPAT_BUILD_HOSTS"

_PORTS = {"https": 443, "http": 80, "ssh": 22}


@dataclass(frozen=True)
class BuildSandbox:
    """What runs uv so that a build sees only what it needs.

    Attributes:
        bubblewrap: The path of bubblewrap.
        packages: The cache folder of uv. Builds can write to it.
        hosts: Further hosts that builds reach, each as ``name:port``.
    """

    bubblewrap: str
    packages: Path
    hosts: tuple[str, ...] = ()

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
        readable = [_NETWORK, Path(command[0]), Path("/etc/resolv.conf").resolve(), *interpreter_folders(python)]
        if (python.parent.parent / "pyvenv.cfg").is_file():
            readable.append(python.parent.parent)
        readable += [Path(environment[name]) for name in _FILES if environment.get(name)]
        settings = _settings(environment)
        given = [value for option, value in pairwise(command) if option == "--index"]
        given += [environment.get(name, "") for name in _ADDRESSES]
        in_settings, replaced = _indexes_in(settings)
        given += in_settings
        if not replaced and not any(environment.get(name) for name in _OF_DEFAULT):
            given.append(default_address())
        indexes = _addresses(given)
        addresses = [*indexes, *_addresses(sources)]
        readable += [Path(url2pathname(address.path)) for address in addresses if address.scheme == "file"]
        if settings is not None:
            readable.append(settings)
            inside["UV_CONFIG_FILE"] = str(settings)
        sandbox = Sandbox(
            bubblewrap=self.bubblewrap,
            environment=self.packages,
            layer=None,
            home=_HOME,
            readable=tuple(readable),
        )
        # Of what an index answers, only hosts count: none of it can show a file of this machine to builds.
        hosts = sorted({*_hosts([*addresses, *_addresses(_files_of(indexes))]), *self.hosts})
        closed = sandbox.command(command, writable=[folder, *writable], start=folder)
        return [sys.executable, "-I", "-S", str(_NETWORK), ",".join(hosts), str(python), *closed], inside


def build_sandbox(means: Means, packages: Path, environ: Mapping[str, str] = os.environ) -> BuildSandbox | None:
    """The sandbox for builds; None if this machine has no bubblewrap that works.

    Args:
        means: What this machine has.
        packages: The cache folder of uv.
        environ: The variables of the user, one of which can name further hosts that builds reach.
    """
    if not means.bubblewrap:
        return None
    hosts = [host if ":" in host else f"{host}:443" for host in environ.get(_FURTHER, "").replace(",", " ").split()]
    return BuildSandbox(means.bubblewrap, packages, tuple(hosts))


def _addresses(texts: Iterable[str]) -> list[SplitResult]:
    """The addresses in texts as uv has them: several, apart by spaces, each with or without a name before it."""
    words = [word for text in texts for word in text.split()]
    found = [_split(re.sub(r"^[\w.-]+=(?=[\w+.-]+:)", "", word).removeprefix("git+")) for word in words]
    return [address for address in found if address is not None and address.scheme]


def _split(text: str) -> SplitResult | None:
    with suppress(ValueError):  # uv will say what is wrong with it
        address = urlsplit(text)
        if address.port != 0:
            return address
    return None


def _hosts(addresses: Iterable[SplitResult]) -> Iterator[str]:
    """The hosts of addresses, each as ``name:port``."""
    for address in addresses:
        port = address.port or _PORTS.get(address.scheme)
        if address.hostname and port:
            name = f"[{address.hostname}]" if ":" in address.hostname else address.hostname
            yield f"{name}:{port}"


def _files_of(indexes: Iterable[SplitResult]) -> Iterator[str]:
    """The addresses of files of indexes, which can be on other hosts. One that does not answer has none."""
    for index in indexes:
        if index.scheme in ("http", "https") and index.hostname:
            with suppress(IndexUnreachable):
                yield from file_addresses(index.geturl())


def _indexes_in(settings: Path | None) -> tuple[list[str], bool]:
    """The addresses of indexes in the configuration of uv, and whether one of them takes the place of the default."""
    try:
        read: dict[str, Any] = tomllib.loads(settings.read_text(encoding="utf-8")) if settings is not None else {}
    except (OSError, ValueError):  # uv will say what is wrong with it
        return [], False
    tables = [read, *(value for name, value in read.items() if name == "pip" and isinstance(value, dict))]
    values = [table.get(name, ()) for table in tables for name in _SETTINGS]
    entries = [entry for value in values for entry in (value if isinstance(value, list) else [value])]
    indexes = [entry for entry in entries if isinstance(entry, dict)]
    addresses = [entry for entry in entries if isinstance(entry, str)] + [str(one.get("url", "")) for one in indexes]
    replaced = any(one.get("default") is True for one in indexes) or any("index-url" in table for table in tables)
    return addresses, replaced


def _settings(environment: Mapping[str, str]) -> Path | None:
    """The user's configuration of uv, which says where the index is; None without one."""
    given = environment.get("UV_CONFIG_FILE")
    if given:
        return Path(given).absolute()
    base = environment.get("XDG_CONFIG_HOME")
    found = Path(base or Path(environment.get("HOME", ""), ".config"), "uv", "uv.toml")
    return found if found.is_file() else None
