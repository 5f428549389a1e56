"""What of a run turns the exit code of a command."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from stackcompat.cli.fail_on import state_of_run
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.run_state import RunState
from support.command_line import Run
from support.made_up import COMPONENTS, NOW, failed, make_cell, passed, planned, run_of

OLD, NEW = {"alpha": "1.2.0", "beta": "2.4.1"}, {"alpha": "1.3.0", "beta": "2.4.1"}
#: It asks for the newest releases, so it is the same cell in each run.
CELL = make_cell({"alpha": "", "beta": ""}, policy="newest")
TEST = "t.py::test_x"
GREEN, RED = passed(TEST, "alpha", "beta"), failed(TEST, "alpha", "beta", packages=("beta",))


def record(*cells: PlannedCell, ago: int, exchange: ExchangePlan | None = None) -> RunRecord:
    return RunRecord(
        matrix="m",
        started=NOW - dt.timedelta(days=ago),
        title="M",
        components=("alpha", "beta"),
        pythons=("3.12",),
        cells=cells,
        exchange=exchange,
    )


def seen(cell: PlannedCell, *, red: bool, ago: int) -> tuple[Evidence, ...]:
    when = dt.timedelta(days=ago) - dt.timedelta(minutes=5)
    return tuple(run_of(cell, RED if red else GREEN, attempt=n, ago=when) for n in range(1 + red))


def keep(folder: Path, runs: tuple[RunRecord, ...], evidence: tuple[Evidence, ...]) -> Store:
    (folder / ".stackcompat").mkdir(exist_ok=True)
    store = Store(folder / ".stackcompat" / "evidence.sqlite")
    for one in evidence:
        store.add(one)
    for run in runs:
        store.add_run(run)
    return store


THEN, TONIGHT = planned(CELL, OLD), planned(CELL, NEW)
RUNS = (record(THEN, ago=2), record(TONIGHT, ago=1))
EVIDENCE = (*seen(THEN, red=False, ago=2), *seen(TONIGHT, red=True, ago=1))
#: Beta passed with the test before, and so did alpha 1.3.0 elsewhere; else the failure would not count.
ELSEWHERE = run_of(planned(make_cell({"alpha": "1.3.0"}), {"alpha": "1.3.0"}), passed(TEST, "alpha"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 0, ""),
        (("--fail-on", "new"), 1, "--fail-on: 1 new"),
        (("--fail-on", "unknown"), 0, "--fail-on: 0 unknown"),
        (("--fail-on", "unknown, broken"), 1, "--fail-on: 1 broken, 0 unknown"),
        (("--fail-on", "unknown", "--fail-on", "new"), 1, "--fail-on: 1 new, 0 unknown"),
    ],
)
def test_a_night_ends_with_the_code_that_is_asked_for(
    run: Run, checkout: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    keep(checkout, RUNS, (*EVIDENCE, ELSEWHERE)).close()
    got, _, error = run("night", "m", *arguments)
    assert got == code
    assert (checkout / ".stackcompat" / "site" / "NIGHT.md").is_file()
    assert error == (f"{said}\n" if said else "")
    assert json.loads(run("night", "m", "--format", "json", *arguments)[1])["matrix"] == "m"
    assert run("night", "m", "--format", "markdown", *arguments)[1].startswith("# Night of ")


@pytest.mark.parametrize("command", ["run", "night"])
def test_another_word_is_a_mistake(run: Run, command: str) -> None:
    code, _, error = run(command, "m", "--fail-on", "new,red")
    assert code == 2
    assert '--fail-on: "red" is unknown; allowed are new, broken, unknown' in error


def state(store: Store, run: RunRecord) -> RunState:
    found = state_of_run(run, store, COMPONENTS, Greens(store.green_releases(), COMPONENTS))
    store.close()
    return found


def test_what_was_red_before_is_not_new(tmp_path: Path) -> None:
    """The run before is judged by what was known before this one, though the store knows more."""
    runs = (*RUNS, record(TONIGHT, ago=0))
    assert state(keep(tmp_path, runs, (*EVIDENCE, ELSEWHERE)), runs[-1]) == RunState(new=0, broken=1, unknown=0)


def test_a_cell_without_evidence_is_unknown(tmp_path: Path) -> None:
    assert state(keep(tmp_path, RUNS, ()), RUNS[-1]) == RunState(new=0, broken=0, unknown=1)


def test_crossings_count_as_well(tmp_path: Path) -> None:
    """The old environment does not read what the new one writes."""
    old, new = planned(make_cell(OLD), OLD), planned(make_cell(NEW), NEW)

    def of(cell: PlannedCell, key: str, result: TestResult, attempt: int = 0) -> Evidence:
        update = {"artifact": "box", "level": "exchange"}
        return run_of(cell, result.model_copy(update=update), attempt=attempt).model_copy(update={"key": key})

    ends = [(writer, reader) for writer in (old, new) for reader in (old, new)]
    plan = ExchangePlan(
        cells=(old, new),
        crossings=tuple(
            Crossing(writer=writer.cell.id, reader=reader.cell.id, key=f"{writer.key} {reader.key}", square="s")
            for writer, reader in ends
        ),
    )
    evidence = [of(cell, cell.key, passed("write", "alpha")) for cell in (old, new)]
    for writer, reader in ends:
        result = failed("read", "alpha") if (writer, reader) == (new, old) else passed("read", "alpha")
        evidence += [of(reader, f"{writer.key} {reader.key}", result, attempt) for attempt in range(2)]
    run = record(ago=1, exchange=plan)
    assert state(keep(tmp_path, (run,), tuple(evidence)), run) == RunState(new=1, broken=1, unknown=0)
