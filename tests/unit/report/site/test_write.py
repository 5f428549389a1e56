from __future__ import annotations

import datetime as dt
import json
import zipfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from stackcompat.advice.advice import collect_advice
from stackcompat.advice.advisories import advisories
from stackcompat.advice.timeline import Span, Timeline
from stackcompat.core.requirements import exact_pins, python_key
from stackcompat.report.advice import advice_files, kept_advice
from stackcompat.report.site.api import KINDS
from stackcompat.report.site.model import Published
from stackcompat.report.site.read import previous_table, read_published
from stackcompat.report.site.write import editions, write_site
from stackcompat.report.write import write, write_kept
from stackcompat.table.build import summarise
from stackcompat.table.features import FeatureRow
from stackcompat.table.summary import Summary
from support.islands_world import IslandsWorld
from support.made_up import COMPONENTS, NOW, history
from support.page import Page
from support.site_links import broken_links
from support.world import World

MADE = history()
ISLANDS = IslandsWorld(("alpha", "beta", "renamed"), [("alpha", "renamed")]).find()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW, islands=[ISLANDS])
PUBLISHED = Published("Sound", SUMMARY, advisories(SUMMARY))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    write_site(place, PUBLISHED)
    return place


@cache
def parsed(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def pages(folder: Path) -> list[Path]:
    return sorted((folder / "latest").rglob("*.html"))


def words(folder: Path, name: str) -> str:
    return " ".join(Page((folder / "latest" / name).read_text(encoding="utf-8")).text.split())


def test_there_is_a_page_for_each_thing(folder: Path) -> None:
    names = {path.relative_to(folder / "latest").as_posix() for path in pages(folder)}
    assert {"index.html", "tonight.html", "selector.html", "data.html", "glossary.html", "measured.html"} <= names
    assert {f"cell/{cell.id}.html" for cell in SUMMARY.cells} <= names
    assert {f"component/{row.name}.html" for row in SUMMARY.components} <= names
    assert {f"pair/{pair.first}--{pair.second}.html" for pair in SUMMARY.pairs} <= names
    assert {f"failure/{group.id}.html" for group in SUMMARY.failures} <= names
    assert PUBLISHED.advisories
    assert {f"advisory/{advisory.id}.html" for advisory in PUBLISHED.advisories} <= names
    assert {f"release/alpha--{version}.html" for version in ("1.0.0", "1.3.0")} <= names


def test_every_page_is_well_formed_with_one_heading_a_title_and_ids_of_its_own(folder: Path) -> None:
    for path in pages(folder):
        page = parsed(path)
        ids = page.all("id")
        tags = [tag for tag, _ in page.elements]
        assert page.unmatched == [], path
        assert len(ids) == len(set(ids)), path
        assert tags.count("h1") == tags.count("main") == tags.count("title") == 1, path


def test_no_link_is_broken(folder: Path) -> None:
    assert broken_links(folder) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    write_site(tmp_path, PUBLISHED)
    (tmp_path / "latest" / "days.html").unlink()
    index = tmp_path / "latest" / "index.html"
    index.write_text(index.read_text(encoding="utf-8").replace('id="mine"', ""), encoding="utf-8")
    (tmp_path / "latest" / "glossary.html").write_text('<a href="index.html#mine">x</a>', encoding="utf-8")
    broken = broken_links(tmp_path)
    assert "latest/index.html: days.html" in broken
    assert "latest/glossary.html: index.html#mine" in broken


def test_only_what_needs_a_script_is_hidden(folder: Path) -> None:
    for path in pages(folder):
        hidden = [(tag, attributes) for tag, attributes in parsed(path).elements if "hidden" in attributes]
        others = {tag for tag, attributes in hidden if attributes.get("class") != "newer"}  # a style shows that one
        assert others <= {"form", "ul", "span"}, path


def test_nothing_is_said_by_a_title_that_only_hovering_shows(folder: Path) -> None:
    assert not any(parsed(path).all("title")[2:] for path in pages(folder))  # those of the feeds stand in the head


def test_home_says_what_to_install(folder: Path) -> None:
    text = words(folder, "index.html")
    assert "pip install alpha==1.3.0" in text
    assert "uv pip install alpha==1.3.0" in text
    assert "py3.12.txt" in text
    pins = exact_pins(
        line for line in (folder / "latest" / "py3.12.txt").read_text().splitlines() if not line.startswith("#")
    )
    cell = next(row for row in SUMMARY.today if row.python == "3.12").cell
    assert pins == SUMMARY.installed[cell]


def test_the_search_finds_an_error_behind_the_words_that_it_shows(tmp_path: Path) -> None:
    far = f"a long error {'about much ' * 30}HiPrimitive"
    red = next(group for group in SUMMARY.failures if group.level != "upstream")
    failures = tuple(
        group.model_copy(update={"message": far}) if group.id == red.id else group for group in SUMMARY.failures
    )
    known = tuple(advisory.model_copy(update={"summary": far}) for advisory in PUBLISHED.advisories[:1])
    write_site(tmp_path, Published("Sound", SUMMARY.model_copy(update={"failures": failures}), known))
    index = json.loads((tmp_path / "latest" / "assets" / "search.json").read_text(encoding="utf-8"))
    found = {
        kind: [one for one, shown, error in index[kind] if "HiPrimitive" in f"{shown} {error}"]
        for kind in ("advisories", "failures")
    }
    assert found == {"advisories": [known[0].id], "failures": [red.id]}
    assert {group.id for group in SUMMARY.failures} == {one for one, _, _ in index["failures"]}
    assert all(len(shown) <= 120 for kind in found for _, shown, _ in index[kind])


def test_where_no_set_works_that_is_said(tmp_path: Path) -> None:
    bare = [
        row.model_copy(update={"verdict": "broken", "instead": "", "sentence": "it fails"}) for row in SUMMARY.today
    ]
    write_site(tmp_path, Published("Sound", SUMMARY.model_copy(update={"today": tuple(bare)})))
    text = words(tmp_path, "index.html")
    assert "It is not known which set works: it fails" in text
    assert "pip install" not in text
    assert (tmp_path / "latest" / "py3.12.txt").read_text() == "# Python 3.12: no set is known to work\n"


def test_a_release_keeps_what_is_observed_and_what_is_inferred_apart(folder: Path) -> None:
    file = json.loads((folder / "latest" / "api/v1/release/alpha/1.3.0.json").read_text())
    beta = {one["version"]: one for one in file["pythons"]["3.12"]["beta"]}
    newest = next(pair for pair in SUMMARY.pairs if (pair.first, pair.second) == ("alpha", "beta"))
    for release in newest.releases:
        if release.first_version == "1.3.0" and not release.inferred and "3.12" in release.pythons:
            assert beta[release.second_version]["state"] == release.pythons["3.12"]
    text = words(folder, "release/alpha--1.3.0.html")
    assert "tested together up to interop: 2.4.1" in text
    assert "all other releases are not known" in text


def test_a_cell_has_the_text_of_its_failures_and_names_the_command_for_the_log(folder: Path) -> None:
    groups = {group.id: group for group in SUMMARY.failures}
    group = next(group for group in groups.values() if group.tests and group.details and len(group.cells) > 1)
    first, other = group.cells[:2]
    for cell, words_ in ((first, "End of the traceback"), (other, f"of the same failure in cell {first[:8]}")):
        text = words(folder, f"cell/{cell}.html")
        assert " ".join(group.details.split()) in text
        assert group.tests[0] in text
        assert words_ in text
        assert f"The whole log is in the store of the run: stackcompat show {cell[:8]}." in text
    assert f"{next(row for row in SUMMARY.cells if row.id == first).reproduce} --json -" in words(
        folder, f"cell/{first}.html"
    )


def test_a_cell_that_never_ran_has_no_log(folder: Path) -> None:
    excluded = next(cell for cell in SUMMARY.cells if cell.verdict == "unresolvable")
    group = next(group for group in SUMMARY.failures if group.id in excluded.failures)
    text = words(folder, f"cell/{excluded.id}.html")
    assert " ".join(group.details.split()) in text
    assert "stackcompat show" not in text


def test_texts_from_elsewhere_are_no_markup(tmp_path: Path) -> None:
    evil = '</pre><script>alert("x")</script><img src=x onerror=alert(1)>'
    failures = tuple(
        group.model_copy(update={"signature": evil, "message": evil, "details": evil}) for group in SUMMARY.failures
    )
    components = tuple(row.model_copy(update={"title": evil, "summary": evil}) for row in SUMMARY.components)
    cells = tuple(cell.model_copy(update={"sentence": evil, "label": evil}) for cell in SUMMARY.cells)
    summary = SUMMARY.model_copy(update={"failures": failures, "components": components, "cells": cells})
    write_site(tmp_path, Published(evil, summary, advisories(summary)))
    for path in pages(tmp_path):
        scripts = [attributes for tag, attributes in parsed(path).elements if tag == "script"]
        assert [sorted(attributes) for attributes in scripts] == [["defer", "src"]], path
        assert not parsed(path).all("onerror")
    for name in ("index.html", "editions.html"):
        assert "<img" not in (tmp_path / name).read_text()


def test_no_file_and_no_package_tells_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_TOKEN", "made-up-value-1")
    told = {"message": "no access with made-up-value-1", "signature": "E: no access with made-up-value-1 [beta]"}
    failures = tuple(group.model_copy(update=told) for group in SUMMARY.failures)
    summary = SUMMARY.model_copy(update={"failures": failures})
    found = advisories(summary)
    assert any("made-up-value-1" in advisory.summary for advisory in found)
    written = write_site(tmp_path, Published("Sound", summary, found))
    (wheel,) = (written.edition / "packages").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist()]
    texts += [path.read_text() for path in written.edition.rglob("*") if path.suffix in (".html", ".json", ".md")]
    assert not [text[:80] for text in texts if "made-up-value-1" in text]
    assert any("no access with (a secret)" in text for text in texts)


