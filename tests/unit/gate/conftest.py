"""Runners for tests of the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackcompat.pipeline.runner import Runner
from support.fakes import FakeExecutor, make_runner
from support.gate import NEWEST, green


@pytest.fixture
def open_runner(tmp_path: Path) -> Iterator[Callable[..., tuple[Runner, FakeExecutor, Any]]]:
    """Opens a runner with an executor that answers by a rule, and a resolver; all three are returned."""
    opened: list[Runner] = []

    def make(rule: Any = green, resolver: Any = None, workers: int = 1) -> tuple[Runner, FakeExecutor, Any]:
        runner, executor, _ = make_runner(tmp_path, rule, NEWEST, workers=workers)
        if resolver is not None:
            runner = replace(runner, resolver=resolver)
        opened.append(runner)
        return runner, executor, runner.resolver

    yield make
    for runner in opened:
        runner.store.close()
