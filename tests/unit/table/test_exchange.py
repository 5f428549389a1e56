"""Squares of writers and readers, in JSON, Markdown and on the page."""

from __future__ import annotations

from pathlib import Path

from stackcompat.blame.diagnosis import Diagnoses, Diagnosis
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import Crossing, ExchangePlan, RunRecord
from stackcompat.report.html import html
from stackcompat.report.json import compat
from stackcompat.report.markdown import markdown
from stackcompat.report.read import read_table
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from stackcompat.table.exchange import passed_reads
from stackcompat.verdict.artifacts import ExchangeSide
from stackcompat.verdict.exchange import judge_crossings
from support.made_up import COMPONENTS, NOW, History, failed, make_cell, passed, planned, run_of

OLD, NEW = {"alpha": "1.0.0", "beta": "2.0.0"}, {"alpha": "1.3.0", "beta": "2.4.1"}
CELLS = {
    "old": planned(make_cell(OLD, label="Releases of alpha: alpha 1.0.0"), OLD),
    "new": planned(make_cell(NEW, label="alpha 1.3.0"), NEW),
}


def of(result: TestResult, artifact: str) -> TestResult:
    return result.model_copy(update={"artifact": artifact, "level": "exchange"})


def world() -> tuple[tuple[RunRecord, ...], dict[str, tuple[Evidence, ...]]]:
    """The old environment does not read what the new one writes, but both read the crate."""
    ends = [(w, r) for w in CELLS for r in CELLS]
    plan = ExchangePlan(
        cells=tuple(CELLS.values()),
        crossings=tuple(
            Crossing(
                writer=CELLS[w].cell.id,
                reader=CELLS[r].cell.id,
                key=f"{w} {r}",
                square="Releases of alpha",
                promised={"box*": (w, r) != ("new", "old")},
            )
            for w, r in ends
        ),
    )
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for cell in CELLS.values():
        writes = (of(passed("write box", "alpha"), "box"), of(passed("write crate", "alpha"), "crate"))
        evidence[cell.key] = (run_of(cell, *writes),)
    for w, r in ends:
        crate = of(passed("read crate", "alpha"), "crate")
        box = of(passed("read box", "alpha"), "box")
        if (w, r) == ("new", "old"):
            box = of(failed("read box", "alpha", message="of a newer | format"), "box")
        evidence[f"{w} {r}"] = (run_of(CELLS[r], box, crate), run_of(CELLS[r], box, attempt=1))
    made = History()
    record = RunRecord(
        matrix="exchange",
        started=NOW,
        title="Artifacts across versions",
        components=("alpha", "beta"),
        pythons=("3.12",),
        exchange=plan,
    )
    return (made.record(), record), {**made.evidence, **evidence}


RUNS, EVIDENCE = world()
SUMMARY = summarise(COMPONENTS, RUNS, EVIDENCE, NOW)


def test_a_square_for_each_artifact() -> None:
    box, crate = SUMMARY.exchanges
    assert [(s.square, s.artifact, s.verdict) for s in (box, crate)] == [
        ("Releases of alpha", "box", "broken"),
        ("Releases of alpha", "crate", "works"),
    ]
    assert [end.components["alpha"] for end in box.ends] == ["1.0.0", "1.3.0"]
    (red,) = [cell for cell in box.crossings if cell.verdict == "broken"]
    assert (red.writer, red.reader) == (CELLS["new"].cell.id, CELLS["old"].cell.id)
    assert (red.promised, {cell.promised for cell in crate.crossings}) == (False, {None})
    assert red.sentence == "read box: AssertionError: of a newer | format [test]"
    assert red.reproduce == (
        "stackcompat exchange --artifact box --write-with alpha==1.3.0 beta==2.4.1 --write-python 3.12 "
        "--read-with alpha==1.0.0 beta==2.0.0 --read-python 3.12"
    )
    assert {run.matrix: run.crossings for run in SUMMARY.runs} == {"nightly": 0, "exchange": 4}
    assert '"artifact":"crate"' in compat(SUMMARY)


def test_a_crossing_that_was_not_run_has_no_command_and_ends_have_the_runs_that_wrote() -> None:
    runs, evidence = world()
    (first, *_), *_ = [summarise(COMPONENTS, runs, evidence, NOW).exchanges]
    red = next(c for c in first.crossings if c.verdict == "broken")
    assert red.reproduce.startswith("stackcompat exchange ")
    assert red.evidence == tuple(run.id for run in evidence["new old"])
    assert {e.cell: e.evidence for e in first.ends} == {
        c.cell.id: tuple(run.id for run in evidence[c.key]) for c in CELLS.values()
    }
    del evidence["old new"]
    (first, *_), *_ = [summarise(COMPONENTS, runs, evidence, NOW).exchanges]
    idle = next(c for c in first.crossings if c.verdict == "untested")
    assert (idle.reproduce, idle.evidence) == ("", ())


