"""What leaves the tool, taken by real resolvers: repaired metadata and constraints keep them off what is broken."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import uv

from loopback_index import LoopbackIndex
from stackcompat.bounds import Finding, constraints, repaired
from stackcompat.index import Index

pytestmark = pytest.mark.e2e


def resolve(folder: Path, index: LoopbackIndex, *options: str) -> list[str]:
    """What uv picks for beta 1.0, in a folder whose pyproject.toml it reads."""
    (folder / "requirements.in").write_text("beta==1.0\n")
    command = [uv.find_uv_bin(), "pip", "compile", "requirements.in", "--no-header", "--no-annotate", "--no-cache"]
    done = subprocess.run(
        [*command, "--index-url", index.address, *options], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_uv_with_our_repair_does_not_pick_what_is_broken(tmp_path: Path) -> None:
    with LoopbackIndex() as index:
        for version in ("1.0", "1.1", "2.0"):
            index.add("alpha", version)
        index.add("beta", "1.0", requires=["alpha>=1.0"])
        finding = Finding(
            distribution="beta",
            release="1.0",
            on="alpha",
            declared=">=1.0",
            proposed="<2.0,>=1.0",
            kinds=("cap missing",),
            works=("1.0", "1.1"),
            broken=("2.0",),
            cells=(),
        )
        (entry,) = repaired([finding], Index(tmp_path / "cache", index.address))
        assert resolve(tmp_path, index) == ["alpha==2.0", "beta==1.0"]
        (tmp_path / "known-good.txt").write_text(constraints({"alpha": "1.0", "beta": "1.0"}))
        assert resolve(tmp_path, index, "-c", "known-good.txt") == ["alpha==1.0", "beta==1.0"]
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in entry.items())
        (tmp_path / "pyproject.toml").write_text(f"[[tool.uv.dependency-metadata]]\n{lines}\n")
        assert resolve(tmp_path, index) == ["alpha==1.1", "beta==1.0"]
