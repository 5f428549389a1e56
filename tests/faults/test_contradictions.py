"""Indexes whose answers contradict each other: that is an outage, and says nothing about the release."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.command_line import COMPONENTS
from support.commands import Commands
from support.loopback_index import LoopbackIndex

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"wrong_metadata": "oh \x00 no"}, "its answers contradict"),
        ({"wrong_metadata": "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"}, "does not match"),
        ({"wrong_hash": True}, "infra-error at install"),
        ({"corrupt": True}, "infra-error at install"),
    ],
    ids=str,
)
def test_is_no_verdict_of_the_release(tmp_path: Path, fault: dict[str, str | bool], said: str) -> None:
    (tmp_path / "matrices").mkdir()
    (tmp_path / "tests" / "interop").mkdir(parents=True)
    (tmp_path / "matrices" / "components.toml").write_text(COMPONENTS)
    with LoopbackIndex() as index:
        index.add("alpha", "1.0", **fault)  # type: ignore[arg-type]  # each has its type
        commands = Commands(tmp_path, index)  # type: ignore[arg-type]  # they want its address alone
        code, output, errors = commands.run("try", "alpha==1.0", "--python", PYTHON, "--level", "install")
    assert code == 3, output + errors
    assert said in output + errors
