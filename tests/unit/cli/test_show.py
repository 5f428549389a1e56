"""The commands that only look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.cli import try_
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import Store
from stackcompat.verdict.confirmation import confirmation, limits_seen
from stackcompat.verdict.verdict import judge
from support.answers_page import documented_fields
from support.command_line import Run
from support.made_up import COMPONENTS, NEWEST, NOW, failed, limited, make_cell, passed, planned, run_of


def test_releases_as_a_table_and_as_json(run: Run) -> None:
    code, output, _ = run("releases", "alpha")
    assert code == 0
    assert [line.split()[0] for line in output.splitlines()[1:]] == ["1.1", "1.0"]
    code, output, _ = run("releases", "alpha", "--all", "--json", "-")
    assert [release["version"] for release in json.loads(output)] == ["1.0", "1.1", "2.0rc1"]


def test_show_tells_everything_of_one_cell(run: Run, checkout: Path) -> None:
    cell = planned(make_cell(NEWEST, policy="newest", label="newest"), NEWEST)
    other = planned(make_cell({"alpha": "1.0.0"}), {"alpha": "1.0.0"})
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    evidence = run_of(cell, passed("t.py::a", "alpha"))
    store.add(evidence)
    store.add_run(
        RunRecord(
            matrix="m",
            started=evidence.started,
            title="M",
            components=("alpha",),
            pythons=("3.12",),
            cells=(cell, other),
        )
    )
    store.close()
    code, output, error = run("show", cell.cell.id[:6])
    assert (code, error) == (0, "")
    for said in (cell.cell.id, "newest", "works", "t.py::a", evidence.id, "alpha 1.3.0"):
        assert said in output
    assert "alpha: up to interop, 1 test" in output
    code, output, _ = run("show", cell.cell.id, "--json", "-")
    answer = json.loads(output)
    assert (code, answer["cell"], answer["reached"]) == (0, cell.cell.id, "install")
    of_try_alone = {"required", "short_of_required"}
    assert set(answer) == documented_fields("`try --json FILE`", "usage.md") - of_try_alone | {"cell"}
    assert answer["components"]["alpha"] == {"level": "interop", "tests": 1, "together_with": []}
    code, _, error = run("show", "")
    assert code == 2
    assert cell.cell.id in error


def test_show_and_try_tell_how_to_see_a_failure_again(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = planned(make_cell(NEWEST, policy="newest", label="newest"), NEWEST)
    red = failed("t.py::test_x[a b]", "alpha", packages=("alpha",))
    runs = tuple(run_of(cell, red, attempt=attempt) for attempt in range(2))
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    alone = planned(make_cell({"alpha": "1.3.0"}), {"alpha": "1.3.0"})
    for evidence in (run_of(alone, passed("t.py::test_x[a b]", "alpha")), *runs):  # else the test would not be judged
        store.add(evidence)
    store.add_run(
        RunRecord(matrix="m", started=NOW, title="M", components=("alpha",), pythons=("3.12",), cells=(cell,))
    )
    store.close()
    lock = f".stackcompat/locks/{cell.cell.id}.txt"
    monkeypatch.setattr(try_, "try_cell", lambda *_, **__: (judge(cell, runs, COMPONENTS), runs))
    for arguments in (("show", cell.cell.id), ("try", "alpha", "--python", "3.12", "-v")):
        (checkout / lock).unlink(missing_ok=True)
        _, output, _ = run(*arguments)
        assert f"\nreproduce: stackcompat try --lock {lock} --python 3.12\n" in output
        assert f"\nwithout stackcompat, in {checkout}:\n  uv venv --clear --python 3.12 .red\n" in output
        assert "'tests/interop/t.py::test_x[a b]'\n" in output
        resolution = cell.resolution.lock
        assert resolution is not None
        assert (checkout / lock).read_text() == resolution.text()
    _, output, _ = run("try", "alpha", "--python", "3.12")
    assert "without stackcompat" not in output


def test_show_names_the_tests_that_are_not_judged(run: Run, checkout: Path) -> None:
    cell = planned(make_cell(NEWEST, policy="newest", label="newest"), NEWEST)
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    for attempt in range(2):
        store.add(run_of(cell, passed("t.py::a", "alpha"), failed("t.py::keys", "alpha", "beta"), attempt=attempt))
    store.add_run(
        RunRecord(matrix="m", started=NOW, title="M", components=("alpha",), pythons=("3.12",), cells=(cell,))
    )
    store.close()
    code, output, _ = run("show", cell.cell.id)
    words = " ".join(output.split())
    assert code == 0
    assert "; not judged: 1 test never passed with beta 2.4.1" in words
    assert "t.py::keys is not judged: our test never passed with beta 2.4.1" in words


def test_show_says_which_run_confirmed_a_limit(run: Run, checkout: Path) -> None:
    limit = limited("t.py::save", "beta", "delta-checkpoint")
    cell = planned(make_cell(NEWEST, policy="newest", label="newest"), NEWEST)
    elsewhere = NEWEST | {"gamma": "1.0.1"}
    other = run_of(planned(make_cell(elsewhere), elsewhere), limit)
    own = run_of(cell, passed("t.py::a", "alpha"), limit).model_copy(update={"log": "the end of the log"})
    found = confirmation((own,), limits_seen(other))
    assert found is not None
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    for evidence in (other, own, found):
        store.add(evidence)
    store.add_run(
        RunRecord(matrix="m", started=NOW, title="M", components=("alpha",), pythons=("3.12",), cells=(cell,))
    )
    store.close()
    code, output, _ = run("show", cell.cell.id)
    words = " ".join(output.split())
    assert code == 0
    assert (
        f"no environment was made: t.py::save failed in the same way in run {other.id}, also with beta 2.4.1" in words
    )
    assert words.count("failed 0.50 s t.py::save") == 1  # there was one environment
    assert words.endswith("the end of the log")
