"""The command that writes the site."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.plan.cell import Cell
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.report.write import write, write_kept
from stackcompat.resolve.lock import Lock, Pin, Resolution
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.command_line import Run
from support.made_up import COMPONENTS, NOW, PLATFORM, History, failed, history, passed, run_of
from support.nights import BREAKS, NEW, OLD, PASSES, Nights
from support.page import Page
from support.site_links import broken_links

EXAMPLE = Path(__file__).parents[3] / "examples" / "pydata"

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name that http.server gives it)
        """Nothing is printed."""


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    write(folder, SUMMARY)
    return folder


def test_the_published_table_of_the_ecosystem_becomes_a_site(run: Run, checkout: Path) -> None:
    write(checkout / "reports", SUMMARY)
    code, printed, error = run("site")
    assert (code, error) == (0, "")
    assert (checkout / ".stackcompat/pages/latest/index.html").is_file()
    assert (checkout / ".stackcompat/pages/2026-11-22/index.html").is_file()
    assert "pages" in printed


@pytest.mark.parametrize("name", ["compat.json", "other.json", ""])
def test_a_table_elsewhere(run: Run, checkout: Path, reports: Path, tmp_path: Path, name: str) -> None:
    if name == "other.json":
        (reports / "compat.json").rename(reports / name)
    code, _, error = run("site", "-o", str(tmp_path / "out"), "--table", str(reports / name), "--name", "Sound")
    assert (code, error) == (0, "")
    assert "<h1>Sound: what to install</h1>" in (tmp_path / "out/latest/index.html").read_text()


def test_a_table_at_an_address(run: Run, checkout: Path, reports: Path, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(reports))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/compat.json"
        code, _, error = run("site", "-o", str(tmp_path / "out"), "--table", address)
        server.shutdown()
        thread.join(5)
    assert (code, error) == (0, "")
    assert (tmp_path / "out/latest/index.html").is_file()


def table_of_the_example() -> Summary:
    """A made-up run of the quick matrix of the example: what an installer gives works, an old pandas does not."""
    ecosystem = Ecosystem(EXAMPLE)
    newest = {"numpy": "2.5.5", "pandas": "3.1.1", "scipy": "1.18.1", "pyarrow": "26.0.1"}
    made = History()
    for policy, python, versions in (
        ("newest", "3.12", newest),
        ("newest", "3.11", newest | {"numpy": "2.4.6"}),
        ("pins", "3.11", {"numpy": "2.4.6", "pandas": "2.0.3"}),
    ):
        asked = tuple(newest) if policy == "newest" else ("pandas==2.0.3",)
        cell = Cell(python=python, platform=PLATFORM, requirements=asked, policy=policy, newest=tuple(newest))
        pins = tuple(Pin(name=name, version=version) for name, version in sorted(versions.items()))
        lock = Lock(python=python, platform=PLATFORM, pins=pins)
        plan = PlannedCell(cell=cell, resolution=Resolution(outcome="locked", lock=lock, seconds=0.1), key=lock.id)
        imports = "test_import.py::test_import[pandas]"
        tests = [passed("test_pandas.py::test_frame", "numpy", "pandas")]
        tests += [passed(f"test_{name}.py::test_arrays", "numpy", name) for name in ("scipy", "pyarrow")]
        if policy == "pins":
            message = "numpy.dtype size changed, may indicate binary incompatibility"
            red = failed(imports, "pandas", level="import", type="ValueError", message=message, packages=("pandas",))
            tests = [red, passed("test_numpy.py::test_sum", "numpy")]
        made.cells.append(plan)
        made.evidence[plan.key] = (run_of(plan, *tests), run_of(plan, *tests, attempt=1))
    record = made.record().model_copy(update={"matrix": "quick", "components": tuple(newest)})
    return summarise(ecosystem.components(), (record,), made.evidence, NOW)


def test_the_example_becomes_a_site_whose_links_lead_somewhere(run: Run, checkout: Path, tmp_path: Path) -> None:
    write_kept(tmp_path / "table", table_of_the_example())
    out = tmp_path / "out"
    code, _, error = run("site", "--project", str(EXAMPLE), "--table", str(tmp_path / "table"), "-o", str(out))
    assert (code, error) == (0, "")
    assert broken_links(out) == []
    text = " ".join(Page((out / "latest/index.html").read_text(encoding="utf-8")).text.split())
    assert "PyData: what to install" in text
    assert "pip install numpy==2.5.5 pandas==3.1.1" in text
    assert (out / "latest/component/numpy.html").is_file()
    (failure,) = (out / "latest/failure").iterdir()
    told = " ".join(Page(failure.read_text(encoding="utf-8")).text.split())
    assert "numpy.dtype size changed, may indicate binary incompatibility" in told


def test_the_address_of_the_ecosystem_is_that_of_the_feeds(run: Run, checkout: Path, reports: Path) -> None:
    with (checkout / "stackcompat.toml").open("a", encoding="utf-8") as layout:
        layout.write('site = "https://sound.example/s"\n')
    for options, host in (((), "sound.example/s"), (("--address", "https://other.example"), "other.example")):
        code, _, error = run("site", "--table", str(reports), *options)
        assert (code, error) == (0, "")
        (first, *_) = json.loads((checkout / ".stackcompat/pages/latest/feed.json").read_text())["items"]
        assert first["url"].startswith(f"https://{host}/latest/advisory/SC-")


def test_mistakes_are_one_sentence(run: Run, checkout: Path, reports: Path, tmp_path: Path) -> None:
    code, _, error = run("site", "--table", str(tmp_path / "none.json"))
    assert (code, "none.json cannot be read" in error) == (2, True)
    code, _, error = run("site")
    assert (code, "there is no table yet; run a matrix first" in error) == (2, True)
    code, _, error = run("site", "--table", str(reports), "--address", "sound.example")
    assert (code, "must begin with https:// or http://" in error) == (2, True)
    (tmp_path / "file").touch()
    code, _, error = run("site", "--table", str(reports), "-o", str(tmp_path / "file"))
    assert (code, "--output:" in error) == (2, True)
    (reports / "night.json").write_text("{}")
    code, _, error = run("site", "--table", str(reports), "-o", str(tmp_path / "out"))
    assert (code, "is no night.json of this release" in error) == (2, True)


@pytest.mark.parametrize("publish", [(), ("--publish",)])
def test_a_recorded_run_fills_the_page_about_tonight(run: Run, checkout: Path, publish: tuple[str, ...]) -> None:
    nights = Nights()
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, BREAKS)
    (checkout / ".stackcompat").mkdir()
    with closing(Store(checkout / ".stackcompat" / "evidence.sqlite")) as store:
        for evidence in nights.evidence.values():
            for one in evidence:
                store.add(one)
        for record in nights.runs:
            store.add_run(record)
    summary = summarise(COMPONENTS, (nights.runs[-1],), nights.evidence, NOW, past=nights.runs)
    write(checkout / ("reports" if publish else ".stackcompat/site"), summary)
    page = checkout / ".stackcompat/pages/latest/tonight.html"
    assert run("site")[0] == 0
    assert "stackcompat night MATRIX" in page.read_text()  # it says how to fill it
    assert run("night", "nightly", *publish)[0] == 0
    assert run("site")[0] == 0
    text = " ".join(Page(page.read_text()).text.split())
    for said in (
        "1 new break",
        "alpha1.2.01.3.0",
        "Text for an issue#### ✗",
        "module 'alpha' has no attribute 'boxes'",
    ):
        assert said in text
