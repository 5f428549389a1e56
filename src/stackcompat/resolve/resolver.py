"""The resolver: uv turns a cell into a lock, or into a conflict that says whose bounds exclude each other."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcompat.core.record import StackcompatError
from stackcompat.core.redact import strip_addresses
from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.interpreters import how_to_get
from stackcompat.ecosystem.releases import Catalog
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import REQUIREMENT, parse_conflict
from stackcompat.resolve.lock import HeldBack, Lock, Pin, Resolution, version_of_file
from stackcompat.resolve.uv import extra_index, local_source, uv_environment

__all__ = ["Resolver"]

#: An index that answers in its older format for a moment gives no upload dates. uv then leaves those files out, with a
#: warning, and a day of the past resolves to something that was never there; so it is asked again, after these seconds.
_UNDATED = re.compile(r"(\S+) is missing an upload date")


_WAITS = (2.0, 5.0, 15.0, 30.0)


class Resolver:
    """Asks uv. `cache` is the tool's own package cache; `interpreters` maps a Python to its executable's path.

    uv runs in an empty folder and with an environment of its own, so that neither a project's nor a person's
    preferences (other than where packages come from) sway a resolution. `wheel` gives the wheel for a local source (a
    wheel, a folder, a git address) built with an interpreter. `in_use` is held while uv works with the cache.
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
            sources = {name: local_source(name, given) for name, given in cell.local.items()}
            wheels = {name: self._wheel(source, self._interpreters[cell.python]) for name, source in sources.items()}
        except StackcompatError as error:
            return Resolution(outcome="failed", detail=str(error))
        built = cell.model_copy(update={"local": {name: wheel.as_uri() for name, wheel in wheels.items()}})
        resolution = self._ask(built)
        if resolution.lock is not None and catalog is not None:
            held = tuple(self._held_back(built, resolution.lock, catalog))
            resolution = resolution.model_copy(update={"held_back": held})
        return resolution.model_copy(update={"seconds": round(time.monotonic() - began, 3)})

    def _ask(self, cell: Cell, *extra: str) -> Resolution:
        command = [self._uv, "pip", "compile", "requirements.in", "--python", str(self._interpreters[cell.python])]
        command += ["--format", "pylock.toml", "--no-header", "--no-sources"]
        # Said aloud, since a person's configuration file may prefer otherwise.
        command += ["--resolution", "highest", "--prerelease", "if-necessary"]
        if cell.exclude_newer is not None:
            command += ["--exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
            for name in cell.admitted:
                command += ["--exclude-newer-package", f"{name}=false"]
        # A request that names a pre-release means it, as it does to pip; uv alone would still prefer what is stable.
        for requirement in map(Requirement, cell.requirements):
            if requirement.specifier.prereleases:
                command += ["--prerelease-package", f"{requirement.name}=allow"]
        if cell.index and not os.environ.get(cell.index, "").strip():
            detail = f"the environment variable {cell.index} does not hold the address of the extra index"
            return Resolution(outcome="index-unreachable", detail=detail)
        command += extra_index(cell.index)
        with tempfile.TemporaryDirectory(prefix="stackcompat-lock-") as folder:
            lines = [self._local(text, cell) for text in (*cell.requirements, *extra)]
            Path(folder, "requirements.in").write_text("\n".join(lines) + "\n", encoding="utf-8")
            if cell.overrides:
                Path(folder, "overrides.txt").write_text("\n".join(cell.overrides) + "\n", encoding="utf-8")
                command += ["--overrides", "overrides.txt"]
            if cell.constraints:
                Path(folder, "constraints.txt").write_text("\n".join(cell.constraints) + "\n", encoding="utf-8")
                command += ["--constraints", "constraints.txt"]
            for wait in (*_WAITS, None):
                with self._in_use():
                    done = subprocess.run(
                        command,
                        cwd=folder,
                        env=uv_environment(self._cache),
                        capture_output=True,
                        text=True,
                        check=False,
                        stdin=subprocess.DEVNULL,
                    )
                undated = _UNDATED.search(done.stderr)
                if undated is None:
                    break
                if wait is None:
                    detail = f"the package index gave no upload date for {undated[1]}, so no day can be gone back to"
                    return Resolution(outcome="index-unreachable", detail=detail)
                time.sleep(wait)
                command = [*command, "--refresh"]
        if done.returncode == 0:
            return Resolution(outcome="locked", lock=_read_pylock(done.stdout, cell))
        return _read_refusal(done.stderr, cell)

    @staticmethod
    def _local(requirement: str, cell: Cell) -> str:
        name = name_of(requirement)
        return f"{name} @ {cell.local[name]}" if name in cell.local else requirement

    def _held_back(self, cell: Cell, lock: Lock, catalog: Catalog) -> list[HeldBack]:
        found = []
        versions = lock.versions()
        for name in cell.newest:
            if name in cell.local or name not in versions:
                continue
            newest = catalog.project(name).newest(before=cell.exclude_newer)
            got = versions[name]
            if newest is None or newest.parsed <= Version(got):
                continue
            by, bound = self._holder(cell, name, newest.version, lock)
            found.append(HeldBack(name=name, newest=newest.version, got=got, by=by, bound=bound))
        return found

    def _holder(self, cell: Cell, name: str, newest: str, lock: Lock) -> tuple[str, str]:
        """Who keeps `name` from being `newest`: asked by demanding it and reading the refusal."""
        demanded = self._ask(cell, f"{name}=={newest}")
        if demanded.conflict is not None:
            conflict = demanded.conflict
            if conflict.kind in ("python", "no-wheel-for-python"):
                return f"Python {cell.python}", conflict.sentence
            for link in conflict.chain:
                subject, _, dependency = link.partition(" depends on ")
                if dependency and name_of(dependency) == name and name_of(subject) != name:
                    return subject, link
            requests = [text for text in conflict.chain if text.endswith(" is requested")]
            others = [text for text in requests if name_of(text) != name]
            if others:
                return others[0].removesuffix(" is requested"), conflict.sentence
            return "its bounds", conflict.sentence
        if demanded.lock is not None:
            versions = demanded.lock.versions()
            older = [
                f"{other} {versions[other]}"
                for other, version in lock.versions().items()
                if other in versions and Version(versions[other]) < Version(version)
            ]
            return "the resolver's choice", f"{name} {newest} resolves as well, with {', '.join(older[:3])}"
        return "an unknown bound", demanded.detail


def _read_pylock(text: str, cell: Cell) -> Lock:
    """Name, version and hashes of a pylock document that uv wrote for one interpreter; wheels before sdists."""
    pins = []
    for package in tomllib.loads(text).get("packages", []):
        name = canonicalize_name(package["name"])
        archive = package.get("archive")
        source = Path(archive["path"]).as_uri() if archive else ""
        files = [archive] if archive else package.get("wheels") or [package.get("sdist") or {}]
        hashes = sorted({f"{kind}:{value}" for file in files for kind, value in file.get("hashes", {}).items()})
        version = package.get("version") or version_of_file(source)
        pins.append(Pin(name=name, version=version, hashes=tuple(hashes), source=source))
    return Lock(python=cell.python, platform=cell.platform, pins=tuple(sorted(pins, key=lambda pin: pin.name)))


def _read_refusal(stderr: str, cell: Cell) -> Resolution:
    """Tell a conflict from a failing index, a full disk and a platform without wheels."""
    words = strip_addresses(stderr)
    if "No solution found" in words and "network connectivity is disabled" not in words:
        cause = words.split("cause:", 1)[-1]
        absent = re.search(rf"({REQUIREMENT}) has no wheels with a matching platform", cause)
        if absent:
            return Resolution(outcome="no-wheel-for-platform", detail=f"{absent[1]} has no wheel for {cell.platform}")
        return Resolution(outcome="conflict", conflict=parse_conflict(cause, cell))
    detail = " ".join(words.split())[:600]
    if re.search(r"Failed to fetch|error sending request|Could not connect|dns error|timed out|network", words):
        return Resolution(outcome="index-unreachable", detail=f"the package index did not answer: {detail}")
    return Resolution(outcome="failed", detail=detail)
