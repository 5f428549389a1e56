"""The real catalog: what a package index says of releases, and what of it is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pypi_simple import DistributionPackage

from stackcompat.ecosystem.declared import declared_in
from stackcompat.ecosystem.index_client import IndexClient
from stackcompat.ecosystem.releases import IndexUnreachable, Project, Release, ReleaseFile

__all__ = ["PackageIndex"]

#: Bytes above which a wheel is not downloaded to be read: its code is compiled.
LARGEST_WHEEL = 30 * 2**20


class PackageIndex:
    """The real catalog. Every project is asked for once; what never changes is kept in a folder for good.

    Release metadata never changes, nor does the upload time of a file. Upload times are kept because there are mirrors
    that answer now and then with the old HTML, which has none. Where a time is missing and not known from before, the
    question is asked again.

    Args:
        cache: The folder.
        address: The index; the user's if None.
        threads: How many projects are asked for at the same time.
    """

    #: Seconds before each further question to an index that answers without upload times.
    pauses: tuple[float, ...] = (0.5, 1, 2, *[4] * 20)

    def __init__(self, cache: Path, address: str | None = None, threads: int = 8) -> None:
        self._client = IndexClient(address)
        self._cache = cache
        self._threads = threads
        self._projects: dict[str, Project] = {}
        self._files: dict[tuple[str, str], list[DistributionPackage]] = {}
        self._requires: dict[tuple[str, str], tuple[Requirement, ...]] = {}

    def close(self) -> None:
        """End the connections to the index."""
        self._client.close()

    def project(self, name: str) -> Project:
        """See :class:`Catalog`. Raises IndexUnreachable when nothing usable answers."""
        name = canonicalize_name(name)
        if name not in self._projects:
            self.prefetch([name])
        return self._projects[name]

    def prefetch(self, names: Iterable[str]) -> None:
        """Ask for many projects at once."""
        missing = sorted({canonicalize_name(name) for name in names} - self._projects.keys())
        with ThreadPoolExecutor(self._threads) as pool:
            for name, project in zip(missing, pool.map(self._fetch, missing), strict=True):
                self._projects[name] = project

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """See :class:`Catalog`. A release without a wheel publishes no metadata, and is taken to require nothing."""
        release = self.project(name).find(version)
        if release is None:
            return ()
        key = (canonicalize_name(name), release.version)
        if key not in self._requires:
            self._requires[key] = declared_in(self._metadata(*key))
        return self._requires[key]

    def sources(self, name: str, version: str) -> dict[str, bytes]:
        """The Python files of a release's wheel.

        Args:
            name: The distribution.
            version: Its release.

        Returns:
            Path to content; nothing if there is no wheel, or only a very large one.

        Raises:
            IndexUnreachable: The wheel does not come.
        """
        wheels = [file for file in self._files_of(name, version, "wheel") if (file.size or 0) <= LARGEST_WHEEL]
        if not wheels:
            return {}
        what = f"the wheel of {canonicalize_name(name)} {version}"
        try:
            with zipfile.ZipFile(io.BytesIO(self._client.download(wheels[0], what))) as archive:
                return {path: archive.read(path) for path in archive.namelist() if path.endswith(".py")}
        except zipfile.BadZipFile as error:
            raise IndexUnreachable(f"the package index did not give {what}: {type(error).__name__}") from None

    def sdist(self, name: str, version: str) -> bytes:
        """The source archive of a release, which has the hash that the index lists.

        Args:
            name: The distribution.
            version: Its release.

        Returns:
            The archive; nothing if there is none.

        Raises:
            IndexUnreachable: The archive does not come, or has another hash.
        """
        archives = self._files_of(name, version, "sdist")
        if not archives:
            return b""
        what = f"the sdist of {canonicalize_name(name)} {version}"
        content = self._client.download(archives[0], what)
        if hashlib.sha256(content).hexdigest() != archives[0].digests.get("sha256"):
            raise IndexUnreachable(f"{what} has not the hash that the package index lists")
        return content

    def _files_of(self, name: str, version: str, kind: str) -> list[DistributionPackage]:
        """The files of one kind (``wheel`` or ``sdist``) of a release; none if there is no such release."""
        release = self.project(name).find(version)
        files = self._files.get((canonicalize_name(name), release.version), []) if release is not None else []
        return [file for file in files if file.package_type == kind]

    def _metadata(self, name: str, version: str) -> str:
        """The core metadata of a release: kept, or asked for; empty if the release has no wheel."""
        kept = self._cache / "metadata" / f"{name}-{version}.txt"
        if kept.exists():
            return kept.read_text(encoding="utf-8")
        wheels = self._files_of(name, version, "wheel")
        if not wheels:
            return ""
        text = self._client.metadata(wheels[0], f"the metadata of {name} {version}")
        _keep(kept, text)
        return text

    def _fetch(self, name: str) -> Project:
        """Ask for one project."""
        files, uploads = self._ask(name)
        by_version = _by_version(files)
        for version, files_of_version in by_version.items():
            self._files[name, str(version)] = files_of_version
        releases = [_release(version, by_version[version], uploads) for version in sorted(by_version)]
        return Project(name=name, releases=tuple(releases))

    def _ask(self, name: str) -> tuple[list[DistributionPackage], dict[str, dt.datetime]]:
        """The files of a project, and when each was uploaded, by file name."""
        kept = self._cache / "uploads" / f"{name}.json"
        uploads = _read_uploads(kept)
        for pause in (0, *self.pauses):
            time.sleep(pause)
            files = self._client.files(name)
            new = {file.filename: file.upload_time.astimezone(dt.UTC) for file in files if file.upload_time is not None}
            if not new.keys() <= uploads.keys():
                uploads |= new
                _keep(kept, json.dumps({filename: moment.isoformat() for filename, moment in uploads.items()}))
            if uploads.keys() >= {file.filename for file in files}:
                return files, uploads
        raise IndexUnreachable(
            f"the package index gives no upload times for {name}; try again, or use one with PEP 700"
        )


# ---------------------------------------------------------------------------------------------------------------------
# The index's answers as records
# ---------------------------------------------------------------------------------------------------------------------


def _by_version(files: Iterable[DistributionPackage]) -> dict[Version, list[DistributionPackage]]:
    """The wheels and source archives among `files`, by version; those without a valid version are left out."""
    found: dict[Version, list[DistributionPackage]] = {}
    for file in files:
        if file.version is None or file.package_type not in ("wheel", "sdist"):
            continue
        try:
            version = Version(file.version)
        except InvalidVersion:
            continue
        found.setdefault(version, []).append(file)
    return found


def _release(version: Version, files: Collection[DistributionPackage], uploads: Mapping[str, dt.datetime]) -> Release:
    return Release(
        version=str(version),
        uploaded=min(uploads[file.filename] for file in files),
        yanked=any(file.is_yanked for file in files),
        requires_python=next((file.requires_python for file in files if file.requires_python), ""),
        files=tuple(ReleaseFile(filename=file.filename, sha256=file.digests.get("sha256", "")) for file in files),
    )


# ---------------------------------------------------------------------------------------------------------------------
# What is kept
# ---------------------------------------------------------------------------------------------------------------------


def _read_uploads(kept: Path) -> dict[str, dt.datetime]:
    """File name to upload time, as kept from earlier answers."""
    if not kept.exists():
        return {}
    known = json.loads(kept.read_text(encoding="utf-8"))
    return {filename: dt.datetime.fromisoformat(text) for filename, text in known.items()}


def _keep(path: Path, text: str) -> None:
    """Write `text` so that no reader, and no stop, ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
