"""A package index, asked over HTTP: files of a project, wheels, source archives, core metadata.

The JSON simple API of PEP 691 with the upload times of PEP 700. Addresses come from the user's own configuration
(``UV_DEFAULT_INDEX``, ``UV_INDEX_URL``, ``PIP_INDEX_URL``) or are the client library's default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import requests
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

from stackcompat.ecosystem.releases import IndexUnreachable

__all__ = ["IndexClient", "index_address"]


def index_address() -> str | None:
    """The package index that the user configured for uv or pip; None means the clients' own default."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        address = os.environ.get(variable, "").strip()
        if address:
            return address.split("=", 1)[1] if variable == "UV_DEFAULT_INDEX" and "=http" in address else address
    return None


class IndexClient:
    """Asks one package index. Every method raises IndexUnreachable if the index does not answer as it should.

    Args:
        address: The index; the user's, or the client library's default, if None.
    """

    def __init__(self, address: str | None = None) -> None:
        session = requests.Session()
        session.headers["User-Agent"] = "stackcompat"
        session.mount(
            "https://", HTTPAdapter(max_retries=Retry(3, backoff_factor=0.5, status_forcelist=(502, 503, 504)))
        )
        self._session = session
        self._client = PyPISimple(address or index_address() or PYPI_SIMPLE_ENDPOINT, session=session)

    def close(self) -> None:
        """End the connections to the index."""
        self._session.close()

    def files(self, name: str) -> list[DistributionPackage]:
        """The files of a project; none if there is no such project."""
        try:
            return self._client.get_project_page(name, timeout=30, accept=ACCEPT_JSON_ONLY).packages
        except NoSuchProjectError:
            return []
        except (requests.RequestException, UnsupportedContentTypeError, UnsupportedRepoVersionError) as error:
            raise IndexUnreachable(f"the package index did not answer for {name}: {type(error).__name__}") from None

    def download(self, file: DistributionPackage, what: str) -> bytes:
        """The content of a file; `what` says what it is, such as ``the wheel of alpha 1.0``."""
        with _unreachable_without(what):
            answer = self._session.get(file.url, timeout=60)
            answer.raise_for_status()
            return answer.content

    def metadata(self, wheel: DistributionPackage, what: str) -> str:
        """The core metadata of a wheel: a file of its own (PEP 658) or, if there is none, a part of the wheel.

        `what` says what it is, such as ``the metadata of alpha 1.0``.
        """
        with _unreachable_without(what):
            if wheel.has_metadata:
                # An index can say that there is such a file without giving its hash.
                return self._client.get_package_metadata(wheel, verify=bool(wheel.metadata_digests), timeout=30)
            with RemoteZip(wheel.url, session=self._session, timeout=30) as archive, closing(archive.fp):
                # Closing the archive leaves the last answer open, and with it the connection.
                member = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
                return str(archive.read(member), encoding="utf-8")


@contextmanager
def _unreachable_without(what: str) -> Iterator[None]:
    """Say that the index did not give `what` if a request fails."""
    try:
        yield
    except (requests.RequestException, RemoteZipError) as error:
        raise IndexUnreachable(f"the package index did not give {what}: {type(error).__name__}") from None
