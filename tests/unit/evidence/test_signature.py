"""Signatures of archives: of the right key, about the right file."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from stackcompat.core.errors import UsageError
from stackcompat.evidence.signature import sign, verify
from support.keys import Keys, make_keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return make_keys(tmp_path, "mine")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.parquet"
    path.write_bytes(b"evidence")
    return path


def test_what_was_signed_is_verified(archive: Path, keys: Keys, tmp_path: Path) -> None:
    private, public = keys
    signature = sign(archive, private)
    assert signature == tmp_path / "evidence.parquet.intoto.jsonl"
    assert len(verify(archive, signature, public, "it")) == 64
    envelope = json.loads(signature.read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert [subject["name"] for subject in statement["subject"]] == ["evidence.parquet"]


def test_another_key_or_another_file_is_refused(archive: Path, keys: Keys, tmp_path: Path) -> None:
    private, public = keys
    others_private, others_public = make_keys(tmp_path, "another")
    signature = sign(archive, private)
    with pytest.raises(UsageError, match=r"it is not signed by the key .*another\.pub"):
        verify(archive, signature, others_public, "it")
    archive.write_bytes(b"evidencE")
    with pytest.raises(UsageError, match="it is not what was signed: it was changed, or"):
        verify(archive, signature, public, "it")
    sign(archive, others_private)
    with pytest.raises(UsageError, match="it is not signed by the key"):
        verify(archive, signature, public, "it")


def _payload(envelope: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return read


def _with_digest_of_another(envelope: dict[str, Any]) -> dict[str, Any]:
    statement = _payload(envelope)
    statement["subject"][0]["digest"]["sha256"] = "0" * 64
    return envelope | {"payload": base64.b64encode(json.dumps(statement).encode()).decode()}


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no signatures": lambda envelope: envelope | {"signatures": []},
    "another payload": _with_digest_of_another,
    "another type of payload": lambda envelope: envelope | {"payloadType": "text/plain"},
    "a cut signature": lambda envelope: (
        envelope | {"signatures": [{**envelope["signatures"][0], "sig": envelope["signatures"][0]["sig"][:-8]}]}
    ),
    "no envelope": lambda _: {},
    "a list": lambda _: [1],
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_changed_signature_is_refused(archive: Path, keys: Keys, forge: Callable[[dict[str, Any]], Any]) -> None:
    signature = sign(archive, keys[0])
    signature.write_text(json.dumps(forge(json.loads(signature.read_text()))))
    with pytest.raises(UsageError, match=r"is not signed by the key|is no signature"):
        verify(archive, signature, keys[1], "it")


@pytest.mark.parametrize("content", ["", "no JSON", "[" * 100_000, "{}\n" * 400_000])
def test_a_file_that_is_no_signature_is_refused(archive: Path, keys: Keys, tmp_path: Path, content: str) -> None:
    signature = tmp_path / "signature"
    signature.write_text(content)
    with pytest.raises(UsageError, match=r"it\.intoto\.jsonl is no signature of an archive"):
        verify(archive, signature, keys[1], "it")


def test_a_signature_of_something_else_does_not_count(archive: Path, keys: Keys) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # it lists no names

    signature = sign(archive, keys[0])
    statement = _payload(json.loads(signature.read_text())) | {"predicateType": "https://example.org/reviewed"}
    envelope = Envelope(json.dumps(statement).encode(), "application/vnd.in-toto+json", {})
    envelope.sign(CryptoSigner(load_pem_private_key(keys[0].read_bytes(), None)))
    signature.write_text(json.dumps(envelope.to_dict()))
    with pytest.raises(UsageError, match="it is not what was signed"):
        verify(archive, signature, keys[1], "it")


def test_keys_that_are_none_are_said(archive: Path, keys: Keys, tmp_path: Path) -> None:
    private, public = keys
    with pytest.raises(UsageError, match="is no private key without a passphrase"):
        sign(archive, public)
    locked = tmp_path / "locked.pem"
    key = Ed25519PrivateKey.generate()
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(UsageError, match="is no private key without a passphrase"):
        sign(archive, locked)
    with pytest.raises(UsageError, match=r"--key: .*absent cannot be read: No such file"):
        sign(archive, tmp_path / "absent")
    signature = sign(archive, private)
    with pytest.raises(UsageError, match="is no public key; make it of the private one"):
        verify(archive, signature, private, "it")
    with pytest.raises(UsageError, match="it has no signature"):
        verify(archive, tmp_path / "absent", public, "it")


def test_without_the_library_it_is_said_how_to_get_it(
    archive: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib.signer", None)
    with pytest.raises(UsageError, match=r"pip install 'stackcompat\[signatures\]'"):
        sign(archive, keys[0])
