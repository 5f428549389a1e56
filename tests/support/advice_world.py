"""A frontier of made-up releases of beta and alpha that fail in one way, and the table of a made-up history with it."""

from __future__ import annotations

from collections.abc import Iterable

from stackcompat.advice.advisory import Advisory
from stackcompat.core.vocabulary import Level
from stackcompat.frontier.frontier import StoredFrontier
from stackcompat.frontier.search import explore
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history
from support.planted import Planted, chart_of, stairs, table
from support.world import World

__all__ = ["ALPHAS", "BETAS", "GONE", "USES_ALPHA", "advisories_of", "failing_frontier", "table_with"]

#: An index where beta declares to use alpha.
USES_ALPHA = World({"beta": {"2.1.3": {"uploaded": "2026-01-01", "requires": ["alpha>=1"]}}})
#: A failure of the made-up history.
GONE = "AttributeError: module 'alpha.experimental.boxes' has no attribute 'MutableBox' [beta]"
ALPHAS = ("1.0.0", "1.1.0", "1.2.0", "1.2.5", "1.2.7", "1.3.0", "1.4.0")
BETAS = ("2.0.0", "2.0.5", "2.1.3", "2.2.0")


def failing_frontier(
    signature: str, *, doubt: str = "", second: str = "alpha", level: Level = "interop"
) -> StoredFrontier:
    """To `level`, beta before 2.2 fails with alpha from 1.2 on; of each beta not every alpha was tried."""
    works = stairs([(0, 1), (0, 1), (0, 1), (0, 6)], len(ALPHAS))
    space = table(len(BETAS), len(ALPHAS))
    sides = {
        "first": space.first.model_copy(update={"name": "beta", "versions": BETAS}),
        "second": space.second.model_copy(update={"name": second, "versions": ALPHAS}),
    }
    explored = explore(space, Planted(works), levels=("import", level))
    failure = {"sentence": f"t.py::test: {signature}", "signature": signature, "doubt": doubt}
    findings = {
        pair: finding.model_copy(update=failure) if finding.verdict == "broken" and not finding.inferred else finding
        for pair, finding in explored.findings.items()
    }
    return chart_of(explored.model_copy(update={"findings": findings})).model_copy(update=sides)


def table_with(*frontiers: StoredFrontier) -> Summary:
    """The table of the made-up history, with these frontiers."""
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=frontiers)


def advisories_of(advisories: Iterable[Advisory], signature: str, *components: str) -> list[Advisory]:
    """The advisories with this signature about these two components."""
    fit = [advisory for advisory in advisories if advisory.signature == signature]
    return [advisory for advisory in fit if (advisory.sides[0].component, advisory.sides[1].component) == components]
