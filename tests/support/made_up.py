"""A made-up ecosystem with a made-up history, for tests of verdicts and reports: no index, no environments.

`alpha` is what everybody builds on, and `alpha-native` moves with it. The helpers build single records;
:func:`history` is a whole run of a matrix.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from stackcompat.core.record import digest
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Component, Components, Module
from stackcompat.evidence.results import Environment, Evidence, Failure, Isolation, TestResult, WarningSeen
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import HeldBack, Lock, Pin, Resolution

NOW = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)
PLATFORM = "linux-x86_64"


def component(name: str, *modules: str, group: Any = "core", **more: Any) -> Component:
    """A component with the distribution `name`, published on the index unless `more` says otherwise."""
    fields: dict[str, Any] = {
        "title": name.capitalize(),
        "summary": f"does what {name} does",
        "group": group,
        "distributions": (name,),
        "modules": tuple(Module(name=module) for module in (modules or (name,))),
        "documentation": f"https://{name}.example/",
    }
    return Component.model_validate({"name": name, **fields, **more})


COMPONENTS = Components(
    components=(
        component("alpha"),
        component("alpha-native", "alpha_native", title="Alpha native", group="infrastructure", moves_with="alpha"),
        component("beta", "beta", "beta.nets", distributions=("beta", "beta-extras")),
        component("gamma"),
        component("delta", "delta.checkpoint", group="infrastructure", distributions=("delta-checkpoint",)),
        component("epsilon", group="infrastructure"),
        component("zeta", group="advanced development"),
        component("eta", group="advanced development", untested="wants an accelerator; nothing of it runs without one"),
        component("theta", group="application", published="git only", distributions=(), untested="is on no index"),
        component(
            "iota",
            group="application",
            published="announced but not published",
            distributions=(),
            untested="is announced, not published",
        ),
    )
)

#: Component to distribution.
DISTRIBUTION = {c.name: c.distribution for c in COMPONENTS.components if c.distribution}


def passed(test: str, *components: str, level: Level = "interop", warnings: tuple[WarningSeen, ...] = ()) -> TestResult:
    """A test that passed; `components` are distributions."""
    return TestResult(test=test, level=level, components=components, outcome="passed", seconds=0.5, warnings=warnings)


def failed(
    test: str,
    *components: str,
    level: Level = "interop",
    type: str = "AssertionError",  # noqa: A002  # the record's own field name
    message: str = "the loss is 0.73, more than 0.5",
    packages: tuple[str, ...] = (),
    where: str = "",
    outcome: Literal["failed", "crashed"] = "failed",
) -> TestResult:
    """A test that failed, the error coming out of the last of `packages`."""
    failure = Failure(
        type=type,
        message=message,
        package=packages[-1] if packages else "",
        packages=packages,
        where=where,
        traceback=f"Traceback (most recent call last):\n{_frames(packages)}{type}: {message}\n",
    )
    return TestResult(test=test, level=level, components=components, outcome=outcome, seconds=0.5, failure=failure)


def limited(
    test: str,
    *components: str,
    packages: tuple[str, ...] = ("beta", "delta-checkpoint"),
    line: str = "test_delta.py:12",
    message: str = "no rule for type Small4",
    type: str = "TypeError",  # noqa: A002  # the record's own field name
) -> TestResult:
    """A feature test that failed, so that it shows a limit."""
    result = failed(test, *components, type=type, message=message, packages=packages, where="delta.checkpoint:save")
    assert result.failure is not None
    failure = result.failure.model_copy(update={"line": line})
    return result.model_copy(update={"feature": "saving small numbers", "failure": failure})


def _frames(packages: tuple[str, ...]) -> str:
    return "".join(
        f'  File "/home/somebody/.cache/cells/x/lib/python3.12/site-packages/{package}/core.py", line 10, in go\n'
        for package in packages
    )


def not_applicable(test: str, *components: str) -> TestResult:
    """A test that does not apply to what is installed."""
    reason = "outside what the test is for"
    return TestResult(test=test, level="interop", components=components, outcome="not-applicable", reason=reason)


def starved(test: str, *components: str, outcome: Literal["timeout", "out-of-memory"] = "timeout") -> TestResult:
    """A test that the machine kept from an outcome."""
    return TestResult(
        test=test, level="interop", components=components, outcome=outcome, reason="not finished after 60 s"
    )


def blocked(test: str, *components: str) -> TestResult:
    """A test whose component cannot be imported."""
    return TestResult(
        test=test, level="interop", components=components, outcome="blocked", reason="beta cannot be imported"
    )


def make_lock(versions: Mapping[str, str], python: str = "3.12") -> Lock:
    """A lock of the components `versions`, with three distributions beneath them."""
    pins = {DISTRIBUTION[name]: version for name, version in versions.items()}
    pins |= {"alpha-native": versions["alpha"]} if "alpha" in versions else {}
    pins |= {"numbers": "2.5.5", "protocols": "7.36.2", "typing-more": "4.15.0"}
    return Lock(
        python=python,
        platform=PLATFORM,
        pins=tuple(
            Pin(name=name, version=version, hashes=(f"sha256:{digest(name, version, length=64)}",))
            for name, version in sorted(pins.items())
        ),
    )


def make_cell(
    versions: Mapping[str, str], python: str = "3.12", policy: str = "pairs", label: str = "", **more: Any
) -> Cell:
    """A cell that asks for exactly `versions` (component to version; an empty version: any)."""
    requirements = tuple(
        sorted(
            f"{DISTRIBUTION[name]}=={version}" if version else DISTRIBUTION[name] for name, version in versions.items()
        )
    )
    return Cell(python=python, platform=PLATFORM, requirements=requirements, policy=policy, label=label, **more)


def planned(cell: Cell, versions: Mapping[str, str], held_back: tuple[HeldBack, ...] = ()) -> PlannedCell:
    """`cell` locked to `versions`."""
    lock = make_lock(versions, cell.python)
    resolution = Resolution(outcome="locked", lock=lock, held_back=held_back, seconds=0.4)
    return PlannedCell(cell=cell, resolution=resolution, key=digest("key", lock))


def unresolved(cell: Cell, sentence: str, kind: Any = "bounds", chain: tuple[str, ...] = ()) -> PlannedCell:
    """`cell` with a conflict."""
    conflict = Conflict(kind=kind, sentence=sentence, chain=chain)
    return PlannedCell(cell=cell, resolution=Resolution(outcome="conflict", conflict=conflict, seconds=0.4))


def run_of(
    cell: PlannedCell,
    *tests: TestResult,
    attempt: int = 0,
    outcome: Any = "ran",
    detail: str = "",
    ago: dt.timedelta = dt.timedelta(hours=6),
) -> Evidence:
    """One run of a locked cell, `ago` before NOW (each attempt a minute later)."""
    lock = cell.resolution.lock
    assert lock is not None
    return Evidence(
        key=cell.key,
        attempt=attempt,
        lock_id=lock.id,
        python=cell.cell.python,
        interpreter=f"cpython-{cell.cell.python}.7",
        platform=PLATFORM,
        suite="5e0f",
        level="interop",
        roots=cell.cell.roots(),
        outcome=outcome,
        detail=detail,
        started=NOW - ago + dt.timedelta(minutes=attempt),
        seconds=21.5,
        install_seconds=0.3,
        observed=Environment(distributions=lock.versions()),
        tests=tests,
        isolation=Isolation(network="loopback only", memory_limit_mb=8192, time_limit_s=900.0),
    )


# ---------------------------------------------------------------------------------------------------------------------
# A history
# ---------------------------------------------------------------------------------------------------------------------

NEWEST = {"alpha": "1.3.0", "beta": "2.4.1", "gamma": "1.0.2", "delta": "5.3.0", "epsilon": "3.1.0", "zeta": "0.9.4"}
_JOINT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("test_alpha.py::test_grad", ("alpha",)),
    ("test_beta.py::test_train", ("alpha", "beta", "gamma")),
    ("test_beta.py::test_apply", ("alpha", "beta")),
    ("test_gamma.py::test_schedule", ("alpha", "gamma")),
    ("test_delta.py::test_save_restore", ("alpha", "beta", "delta-checkpoint")),
    ("test_delta.py::test_arrays", ("alpha", "delta-checkpoint")),
    ("test_epsilon.py::test_feeds", ("alpha", "epsilon")),
    ("test_epsilon.py::test_iterator_state[shuffled, two workers]", ("delta-checkpoint", "epsilon")),
    ("test_zeta.py::test_quantise", ("alpha", "beta", "zeta")),
)
_MODULES = (("alpha", "alpha"), ("beta", "beta"), ("beta", "beta.nets"), ("gamma", "gamma"), ("epsilon", "epsilon"))
_MORE_MODULES = (
    ("alpha-native", "alpha_native"),
    ("delta-checkpoint", "delta.checkpoint"),
    ("zeta", "zeta"),
    ("eta", "eta"),
)
_WARNED = (
    WarningSeen(
        category="DeprecationWarning",
        raised_by="alpha",
        triggered_by="zeta",
        message="alpha.interpreters.resources is deprecated since alpha 1.2 and will be removed in 1.5",
        count=12,
    ),
    WarningSeen(
        category="FutureWarning",
        raised_by="beta",
        triggered_by="zeta",
        message="VariableState is an alias; use Variable",
        count=3,
    ),
)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def suite(versions: Mapping[str, str], python: str = "3.12") -> tuple[TestResult, ...]:
    """What the made-up smoke tests say of `versions`, every time."""
    have = {DISTRIBUTION[name] for name in versions} | {"alpha-native"}
    alpha, beta = _number(versions["alpha"]), _number(versions.get("beta", "0"))
    gamma, delta = _number(versions.get("gamma", "9")), _number(versions.get("delta", "9"))
    no_import = "beta" in versions and alpha >= (1, 2, 0) and beta < (2, 2, 0)
    results = []
    for distribution, module in (*_MODULES, *_MORE_MODULES):
        if distribution not in have:
            continue
        test = f"test_import.py::test_import[{module}]"
        if module == "beta.nets" and no_import:
            message = "module 'alpha.experimental.boxes' has no attribute 'MutableBox'"
            results.append(
                failed(
                    test,
                    "beta",
                    level="import",
                    type="AttributeError",
                    message=message,
                    packages=("beta",),
                    where="beta.nets.core:<module>",
                )
            )
        else:
            results.append(passed(test, distribution, level="import"))
    for test, uses in _JOINT:
        if not set(uses) <= have:
            results.append(not_applicable(test, *uses))
        elif "beta" in uses and no_import:
            results.append(blocked(test, *uses))
        elif "gamma" in uses and gamma < (1, 0, 0) and alpha >= (1, 2, 0):
            message = (
                "the loss after 20 steps is 0.731, more than the 0.5 that a model of this size reaches with any of the "
                "optimisers; eager and compiled steps differ by 0.044 in 'params/dense_1/kernel', more than 1e-5"
            )
            results.append(failed(test, *uses, message=message))
        elif test.endswith("test_arrays") and delta < (5, 2, 0) and alpha >= (1, 3, 0):
            results.append(
                failed(
                    test,
                    *uses,
                    type="TypeError",
                    message="make_array() got an unexpected keyword argument 'memory_kind'",
                    packages=("delta-checkpoint", "alpha"),
                    where="alpha.arrays:make_array",
                )
            )
        elif "zeta" in uses and python == "3.13" and versions["zeta"] == "0.9.3":
            results.append(
                failed(
                    test,
                    *uses,
                    type="ProcessEnded",
                    message="ended by signal 11 (segmentation fault)",
                    outcome="crashed",
                )
            )
        else:
            results.append(passed(test, *uses, warnings=_WARNED if "zeta" in uses else ()))
    return tuple(results)


class History:
    """A run of a matrix in the making: `cells` and `evidence` grow with each cell that is added."""

    def __init__(self) -> None:
        self.cells: list[PlannedCell] = []
        self.evidence: dict[str, tuple[Evidence, ...]] = {}

    def add(
        self,
        cell: Cell,
        versions: Mapping[str, str],
        held: tuple[HeldBack, ...] = (),
        age: int = 0,
        tests: tuple[TestResult, ...] = (),
    ) -> PlannedCell:
        """A cell that was locked and run; red ones are run twice. `age` in days, `tests` in place of the suite's."""
        plan = planned(cell, versions, held)
        tests = tests or suite(versions, cell.python)
        ago = dt.timedelta(days=age, hours=6)
        runs = [run_of(plan, *tests, ago=ago)]
        red = tuple(test for test in tests if test.outcome in ("failed", "crashed"))
        if red:
            runs.append(run_of(plan, *red, attempt=1, ago=ago))
        self.cells.append(plan)
        self.evidence.setdefault(plan.key, tuple(runs))  # the same lock is not run twice
        return plan

    def record(self) -> RunRecord:
        """The run."""
        return RunRecord(
            matrix="nightly",
            started=NOW - dt.timedelta(hours=7),
            title="Everything, every night",
            components=tuple(NEWEST),
            pythons=("3.13", "3.12", "3.11"),
            missing_pythons=("3.14",),
            coverage={"pairs on 3.12, 2-way": 100.0, "pairs on 3.13, 2-way": 97.3},
            answered={"pairs on 3.12, 2-way": 100.0, "pairs on 3.13, 2-way": 94.6},
            unanswered=("pairs on 3.13, 2-way: 3 were not asked for again",),
            rounds=(5, 2),
            cells=tuple(self.cells),
        )


