from __future__ import annotations

import pytest

from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history


@pytest.fixture(scope="session")
def summary() -> Summary:
    """The table of a made-up history."""
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
