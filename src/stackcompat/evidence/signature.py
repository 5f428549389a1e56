"""Signatures of archives, which show who made one: in-toto statements about files, in DSSE envelopes.

Signing and verifying need no network. Other tools for in-toto attestations read these files as well.
"""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcompat.core.errors import UsageError

if TYPE_CHECKING:  # an extra
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it lists no names

__all__ = ["SUFFIX", "sign", "verify"]

#: What the name of a signature has after the name of its file.
SUFFIX = ".intoto.jsonl"

_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "urn:x-stackcompat:evidence:1"

#: The most bytes that a signature may have.
_MOST_BYTES = 2**20


def sign(path: Path, key: Path) -> Path:
    """Sign a file.

    Args:
        path: The file.
        key: The private key, as PEM and without a passphrase, such as Ed25519.

    Returns:
        The file with the signature, next to the signed one.

    Raises:
        UsageError: There is no such file or key, or what signing needs is not installed.
    """
    loading = _library("cryptography.hazmat.primitives.serialization")
    signers, dsse = _library("securesystemslib.signer"), _library("securesystemslib.dsse")
    try:
        signer = signers.CryptoSigner(loading.load_pem_private_key(key.read_bytes(), None))
    except OSError as error:
        raise UsageError(f"--key: {key} cannot be read: {error.strerror}") from None
    except Exception:  # noqa: BLE001  (the library has an error of its own for each way in which a key is none)
        raise UsageError(
            f"--key: {key} is no private key without a passphrase; make one: openssl genpkey -algorithm ed25519"
        ) from None
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": path.name, "digest": {"sha256": _digest(path)}}],
        "predicateType": _PREDICATE,
        "predicate": {},
    }
    envelope: Envelope = dsse.Envelope(json.dumps(statement, sort_keys=True).encode(), _PAYLOAD, {})
    envelope.sign(signer)
    signature = path.with_name(path.name + SUFFIX)
    try:
        signature.write_text(json.dumps(envelope.to_dict()) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"FILE: {signature} cannot be written: {error.strerror}") from None
    return signature


def verify(path: Path, signature: Path, key: Path, name: str) -> str:
    """Verify that somebody signed a file.

    Args:
        path: The file.
        signature: The file with the signature.
        key: The public key of the signer, as PEM.
        name: What messages call the file.

    Returns:
        The id of the key: the digest of what it is.

    Raises:
        UsageError: The signature is not there, is none, or is of another key or file; or what this needs is not
            installed.
    """
    public = _public_key(key)
    try:
        text = signature.read_bytes()[: _MOST_BYTES + 1]
    except OSError as error:
        raise UsageError(f"FILE: {name} has no signature: {name}{SUFFIX}: {error.strerror}") from None
    envelopes = [_envelope(line) for line in text.splitlines() if line.strip()] if len(text) <= _MOST_BYTES else [None]
    if not envelopes or None in envelopes:
        raise UsageError(f"FILE: {name}{SUFFIX} is no signature of an archive")
    signed = [envelope for envelope in envelopes if envelope is not None and _is_by(envelope, public)]
    if not signed:
        raise UsageError(f"FILE: {name} is not signed by the key {key}; use it only if you trust who did sign it")
    if not any(_is_about(envelope, _digest(path)) for envelope in signed):
        raise UsageError(f"FILE: {name} is not what was signed: it was changed, or the signature is of another file")
    keyid: str = public.keyid
    return keyid


def _public_key(path: Path) -> SSlibKey:
    """The public key in a file."""
    loading = _library("cryptography.hazmat.primitives.serialization")
    signers = _library("securesystemslib.signer")
    try:
        key: SSlibKey = signers.SSlibKey.from_crypto(loading.load_pem_public_key(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; give the public key of the signer") from None
    except Exception:  # noqa: BLE001  (as in `sign`)
        raise UsageError(f"{path} is no public key; make it of the private one: openssl pkey -pubout") from None
    return key


def _envelope(line: bytes) -> Envelope | None:
    """The envelope in a line; None if there is none."""
    dsse = _library("securesystemslib.dsse")
    try:
        envelope: Envelope = dsse.Envelope.from_dict(json.loads(line))
    except Exception:  # noqa: BLE001  (a file of somebody else can hold anything, at any depth)
        return None
    return envelope


def _is_by(envelope: Envelope, key: SSlibKey) -> bool:
    """Whether an envelope is signed with a key."""
    errors = _library("securesystemslib.exceptions")
    try:
        envelope.verify([key], 1)
    except errors.VerificationError:
        return False
    return True


def _is_about(envelope: Envelope, digest: str) -> bool:
    """Whether an envelope, which is signed, holds a statement about evidence in a file with this digest."""
    if envelope.payload_type != _PAYLOAD:
        return False
    try:
        statement = json.loads(envelope.payload)
        subjects = [subject["digest"]["sha256"] for subject in statement["subject"]]
        kind = (statement["_type"], statement["predicateType"])
    except (ValueError, LookupError, TypeError):
        return False
    return kind == (_STATEMENT, _PREDICATE) and subjects == [digest]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"FILE: {path} cannot be read: {error.strerror}") from None


def _library(name: str) -> Any:
    """A module of what signatures need."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise UsageError(
            "signatures need securesystemslib, which is not installed: pip install 'stackcompat[signatures]'"
        ) from None
