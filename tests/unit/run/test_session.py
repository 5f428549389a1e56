"""What a cell concludes from what it sees; the processes themselves are in tests/e2e."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from stackcompat.evidence.results import CellResult, Evidence
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import Job
from stackcompat.run.session import _install_outcome, difference

LOCK = Lock.parse("alpha==1.0\nbeta==2.0.dev3\ngamma==3.0", "3.12", "linux-x86_64")
SAME = {"alpha": "1.0", "beta": "2.0.dev3", "gamma": "3.0"}


def job(*requirements: str, **more: object) -> Job:
    fields: dict[str, object] = {
        "folder": Path("/job"),
        "lock": LOCK,
        "interpreter": Path("/python"),
        "requirements": requirements,
        "level": "interop",
        "suite": Path("/suite"),
        "files": (),
        "cache": Path("/cache"),
        "uv": "uv",
    }
    return Job.model_validate(fields | more)


@pytest.mark.parametrize(
    "asked",
    [
        job("alpha==1.0", "beta>=2.0.dev0", "gamma"),
        job("Alpha==1"),
        job("beta", development=("beta",)),
        job("gamma<3", forced=("gamma==3.0",)),
        job("absent; python_version < '3.0'"),
    ],
)
def test_what_was_asked_for_is_there(asked: Job) -> None:
    assert difference(asked, SAME) == ""


@pytest.mark.parametrize(
    ("asked", "observed", "sentence"),
    [
        (job("alpha"), SAME | {"alpha": "1.0.1"}, "alpha 1.0 was locked but 1.0.1 is installed"),
        (job("alpha"), {"alpha": "1.0", "beta": "2.0.dev3"}, "gamma 3.0 was locked but is not installed"),
        (job("alpha"), SAME | {"delta": "1", "eps": "2"}, "delta, eps is installed but was not locked"),
        (job("alpha"), SAME | {"alpha": "1.0 and 1.1"}, "alpha 1.0 was locked but 1.0 and 1.1 is installed"),
        (job("alpha"), SAME | {"alpha": "1.0+cpu"}, "alpha 1.0 was locked but 1.0+cpu is installed"),
        # A lock that does not hold what was asked for: the trap of most nightly jobs.
        (job("alpha==2.0"), SAME, "alpha==2.0 was requested but alpha 1.0 is installed"),
        (job("delta"), SAME, "delta was requested but is not installed"),
        (job("gamma", development=("gamma",)), SAME, "gamma was to be a development version but is 3.0"),
        (job("gamma<3", forced=("alpha==1.0",)), SAME, "gamma<3 was requested but gamma 3.0 is installed"),
        (job("absent; python_version > '3.0'"), SAME, None),
    ],
)
def test_every_difference_is_named(asked: Job, observed: dict[str, str], sentence: str | None) -> None:
    found = difference(asked, observed)
    assert found
    if sentence:
        assert found == sentence


def test_versions_are_compared_as_versions() -> None:
    assert difference(job("alpha"), SAME | {"alpha": "1.0.0"}) == ""


DOWNLOAD = "error: Failed to download `alpha==1`\n cause: "
EXTRACT = f"{DOWNLOAD}Failed to extract archive: alpha-1-py3-none-any.whl\n cause: "
ARCHIVE, ABSENT = "~/.cache/uv/archive-v0/AtjthVXF0qFDc51t", "No such file or directory (os error 2)"
GONE = "Because there is no version of alpha==1 and you require alpha==1, we can conclude that x."


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("error: Failed to install\n cause: No space left on device (os error 28)", "disk-full"),
        ("Downloading beta\n" * 80 + f"{EXTRACT}failed to write: No space left on device (os error 28)", "disk-full"),
        ("error: Failed to download and build `alpha==1`\n cause: Package metadata name `beta`", "uninstallable"),
        (f"{DOWNLOAD}error sending request for url (https://x.example/a)", "index-unreachable"),
        (f"{DOWNLOAD}HTTP status client error (404 Not Found) for url (https://x.example/a)", "index-unreachable"),
        (f"{DOWNLOAD}dns error", "index-unreachable"),
        (f"{DOWNLOAD}operation timed out", "index-unreachable"),
        (f"{EXTRACT}request or response body error\n cause: operation timed out", "index-unreachable"),
        # The release, or the index that had it, is gone since it was locked.
        (f"error: No solution found when resolving dependencies\n cause: {GONE}", "index-unreachable"),
        (f"{DOWNLOAD}Hash mismatch for `alpha==1`\n Expected: sha256:a", "uninstallable"),
        (f"{EXTRACT}Bad uncompressed size", "uninstallable"),
        ("error: Failed to build `alpha==1`\n cause: The build backend returned an error", "uninstallable"),
        (
            "error: Failed to build `alpha==1`\n cause: The build backend returned an error\n"
            + "Updating\n" * 200
            + "failed to resolve address for x.example: Name or service not known; class=Net (12)",
            "index-unreachable",
        ),
        # Somebody emptied the package cache meanwhile.
        (f"error: Failed to install: alpha\n cause: failed to read directory `{ARCHIVE}`: {ABSENT}", "crashed"),
    ],
)
def test_a_failed_install_is_told_from_a_failed_machine(words: str, outcome: str) -> None:
    found, detail = _install_outcome(words)
    assert found == outcome
    assert "x.example" not in detail


def test_every_field_of_a_result_is_kept_as_evidence() -> None:
    assert CellResult.model_fields.keys() <= Evidence.model_fields.keys()
    assert CellResult(outcome="ran", started=dt.datetime.now(dt.UTC), seconds=1.0).tests == ()
