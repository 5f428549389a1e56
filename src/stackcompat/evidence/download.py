"""The download of a file over HTTP. The address comes from the user."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from stackcompat.core.errors import StackcompatError, UsageError

__all__ = ["MOST_BYTES", "download", "is_address", "readable_address"]

#: The most bytes that an archive of evidence may have. A night of 400 cells has less than one MiB.
MOST_BYTES = 2**30

#: The most seconds of a download: the time-out of a connection is one of a single read.
_LONGEST = 1800.0

#: How many bytes are read at once.
_PIECE = 2**20


def is_address(text: str) -> bool:
    """Whether a text is an address and no path."""
    return "://" in text


def readable_address(address: str) -> str:
    """An address for messages: without what can hold a credential."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def download(
    address: str,
    target: Path,
    tell: Callable[[int, int | None], None],
    *,
    most: int = MOST_BYTES,
    argument: str = "FILE",
    what: str = "archive of evidence",
) -> None:
    """Write what is at an address into a file.

    Args:
        address: The address, of ``https`` or ``http``.
        target: The file.
        tell: Is told, again and again, how many bytes have come, and how many there are; None if that is not known.
        most: The most bytes that are taken.
        argument: The argument that has the address, for messages.
        what: What should be at the address, for messages.

    Raises:
        UsageError: The address is none, there is nothing at it, or there is more than `most` bytes.
        StackcompatError: The server does not answer as it should.
    """
    name = readable_address(address)
    if urlsplit(address).scheme not in ("http", "https"):
        raise UsageError(f"{argument}: {name} is neither a file nor an address that begins with https:// or http://")
    until = time.monotonic() + _LONGEST
    adapter = HTTPAdapter(max_retries=Retry(3, backoff_factor=0.5, status_forcelist=(502, 503, 504)))
    try:
        with requests.Session() as session, target.open("wb") as file:
            session.headers["User-Agent"] = "stackcompat"
            session.mount("https://", adapter)
            with session.get(address, stream=True, timeout=60) as answer:
                if 400 <= answer.status_code < 500:
                    raise UsageError(
                        f"{argument}: {name} cannot be had (HTTP {answer.status_code}); give another address"
                    )
                answer.raise_for_status()
                length = answer.headers.get("Content-Length", "")
                total = int(length) if length.isdigit() and "Content-Encoding" not in answer.headers else None
                come = 0
                while piece := answer.raw.read1(_PIECE, decode_content=True):
                    come += len(piece)
                    if max(come, total or 0) > most:
                        raise UsageError(f"{argument}: {name} has more than {most} bytes, so it is no {what}")
                    file.write(piece)
                    tell(come, total)
                    if time.monotonic() > until:
                        raise StackcompatError(f"{name} was not done after {_LONGEST / 60:.0f} min")
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise StackcompatError(f"{name} did not answer as it should: {type(error).__name__}") from None
    if total is not None and come != total:
        raise StackcompatError(f"{name} ended after {come} of {total} bytes; try again")
