"""The command that finds islands."""

from __future__ import annotations

import json
from pathlib import Path

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