def history() -> History:
    """About 60 cells with every verdict, and every mark that a table can show."""
    made = History()
    request = dict.fromkeys(NEWEST, "")
    by_python = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="Python 3.11", bound="requires-python >=3.12")
    made.add(make_cell(request, "3.13", "newest", newest=tuple(NEWEST)), NEWEST)
    made.add(make_cell(request, "3.12", "newest", newest=tuple(NEWEST)), NEWEST)
    made.add(make_cell(request, "3.11", "newest", newest=tuple(NEWEST)), NEWEST | {"alpha": "1.2.0"}, (by_python,))
    for python in ("3.13", "3.12"):
        pinned = {"alpha": "1.1.0", "beta": "2.1.3", "gamma": "0.9.8", "delta": "5.2.2"}
        made.add(make_cell(pinned, python, "metapackage", "omega 2026.9"), pinned, age=1)
        for name in pinned:
            moved = pinned | {name: NEWEST[name]}
            made.add(make_cell(moved, python, "metapackage", f"omega 2026.9, newest {name}"), moved, age=1)
    floors = {
        "alpha": "1.0.0",
        "beta": "2.0.0",
        "gamma": "0.9.7",
        "delta": "5.1.0",
        "epsilon": "3.0.0",
        "zeta": "0.9.1",
    }
    for python in ("3.12", "3.11"):
        made.add(make_cell(floors, python, "oldest", "floors of beta 2.4.1"), floors, age=2)
    then = (
        ("1.0.0", "2.0.0", "0.9.7"),
        ("1.1.0", "2.1.3", "0.9.8"),
        ("1.2.0", "2.1.3", "0.9.8"),
        ("1.2.0", "2.2.0", "1.0.1"),
    )
    for month, (alpha, beta, gamma) in enumerate(then, start=7):
        day = dt.datetime(2026, month, 28, 23, 59, 59, tzinfo=dt.UTC)
        for python in ("3.12", "3.11"):
            was = {"alpha": alpha, "beta": beta, "gamma": gamma, "delta": "5.2.2", "epsilon": "3.0.0", "zeta": "0.9.3"}
            cell = make_cell(request, python, "as-of", day.date().isoformat(), exclude_newer=day, newest=tuple(NEWEST))
            made.add(cell, was, age=3)
    for alpha in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
        for index, beta in enumerate(("2.0.0", "2.1.3", "2.2.0", "2.3.0", "2.4.0", "2.4.1")):
            python = "3.13" if index % 2 else "3.12"
            chosen = {
                "alpha": alpha,
                "beta": beta,
                "gamma": "0.9.8" if index == 3 else "1.0.2",
                "delta": ("5.1.0", "5.2.2", "5.3.0")[index % 3],
                "epsilon": "3.1.0",
                "zeta": ("0.9.4", "0.9.3")[index % 2],
            }
            if alpha == "1.0.0" and beta >= "2.4":
                sentence = f"beta {beta} requires alpha>=1.1, but alpha==1.0.0 is asked for"
                asked = (f"beta=={beta} is requested", "alpha==1.0.0 is requested")
                chain = (f"beta=={beta} depends on alpha>=1.1", *asked)
                made.cells.append(
                    unresolved(make_cell(chosen, python, label=f"pairs row {index}"), sentence, chain=chain)
                )
            else:
                made.add(make_cell(chosen, python, label=f"pairs row {index}"), chosen, age=index % 3)
    _odd_ones(made)
    return made


