"""Prints what is in a store of stackcompat as JSON: ``python read_store.py STORE MATRIX``.

It runs in the environment of the build that made the store, which alone knows its layout, so it needs nothing but that
build. `measuring.py` starts it and says what the fields mean.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

try:
    from stackcompat.evidence.store import Store
except ImportError:  # builds until November 2026 have another layout
    from stackcompat.store import Store


def _test(result: Any) -> dict[str, Any]:
    failure = result.failure
    fields = ("type", "message", "package")
    return {
        "test": result.test,
        "outcome": result.outcome,
        "seconds": result.seconds,
        "components": result.components,
        "reused": bool(getattr(result, "reused", None)),
        "failure": {name: getattr(failure, name) for name in fields} if failure else None,
    }


def _run(evidence: Any) -> dict[str, Any]:
    return {
        "key": evidence.key,
        "attempt": evidence.attempt,
        "started": evidence.started.isoformat(),
        "outcome": evidence.outcome,
        "detail": evidence.detail,
        "tests": [_test(result) for result in evidence.tests],
    }


def _cell(planned: Any) -> dict[str, Any]:
    lock = planned.resolution.lock
    return {
        "key": planned.key,
        "python": planned.cell.python,
        "label": planned.cell.label,
        "asked": [*sorted(planned.cell.requirements), str(planned.cell.exclude_newer)],
        "pins": lock.versions() if lock else {},
        "lock": lock.text() if lock else "",
    }


def main(path: str, matrix: str) -> None:
    """Print the cells of the last run of a matrix, and all runs."""
    with sqlite3.connect(path) as database:
        keys = [key for (key,) in database.execute("SELECT DISTINCT key FROM evidence")]
    database.close()
    store = Store(Path(path))
    cells = [_cell(planned) for record in store.runs() if record.matrix == matrix for planned in record.cells]
    runs = [_run(evidence) for records in store.of_keys(keys).values() for evidence in records]
    store.close()
    json.dump({"cells": cells, "runs": runs}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
