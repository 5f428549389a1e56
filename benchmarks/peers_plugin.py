"""A pytest plugin by which any tool can run the smoke tests of one cell: ``pytest -p peers_plugin``.

The variable ``PEERS_CELL`` names a JSON file with the names of the tests, in order, and the modules that must be
importable. `peers.py` writes it. The plugin needs nothing but pytest.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


def _cell() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path(os.environ["PEERS_CELL"]).read_text(encoding="utf-8"))
    return read


def pytest_configure(config: pytest.Config) -> None:
    """Say which modules are imported: test_import.py has a test for each."""
    config.stackcompat_imports = [(name, module, True) for name, module in _cell()["imports"]]  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Choose the tests of the cell, in the order in which stackcompat runs them."""
    places = {test: place for place, test in enumerate(_cell()["tests"])}
    lost = places.keys() - {item.nodeid for item in items}
    if lost:
        raise pytest.UsageError(f"these tests were not found: {', '.join(sorted(lost))}")
    items[:] = sorted((item for item in items if item.nodeid in places), key=lambda item: places[item.nodeid])
    for item in items:
        if item.get_closest_marker("alone") or item.get_closest_marker("environment"):
            raise pytest.UsageError(f"{item.nodeid} needs a process of its own, which one pytest for a cell has not")
