"""A random part of the reused results is run again, and the real result counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.dates import now
from stackcompat.evidence.closure import Closure
from stackcompat.pipeline.audit import audit_reused, choose_reused
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.runner import Reuse
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.reuse import count_reuse
from support.fakes import make_runner
from support.made_up import failed, make_cell, make_lock, passed

REUSED = {f"key{number}": [f"test{one}" for one in range(100)] for number in range(30)}


def test_two_in_a_hundred_are_chosen_from_few_cells() -> None:
    chosen = choose_reused(REUSED, 30, "seed")
    assert sum(map(len, chosen.values())) in (60, 61)
    assert len(chosen) == 1
    assert all(set(tests) <= set(REUSED[key]) for key, tests in chosen.items())


def test_the_seed_decides_the_choice() -> None:
    assert choose_reused(REUSED, 30, "seed") == choose_reused(REUSED, 30, "seed")
    assert len({str(choose_reused(REUSED, 30, str(seed))) for seed in range(10)}) > 5


def test_many_cells_are_never_left_without_a_check() -> None:
    for seed in range(50):
        assert choose_reused({"key": ["test"]}, 20, str(seed)) == {"key": ("test",)}
        assert choose_reused({}, 20, str(seed)) == {}
    few = [choose_reused({"key": ["test"]}, 19, str(seed)) for seed in range(500)]
    assert 0 < sum(map(bool, few)) < 50


TEST = "test_alpha.py::test_grad"


@pytest.mark.parametrize("again", ["passed", "failed"])
def test_the_real_result_counts(again: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcompat.pipeline.audit.SHARE", 1.0)
    green = passed(TEST, "alpha").model_copy(update={"closure": 0})
    results = [green, green, green if again == "passed" else failed(TEST, "alpha")]
    last = len(results) - 1
    runner, executor, _ = make_runner(tmp_path, lambda _, __: (results[min(len(executor.asked) - 1, last)],), {})
    text = "import pytest\n@pytest.mark.uses('alpha')\ndef test_grad(): pass\n"
    (runner.suite.folder / "test_alpha.py").write_text(text, encoding="utf-8")
    executor.closures = (Closure(distributions=("alpha",)),)
    runner = runner.reusing(Reuse())
    cells = [
        plan_cell(make_cell(pins), Resolution(outcome="locked", lock=make_lock(pins)), runner, "interop")
        for pins in ({"alpha": "1.3"}, {"alpha": "1.2", "gamma": "1.0"}, {"alpha": "1.3", "gamma": "1.0"})
    ]
    run_cells(cells[:2], runner, "interop")
    began = now()
    run_cells(cells[2:], runner, "interop")
    (borrowed,) = runner.store.of_key(cells[2].key)
    assert [one.reused is not None for one in borrowed.tests] == [True]
    audit_reused(cells, runner, "interop", began)
    runs = runner.store.of_key(cells[2].key)
    (status,) = classify(runs)
    count = count_reuse([runs])
    if again == "passed":
        assert (len(runs), status.state) == (2, "passed")
        assert count.sentences == ("1 result of another cell was reused; 1 of them was run again, 0 differed",)
    else:
        assert (len(runs), status.state) == (3, "confirmed")
        assert (count.reused, count.rerun, count.differed) == (1, 1, 1)
        assert "and was reused, but failed (AssertionError: the loss is 0.73" in count.sentences[1]
    asked = len(executor.asked)
    audit_reused(cells, runner, "interop", now())
    assert len(executor.asked) == asked
