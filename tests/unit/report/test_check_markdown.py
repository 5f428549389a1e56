"""The answers as a comment on a pull request."""

from __future__ import annotations

import pytest

from stackcompat.report.check_markdown import check_markdown
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.answers import answer
from support.made_up import COMPONENTS, NOW, history


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_each_file_is_a_section(summary: Summary) -> None:
    text = check_markdown([answer(summary, "alpha==1.3.0\n"), answer(summary, "alpha==1.3.0\n", "a_b.txt")], summary)
    assert text.startswith("### ✓ pins.txt: works on Python 3.12\n\n- ✓ its one component of the stack works ")
    assert "\n\n### ✓ a\\_b.txt: works on Python 3.12\n\n" in text
    assert text.endswith(f"\n\nCompared with the table of 2026-11-22 ({len(summary.cells)} cells).\n")


def test_what_is_broken_names_the_advisory_the_line_and_what_to_install(summary: Summary) -> None:
    text = check_markdown([answer(summary, "\nalpha==1.3.0\nbeta==2.1.3\n")], summary)
    assert text.startswith("### ✗ pins.txt: broken on Python 3.12\n\n- ✗ **SC-")
    assert "(line 3)\n" in text
    assert "\n\nNearest set that works on Python 3.12 (" in text
    assert "\n```\nalpha==1.3.0\nbeta==" in text


def test_what_is_not_known_says_why(summary: Summary) -> None:
    text = check_markdown([answer(summary, "eta==1.0\n-e ./gone_<b>\n")], summary)
    assert text.startswith("### ? pins.txt: not known on Python 3.12\n\n- ? not known: ")
    assert "No set of its components was seen to work together on Python 3.12." in text
    assert "gone\\_\\<b\\>" in text
