"""Texts without addresses, credentials and paths of this machine, so that they can be published."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from stackcompat.core.record import RecordType

__all__ = ["host_of", "masked", "public", "strip_addresses", "without_secrets"]

#: What stands in the place of a secret.
_MASK = "(a secret)"


#: The shapes of credentials that services give out, and of private keys, each by a part that it must have: to look for
#: that is much faster, and reports are long.
_CREDENTIALS = {
    mark: re.compile(shape, re.DOTALL)
    for mark, shape in {
        **{f"gh{kind}_": rf"\bgh{kind}_[A-Za-z0-9]{{20,}}" for kind in "pousr"},
        "github_pat_": r"\bgithub_pat_\w{20,}",
        "glpat-": r"\bglpat-[\w-]{16,}",
        "npm_": r"\bnpm_[A-Za-z0-9]{30,}",
        "hf_": r"\bhf_[A-Za-z0-9]{20,}",
        "pypi-Ag": r"\bpypi-Ag[\w-]{16,}",
        "xox": r"\bxox[abopsr]-[\w-]{10,}",
        "AKIA": r"\bAKIA[A-Z0-9]{16}",
        "ASIA": r"\bASIA[A-Z0-9]{16}",
        "AIza": r"\bAIza[\w-]{30,}",
        "ya29.": r"\bya29\.[\w-]{20,}",
        "sk-": r"\bsk-(?=[\w-]*\d)[\w-]{32,}",
        "eyJ": r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}",
        # A key that is cut off ends with its text, which a quotation mark ends in JSON.
        "PRIVATE KEY-----": r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^\"]*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?=\")|\Z)",
        "earer ": r"(?<=[Bb]earer )[\w.~+/=-]{16,}",
    }.items()
}


#: The names of variables that hold secrets, and how long such a value must be: a shorter one can be any word.
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|(?:API|ACCESS|PRIVATE|_)_?KEY$|_PAT$")
_SECRET_LENGTH = 8


@functools.cache  # thousands of texts are masked with the same variables
def _names_secret(name: str) -> bool:
    return _SECRET_NAME.search(name.upper()) is not None


def masked(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """`text` without secrets: the values of variables that are named so, and whatever has the shape of a credential.

    Args:
        text: Any text, which can be JSON: then it means the same afterwards but for the secrets.
        environ: The variables.
    """
    for name, value in environ.items():
        if len(value) >= _SECRET_LENGTH and _names_secret(name):
            text = text.replace(value, _MASK).replace(json.dumps(value)[1:-1], _MASK)
    for mark, shape in _CREDENTIALS.items():
        if mark in text:
            text = shape.sub(_MASK, text)
    return text


def without_secrets(record: RecordType) -> RecordType:
    """A record without secrets in its texts; see :func:`masked`. It is the same one if it has none."""
    text = record.to_json()
    clean = masked(text)
    return record if clean == text else type(record).model_validate_json(clean)


def host_of(address: str) -> str:
    """The scheme, host and port of an address; ``<address>`` if it has none.

    All else in it can be a secret, such as a user's name or a token.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return "<address>"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if host else "<address>"


def strip_addresses(text: str) -> str:
    """`text` for a log: without addresses and the credentials in them, and with ``~`` for the home folder."""
    text = re.sub(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)`,]+", "<address>", text, flags=re.IGNORECASE)
    return text.replace(str(Path.home()), "~")


def public(text: str) -> str:
    """`text` for a report: without addresses, and with the last parts of paths only.

    A path into ``site-packages`` begins at the package. Of a long path elsewhere, the last two parts stay.
    """
    text = re.sub(r"/(?:[^\s/\"']+/)*(?:site-packages|python3\.\d+)/", "", strip_addresses(text))
    return re.sub(r"(?<![\w.…])(?:/[^\s/\"':]+){3,}?((?:/[^\s/\"':]+){2})(?![\w/])", r"…\1", text)
