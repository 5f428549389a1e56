"""Property tests are not timed: a machine that is busy with something else is no failure of theirs."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from support.fakes import OPENED

hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _stores_are_closed() -> Iterator[None]:
    """Close the stores of the runners that a test made."""
    yield
    while OPENED:
        OPENED.pop().close()
