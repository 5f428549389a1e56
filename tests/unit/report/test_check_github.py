"""The answers as workflow commands."""

from __future__ import annotations

import re

import pytest

from stackcompat.report.check_github import check_commands
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.answers import answer
from support.made_up import COMPONENTS, NOW, history

#: A command as the runner reads it: its properties have no colon and no comma in their values.
COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:]+)(?:,\w+=[^,:]+)*)::(.+)")


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def commands(summary: Summary, text: str, path: str = "pins.txt") -> list[tuple[str, dict[str, str], str]]:
    """The commands for a file, each with its properties and its message."""
    found = []
    for line in check_commands([answer(summary, text, path)], summary).splitlines():
        read = COMMAND.fullmatch(line)
        assert read, line
        found.append((read[1], dict(pair.split("=", 1) for pair in read[2].split(",")), read[3]))
    return found


def test_what_is_broken_is_an_error_and_what_helps_a_notice(summary: Summary) -> None:
    (kind, properties, message), (second, where, nearest) = commands(summary, "\nalpha==1.3.0\nbeta==2.1.3\n")
    assert (kind, properties["file"], properties["line"]) == ("error", "pins.txt", "3")
    assert properties["title"].startswith("stackcompat SC-")
    assert "Alpha" in message
    assert (second, where["line"]) == ("notice", "1")
    assert nearest.startswith("nearest set that works on Python 3.12: ")
    assert "alpha==1.3.0" in nearest


def test_what_is_not_known_is_a_warning(summary: Summary) -> None:
    assert [kind for kind, _, _ in commands(summary, "alpha==1.3.0\nstrange==1\n")] == ["warning"]


def test_what_works_is_a_notice(summary: Summary) -> None:
    ((kind, properties, message),) = commands(summary, "alpha==1.3.0\n")
    assert (kind, properties["title"]) == ("notice", "stackcompat")
    assert message.startswith("its one component of the stack works on Python 3.12")


def test_standard_input_has_no_place_in_the_repository(summary: Summary) -> None:
    ((_, properties, message),) = commands(summary, "alpha==1.3.0\n", path="")
    assert "file" not in properties
    assert message.startswith("standard input: its one component")


def test_what_would_end_a_command_is_escaped(summary: Summary) -> None:
    text = check_commands([answer(summary, "alpha==1.3.0\nhttps://x/100%25\n", "a,b:c%.txt")], summary)
    assert "file=a%2Cb%3Ac%25.txt,line=1," in text
    assert "100%2525" in text
