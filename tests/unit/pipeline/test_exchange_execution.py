"""An exchange matrix executed, with an executor that answers from rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.pipeline.exchange_execution import execute_exchange, lock_exchange
from stackcompat.plan.matrix import Matrix
from stackcompat.verdict.exchange import judge_crossings
from support.boxes import (
    Table,
    new_to_old_is_red,
    pin,
)


def test_a_matrix_of_squares(tmp_path: Path) -> None:
    table = Table(tmp_path, new_to_old_is_red)
    text = {
        "title": "M",
        "components": ("alpha",),
        "pythons": ("3.12", "3.99"),
        "level": "exchange",
        "policies": [
            {"policy": "series", "component": "alpha", "releases": {"all": True}, "label": "all"},
            {"policy": "pins", "requirements": ["alpha==1.3.0"]},
        ],
        "promises": [{"artifact": "box*", "component": "alpha", "backward-days": 365, "forward-days": 7}],
    }
    matrix = Matrix.model_validate(text).read_from(Path("matrices/m.toml"))
    record = execute_exchange(matrix, table.runner)
    assert table.runner.store.runs() == (record,)
    assert (record.pythons, record.missing_pythons, record.cells) == (("3.12",), ("3.99",), ())
    assert record.exchange is not None
    evidence = table.runner.store.of_keys(record.evidence_keys())
    judged = judge_crossings(record.exchange, evidence)
    found = {(c.square, pin(v.writer.cell), pin(v.reader.cell)): (v.verdict, c.promised["box*"]) for c, v in judged}
    assert found == {
        ("all", "1.0.0", "1.0.0"): ("works", True),
        ("all", "1.0.0", "1.3.0"): ("works", True),
        ("all", "1.3.0", "1.0.0"): ("broken", False),
        ("all", "1.3.0", "1.3.0"): ("works", True),
        ("pins", "1.3.0", "1.3.0"): ("works", True),
    }
    runs = len(table.executor.asked)
    locked = lock_exchange(matrix, table.runner)
    assert locked.exchange is not None
    assert locked.evidence_keys() == record.evidence_keys()
    assert table.runner.store.runs() == (record,)
    again = execute_exchange(matrix, table.runner)
    assert len(table.executor.asked) == runs
    assert execute_exchange(matrix, table.runner, go_on=True) == again
    assert table.runner.store.history("m") == (record, again)  # a continued run is no new run
    twice = matrix.model_copy(update={"policies": (matrix.policies[1], matrix.policies[1])})
    with pytest.raises(UsageError, match=r"m\.toml: policies\[1\]\.label: is that of another policy"):
        execute_exchange(twice, table.runner)
    table.runner.store.close()