def test_each_file_of_the_api_fits_its_schema(folder: Path) -> None:
    root = folder / "latest" / "api" / "v1"
    schemas = {kind: json.loads((root / "schema" / f"{kind}.json").read_text()) for kind in KINDS}
    seen = set()
    for path in root.rglob("*.json"):
        if path.parent.name == "schema":
            continue
        content = json.loads(path.read_text())
        kind = content["$schema"].rpartition(":")[2]
        assert content["$schema"] == schemas[kind]["$id"]
        jsonschema.Draft202012Validator(schemas[kind]).validate(content)
        seen.add(kind)
        if "page" in content:
            assert (folder / "latest" / content["page"]).is_file()
    assert seen == KINDS.keys()


def test_the_index_names_files_that_are_there(folder: Path) -> None:
    root = folder / "latest" / "api" / "v1"
    index = json.loads((root / "index.json").read_text())
    files = [index["latest"], index["cells"], *index["pairs"]]
    for of_kind in (index["components"], index["advisories"], index["sets"]):
        files += of_kind.values()
    files += [f"release/{name}/{version}.json" for name, versions in index["releases"].items() for version in versions]
    assert [name for name in files if not (root / name).is_file()] == []


def test_what_a_repository_does_not_keep_is_on_the_site(tmp_path: Path) -> None:
    advice = collect_advice(SUMMARY, COMPONENTS, World({}), (), ())
    write_kept(tmp_path / "reports", SUMMARY, kept_advice(SUMMARY, advice))
    write_site(tmp_path / "site", read_published(tmp_path / "reports", "Sound"))
    edition = tmp_path / "site" / "latest"
    write(tmp_path / "all", SUMMARY, advice_files(SUMMARY, advice))
    everything = {path.relative_to(tmp_path / "all").as_posix(): path for path in (tmp_path / "all").rglob("*.*")}
    left = {name for name in everything if not (tmp_path / "reports" / name).is_file()}
    gone = {name for name in left if not (edition / name).is_file()}
    assert gone == {f"advisories/{advisory.id}.json" for advisory in PUBLISHED.advisories}
    for advisory in PUBLISHED.advisories:  # the API has these, with all of their fields
        of_api = json.loads((edition / f"api/v1/advisory/{advisory.id}.json").read_text())
        before = json.loads(everything[f"advisories/{advisory.id}.json"].read_text())
        assert of_api["advisory"] | {"osv": of_api["osv"], "sentence": of_api["sentence"]} == before
    same = left - gone - {"index.html", "feed.atom", "feed.json"}
    assert {"advisories.json", "renovate.json", "dependabot.yml", "junit.xml", "badges/newest.svg"} <= same
    assert [name for name in same if (edition / name).read_bytes() != everything[name].read_bytes()] == []


