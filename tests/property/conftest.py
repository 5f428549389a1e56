"""Property tests are not timed: a machine that is busy with something else is no failure of theirs."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")
