"""The page as a browser shows it: nothing sticks out, everything can be read, filters work with and without a script.

A script that measures is appended to a copy of the page; headless Chromium prints the document it leaves behind.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stackcompat.advice.pair_lookup import KnownVerdict
from stackcompat.advice.timeline import timeline
from stackcompat.frontier.search import explore
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history
from support.pictures import kept_picture
from support.planted import Planted, chart_of, stairs, table
from support.world import World, day

pytestmark = pytest.mark.e2e

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
LIGHT, DARK = (), ("--blink-settings=preferredColorScheme=0",)

MEASURE = """
<script>
function parse(color) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}
function luminance([r, g, b]) {
  const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
}
function background(element) {
  for (let at = element; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color[3] === 255) return color;
  }
  return [255, 255, 255, 255];
}
function contrast(element) {
  const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(background(element))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
const shown = () => [...document.querySelectorAll("table.cells tr[id]")].filter((row) => row.offsetParent !== null);
const verdicts = () => [...new Set(shown().map((row) => row.className))].sort();
const measured = {};
measured.page = getComputedStyle(document.body).backgroundColor;
measured.sticksOut = document.documentElement.scrollWidth - document.documentElement.clientWidth;
measured.rows = shown().length;
measured.poor = [...document.querySelectorAll("body *")]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((one) => !["SCRIPT", "STYLE"].includes(one.tagName) && contrast(one) < 4.5)
  .map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 30)} ${contrast(one).toFixed(2)}`);
const table = document.querySelector("table.square");
table.parentElement.scrollLeft = 200;
measured.scrolled = table.parentElement.scrollLeft;
measured.firstColumn = table.querySelector("tbody tr:nth-child(2) th").getBoundingClientRect().left -
  table.parentElement.getBoundingClientRect().left;
document.getElementById("show-red").checked = true;
measured.red = verdicts();
document.getElementById("show-odd").checked = true;
measured.odd = verdicts();
document.getElementById("show-all").checked = true;
const marks = [...document.querySelectorAll(".frontier tbody td")];
measured.marks = marks.length;
measured.widest = Math.max(...marks.map((mark) => mark.getBoundingClientRect().width));
measured.looks = ["w", "wi", "b", "bi", "a", "u"].map((kind) => {
  const look = getComputedStyle(document.querySelector(`.frontier td.${kind}`));
  return `${look.backgroundColor} ${look.backgroundImage}`;
});
const spans = [...document.querySelectorAll(".days rect")].map((one) => one.getBoundingClientRect());
measured.spans = spans.map((one) => [Math.round(one.width), Math.round(one.height)]);
const search = document.querySelector("#mine input");
measured.searchShown = search.offsetParent !== null;
for (const words of ["beta==2.4.1", "Beta 2.4", "nothing 1"]) {
  search.value = words;
  search.dispatchEvent(new Event("input"));
  measured[words] = shown().length;
}
const out = document.createElement("pre");
out.id = "measured-by-test";
out.textContent = JSON.stringify(measured);
document.body.append(out);
</script>
"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Chromium on this machine: install it, for example with `apt-get install chromium`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    works = stairs([(max(0, row // 2 - 3), row // 2 + 8) for row in range(40)], 25)
    permitted = {(row, column) for row, column in works if column >= row // 2 - 6}
    words = "t.py::test: ImportError: cannot import name 'gone' from 'beta' [alpha]"
    found = explore(table(40, 25, permitted=permitted), Planted(works, words=words), budget=150)
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=[chart_of(found)])


@pytest.fixture(scope="module")
def page(summary: Summary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    world = World(
        {"alpha": {"1.0": "2025-01-01", "1.1": "2026-03-01"}, "beta": {"1.0": "2025-01-01", "1.1": "2026-03-11"}}
    )
    days = timeline(
        {name: world.project(name) for name in ("alpha", "beta")},
        lambda one, version, other, its: KnownVerdict(
            "broken" if (version, its) == ("1.1", "1.0") else "works", inferred=True
        ),
        python="3.12",
        since=day("2025-01-02"),
        until=day("2026-04-12"),
    )
    write(folder, summary, {}, [days])
    return folder / "index.html"


def run(browser: str, folder: Path, *arguments: str) -> str:
    options = [*OPTIONS, f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run([browser, *options, *arguments], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def measure(browser: str, page: Path, folder: Path, width: int, scheme: tuple[str, ...]) -> dict[str, Any]:
    copy = folder / "index.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", MEASURE + "</body>"), encoding="utf-8")
    document = run(browser, folder, *scheme, f"--window-size={width},900", "--dump-dom", copy.as_uri())
    found = re.search(r'<pre id="measured-by-test">(.*?)</pre>', document, re.DOTALL)
    assert found, "the script in the page did not come to its end"
    measured: dict[str, Any] = json.loads(html.unescape(found[1]))
    return measured


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1400, 600])
def test_the_page(
    browser: str, page: Path, summary: Summary, tmp_path: Path, width: int, scheme: tuple[str, ...]
) -> None:
    measured = measure(browser, page, tmp_path, width, scheme)
    dark = sum(int(part) for part in re.findall(r"\d+", measured["page"])[:3]) < 3 * 128
    assert dark == (scheme == DARK)
    assert measured["poor"] == []  # WCAG AA asks for 4.5
    assert measured["sticksOut"] <= 0  # wide tables scroll in their own frame
    assert measured["rows"] == len(summary.cells)
    if width == 600:
        assert measured["scrolled"] > 0
        assert measured["firstColumn"] <= 1
    assert measured["red"] == ["is-apart", "is-broken"]
    assert measured["odd"] == ["is-apart", "is-broken", "is-flaky", "is-unknown", "is-untested"]
    assert measured["marks"] == 40 * 25
    assert measured["widest"] < 32
    assert len(set(measured["looks"])) == 6
    (before, broken, after) = measured["spans"]
    assert broken[1] > before[1] == after[1] > 0
    assert before[0] > after[0] > broken[0] > 0
    assert measured["searchShown"]
    holding = [cell for cell in summary.cells if _version(cell, "beta") == "2.4.1"]
    assert measured["beta==2.4.1"] == len(holding)
    assert measured["Beta 2.4"] > len(holding)
    assert measured["nothing 1"] == 0


def _version(cell: CellRow, name: str) -> str:
    here = cell.components.get(name)
    return here.version if here else cell.pins.get(name, "")


def test_without_a_script_only_the_search_field_and_the_ages_are_missing(
    browser: str, page: Path, tmp_path: Path
) -> None:
    text = page.read_text(encoding="utf-8")
    policy = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
    bare = tmp_path / "bare.html"
    bare.write_text(text.replace("<head>", f"<head>{policy}"), encoding="utf-8")
    without = run(browser, tmp_path, "--dump-dom", bare.as_uri()).replace(policy, "")
    with_script = run(browser, tmp_path, "--dump-dom", page.as_uri())
    assert '<label hidden="" id="mine">' in without
    assert re.search(r"\d{4}-\d\d-\d\d \([^)]+ ago\)</time>", with_script)
    assert not re.search(r" ago\)</time>", without)
    ageless = re.sub(r" \([^)]+ ago\)</time>", "</time>", with_script)
    for hidden in ('<label hidden="" id="mine">', '<p class="note" id="stale" hidden="">'):
        without = without.replace(hidden, hidden.replace(' hidden=""', ""))
        ageless = ageless.replace(hidden, hidden.replace(' hidden=""', ""))
    assert without == ageless


def test_a_picture_of_it_is_not_blank(browser: str, page: Path, tmp_path: Path) -> None:
    blank = tmp_path / "blank.html"
    blank.write_text("<!doctype html><title>blank</title>")
    sizes = []
    for number, shown in enumerate((page, blank)):
        picture = kept_picture("page", tmp_path) if number == 0 else tmp_path / "blank.png"
        run(browser, tmp_path, "--window-size=1400,1200", f"--screenshot={picture}", shown.as_uri())
        assert picture.read_bytes().startswith(b"\x89PNG")
        sizes.append(picture.stat().st_size)
    assert sizes[0] > 10 * sizes[1]
