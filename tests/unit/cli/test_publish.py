"""The command that publishes the table."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

from stackcompat.evidence.store import Store
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.frontier.search import explore
from support.command_line import Run
from support.made_up import history, make_cell, passed, planned, run_of
from support.planted import Planted, chart_of, stairs, table


def test_a_report_has_the_frontiers_of_the_store_and_the_days_since_2025(run: Run, checkout: Path) -> None:
    cell = planned(make_cell({"alpha": "1.1"}, policy="newest", newest=("alpha",)), {"alpha": "1.1"})
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    store.add(run_of(cell, passed("t.py::test", "alpha")))
    record = history().record().model_copy(update={"cells": (cell,), "components": ("alpha",)})
    store.add_run(record)
    store.keep(FRONTIERS, chart_of(explore(table(3, 4), Planted(stairs([(0, 2), (0, 2), (1, 3)], 4)))))
    store.close()
    code, _, error = run("report")
    assert (code, error) == (0, "")
    written = json.loads((checkout / ".stackcompat/site/compat.json").read_text())
    assert [(row["first"], row["second"], len(row["pairs"])) for row in written["frontiers"]] == [("alpha", "beta", 12)]
    (line,) = json.loads((checkout / ".stackcompat/site/timeline.json").read_text())
    assert line["spans"][0]["since"] == "2025-01-01T00:00:00Z"
    page = (checkout / ".stackcompat/site/index.html").read_text()
    assert 'id="frontiers"' in page
    assert 'id="days-3.12"' in page


def test_a_published_table_is_not_replaced_by_one_that_knows_fewer_cells(run: Run, checkout: Path) -> None:
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    cells = [planned(make_cell({"alpha": v}, policy="newest", newest=("alpha",)), {"alpha": v}) for v in ("1.0", "1.1")]
    for cell in cells:
        store.add(run_of(cell, passed("t.py::test", "alpha")))
    record = history().record().model_copy(update={"cells": tuple(cells), "components": ("alpha",)})
    store.add_run(record)
    assert run("report", "--publish")[0] == 0
    published = checkout / "reports" / "compat.json"
    before = published.read_bytes()
    later = record.started + dt.timedelta(days=1)
    store.add_run(record.model_copy(update={"cells": tuple(cells[:1]), "started": later}))
    store.close()
    assert run("report")[0] == 0  # what is not published can be smaller
    code, _, error = run("report", "--publish")
    assert code == 2
    assert "--publish: reports/compat.json knows 2 cells and this table 1; run more of them" in error
    assert published.read_bytes() == before
    published.unlink()
    assert run("report", "--publish")[0] == 0


def test_published_texts_lead_to_the_site_that_the_ecosystem_names(run: Run, checkout: Path) -> None:
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    cell = planned(make_cell({"alpha": "1.1"}, policy="newest", newest=("alpha",)), {"alpha": "1.1"})
    store.add(run_of(cell, passed("t.py::test", "alpha")))
    store.add_run(history().record().model_copy(update={"cells": (cell,), "components": ("alpha",)}))
    store.close()
    table = checkout / "reports" / "COMPATIBILITY.md"
    code, printed, _ = run("report", "--publish")
    assert (code, "Table: reports/COMPATIBILITY.md; stackcompat site makes pages of it" in printed) == (0, True)
    assert "The site that `stackcompat site` writes has every cell" in table.read_text(encoding="utf-8")
    assert not (checkout / "reports" / "index.html").exists()
    with (checkout / "stackcompat.toml").open("a", encoding="utf-8") as layout:
        layout.write('site = "https://sound.example/compat"\n')
    assert run("report", "--publish")[0] == 0
    assert "The [site](https://sound.example/compat/latest/index.html)" in table.read_text(encoding="utf-8")
    assert run("site")[0] == 0
    feed = json.loads((checkout / ".stackcompat/pages/latest/feed.json").read_text(encoding="utf-8"))
    assert feed["items"] == []
    badge = json.loads((checkout / ".stackcompat/pages/latest/badges/newest.json").read_text(encoding="utf-8"))
    assert badge["label"] == "newest releases together"


def test_one_of_output_and_publish(run: Run) -> None:
    code, _, error = run("report", "--publish", "--output", "x")
    assert code == 2
    assert "--publish: writes where the ecosystem publishes; leave out --output" in error


def test_reports_go_into_a_folder(run: Run, checkout: Path) -> None:
    (checkout / "a.md").write_text("x")
    code, _, error = run("report", "-o", "a.md")
    assert code == 2
    assert "--output: a.md cannot be written: File exists; give a folder" in error


def test_a_report_needs_no_pytest() -> None:
    code = "import sys; sys.modules['pytest'] = None; import stackcompat.cli.publish"
    subprocess.run([sys.executable, "-c", code], check=True)
