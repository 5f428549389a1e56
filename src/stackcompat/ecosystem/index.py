"""The real catalog: a package index, asked over HTTP.

The JSON simple API of PEP 691 with the upload times of PEP 700. Addresses come from the user's own configuration
(``UV_DEFAULT_INDEX``, ``UV_INDEX_URL``, ``PIP_INDEX_URL``) or are the client library's default.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pypi_simple import (
    ACCEPT_JSON_ONLY,
    PYPI_SIMPLE_ENDPOINT,
    DistributionPackage,
    NoSuchProjectError,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)
from remotezip import RemoteZip, RemoteZipError
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from stackcompat.ecosystem.releases import IndexUnreachable, Project, Release, ReleaseFile

__all__ = ["PackageIndex", "index_address"]

#: Bytes above which a wheel is not downloaded to be read: its code is compiled.
LARGEST_WHEEL = 30 * 2**20


def index_address() -> str | None:
    """The package index that the user configured for uv or pip; None means the clients' own default."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        address = os.environ.get(variable, "").strip()
        if address:
            return address.split("=", 1)[1] if variable == "UV_DEFAULT_INDEX" and "=http" in address else address
    return None


class PackageIndex:
    """The real catalog. Every project is asked for once; what never changes is kept in the folder `cache` for good.

    That is a release's metadata, and each file's upload time: there are mirrors that answer now and then with the old
    HTML, which has no times. Where times are missing and not yet known, the question is asked again.
    """

    #: Seconds before each further question to an index that answers without upload times.
    pauses: tuple[float, ...] = (0.5, 1, 2, *[4] * 20)

    def __init__(self, cache: Path, address: str | None = None, threads: int = 8) -> None:
        session = requests.Session()
        session.headers["User-Agent"] = "stackcompat"
        session.mount(
            "https://", HTTPAdapter(max_retries=Retry(3, backoff_factor=0.5, status_forcelist=(502, 503, 504)))
        )
        self._client = PyPISimple(address or index_address() or PYPI_SIMPLE_ENDPOINT, session=session)
        self._cache = cache
        self._projects: dict[str, Project] = {}
        self._packages: dict[tuple[str, str], list[DistributionPackage]] = {}
        self._requires: dict[tuple[str, str], tuple[Requirement, ...]] = {}
        self._threads = threads

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

    def _fetch(self, name: str) -> Project:
        grouped: dict[Version, list[DistributionPackage]] = {}
        packages, uploaded = self._ask(name)
        for package in packages:
            if package.version is None or package.package_type not in ("wheel", "sdist"):
                continue
            try:
                grouped.setdefault(Version(package.version), []).append(package)
            except InvalidVersion:
                continue
        releases = []
        for version in sorted(grouped):
            files = grouped[version]
            self._packages[name, str(version)] = files
            releases.append(
                Release(
                    version=str(version),
                    uploaded=min(uploaded[file.filename] for file in files),
                    yanked=any(file.is_yanked for file in files),
                    requires_python=next((file.requires_python for file in files if file.requires_python), ""),
                    files=tuple(ReleaseFile(filename=f.filename, sha256=f.digests.get("sha256", "")) for f in files),
                )
            )
        return Project(name=name, releases=tuple(releases))

    def _ask(self, name: str) -> tuple[list[DistributionPackage], dict[str, dt.datetime]]:
        """The files of a project and when each was uploaded."""
        kept = self._cache / "uploads" / f"{name}.json"
        uploaded = {}
        if kept.exists():
            known = json.loads(kept.read_text(encoding="utf-8"))
            uploaded = {filename: dt.datetime.fromisoformat(text) for filename, text in known.items()}
        for pause in (0, *self.pauses):
            time.sleep(pause)
            try:
                page = self._client.get_project_page(name, timeout=30, accept=ACCEPT_JSON_ONLY)
            except NoSuchProjectError:
                return [], {}
            except (requests.RequestException, UnsupportedContentTypeError, UnsupportedRepoVersionError) as error:
                raise IndexUnreachable(f"the package index did not answer for {name}: {type(error).__name__}") from None
            told = {p.filename: p.upload_time.astimezone(dt.UTC) for p in page.packages if p.upload_time is not None}
            if not told.keys() <= uploaded.keys():
                uploaded |= told
                _keep(kept, json.dumps({filename: moment.isoformat() for filename, moment in uploaded.items()}))
            if uploaded.keys() >= {package.filename for package in page.packages}:
                return page.packages, uploaded
        raise IndexUnreachable(
            f"the package index gives no upload times for {name}; try again, or use one with PEP 700"
        )

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """See :class:`Catalog`. A release without a wheel publishes no metadata, and is taken to require nothing."""
        name = canonicalize_name(name)
        release = self.project(name).find(version)
        if release is None:
            return ()
        key = (name, release.version)
        if key not in self._requires:
            parsed = []
            for line in parse_email(self._metadata(*key))[0].get("requires_dist", []):
                try:
                    parsed.append(Requirement(line))
                except InvalidRequirement:
                    continue  # old releases have such lines, and installers pass over them too
            self._requires[key] = tuple(parsed)
        return self._requires[key]

    def sources(self, name: str, version: str) -> dict[str, bytes]:
        """The Python files of a release's wheel, by path; nothing where there is no wheel, or only a very large one.

        Raises IndexUnreachable when the wheel cannot be had.
        """
        name = canonicalize_name(name)
        release = self.project(name).find(version)
        packages = self._packages.get((name, release.version), []) if release is not None else []
        wheels = [file for file in packages if file.package_type == "wheel" and (file.size or 0) <= LARGEST_WHEEL]
        if not wheels:
            return {}
        try:
            answer = self._client.s.get(wheels[0].url, timeout=60)
            answer.raise_for_status()
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                return {path: archive.read(path) for path in archive.namelist() if path.endswith(".py")}
        except (requests.RequestException, zipfile.BadZipFile) as error:
            sentence = f"the package index did not give the wheel of {name} {version}: {type(error).__name__}"
            raise IndexUnreachable(sentence) from None

    def sdist(self, name: str, version: str) -> bytes:
        """The source archive of a release, which has the hash that the index lists; nothing where there is none.

        Raises IndexUnreachable when it cannot be had.
        """
        name = canonicalize_name(name)
        release = self.project(name).find(version)
        packages = self._packages.get((name, release.version), []) if release is not None else []
        archive = next((file for file in packages if file.package_type == "sdist"), None)
        if archive is None:
            return b""
        try:
            answer = self._client.s.get(archive.url, timeout=60)
            answer.raise_for_status()
        except requests.RequestException as error:
            sentence = f"the package index did not give the sdist of {name} {version}: {type(error).__name__}"
            raise IndexUnreachable(sentence) from None
        if hashlib.sha256(answer.content).hexdigest() != archive.digests.get("sha256"):
            raise IndexUnreachable(f"the sdist of {name} {version} has not the hash that the package index lists")
        return answer.content

    def _metadata(self, name: str, version: str) -> str:
        kept = self._cache / "metadata" / f"{name}-{version}.txt"
        if kept.exists():
            return kept.read_text(encoding="utf-8")
        wheels = [package for package in self._packages[name, version] if package.package_type == "wheel"]
        if not wheels:
            return ""
        try:
            text = self._read_metadata(wheels[0])
        except (requests.RequestException, RemoteZipError) as error:
            sentence = f"the package index did not give the metadata of {name} {version}: {type(error).__name__}"
            raise IndexUnreachable(sentence) from None
        _keep(kept, text)
        return text

    def _read_metadata(self, wheel: DistributionPackage) -> str:
        """The core metadata of a wheel: a file beside it (PEP 658) or, where there is none, a part of the wheel."""
        if wheel.has_metadata:
            # An index may say that there is a file beside the wheel without giving its hash.
            return self._client.get_package_metadata(wheel, verify=bool(wheel.metadata_digests), timeout=30)
        with RemoteZip(wheel.url, session=self._client.s, timeout=30) as archive:
            member = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return str(archive.read(member), encoding="utf-8")


def _keep(path: Path, text: str) -> None:
    """Write `text` so that no reader, and no stop, ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
