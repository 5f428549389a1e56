"""The command that finds islands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.cli import islands as command
from stackcompat.evidence.store import Store
from stackcompat.resolve.islands import ISLANDS
from support.command_line import Run


def test_islands_are_found_and_kept_for_the_reports(run: Run, checkout: Path) -> None:
    code, output, error = run("islands", "--python", "3.12")
    assert (code, error) == (0, "")
    assert output.splitlines() == ["Python 3.12: 1 island, 1 set resolved", "1. Alpha 1.1"]
    code, output, _ = run("islands", "--python", "3.12", "--json", "-")
    (found,) = json.loads(output)
    assert (found["python"], found["islands"][0]["releases"]) == ("3.12", {"alpha": "1.1"})
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    assert [one.islands[0].releases for one in store.kept(ISLANDS)] == [{"alpha": "1.1"}]
    store.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Python 3.12 was not found; get it with `uv python install 3.12` or `pyenv install 3.12`"),
        (("--python", "3.13"), "Python 3.13 was not found; get it with"),
        (("--python", "3.9"), "the smoke tests need Python 3.10 or newer, so nothing can be run on Python 3.9"),
    ],
)
def test_without_the_python_nothing_is_told_and_it_is_said_how_to_get_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(command, "find_interpreters", dict)
    code, output, error = run("islands", *arguments)
    assert (code, output, error.count("\n")) == (3, "", 1)
    assert said in error
