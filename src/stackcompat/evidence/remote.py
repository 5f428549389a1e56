"""Files at the URLs of storage services, by fsspec. The URL comes from the user."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.evidence.download import MOST_BYTES, readable_address

__all__ = ["fetch", "put"]

#: How many bytes are copied at once.
_PIECE = 2**20


def put(path: Path, address: str) -> None:
    """Write a file to a URL, in place of what is there.

    Args:
        path: The file.
        address: The URL, such as ``s3://bucket/evidence.parquet``.

    Raises:
        UsageError: What is needed for such URLs is not installed, or they cannot be written.
        StackcompatError: The service does not answer as it should.
    """
    with _opened(address, "wb") as target, path.open("rb") as source:
        shutil.copyfileobj(source, target, _PIECE)


def fetch(address: str, path: Path, *, most: int = MOST_BYTES) -> None:
    """Write what is at a URL into a file.

    Args:
        address: The URL.
        path: The file.
        most: The most bytes that are taken.

    Raises:
        UsageError: What is needed for such URLs is not installed, there is nothing at it, or more than `most` bytes.
        StackcompatError: The service does not answer as it should.
    """
    come = 0
    with _opened(address, "rb") as source, path.open("wb") as target:
        for piece in iter(partial(source.read, _PIECE), b""):
            come += len(piece)
            if come > most:
                raise UsageError(f"FILE: {readable_address(address)} has more than {most} bytes, so it is no archive")
            target.write(piece)


@contextmanager
def _opened(address: str, mode: str) -> Iterator[IO[bytes]]:
    """What is at a URL, open; what goes wrong is told in one sentence."""
    name = readable_address(address)
    try:
        import fsspec  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError:
        needed = "fsspec, which is not installed: pip install 'stackcompat[fsspec]'"
        raise UsageError(f"FILE: {name} needs {needed}") from None
    try:
        opening: Any = fsspec.open(address, mode)
        with opening as file:
            yield file
    except StackcompatError:
        raise
    except (ImportError, ValueError) as error:  # a protocol that needs another library, or that is none
        raise UsageError(f"FILE: {name} cannot be used: {_first_line(error, address)}") from None
    except FileNotFoundError:
        raise UsageError(f"FILE: {name} is not there; give another address") from None
    except PermissionError as error:
        raise UsageError(f"FILE: {name} may not be used: {_first_line(error, address)}") from None
    except Exception as error:  # noqa: BLE001  (each service has a library with errors of its own)
        raise StackcompatError(f"{name} did not answer as it should: {type(error).__name__}") from None


def _first_line(error: Exception, address: str) -> str:
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return text.replace(address, readable_address(address))