def test_a_red_crossing_shows_itself_with_the_locks_of_both_ends(tmp_path: Path) -> None:
    box, crate = SUMMARY.exchanges
    (red,) = [cell for cell in box.crossings if cell.plain]
    assert red.verdict == "broken"
    writes, reads = (line for line in red.plain if line.startswith("PYTHONPATH"))
    assert writes.endswith("'tests/exchange/write box'")
    assert reads.endswith("'tests/exchange/read box'")
    paths = {f"locks/{cell.cell.id}.txt" for cell in CELLS.values()}
    assert {end.lock for end in box.ends} == paths
    assert {end.lock for end in crate.ends} == {""}
    assert all(any(f"reports/{path}" in line for line in red.plain) for path in paths)
    for name, cell in CELLS.items():
        text = SUMMARY.locks[cell.cell.id]
        assert text.startswith(f"# cell {cell.cell.id}: writes and reads artifacts on Python 3.12"), name
    write(tmp_path, SUMMARY)
    assert read_table(tmp_path).locks == SUMMARY.locks
    assert "&#39;tests/exchange/read box&#39;" in html(SUMMARY)


def test_markdown_shows_squares_of_what_is_not_green() -> None:
    text = markdown(SUMMARY)
    assert "### Releases of alpha" in text
    assert "✓ Every environment reads what any of them wrote: crate." in text
    rows = [line for line in text.splitlines() if line.startswith(("| **box**", "| alpha"))]
    assert rows == [
        "| **box** | alpha 1.0.0 | alpha 1.3.0 |",
        "| alpha 1.0.0 | ✓ P | ✓ P |",
        "| alpha 1.3.0 | ✗ | ✓ P |",
    ]


def test_the_page_shows_every_square() -> None:
    text = html(SUMMARY)
    assert text.index("<h3>box</h3>") < text.index("<h3>crate</h3>")
    assert "broken: read box: AssertionError: of a newer | format [test] (not promised)" in text
    assert "4 crossings on Python 3.12" in text
    assert '<a href="#exchange">' in text
    made = History()
    assert 'id="exchange"' not in html(summarise(COMPONENTS, (made.record(),), made.evidence, NOW))


def test_reads_are_those_that_passed_of_artifacts_that_work() -> None:
    found = passed_reads(RUNS, EVIDENCE)
    assert [(read.result.artifact, read.writer["alpha"], read.reader["alpha"]) for read in found] == [
        *[("box", "1.0.0", "1.0.0"), ("crate", "1.0.0", "1.0.0")],
        *[("box", "1.0.0", "1.3.0"), ("crate", "1.0.0", "1.3.0")],
        ("crate", "1.3.0", "1.0.0"),
        *[("box", "1.3.0", "1.3.0"), ("crate", "1.3.0", "1.3.0")],
    ]
    made = History()
    made.add(make_cell(NEW), NEW | {"gamma": "1.0.2"})
    summary = summarise(COMPONENTS, (made.record(), *RUNS), {**made.evidence, **EVIDENCE}, NOW)
    deepest = {row.name: row.deepest_level for row in summary.components}
    assert (deepest["alpha"], deepest["beta"]) == ("exchange", "interop")


def diagnosed(doubt: str = "") -> Diagnoses:
    """A search in one crossing found a culprit on each side."""
    judged = judge_crossings(RUNS[1].exchange, EVIDENCE) if RUNS[1].exchange else ()
    verdict = next(v for c, v in judged if (c.writer, c.reader) == (CELLS["new"].cell.id, CELLS["old"].cell.id))
    found: dict[ExchangeSide, SearchResult] = {
        "reader": SearchResult(culprits=(Culprit(name="alpha", version="1.0.0", fixed_in="1.1.0"),), doubt=doubt),
        "writer": SearchResult(culprits=(Culprit(name="beta", version="2.4.1", last_good="2.3.0", fixed_in="2.5.0"),)),
    }
    test = verdict.red[0]
    return Diagnoses(Diagnosis.of(verdict, test, one, NOW, side=side) for side, one in found.items())


def test_a_crossing_has_its_culprits() -> None:
    summary = summarise(COMPONENTS, RUNS, EVIDENCE, NOW, diagnoses=diagnosed())
    red, *others = sorted((c for s in summary.exchanges for c in s.crossings), key=lambda cell: not cell.culprits)
    assert [(row.side, row.versions, row.inferred) for row in red.culprits] == [
        ("reader", {"alpha": "1.0.0"}, False),
        ("writer", {"beta": "2.4.1"}, False),
    ]
    edges = [(culprit.last_good, culprit.fixed_in) for row in red.culprits for culprit in row.culprits]
    assert edges == [(None, "1.1.0"), ("2.3.0", "2.5.0")]
    assert not any(cell.culprits for cell in others)
    page = html(summary)
    words = "Culprit, reader: alpha 1.0.0 (good again from 1.1.0 on); writer: beta 2.4.1 (last good 2.3.0, "
    assert f"{words}good again from 2.5.0 on)</strong></p>" in page
    assert f"<code>{red.writer}+{red.reader}</code>" in page
    doubted = summarise(COMPONENTS, RUNS, EVIDENCE, NOW, diagnoses=diagnosed("perhaps"))
    assert 'good again from 2.5.0 on)</strong> <span class="quiet">(inferred)</span>' in html(doubted)
