"""How the lock is read that uv writes."""

from __future__ import annotations

import pytest

from stackcompat.plan.cell import Cell
from stackcompat.resolve.uv_output import read_pylock, undated


def cell(*requirements: str, **more: object) -> Cell:
    fields = {"python": "3.12", "platform": "linux-x86_64", "requirements": requirements}
    return Cell.model_validate(fields | more)


PYLOCK = """
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.12"

[[packages]]
name = "beta"
version = "2.0"
sdist = { url = "https://host.example/beta-2.0.tar.gz", hashes = { sha256 = "5d" } }
wheels = [
    { url = "https://host.example/beta-2.0-cp312-cp312-linux_x86_64.whl", hashes = { sha256 = "2b" } },
    { url = "https://host.example/beta-2.0-py3-none-any.whl", hashes = { sha256 = "1b" } },
]

[[packages]]
name = "alpha"
version = "1.0"
sdist = { url = "https://host.example/alpha-1.0.tar.gz", hashes = { sha256 = "5a" } }

[[packages]]
name = "gamma"
archive = { path = "/built/gamma-3.0-py3-none-any.whl", hashes = { sha256 = "9c" } }
"""


def test_a_pylock_gives_names_versions_and_hashes_and_no_address() -> None:
    source = "file:///built/gamma-3.0-py3-none-any.whl"
    lock = read_pylock(PYLOCK, cell("beta", "gamma", local={"gamma": source})).lock
    assert lock is not None
    assert [(pin.name, pin.version, pin.hashes) for pin in lock.pins] == [
        ("alpha", "1.0", ("sha256:5a",)),
        ("beta", "2.0", ("sha256:1b", "sha256:2b")),
        ("gamma", "3.0", ("sha256:9c",)),
    ]
    assert [pin.source for pin in lock.pins] == ["", "", source]
    assert "host.example" not in lock.text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lock-version = ", "Invalid value"),
        (PYLOCK.replace('lock-version = "1.0"', 'lock-version = "2.0"'), "version 2.0 is not supported"),
        (PYLOCK.replace("beta-2.0-py3", "delta-2.0-py3"), "not consistent with package name"),
        (
            'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "alpha"\ndirectory = { path = "." }\n',
            "is not a wheel",
        ),
    ],
)
def test_a_lock_that_uv_writes_in_another_way_is_a_failure_and_no_conflict(text: str, said: str) -> None:
    found = read_pylock(text, cell("beta"))
    assert (found.outcome, found.lock, found.conflict) == ("failed", None, None)
    assert "uv wrote a lock that cannot be read: " in found.detail
    assert said in found.detail


def test_files_without_an_upload_date_are_named() -> None:
    assert undated("warning: alpha-1.0.tar.gz is missing an upload date, but user provided x") == "alpha-1.0.tar.gz"
    assert undated("Resolved 3 packages") == ""