def test_the_page_for_programs_names_the_files_that_lie_beside_the_table(tmp_path: Path) -> None:
    span = Span(since=NOW - dt.timedelta(days=2), until=NOW, state="works")
    days = Timeline(python="3.12", spans=(span,))
    write_site(tmp_path, Published("Sound", SUMMARY, PUBLISHED.advisories, bounds=(), timelines=(days,)))
    links = parsed(tmp_path / "latest" / "data.html").all("href")
    for name in ("bounds.json", "timeline.json"):
        assert name in links
        assert (tmp_path / "latest" / name).is_file()


def test_the_front_page_names_a_limit_of_the_newest_set_that_another_cell_showed(tmp_path: Path) -> None:
    newest = {row.versions["alpha"] for row in SUMMARY.today}
    ids = {row.cell for row in SUMMARY.today}
    (other, *_) = (
        cell
        for cell in SUMMARY.cells
        if cell.id not in ids and "alpha" in cell.components and cell.components["alpha"].version in newest
    )
    row = FeatureRow(
        feature="boxes",
        signature="E: no boxes",
        tests=("t.py::test_boxes",),
        components={"alpha": (other.components["alpha"].version,)},
        cells=(other.id,),
        today=False,
    )
    never = row.model_copy(update={"feature": "jars", "components": {"alpha": ("0.0.1",)}, "cells": ()})
    write_site(tmp_path, Published("Sound", SUMMARY.model_copy(update={"features": (row, never)})))
    problems = words(tmp_path, "index.html").partition("Known problems of the newest releases")[2]
    problems = problems.partition("What changed")[0]
    assert "boxes does not work" in problems
    assert "All features that do not work" in problems
    assert "jars" not in problems


