"""Made-up components whose releases are searched in pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stackcompat.frontier.survey import Survey, make_survey
from stackcompat.pipeline.runner import Runner
from stackcompat.resolve.lock import Resolution
from support.fakes import Catalogue, FakeExecutor, Rule, make_runner
from support.made_up import COMPONENTS, passed

__all__ = ["IMPORTS", "WORLD", "installed_by", "runner_of", "survey_of"]

WORLD = Catalogue(
    {
        "alpha": {
            "1.0": "2025-01-10",
            "1.1": {"uploaded": "2025-03-10", "requires": ["alpha-native==1.1"]},
            "1.2": {"uploaded": "2025-05-10", "python": ">=3.13"},
            "1.3rc1": "2025-06-01",
            "1.3": {"uploaded": "2025-06-10", "yanked": True},
            "1.4": "2025-07-10",
        },
        "alpha-native": {"1.0": "2025-01-12", "1.1": "2025-03-10", "1.4": "2025-07-09"},
        "beta": {
            "1.0": {"uploaded": "2025-02-10", "requires": ["alpha", "delta-checkpoint"]},
            "2.0": {"uploaded": "2025-04-10", "requires": ["alpha>=1.1", 'alpha<1; extra == "old"']},
        },
        "delta-checkpoint": {"1.0": "2025-01-10"},
        "plain": {"1.0": {"uploaded": "2025-01-10", "requires": ["beta<2"]}},
        # A package whose releases each bring the engine of their own, which has the bounds.
        "shell": {
            "1.0": {"uploaded": "2025-03-20", "requires": ["engine==1.0"]},
            "2.0": {"uploaded": "2025-07-20", "requires": ["engine[full]==2.0"]},
            "3.0": {"uploaded": "2025-08-20", "requires": ["engine>=2"]},
        },
        "engine": {
            "1.0": {"uploaded": "2025-03-20", "requires": ["alpha==1.0", "shell"]},
            "2.0": {"uploaded": "2025-07-20", "requires": ["alpha>=1.1", "alpha-native", 'alpha<1.4; extra == "full"']},
        },
    }
)

#: Both sides can be imported.
IMPORTS = (passed("import[alpha]", "alpha", level="import"), passed("import[beta]", "beta", level="import"))


def survey_of(first: str = "beta", second: str = "alpha", **more: Any) -> Survey:
    """A survey of two components of `WORLD`, on Python 3.12."""
    return make_survey((first, second), COMPONENTS, WORLD, **{"python": "3.12", **more})


def installed_by(*install: str) -> Survey:
    """A survey of beta and alpha, where the documentation of beta installs it so."""
    rows = [row.model_copy(update={"install": install}) if row.name == "beta" else row for row in COMPONENTS.components]
    components = COMPONENTS.model_copy(update={"components": tuple(rows)})
    return make_survey(("beta", "alpha"), components, WORLD, python="3.12")


def runner_of(folder: Path, rule: Rule, others: dict[str, Resolution] | None = None) -> tuple[Runner, FakeExecutor]:
    """A silent runner over `WORLD`, and the executor in it that answers from `rule`."""
    runner, executor, _ = make_runner(folder, rule, {}, others, catalog=WORLD)
    return runner, executor
