"""The questions to a package index over HTTP: files of a project, wheels, source archives, core metadata.

The index must have the JSON simple API of PEP 691, with the upload times of PEP 700. Its address comes from the user's
own configuration (``UV_DEFAULT_INDEX``, ``UV_INDEX_URL``, ``PIP_INDEX_URL``), or else from the client library.

Nothing of an answer is trusted: each has a limit of time, from the question to its last byte, and a limit of size.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from email.message import Message
from functools import cache, partial
from lzma import LZMAError
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic_core import from_json
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from stackcompat.core.threads import within
from stackcompat.ecosystem.releases import IndexUnreachable

if TYPE_CHECKING:  # takes as long to import as all else of an unchanged run, which reads no answer
    from pypi_simple import DistributionPackage

__all__ = [
    "LARGEST_METADATA",
    "UNREADABLE_ARCHIVE",
    "Answer",
    "IndexClient",
    "default_address",
    "file_addresses",
    "index_address",
]

#: The format of answers that is asked for.
_JSON = "application/vnd.pypi.simple.v1+json"


#: The most bytes of an answer about a project. 150,000 files take 40 MB.
_LARGEST_PAGE = 256 * 2**20


#: The most bytes of a wheel or a source archive.
_LARGEST_FILE = 2**30


#: The most bytes of the core metadata of a release. The largest that are known have 0.5 MB.
LARGEST_METADATA = 16 * 2**20


#: The seconds without a byte after which a connection counts as broken.
_SILENCE = 30.0


#: How many bytes of an answer are read at once.
_PIECE = 2**16


#: Projects that builds fetch, those with few files first; and the seconds for the answer about one.
_OF_BUILDS = ("wheel", "setuptools")
_SECONDS_FOR_ONE = 20.0


#: What reading an archive raises that is damaged, encrypted, of an unknown compression, or not an archive at all.
UNREADABLE_ARCHIVE = (
    *(zipfile.BadZipFile, zlib.error, LZMAError, struct.error),
    *(ValueError, KeyError, NotImplementedError, RuntimeError, EOFError, OverflowError),
)


Result = TypeVar("Result")


def index_address() -> str | None:
    """The address of the index that the user configured for uv or pip; None if there is none."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        address = os.environ.get(variable, "").strip()
        if address:
            return address.split("=", 1)[1] if variable == "UV_DEFAULT_INDEX" and "=http" in address else address
    return None


class Answer(NamedTuple):
    """What an index answers about a project, not read yet.

    Attributes:
        project: The name of the project.
        content: The body of the answer.
        url: Where it was found.
        kind: Its content type.
    """

    project: str
    content: bytes
    url: str
    kind: str

    def digest(self) -> str:
        """The digest of all that :meth:`files` depends on."""
        content = hashlib.sha256(self.content)
        content.update(f"{self.url} {self.kind}".encode())
        return content.hexdigest()

    def files(self) -> list[DistributionPackage]:
        """The files of the project.

        Raises:
            IndexUnreachable: The answer is in no format of an index.
        """
        from pypi_simple import ProjectPage, UnsupportedRepoVersionError  # noqa: PLC0415

        try:
            header = Message()
            header["Content-Type"] = self.kind
            match header.get_content_type():
                case "application/vnd.pypi.simple.v1+json":
                    return ProjectPage.from_json_data(from_json(self.content), self.url).packages
                case "application/vnd.pypi.simple.v1+html" | "text/html":
                    charset = header.get_content_charset()
                    files = ProjectPage.from_html(self.project, self.content, self.url, charset).packages
                case kind:
                    raise _no_answer(self.project, f"it sent {kind}")
        except UnsupportedRepoVersionError as error:
            raise _no_answer(self.project, type(error).__name__) from None
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise _no_answer(self.project, f"what it sent cannot be read ({type(error).__name__})") from None
        if not any(file.version for file in files):
            raise _no_answer(self.project, "it sent a web page without any file; is there a login page in between?")
        return files