def test_every_feature_that_does_not_work_is_listed_with_its_cells(tmp_path: Path) -> None:
    row = FeatureRow(
        feature="boxes",
        signature="E: no boxes",
        tests=("t.py::test_boxes",),
        components={"alpha": ("1.3.0",)},
        cells=(SUMMARY.cells[0].id,),
        today=True,
        cure="install glue",
    )
    write_site(tmp_path, Published("Sound", SUMMARY.model_copy(update={"features": (row,)})))
    text = words(tmp_path, "features.html")
    assert "boxes does not work" in text
    assert "E: no boxes; install glue" in text
    assert f"cell/{SUMMARY.cells[0].id}.html" in parsed(tmp_path / "latest" / "features.html").all("href")


def test_feeds_lead_to_pages(tmp_path: Path) -> None:
    write_site(tmp_path, PUBLISHED)
    feed = ET.fromstring((tmp_path / "latest" / "feed.atom").read_text())
    name = "{http://www.w3.org/2005/Atom}"
    links = [link.get("href", "") for link in feed.findall(f"{name}entry/{name}link")]
    assert links
    assert all((tmp_path / "latest" / link).is_file() for link in links)
    write_site(tmp_path, Published("Sound", SUMMARY, PUBLISHED.advisories, address="https://sound.example/compat/"))
    items = json.loads((tmp_path / "latest" / "feed.json").read_text())["items"]
    assert all(item["url"].startswith("https://sound.example/compat/latest/advisory/SC-") for item in items)


def later(summary: Summary, days: int) -> Summary:
    return summary.model_copy(update={"generated": summary.generated + dt.timedelta(days=days)})


