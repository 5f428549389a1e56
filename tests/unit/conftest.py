"""Property tests are not timed: a machine that is busy with something else is no failure of theirs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from stackcompat.evidence.database import Place
from support.fakes import OPENED
from support.postgres import Server, programs, running_server

hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _stores_are_closed() -> Iterator[None]:
    """Close the stores of the runners that a test made."""
    yield
    while OPENED:
        OPENED.pop().close()


#: Variables that the tool or a library for terminals reads. Tests that run in parallel find a terminal's size there.
_READ = ("CI", "NO_COLOR", "FORCE_COLOR", "CONDA_PREFIX", "COLUMNS", "LINES", "PAGER")


@pytest.fixture(autouse=True)
def _variables_of_the_caller_are_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the tool reads from the environment: a test that needs such a variable sets it."""
    for name in os.environ:
        if name in _READ or name.startswith(("STACKCOMPAT_", "GITHUB_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server on loopback. Where the system has none, tests that need one are skipped."""
    folder = programs()
    if folder is None:
        pytest.skip("the PostgreSQL server is not installed (Debian: apt-get install postgresql)")
    with running_server(folder) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    """Gives new places for stores by name, in files or on a server: what holds for one database holds for the other."""
    if request.param == "sqlite":
        return lambda name: tmp_path / name / "evidence.sqlite"
    server: Server = request.getfixturevalue("postgres")
    return lambda _: server.make_database()