class IndexClient:
    """Asks one package index. Every method raises IndexUnreachable if the index does not answer as it should.

    Args:
        address: The address of the index. If None: the user's, or else the client library's default.
    """

    #: The most seconds of a whole answer: about a project, or with metadata or a part of a file; and with a file.
    seconds: float = 120
    file_seconds: float = 900

    def __init__(self, address: str | None = None) -> None:
        session = requests.Session()
        session.headers["User-Agent"] = "stackcompat"
        session.mount(
            "https://", HTTPAdapter(max_retries=Retry(3, backoff_factor=0.5, status_forcelist=(502, 503, 504)))
        )
        self._session = session
        self.address = address or index_address() or default_address()

    def close(self) -> None:
        """End the connections to the index."""
        self._session.close()

    def ask(self, name: str, *, timeout: float | None = None) -> Answer | None:
        """Ask about a project; None if the index has no such project.

        Args:
            name: Its name, in normal form.
            timeout: The seconds that the whole answer may take; as other answers if None.
        """
        url = f"{self.address.rstrip('/')}/{name}/"
        wrong = partial(_no_answer, name)
        accept = {"Accept": _JSON}
        found = self._limited(timeout or self.seconds, lambda end: self._get(url, end, _LARGEST_PAGE, accept), wrong)
        return None if found is None else Answer(name, *found)

    def download(self, file: DistributionPackage, what: str) -> bytes:
        """The content of a file. Messages call it `what`, such as ``the wheel of alpha 1.0``."""
        return self._content(file.url, self.file_seconds, _LARGEST_FILE, what)

    def paths(self, wheel: DistributionPackage, what: str) -> tuple[str, ...] | None:
        """The paths of the files in a wheel; None if the index gives no parts of files.

        Messages call it `what`, such as ``the wheel of alpha 1.0``.
        """
        from remotezip import RangeNotSupported, RemoteZip  # noqa: PLC0415

        def listed(_end: float) -> tuple[str, ...] | None:
            try:
                with RemoteZip(wheel.url, session=self._session, timeout=_SILENCE) as archive, closing(archive.fp):
                    return tuple(archive.namelist())
            except RangeNotSupported:
                return None

        return self._limited(self.seconds, listed, partial(_not_given, what))

    def metadata(self, wheel: DistributionPackage, what: str) -> str:
        """The core metadata of a wheel: from a file of its own (PEP 658), or else from the wheel.

        Messages call it `what`, such as ``the metadata of alpha 1.0``.
        """
        if wheel.has_metadata:
            content = self._content(wheel.metadata_url, self.seconds, LARGEST_METADATA, what)
            # An index can have the file without listing its hash.
            listed = (wheel.metadata_digests or {}).get("sha256")
            if listed and listed.lower() != hashlib.sha256(content).hexdigest():
                raise IndexUnreachable(f"{what} has not the hash that the package index lists: its answers contradict")
            return content.decode(errors="replace")
        return self._limited(self.seconds, lambda _: self._member(wheel), partial(_not_given, what))

    def _member(self, wheel: DistributionPackage) -> str:
        """The core metadata within a wheel, of which only that part is downloaded."""
        from remotezip import RemoteZip  # noqa: PLC0415

        # The archive does not close its last answer, which would keep the connection open. So `closing` does.
        with RemoteZip(wheel.url, session=self._session, timeout=_SILENCE) as archive, closing(archive.fp):
            for member in archive.infolist():
                if member.filename.endswith(".dist-info/METADATA"):
                    if member.file_size > LARGEST_METADATA:
                        raise _Wrong(f"it has more than {LARGEST_METADATA // 2**20} MiB")
                    return str(archive.read(member), encoding="utf-8", errors="replace")
        raise _Wrong("the wheel has none")

    def _content(self, url: str, seconds: float, most: int, what: str) -> bytes:
        """The content of a file at an address."""
        wrong = partial(_not_given, what)
        found = self._limited(seconds, lambda end: self._get(url, end, most, {}), wrong)
        if found is None:
            raise wrong("HTTPError")
        return found[0]

    def _limited(
        self, seconds: float, work: Callable[[float], Result], wrong: Callable[[str], IndexUnreachable]
    ) -> Result:
        """What comes of some work, which is given the time at which it must be done, within the seconds.

        Raises:
            IndexUnreachable: It failed, or is not done in time. `wrong` makes the error from a reason.
        """
        from remotezip import RemoteZipError  # noqa: PLC0415

        end = time.monotonic() + seconds
        try:
            return within(seconds, lambda: work(end))
        except TimeoutError:
            raise wrong(f"it was not done after {seconds:g} s") from None
        except _Wrong as error:
            raise wrong(str(error)) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, RemoteZipError, OSError) as error:
            raise wrong(type(error).__name__) from None
        except UNREADABLE_ARCHIVE as error:
            raise wrong(type(error).__name__) from None

    def _get(self, url: str, end: float, most: int, headers: Mapping[str, str]) -> tuple[bytes, str, str] | None:
        """The content of an answer, its address and its content type; None if there is nothing at the address.

        A time-out of the client library is one of a single read. So the time of the whole is looked at in between.
        """
        silence = min(_SILENCE, max(0.1, end - time.monotonic()))
        with self._session.get(url, timeout=silence, headers=headers, stream=True) as response:
            if response.status_code == requests.codes.not_found:
                return None
            response.raise_for_status()
            content = io.BytesIO()
            while piece := response.raw.read1(_PIECE, decode_content=True):
                content.write(piece)
                if content.tell() > most:
                    raise _Wrong(f"it has more than {most // 2**20} MiB")
                if time.monotonic() > end:
                    raise TimeoutError
            return content.getvalue(), response.url, response.headers.get("Content-Type", "text/html")


class _Wrong(ValueError):
    """An answer is not what it must be; the message is the end of a sentence."""


def _no_answer(name: str, reason: str) -> IndexUnreachable:
    return IndexUnreachable(f"the package index did not answer for {name}: {reason}")


def _not_given(what: str, reason: str) -> IndexUnreachable:
    return IndexUnreachable(f"the package index did not give {what}: {reason}")


def default_address() -> str:
    """The address of the index that the client library takes if there is no other, as uv does."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415

    return PYPI_SIMPLE_ENDPOINT


@cache
def file_addresses(address: str) -> tuple[str, ...]:
    """The address of one file on each host that an index keeps files on, by its answer about a project of builds.

    Args:
        address: The address of the index.

    Raises:
        IndexUnreachable: The index does not answer as it should.
    """
    with closing(IndexClient(address)) as client:
        for project in _OF_BUILDS:
            answer = client.ask(project, timeout=_SECONDS_FOR_ONE)
            if answer is not None:
                return tuple({urlsplit(file.url).netloc: file.url for file in answer.files()}.values())
    return ()