def test_editions_are_kept_and_latest_is_the_newest(tmp_path: Path) -> None:
    write_site(tmp_path, PUBLISHED)
    before = {path: path.read_bytes() for path in (tmp_path / "2026-11-22").rglob("*") if path.is_file()}
    write_site(tmp_path, Published("Sound", later(SUMMARY, 1)))
    assert editions(tmp_path) == ["2026-11-23", "2026-11-22"]
    assert {path: path.read_bytes() for path in before} == before
    assert "2026-11-23" in words(tmp_path, "index.html")
    write_site(tmp_path, Published("Sound", later(SUMMARY, -3)))  # an older table changes nothing in latest/
    assert editions(tmp_path) == ["2026-11-23", "2026-11-22", "2026-11-19"]
    assert "2026-11-23" in words(tmp_path, "index.html")
    assert "2026-11-19" in (tmp_path / "editions.html").read_text()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_pages_of_an_older_edition_say_that_there_is_a_newer_one(tmp_path: Path) -> None:
    write_site(tmp_path, PUBLISHED)
    write_site(tmp_path, Published("Sound", later(SUMMARY, 1)))
    write_site(tmp_path, Published("Sound", later(SUMMARY, -3)))
    shown = (tmp_path / "newest.css").read_text()
    assert shown.startswith('body:not([data-edition="2026-11-23"]) .newer')
    for edition, day in (("latest", "2026-11-23"), ("2026-11-22", "2026-11-22")):
        text = (tmp_path / edition / "component" / "beta.html").read_text()
        assert f'<body data-root="../" data-edition="{day}">' in text
        assert '<link rel="stylesheet" href="../../newest.css">' in text
        assert f'<p class="newer" hidden>This page is as of {day}' in text


def test_what_a_newcomer_asks_is_one_link_away(folder: Path) -> None:
    pythons = sorted({cell.python for cell in SUMMARY.cells}, key=python_key)
    assert len(pythons) > 1
    assert f"python={pythons[-1]} can be kept and shared" in words(folder, "selector.html")
    assert "glossary.html#levels" in parsed(folder / "latest" / "index.html").all("href")
    assert ("what is known of accelerators" in words(folder, "index.html")) is bool(SUMMARY.accelerators)
    links = parsed(folder / "latest" / "component" / "beta.html").all("href")
    assert "../release/beta--2.4.1.html" in links
    assert "What to install with it" in words(folder, "component/beta.html")


def test_old_editions_go_where_few_are_kept(tmp_path: Path) -> None:
    for days in range(3):
        write_site(tmp_path, Published("Sound", later(SUMMARY, days)), keep=2)
    assert editions(tmp_path) == ["2026-11-24", "2026-11-23"]
    assert "2026-11-24" in (tmp_path / "editions.html").read_text()
    assert "2026-11-22" not in (tmp_path / "editions.html").read_text()


def test_what_changed_since_the_edition_before(tmp_path: Path) -> None:
    write_site(tmp_path, PUBLISHED)
    assert "this is the first edition" in words(tmp_path, "index.html")
    assert previous_table(tmp_path, SUMMARY) is None  # that is the table itself
    after = later(SUMMARY, 1)
    cells = tuple(
        cell.model_copy(update={"verdict": "works"}) if cell.verdict == "broken" else cell for cell in after.cells
    )
    after = after.model_copy(update={"cells": cells})
    write_site(tmp_path, Published("Sound", after).after(previous_table(tmp_path, after)))
    text = words(tmp_path, "index.html")
    assert "Since the table of 2026-11-22" in text
    assert "✓ works again on Python" in text


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_site(tmp_path / name, PUBLISHED)
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_a_published_folder_is_read_with_what_lies_beside_the_table(tmp_path: Path) -> None:
    write(tmp_path, SUMMARY)
    read = read_published(tmp_path, "Sound")
    assert read.advisories == PUBLISHED.advisories
    assert read.night is None
    assert read.bounds is None
    (tmp_path / "bounds.json").write_text("[]")
    (tmp_path / "repair.toml").write_text("# nothing\n")
    read = read_published(tmp_path, "Sound")
    assert read.bounds == ()
    assert read.repair == "# nothing\n"
