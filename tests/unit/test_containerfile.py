"""The recipe of the image, as far as it can be checked without a container engine."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "docs" / "recipes" / "Containerfile").read_text(encoding="utf-8")
#: Each instruction with its value; a line that ends with a backslash goes on.
INSTRUCTIONS = re.findall(r"(?m)^([A-Z]+) (.+)$", re.sub(r"\\\n\s*", "", TEXT))


def test_each_line_is_a_comment_or_an_instruction() -> None:
    lines = [line for line in re.sub(r"\\\n\s*", "", TEXT).splitlines() if line and not line.startswith("#")]
    assert len(lines) == len(INSTRUCTIONS)
    assert INSTRUCTIONS[0][0] == "FROM"
    assert {name for name, _ in INSTRUCTIONS} == {
        *("FROM", "ARG", "RUN", "ENV", "USER", "VOLUME", "WORKDIR", "ENTRYPOINT", "CMD")
    }


def test_commands_are_commands() -> None:
    for name, value in INSTRUCTIONS:
        if name == "RUN":
            subprocess.run(["sh", "-n"], input=value, text=True, check=True)
        if name in ("ENTRYPOINT", "CMD", "VOLUME"):
            assert all(isinstance(word, str) for word in json.loads(value))


def test_cells_run_without_rights() -> None:
    names = [name for name, _ in INSTRUCTIONS]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert max(place for place, name in enumerate(names) if name == "RUN") < names.index("USER")
    assert dict(INSTRUCTIONS)["USER"] != "root"
