"""A cell that only the published table knows."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from stackcompat.report.write import write
from stackcompat.table.build import summarise
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.summary import Summary
from support.command_line import Run
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
RED = next(row for row in SUMMARY.cells if row.verdict == "broken" and row.failures and row.plain)
GREEN = next(row for row in SUMMARY.cells if row.verdict == "works")
DAY = f"{NOW:%Y-%m-%d}"


def table(culprit: CulpritRow | None, *, moved: str = "", doubt: str = "") -> Summary:
    """The table, with this culprit of the red cell and its first failure."""
    of_failure = culprit.model_copy(update={"moved": moved, "doubt": doubt}) if culprit else None
    return SUMMARY.model_copy(
        update={
            "cells": tuple(
                row.model_copy(update={"culprit": culprit}) if row.id == RED.id else row for row in SUMMARY.cells
            ),
            "failures": tuple(
                group.model_copy(update={"culprit": of_failure if group.id == RED.failures[0] else None})
                for group in SUMMARY.failures
            ),
        }
    )


CULPRIT = CulpritRow(versions={"alpha": "1.3.0", "beta": "2.0.0"}, inferred=True)


def test_show_tells_the_row_and_the_day_of_the_table(run: Run, checkout: Path) -> None:
    write(checkout / "reports", table(CULPRIT))
    code, output, error = run("show", RED.id)
    assert (code, error) == (0, "")
    assert output.startswith(f"This is from the published table of {DAY}: the store does not know the cell.\n")
    signature = next(group.signature for group in SUMMARY.failures if group.id == RED.failures[0])
    versions = [f"{name} {component.version}" for name, component in RED.components.items()]
    for said in (RED.id, RED.sentence, signature, *versions, "culprit: alpha 1.3.0 with beta 2.0.0 (inferred)"):
        assert said in output
    assert f"\nlock: reports/{RED.lock}\n" in output
    assert f": {RED.reproduce}\nwithout stackcompat, in {checkout}:\n  {RED.plain[0]}\n" in output


def test_what_the_tool_carries_is_tried_again_from_any_folder(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(checkout / "reports", table(CULPRIT))
    away = checkout.parent / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    monkeypatch.setattr("stackcompat.plan.ecosystem.CARRIED", checkout)
    monkeypatch.setenv("XDG_DATA_HOME", str(away))
    for command in (("show", RED.id), ("explain", RED.id)):
        code, output, _ = run(*command)
        assert code == 0
        (line,) = (line for line in output.splitlines() if "reproduce: " in line)
        words = shlex.split(line)
        lock = Path(words[words.index("--lock") + 1])
        assert lock.resolve() == (checkout / "reports" / RED.lock).resolve()
        assert lock.is_file()
    answer = json.loads(run("show", RED.id, "--json", "-")[1])
    assert f"--lock {answer['lock']} " in answer["reproduce"]


def test_a_table_of_the_last_runs_names_the_lock_beside_it(run: Run, checkout: Path) -> None:
    write(checkout / ".stackcompat" / "site", table(None))
    code, output, _ = run("show", RED.id)
    assert code == 0
    assert f"--lock .stackcompat/site/{RED.lock} " in output


def test_what_works_needs_no_lines(run: Run, checkout: Path) -> None:
    write(checkout / "reports", SUMMARY)
    code, output, _ = run("show", GREEN.id)
    assert code == 0
    assert "works up to" in output
    assert "reproduce" not in output


def test_the_json_has_the_row_and_its_source(run: Run, checkout: Path) -> None:
    write(checkout / ".stackcompat" / "site", table(None))
    answer = json.loads(run("show", RED.id, "--json", "-")[1])
    assert answer["source"] == f"the table of the last runs of {DAY}"
    assert (answer["cell"], answer["verdict"], answer["culprit"]) == (RED.id, "broken", [])
    assert answer["lock"] == f".stackcompat/site/{RED.lock}"
    assert answer["plain"] == list(RED.plain)
    assert [group["id"] for group in answer["failures"]] == list(RED.failures)


def test_blame_tells_the_published_culprit(run: Run, checkout: Path) -> None:
    write(checkout / "reports", table(CULPRIT, moved="alpha 1.3.0 dropped it", doubt="the budget was spent"))
    code, output, error = run("blame", RED.id)
    assert (code, error) == (0, "")
    assert output.splitlines()[0].startswith(f"This is from the published table of {DAY}: ")
    assert "\nculprit: alpha 1.3.0 with beta 2.0.0 (inferred)\n" in output
    assert output.endswith("  alpha 1.3.0 dropped it\n  not certain: the budget was spent\n")
    answer = json.loads(run("blame", RED.id, "--json", "-")[1])
    assert answer["culprit"] == [{"name": "alpha", "version": "1.3.0"}, {"name": "beta", "version": "2.0.0"}]
    assert (answer["inferred"], answer["sentence"]) == (True, RED.sentence)


def test_blame_says_that_no_culprit_was_found(run: Run, checkout: Path) -> None:
    write(checkout / "reports", table(None))
    code, output, _ = run("blame", RED.id)
    assert code == 0
    assert output.endswith("\nNo culprit was found there.\n")
    code, _, error = run("blame", RED.id, "--about", "x")
    assert code == 2
    assert "--about: needs a search, and the store does not know this cell" in error


@pytest.mark.parametrize("command", ["show", "blame"])
def test_what_no_table_knows_is_a_mistake(run: Run, checkout: Path, command: str) -> None:
    for published in (False, True):
        if published:
            write(checkout / "reports", SUMMARY)
        code, _, error = run(command, "zz")
        assert code == 2
        assert 'CELL: "zz" fits 0 cells of the last runs (none)' in error
    code, _, error = run(command, "")
    assert code == 2
    assert f'CELL: "" fits {len(SUMMARY.cells)} cells of the table (' in error
