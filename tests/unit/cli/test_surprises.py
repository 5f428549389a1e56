"""The command that writes down what surprises people."""

from __future__ import annotations

import json
from pathlib import Path

from support.answers_page import documented_fields
from support.command_line import Run

TEST = """
import pytest
@pytest.mark.uses("alpha>=1")
@pytest.mark.surprise("it closes")
def test_lid() -> None:
    \"\"\"It opens,
    always.

    More words.
    \"\"\"
"""


def test_the_page_is_printed_or_written(run: Run, checkout: Path) -> None:
    (checkout / "matrices" / "known-cases.toml").write_text(
        """
[[cases]]
id = "lid"
python = "3.12"
requirements = ["alpha==1.0"]
verdict = "broken"
expected = "a lid fits"
happens = "it leaks"
"""
    )
    (checkout / "tests" / "interop" / "test_lid.py").write_text(TEST)
    code, output, error = run("surprises", "--format", "markdown")
    assert (code, error) == (0, "")
    rows = [line for line in output.splitlines() if line.startswith("| ")]
    assert rows[2:] == [
        "| a lid fits | it leaks | alpha==1.0, Python 3.12 | case lid |",
        r"| it closes | It opens, always. | alpha\>=1 | test\_lid.py::test\_lid |",
    ]
    assert run("surprises", "--output", "page.md")[0] == 0
    assert (checkout / "page.md").read_text() == output
    assert json.loads(run("surprises", "--format", "json")[1])[1] == {
        "expected": "it closes",
        "happens": "It opens, always.",
        "where": "alpha>=1",
        "shown_by": "test_lid.py::test_lid",
    }
    assert set(json.loads(run("surprises", "--format", "json")[1])[0]) == documented_fields("surprises")
    table = " ".join(run("surprises")[1].split())
    assert table.startswith("people expect what happens with shown by a lid fits it leaks alpha==1.0,")


def test_an_ecosystem_without_any_says_so(run: Run) -> None:
    said = "No known case and no smoke test of this ecosystem says what people expect.\n"
    assert run("surprises") == (0, said, "")
    assert run("surprises", "--format", "json") == (0, "[]\n", "")
