"""The catalog of a real package index. A folder keeps the answers that never change."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import AwareDatetime, TypeAdapter

from stackcompat.core.record import Record, digest
from stackcompat.core.threads import in_threads
from stackcompat.ecosystem.declared import declared_in, is_metadata_of
from stackcompat.ecosystem.index_client import UNREADABLE_ARCHIVE, Answer, IndexClient
from stackcompat.ecosystem.kept import keep, read_kept
from stackcompat.ecosystem.releases import IndexUnreachable, Project, Release, ReleaseFile

if TYPE_CHECKING:  # see index_client
    from pypi_simple import DistributionPackage

__all__ = ["PackageIndex"]

#: The years in which files can have been uploaded. Mirrors that do not know a time write the first.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000

#: The size in bytes above which the source of a wheel is not read. Most of such a wheel is compiled code.
LARGEST_WHEEL = 30 * 2**20

#: The most bytes of the Python files of a wheel whose source is read. Its header says how many there are.
_LARGEST_SOURCE = 256 * 2**20

#: Grows with each change of what is read out of an answer of an index, or how.
_READING = 1


class _ReadAnswer(Record):
    """What was read out of an answer of the index.

    Attributes:
        digest: The digest of the answer.
        reading: The value of `_READING` at that time.
        project: The project.
    """

    digest: str
    reading: int
    project: Project


class _KeptMetadata(Record):
    """The core metadata of a release.

    Attributes:
        text: The metadata.
        digest: Its digest: a file that was altered since is asked for again.
    """

    text: str
    digest: str


class PackageIndex:
    """The catalog of a real package index. It asks for every project once.

    A folder keeps what never changes on an index: the metadata of releases and the upload times of files. Upload times
    are kept because some mirrors answer now and then with the old HTML, which has none. If a time is missing and not
    kept, the index is asked again. The folder also keeps what was read out of the last answer about each project: to
    read thousands of files takes longer than to ask for them, and most answers are those of the day before.

    Args:
        cache: The folder.
        address: The address of the index; the user's if None.
        threads: For how many projects the index is asked at the same time.
    """

    #: Seconds before each further question to an index that answers without upload times.
    pauses: tuple[float, ...] = (0.5, 1, 2, *[4] * 20)

    def __init__(self, cache: Path, address: str | None = None, threads: int = 8) -> None:
        self._client = IndexClient(address)
        # Two indexes can have different releases of one name, such as an internal one and its mirror.
        self._cache = cache / "indexes" / digest("index", self._client.address, length=12)
        self._threads = threads
        self._projects: dict[str, Project] = {}
        self._answers: dict[str, Answer] = {}
        self._files: dict[str, dict[str, list[DistributionPackage]]] = {}
        self._requires: dict[tuple[str, str], tuple[Requirement, ...]] = {}

    def close(self) -> None:
        """End the connections to the index."""
        self._client.close()

    def project(self, name: str) -> Project:
        """See :class:`Catalog`. Raises IndexUnreachable if the index does not answer as it should."""
        name = canonicalize_name(name)
        if name not in self._projects:
            self.prefetch([name])
        return self._projects[name]

    def prefetch(self, names: Iterable[str]) -> None:
        """Ask for many projects at once, so that :meth:`project` has them."""
        missing = sorted({canonicalize_name(name) for name in names} - self._projects.keys())
        self._projects |= zip(missing, in_threads(self._fetch, missing, self._threads), strict=True)

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """See :class:`Catalog`. A release without a wheel has no metadata, so it is taken to require nothing."""
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
            Path to content. It is empty if the release has no wheel, only one above `LARGEST_WHEEL`, or one whose
            source is larger than any that people write.

        Raises:
            IndexUnreachable: The wheel cannot be downloaded.
        """
        wheels = [file for file in self._files_of(name, version, "wheel") if (file.size or 0) <= LARGEST_WHEEL]
        if not wheels:
            return {}
        what = f"the wheel of {canonicalize_name(name)} {version}"
        try:
            with zipfile.ZipFile(io.BytesIO(self._client.download(wheels[0], what))) as archive:
                members = [member for member in archive.infolist() if member.filename.endswith(".py")]
                if sum(member.file_size for member in members) > _LARGEST_SOURCE:
                    return {}
                return {member.filename: archive.read(member) for member in members}
        except UNREADABLE_ARCHIVE as error:
            raise IndexUnreachable(f"the package index did not give {what}: {type(error).__name__}") from None

    def paths(self, name: str, version: str) -> tuple[str, ...]:
        """The paths of the files in a release's wheel.

        Only the list is downloaded. From an index that gives no parts of files, it is the whole wheel.

        Args:
            name: The distribution.
            version: Its release.

        Returns:
            The paths. There are none if the release has no wheel, or if only a wheel above `LARGEST_WHEEL` would tell.

        Raises:
            IndexUnreachable: The wheel cannot be downloaded.
        """
        wheels = self._files_of(name, version, "wheel")
        if not wheels:
            return ()
        what = f"the wheel of {canonicalize_name(name)} {version}"
        listed = self._client.paths(wheels[0], what)
        return tuple(self.sources(name, version)) if listed is None else listed

    def sdist(self, name: str, version: str) -> bytes:
        """The source archive of a release. Its hash is compared with the one that the index lists.

        Args:
            name: The distribution.
            version: Its release.

        Returns:
            The archive; empty if the release has none.

        Raises:
            IndexUnreachable: The archive cannot be downloaded, or has another hash.
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
        name = canonicalize_name(name)
        release = self.project(name).find(version)
        if release is None:
            return []
        if name not in self._files:
            by_version = _by_version(self._answers[name].files())
            self._files[name] = {str(version): files for version, files in by_version.items()}
        return [file for file in self._files[name][release.version] if file.package_type == kind]

    def _metadata(self, name: str, version: str) -> str:
        """The core metadata of a release, kept or from the index; empty if the release has no wheel."""
        kept = self._cache / "metadata" / f"{name}-{version}.json"
        before = read_kept(kept, _KeptMetadata)
        if before is not None and before.digest == digest(before.text):
            return before.text
        wheels = self._files_of(name, version, "wheel")
        if not wheels:
            return ""
        text = self._client.metadata(wheels[0], f"the metadata of {name} {version}")
        if not is_metadata_of(text, name, version):
            raise IndexUnreachable(
                f"what the package index gives as the metadata of {name} {version} is not that: its answers contradict"
            )
        keep(kept, _KeptMetadata(text=text, digest=digest(text)).to_json())
        return text

    def _fetch(self, name: str) -> Project:
        """The project as the index has it. The answer of the index is remembered."""
        for pause in (0, *self.pauses):
            time.sleep(pause)
            answer = self._client.ask(name)
            if answer is None:
                return Project(name=name, releases=())
            project = self._read(answer)
            if project is not None:
                self._answers[name] = answer
                return project
        raise IndexUnreachable(
            f"the package index gives no upload times for {name}; try again, or use one with PEP 700"
        )

    def _read(self, answer: Answer) -> Project | None:
        """The project in an answer; None if the upload time of a file is not known."""
        kept, address = self._cache / "projects" / f"{answer.project}.json", answer.digest()
        before = read_kept(kept, _ReadAnswer)
        if before is not None and (before.digest, before.reading) == (address, _READING) and _is_sound(before.project):
            return before.project
        files = answer.files()
        uploads = self._uploads(answer.project, files)
        if not uploads.keys() >= {file.filename for file in files}:
            return None
        by_version = _by_version(files)
        releases = tuple(_release(version, by_version[version], uploads) for version in sorted(by_version))
        project = Project(name=answer.project, releases=releases)
        keep(kept, _ReadAnswer(digest=address, reading=_READING, project=project).to_json())
        return project

    def _uploads(self, name: str, files: Iterable[DistributionPackage]) -> dict[str, dt.datetime]:
        """File name to upload time: those of `files`, and those that are kept."""
        kept = self._cache / "uploads" / f"{name}.json"
        uploads = _read_uploads(kept)
        new = {file.filename: _moment(name, file.filename, file.upload_time) for file in files if file.upload_time}
        if not new.keys() <= uploads.keys():
            uploads |= new
            keep(kept, json.dumps({filename: moment.isoformat() for filename, moment in uploads.items()}))
        return uploads


# ---------------------------------------------------------------------------------------------------------------------
# The answers of the index as records
# ---------------------------------------------------------------------------------------------------------------------


def _by_version(files: Iterable[DistributionPackage]) -> dict[Version, list[DistributionPackage]]:
    """The wheels and source archives among `files`, by version. Files without a valid version are left out."""
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


def _moment(name: str, filename: str, moment: dt.datetime) -> dt.datetime:
    """The time of an upload in UTC. Raises IndexUnreachable if there was no package then, or will be none."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise IndexUnreachable(
            f"the package index did not answer for {name}: by what it sent, {filename} was uploaded in {moment.year}"
        )
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _is_sound(project: Project) -> bool:
    """Whether the versions and times of a kept project are such. They are, unless the file was altered."""
    try:
        return all(release.parsed.release and release.uploaded.tzinfo for release in project.releases)
    except InvalidVersion:
        return False


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


_UPLOADS = TypeAdapter(dict[str, AwareDatetime])


def _read_uploads(kept: Path) -> dict[str, dt.datetime]:
    """File name to upload time, from earlier answers; empty if the file cannot be read as such."""
    try:
        return _UPLOADS.validate_json(kept.read_bytes())
    except (OSError, ValueError):
        return {}
