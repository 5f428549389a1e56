"""The frontier command: spans of time, what is printed, what is written, what an interrupted one does."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackcompat.cli import frontier as command
from stackcompat.cli.console import out
from stackcompat.core.errors import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.frontier.frontier import FRONTIERS, without_superseded
from stackcompat.frontier.search import explore
from stackcompat.frontier.static.usage import Missing
from stackcompat.pipeline.runner import Runner
from stackcompat.run.job import Job
from support.answers_page import documented_fields
from support.fakes import Catalogue, make_runner
from support.made_up import COMPONENTS, failed, passed
from support.planted import Planted, by_pair, chart_of, stairs, table

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
    assert set(answer) == documented_fields("`--json FILE`", "frontier.md")
    assert len(pairs) == 12
    assert pairs["1.2", "1.0"]["verdict"] == "unresolvable"
    assert pairs["1.0", "1.3"]["verdict"] == "broken"
    assert pairs["1.0", "1.3"]["forecast"] == ["alpha.core:7 takes beta.gone, which is not there"]
    assert pairs["1.1", "1.0"]["verdict"] == "works"
    assert {key for pair in pairs.values() for key in pair} == {
        *("alpha", "beta", "verdict", "level", "inferred", "sentence", "signature", "doubt", "alone", "evidence"),
        "forecast",
    }
    assert [(edge["alpha"], edge["works"]) for edge in answer["edges"]] == [
        ("1.0", [["1.0", "1.2"]]),
        ("1.1", [["1.0", "1.2"]]),
        ("1.2", [["1.1", "1.3"]]),
    ]
    for edge in answer["edges"]:
        (interval,) = edge["intervals"]
        works = [pair for pair in pairs.values() if pair["alpha"] == edge["alpha"] and pair["verdict"] == "works"]
        assert interval["level"] == "import"
        assert interval["first_inferred"] == works[0]["inferred"]
        assert interval["last_inferred"] == works[-1]["inferred"]
        assert interval["inferred"] == sum(pair["inferred"] for pair in works)
    drawn = [check for check in answer["checks"] if check["reason"] == "random"]
    assert (answer["accuracy"]["tested"], answer["accuracy"]["wrong"]) == (len(drawn), 0)
    assert answer["accuracy"]["wrong_at_most"] == pytest.approx(1 - 0.05 ** (1 / len(drawn)))
    assert answer["runs"] == found.runs
    assert answer["counts"] == {"works": 9, "broken": 2, "unresolvable": 1, "inferred": answer["counts"]["inferred"]}
    assert answer["forecast"] == {"precision": 1.0, "recall": 0.5}


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
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

    class Ecosystem:
        def components(self) -> object:
            return COMPONENTS

    monkeypatch.setattr(command, "find_ecosystem", lambda folder: Ecosystem())
    monkeypatch.setattr(command, "make_runner", lambda project, jobs, pythons, level, reuse: made)
    monkeypatch.setattr(command, "open_index", lambda: world)
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path / "cache"))
    yield made
    made.store.close()


def test_a_second_call_runs_nothing(runner: Runner, tmp_path: Path) -> None:
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


def test_the_newest_answer_stays_in_the_store_and_an_incomplete_one_replaces_no_complete_one(runner: Runner) -> None:
    arguments = ["beta", "alpha", "--python", "3.12", "--level", "import", "-j", "1"]
    CliRunner().invoke(command.frontier_, [*arguments, "--budget", "1"])
    assert runner.store.kept(FRONTIERS) == ()  # a run and its confirmation are more than that
    CliRunner().invoke(command.frontier_, [*arguments, "--budget", "4"])
    (kept,) = runner.store.kept(FRONTIERS)
    assert not kept.complete
    CliRunner().invoke(command.frontier_, arguments)
    assert [frontier.complete for frontier in runner.store.kept(FRONTIERS)] == [False, True]
    (kept,) = without_superseded(runner.store.kept(FRONTIERS))
    assert kept.complete
    cut_off = kept.model_copy(update={"complete": False, "seen": kept.seen + dt.timedelta(days=1)})
    runner.store.keep(FRONTIERS, cut_off)
    assert without_superseded(runner.store.kept(FRONTIERS)) == (kept,)
    assert (kept.first.name, kept.second.name, kept.python, kept.level) == ("beta", "alpha", "3.12", "import")
    assert {by_pair(kept)[0, 2].verdict, by_pair(kept)[2, 0].verdict} == {"broken", "works"}


def test_an_answer_about_fewer_releases_does_not_replace_one_about_more(runner: Runner) -> None:
    arguments = ["beta", "alpha", "--python", "3.12", "--level", "import", "-j", "1"]
    CliRunner().invoke(command.frontier_, arguments)
    (wide,) = runner.store.kept(FRONTIERS)
    narrow = CliRunner().invoke(command.frontier_, [*arguments, "--since", "2025-02"])
    assert narrow.exit_code == 0
    assert runner.store.kept(FRONTIERS) == (wide,)
    # A release that is gone for another reason, such as a yanked one, does not keep the old answer alive.
    yanked = wide.model_copy(
        update={
            "first": wide.first.model_copy(
                update={
                    "versions": (*wide.first.versions, "3.1"),
                    "uploaded": (*wide.first.uploaded, wide.first.uploaded[-1]),
                }
            )
        }
    )
    runner.store.keep(FRONTIERS, yanked)
    CliRunner().invoke(command.frontier_, arguments)
    (kept,) = runner.store.kept(FRONTIERS)
    assert kept.first == wide.first


def test_a_budget_ends_the_search_and_the_next_call_goes_on(runner: Runner) -> None:
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
    assert "9 pairs work, 2 are broken." in text
    assert re.search(r"11 installable pairs: \d+ tested, \d+ inferred, from \d+ runs\. ", text)
    assert "inferred pairs were tested afterwards: all right." in text
    assert "Forecast from source: recall 0%." in text
    assert f"{found.runs} runs were made now, 0 were made before." in text
    assert "Not complete" not in text


def test_what_is_open_is_printed_as_such() -> None:
    found = explore(table(3, 4), Planted(WORKS), budget=3)
    with out.capture() as captured:
        command.print_frontier(chart_of(found))
    text = " ".join(captured.get().split())
    assert "1.1 not tested yet (4) 0 0 0" in text
    assert "11 without a verdict" in text
    assert "Not complete: 11 pairs have no verdict; the same command goes on from here." in text


def test_a_python_that_is_not_here_is_infrastructure(runner: Runner) -> None:
    result = CliRunner().invoke(command.frontier_, ["beta", "alpha", "--python", "3.9"])
    assert "3.9" in str(result.exception)
