"""What the tests of the command line share: a checkout of one component, and a diagnosis."""

from __future__ import annotations

from collections.abc import Callable

from stackcompat.blame.cause import Moved
from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.result import Culprit, OtherFailure
from support.made_up import NOW, failed

COMPONENTS = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "does alpha"
group = "core"
distributions = ["alpha"]
documentation = "https://alpha.example"
"""


MATRIX = """
title = "M"
components = ["alpha"]
pythons = ["3.12"]

[[policies]]
policy = "newest"
"""


Run = Callable[..., tuple[int, str, str]]


BLAMED = Diagnosis(
    cell="c",
    lock_id="l",
    failing=failed("t.py::test_x", "alpha", packages=("alpha",)),
    made=NOW,
    moved=Moved(kind="changed", side="alpha", sentence="alpha 1.3.0 behaves differently from 1.2.0"),
    culprits=(
        Culprit(name="alpha", version="1.3.0", last_good="1.2.0", first_bad="1.3.0"),
        Culprit(name="beta", version="2.4.1", never_passed=True, first_bad="2.4.0", fixed_in="2.5.0"),
        Culprit(name="gamma", version="1.0.2", shown_by="traceback"),
    ),
    findings=(OtherFailure(moved={"alpha": "1.0.0"}, signature="E: other [alpha]"),),
    probes=7,
    linear=90,
    doubt="the budget was spent",
)


class Trimmed:
    """A package cache that is bounded already."""

    def trim(self) -> None:
        """There is nothing to do."""
