"""The site as browsers show it: journeys with and without scripts, three widths, light and dark, no rule of axe broken.

Headless Chromium prints the document that a page leaves behind. axe comes from npm when the tests run.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.report.site.model import Published
from stackcompat.report.site.write import write_site
from stackcompat.table.build import summarise
from support.islands_world import IslandsWorld
from support.made_up import COMPONENTS, NOW, history
from support.pictures import kept_picture

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
    "--virtual-time-budget=15000",
)
LIGHT, DARK = (), ("--blink-settings=preferredColorScheme=0",)
WIDTHS = (1400, 800, 500)
AXE = "axe-core@4"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

MADE = history()
ISLANDS = IslandsWorld(("alpha", "beta", "renamed"), [("alpha", "renamed")]).find()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW, islands=[ISLANDS])
BROKEN = next(cell for cell in SUMMARY.cells if cell.verdict == "broken")
FAILURE = next(group for group in SUMMARY.failures if group.verdict == "broken")
ADVISORY = advisories(SUMMARY)[0]
#: One page of each kind.
KINDS = (
    *("index", "tonight", "selector", "components", "pairs", "advisories", "failures", "features", "cells"),
    "frontiers",
    *("artifacts", "accelerators", "islands", "days", "measured", "glossary", "data"),
    *("component/beta", "release/alpha--1.3.0", "pair/alpha--beta"),
    *(f"advisory/{ADVISORY.id}", f"failure/{FAILURE.id}", f"cell/{BROKEN.id}"),
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name that http.server gives it)
        """Nothing is printed."""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        _missing("no Chromium on this machine: install it, for example with `apt-get install chromium`")
    assert found is not None
    return found


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    write_site(place, Published("Sound", SUMMARY, advisories(SUMMARY)))
    return place


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe, from npm."""
    npm = shutil.which("npm")
    place = tmp_path_factory.mktemp("axe")
    if npm is not None:
        done = subprocess.run(
            [npm, "pack", AXE, "--pack-destination", str(place)],
            capture_output=True,
            cwd=place,
            timeout=120,
            check=False,
        )
        if done.returncode == 0:
            with tarfile.open(next(place.glob("axe-core-*.tgz"))) as archive:
                member = archive.extractfile("package/axe.min.js")
                assert member is not None
                return member.read().decode()
    _missing(f"{AXE} cannot be had: it takes npm and its registry")
    return ""


def shown(browser: str, profile: Path, address: str, *options: str, width: int = 1400) -> str:
    """The document that a page leaves behind."""
    arguments = [*OPTIONS, *options, f"--user-data-dir={profile}", f"--window-size={width},900", "--dump-dom", address]
    done = subprocess.run([browser, *arguments], capture_output=True, text=True, timeout=180, check=True)
    return done.stdout


def taken(browser: str, profile: Path, address: str, picture: Path, *options: str, width: int) -> None:
    """Write a picture of a page."""
    arguments = [*OPTIONS, *options, f"--user-data-dir={profile}", f"--window-size={width},1600"]
    command = [browser, *arguments, f"--screenshot={picture}", address]
    subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)


def evaluated(
    browser: str, folder: Path, profile: Path, address: str, script: str, *, width: int = 1400, **more: Any
) -> Any:
    """What a script in a copy of a page says, a while after the page was loaded."""
    path, _, query = address.partition("?")
    page = folder / path.split("/", 3)[3]
    copy = page.with_name(f"copy-of-{page.name}")
    body = f"""<script>setTimeout(async () => {{
      const say = async () => {{ {script} }};
      const out = document.createElement("pre");
      out.id = "measured-by-test";
      out.textContent = JSON.stringify(await say());
      document.body.append(out);
    }}, 1500)</script></body>"""
    copy.write_text(
        page.read_text(encoding="utf-8").replace("</body>", more.get("before", "") + body), encoding="utf-8"
    )
    address = f"{path.rpartition('/')[0]}/{copy.name}" + (f"?{query}" if query else "")
    try:
        document = shown(browser, profile, address, *more.get("options", ()), width=width)
    finally:
        copy.unlink()
    found = re.search(r'<pre id="measured-by-test">(.*?)</pre>', document, re.DOTALL)
    assert found, "the script in the page did not come to its end"
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_no_rule_of_accessibility_is_broken(
    browser: str, folder: Path, address: str, axe: str, tmp_path: Path, scheme: tuple[str, ...]
) -> None:
    (folder / "axe.js").write_text(axe, encoding="utf-8")
    rules = f"await axe.run(document, {{ runOnly: {json.dumps(RULES)} }})"
    script = f"return ({rules}).violations.map((one) => [one.id, one.nodes[0].html])"
    kinds = KINDS if scheme == LIGHT else ("index", "pair/alpha--beta", f"cell/{BROKEN.id}", "glossary")
    for kind in kinds:
        broken = evaluated(
            browser,
            folder,
            tmp_path,
            f"{address}/latest/{kind}.html",
            script,
            before='<script src="/axe.js"></script>',
            options=scheme,
        )
        assert broken == [], kind


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_and_phones_scroll_little(
    browser: str, folder: Path, address: str, tmp_path: Path, width: int
) -> None:
    script = """return [document.documentElement.scrollWidth - document.documentElement.clientWidth,
      document.documentElement.scrollHeight / 844,
      [...document.querySelectorAll(".scroll:has(> table:not(.grid))")]
        .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.getAttribute("aria-label"))]"""
    kinds = KINDS if width == WIDTHS[-1] else ("index", "selector", "pair/alpha--beta", f"cell/{BROKEN.id}")
    for kind in kinds:
        wider, screens, cut = evaluated(browser, folder, tmp_path, f"{address}/latest/{kind}.html", script, width=width)
        assert wider <= 0, kind
        if width == WIDTHS[-1]:
            assert cut == [], kind
        if kind in ("index", "tonight", "selector"):
            assert screens < 10, kind


