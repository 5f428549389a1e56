"""Which distribution a failing import needs and nobody declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.run.inside.protocol import FailureSeen
from stackcompat.run.inside.undeclared import undeclared_distribution
from support.plugin_runs import install

LISTED = {"absl": "absl-py"}
METADATA = (
    "Metadata-Version: 2.1\nName: asks\nVersion: 1.0\n"
    "Requires-Dist: declared-thing>=1\nRequires-Dist: absl-py; extra == 'all'\nRequires-Dist: not a requirement!\n"
)


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("ModuleNotFoundError", "No module named 'absl'", "absl-py"),
        ("ModuleNotFoundError", "No module named 'absl.logging'", "absl-py"),
        ("ModuleNotFoundError", "No module named 'some_thing'", "some-thing"),
        # It is declared, and was left out by force.
        ("ModuleNotFoundError", "No module named 'declared_thing'", ""),
        # The distribution is there, in a release without the module.
        ("ModuleNotFoundError", "No module named 'json.dropped'", ""),
        ("ModuleNotFoundError", "No module named 'absl'; 'asks' is not a package", ""),
        ("ImportError", "No module named 'absl'", ""),
        ("ImportError", "cannot import name 'lid' from 'asks'", ""),
    ],
)
def test_a_distribution_that_is_not_declared_is_named(site: Path, kind: str, message: str, expected: str) -> None:
    install(site, "asks")
    (site / "asks-1.0.dist-info" / "METADATA").write_text(METADATA)
    failure: FailureSeen = {"type": kind, "message": message, "package": "asks"}
    assert undeclared_distribution(failure, LISTED) == expected


def test_a_test_that_itself_asks_shows_nothing() -> None:
    failure: FailureSeen = {"type": "ModuleNotFoundError", "message": "No module named 'absl'", "package": ""}
    assert undeclared_distribution(failure, LISTED) == ""