def _odd_ones(made: History) -> None:
    """One cell for each verdict and mark that the regular ones lack."""
    forced = {"alpha": "1.3.0", "beta": "2.1.3"}
    made.add(make_cell(forced, policy="pins", label="what if", overrides=("alpha==1.3.0",)), forced)
    early = NEWEST | {"beta": "2.5.0rc1"}
    made.add(make_cell({"beta": "2.5.0rc1"}, policy="prerelease", label="beta 2.5.0rc1", newest=("alpha",)), early)
    flaky = planned(
        make_cell({"alpha": "1.3.0", "epsilon": "3.0.0"}, policy="pins", label="by hand"),
        {
            "alpha": "1.3.0",
            "epsilon": "3.0.0",
        },
    )
    feeds = "test_epsilon.py::test_feeds"
    hung = failed(feeds, "alpha", "epsilon", type="RuntimeError", message="worker 1 ended before its queue was empty")
    made.cells.append(flaky)
    made.evidence[flaky.key] = (run_of(flaky, hung), run_of(flaky, passed(feeds, "alpha", "epsilon"), attempt=1))
    for outcome, versions, detail in (
        ("invalid", {"alpha": "1.2.0", "gamma": "0.9.7"}, "numbers 2.5.4 is installed, but 2.5.5 was locked"),
        ("index-unreachable", {"alpha": "1.2.0", "gamma": "1.0.1"}, "the package index did not answer for gamma"),
        (
            "uninstallable",
            {"alpha": "1.1.0", "zeta": "0.9.1"},
            "zeta 0.9.1 has no wheel and its build failed: no compiler",
        ),
    ):
        odd = planned(make_cell(versions, policy="pins", label="by hand"), versions)
        made.cells.append(odd)
        made.evidence[odd.key] = tuple(run_of(odd, attempt=n, outcome=outcome, detail=detail) for n in range(2))
    waiting = {"alpha": "1.3.0", "gamma": "0.9.7"}
    made.cells.append(planned(make_cell(waiting, policy="pins", label="by hand"), waiting))
    no_wheel = Resolution(outcome="no-wheel-for-platform", detail="alpha-native 1.3.0 has no wheel for linux-x86_64")
    made.cells.append(
        PlannedCell(cell=make_cell({"alpha": "1.3.0"}, policy="pins", label="alone"), resolution=no_wheel)
    )
    old_python = "alpha 1.3.0 requires Python >=3.12, but this is Python 3.11"
    made.cells.append(unresolved(make_cell(NEWEST, "3.11", "pins", "newest, pinned"), old_python, kind="python"))
