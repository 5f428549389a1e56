"""What the rows share: an ecosystem of one component, an index that answers as it likes, and commands as processes.

Nothing here uses the network but the loopback interface. What stands for a hostile release or file is harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from support.command_line import COMPONENTS, MATRIX
from support.commands import Commands
from support.odd_index import OddIndex

hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture
def odd_index() -> Iterator[OddIndex]:
    """An index that answers what a test gives it."""
    with OddIndex() as index:
        yield index


@pytest.fixture
def commands(tmp_path: Path, odd_index: OddIndex) -> Commands:
    """Commands in an ecosystem whose only component is the distribution alpha."""
    folder = tmp_path / "project"
    (folder / "matrices").mkdir(parents=True)
    (folder / "tests" / "interop").mkdir(parents=True)
    (folder / "matrices" / "components.toml").write_text(COMPONENTS)
    (folder / "matrices" / "quick.toml").write_text(MATRIX)
    return Commands(folder, odd_index)
