"""The frontier command: spans of time, what is printed, what is written, what an interrupted one does."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackcompat.cli import frontier as command
from stackcompat.cli.common import out
from stackcompat.core.record import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.frontier.search import explore
from stackcompat.frontier.static.usage import Missing
from stackcompat.pipeline.runner import Runner
from stackcompat.run.job import Job
from support.fakes import Catalogue, make_runner
from support.made_up import COMPONENTS, failed, passed
from support.planted import Planted, chart_of, stairs, table

WORKS = stairs([(0, 2), (0, 2), (1, 3)], 4)


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        (None, True, None),
        ("2025-01", False, dt.datetime(2025, 1, 1, tzinfo=dt.UTC)),
        ("2024-02", True, dt.datetime(2024, 2, 29, 23, 59, 59, tzinfo=dt.UTC)),
        ("2025-01-15", False, dt.datetime(2025, 1, 15, tzinfo=dt.UTC)),
        ("2025-01-15", True, dt.datetime(2025, 1, 15, 23, 59, 59, tzinfo=dt.UTC)),
        ("2025-01-15T12:00:00Z", False, dt.datetime(2025, 1, 15, 12, tzinfo=dt.UTC)),
    ],
)
def test_moments(text: str | None, end: bool, expected: dt.datetime | None) -> None:
    assert command.moment("--since", text, end=end) == expected


@pytest.mark.parametrize("text", ["2025", "2025-13", "2025-01-32", "last year", "2999-01-01"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError, match=f'--since: "{text}" is not a day such as 2025-01-15 or a month'):
        command.moment("--since", text, end=False)


def test_the_answer_has_every_pair_by_the_names_of_both() -> None:
    found = explore(table(3, 4, permitted=WORKS.keys() - {(2, 0)}), Planted(WORKS))
    foreseen = {(0, 3): (Missing("beta.gone", "alpha.core", 7),)}
    answer = json.loads(json.dumps(command.answer(chart_of(found, foreseen))))
    pairs = {(pair["alpha"], pair["beta"]): pair for pair in answer["pairs"]}
    assert len(pairs) == 12
    assert pairs["1.2", "1.0"]["verdict"] == "unresolvable"
    assert pairs["1.0", "1.3"]["verdict"] == "broken"
    assert pairs["1.0", "1.3"]["forecast"] == ["alpha.core:7 takes beta.gone, which is not there"]
    assert pairs["1.1", "1.0"]["verdict"] == "works"
    assert {key for pair in pairs.values() for key in pair} == {
        *("alpha", "beta", "verdict", "level", "inferred", "sentence", "signature", "doubt", "alone", "evidence"),
        "forecast",
    }
    assert answer["edges"] == [
        {"alpha": "1.0", "works": [["1.0", "1.2"]]},
        {"alpha": "1.1", "works": [["1.0", "1.2"]]},
        {"alpha": "1.2", "works": [["1.1", "1.3"]]},
    ]
    assert answer["runs"] == found.runs
    assert answer["counts"] == {"works": 9, "broken": 2, "unresolvable": 1, "inferred": answer["counts"]["inferred"]}
    assert answer["forecast"] == {"precision": 1.0, "recall": 0.5}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """The command over made-up components, with an executor that answers from a rule."""

    def rule(job: Job, before: int) -> tuple[TestResult, ...]:
        versions = job.lock.versions()
        beta = passed("import[beta]", "beta", level="import")
        if versions["alpha"] == "3.0" and versions["beta"] == "1.0":
            message = "cannot import name 'gone' from 'alpha'"
            beta = failed(beta.test, "beta", level="import", type="ImportError", message=message, packages=("beta",))
        return passed("import[alpha]", "alpha", level="import"), beta

    days = {"1.0": "2025-01-01", "2.0": "2025-02-01", "3.0": "2025-03-01"}
    world = Catalogue({"alpha": days, "beta": {v: {"uploaded": d, "requires": ["alpha"]} for v, d in days.items()}})
    world.sources = lambda name, version: {}  # type: ignore[attr-defined]  # what the real index has besides
    made, _, _ = make_runner(tmp_path, rule, {}, catalog=world)

    class Checkout:
        def components(self) -> object:
            return COMPONENTS

    monkeypatch.setattr(command, "find_checkout", lambda folder: Checkout())
    monkeypatch.setattr(command, "make_runner", lambda project, jobs, pythons, level: made)
    monkeypatch.setattr(command, "open_index", lambda: world)
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path / "cache"))
    yield made
    made.store.close()


def test_a_second_call_runs_nothing(bench: Runner, tmp_path: Path) -> None:
    arguments = ["beta", "alpha", "--python", "3.12", "--level", "import", "-j", "1"]
    first = CliRunner().invoke(command.frontier_, [*arguments, "--json", str(tmp_path / "first.json")])
    assert first.exit_code == 0, first.output
    second = CliRunner().invoke(command.frontier_, [*arguments, "--json", str(tmp_path / "second.json")])
    assert second.exit_code == 0
    before, after = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("first", "second"))
    assert before["runs"] == len({run for pair in before["pairs"] for run in pair["evidence"]})
    assert (after["runs"], after["reused"]) == (0, before["runs"])
    assert after["pairs"] == before["pairs"]
    broken = [pair for pair in before["pairs"] if pair["verdict"] == "broken"]
    assert [(pair["beta"], pair["alpha"]) for pair in broken] == [("1.0", "3.0")]
    assert broken[0]["signature"] == "ImportError: cannot import name 'gone' from 'alpha' [beta]"
    assert broken[0]["doubt"] == ""


def test_the_newest_answer_stays_in_the_store_complete_or_not(bench: Runner) -> None:
    arguments = ["beta", "alpha", "--python", "3.12", "--level", "import", "-j", "1"]
    CliRunner().invoke(command.frontier_, [*arguments, "--budget", "1"])
    assert bench.store.kept(FRONTIERS) == ()  # a run and its confirmation are more than that
    CliRunner().invoke(command.frontier_, [*arguments, "--budget", "4"])
    (kept,) = bench.store.kept(FRONTIERS)
    assert not kept.complete
    CliRunner().invoke(command.frontier_, arguments)
    (kept,) = bench.store.kept(FRONTIERS)
    assert kept.complete
    assert (kept.first.name, kept.second.name, kept.python, kept.level) == ("beta", "alpha", "3.12", "import")
    assert {kept.by_pair()[0, 2].verdict, kept.by_pair()[2, 0].verdict} == {"broken", "works"}


def test_a_budget_ends_the_search_and_the_next_call_goes_on(bench: Runner) -> None:
    arguments = ["beta", "alpha", "--python", "3.12", "--level", "import", "--budget", "4", "-j", "1"]
    codes = [CliRunner().invoke(command.frontier_, arguments).exit_code for _ in range(6)]
    assert codes[0] == 3
    assert codes[-1] == 0
    assert codes == sorted(codes, reverse=True)


def test_what_is_printed() -> None:
    found = explore(table(3, 4, permitted=WORKS.keys() - {(2, 0)}), Planted(WORKS))
    with out.capture() as captured:
        command.print_frontier(chart_of(found))
    text = captured.get()
    rows = [line.split() for line in text.splitlines()]
    assert rows[1][:4] == ["1.2", "1.1", "\N{EN DASH}", "1.3"]
    assert "11 pairs that metadata permits: 9 works, 2 broken" in text
    assert "inferred pairs were checked, 0 came out otherwise" in text
    assert "precision none to tell by, recall 0%" in text


def test_a_python_that_is_not_here_is_infrastructure(bench: Runner) -> None:
    result = CliRunner().invoke(command.frontier_, ["beta", "alpha", "--python", "3.9"])
    assert "3.9" in str(result.exception)