def test_a_stranger_finds_lines_to_install(browser: str, address: str, tmp_path: Path) -> None:
    document = shown(browser, tmp_path, f"{address}/")  # the entrance leads to the newest edition
    assert "pip install alpha==1.3.0" in document
    assert re.search(r"<time[^>]*>2026-11-22 \([^)]+\)</time>", document)


def test_a_question_in_the_address_is_answered(browser: str, address: str, tmp_path: Path) -> None:
    document = shown(browser, tmp_path, f"{address}/?alpha=1.3.0&beta=2.4.1&python=3.12")
    text = re.sub(r"<[^>]+>", "", document)
    assert "Alpha 1.3.0 with Beta 2.4.1: ✓ tested together up to interop" in text
    assert "tested sets have all of this and work" in text or "tested set has all of this and works" in text
    document = shown(browser, tmp_path, f"{address}/latest/selector.html?alpha=1.3.0&beta=2.1.3&python=3.12")
    text = re.sub(r"<[^>]+>", "", document)
    assert "✗ These do not work together." in text
    assert "Nearest tested set that works" in text
    document = shown(browser, tmp_path, f"{address}/latest/selector.html?delta-checkpoint==5.3.0&python=3.12")
    assert "Delta 5.3.0" in re.sub(r"<[^>]+>", "", document)  # by its distribution
    document = shown(browser, tmp_path, f"{address}/latest/selector.html?alpha=9.9&python=3.12")
    assert "Alpha 9.9 is not known: it was not tried" in document


def test_search_filter_and_sorting(browser: str, folder: Path, address: str, tmp_path: Path) -> None:
    search = """document.dispatchEvent(new KeyboardEvent("keydown", { key: "/" }));
      const field = document.activeElement;
      field.value = "beta with alpha 1.3 on Python 3.12?";
      field.dispatchEvent(new Event("input"));
      await new Promise((done) => setTimeout(done, 1000));
      return [field.id, [...document.querySelectorAll("#found a")].map((one) => one.getAttribute("href"))]"""
    field, links = evaluated(browser, folder, tmp_path, f"{address}/latest/component/beta.html", search)
    assert field == "find"
    assert "../release/alpha--1.3.0.html" in links
    rows = "return [...document.querySelectorAll('#cells tbody tr')].map((row) => row.textContent)"
    found = evaluated(browser, folder, tmp_path, f"{address}/latest/cells.html?q=beta+2.4.1+broken", rows)
    wanted = [
        cell
        for cell in SUMMARY.cells
        if cell.verdict == "broken" and cell.components.get("beta") and cell.components["beta"].version == "2.4.1"
    ]
    assert len(found) == len(wanted) > 0
    sort = """const head = document.querySelector("table.sortable thead th");
      head.querySelector("button").click();
      head.querySelector("button").click();
      const names = [...document.querySelectorAll("tbody th")].map((one) => one.textContent);
      return [head.getAttribute("aria-sort"), names]"""
    order, names = evaluated(browser, folder, tmp_path, f"{address}/latest/pairs.html", sort)
    assert order == "descending"
    assert names == sorted(names, reverse=True)


def test_without_a_script_nothing_is_missing_but_conveniences(
    browser: str, folder: Path, address: str, tmp_path: Path
) -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
    page = folder / "latest" / "release" / "alpha--1.3.0.html"
    bare = page.with_name("bare.html")
    bare.write_text(page.read_text(encoding="utf-8").replace("<head>", f"<head>{policy}"), encoding="utf-8")
    document = shown(browser, tmp_path, f"{address}/latest/release/bare.html")
    bare.unlink()
    assert "tested together up to interop" in document
    assert "ago)" not in document
    assert 'class="find" role="search" hidden' in document


@pytest.mark.parametrize(
    ("name", "scheme", "width"), [("light", LIGHT, 1400), ("dark", DARK, 1400), ("phone", LIGHT, WIDTHS[-1])]
)
def test_a_picture_of_each_kind_of_page_is_kept_and_not_blank(
    browser: str, address: str, tmp_path: Path, name: str, scheme: tuple[str, ...], width: int
) -> None:
    blank = tmp_path / "blank.png"
    taken(browser, tmp_path, "about:blank", blank, *scheme, width=width)
    for kind in ("index", "tonight", "selector", "pair/alpha--beta", f"cell/{BROKEN.id}"):
        picture = kept_picture(f"site-{kind.partition('/')[0]}-{name}", tmp_path)
        picture.unlink(missing_ok=True)
        taken(browser, tmp_path, f"{address}/latest/{kind}.html", picture, *scheme, width=width)
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 3 * blank.stat().st_size, kind
