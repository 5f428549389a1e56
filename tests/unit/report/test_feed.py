"""Feeds have what their specifications require, and the same ids every night."""

from __future__ import annotations

import datetime as dt
import json
from xml.etree import ElementTree as ET

from stackcompat.advice.advisories import advisories
from stackcompat.report.feed import atom, json_feed
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, history

MADE = history()
KNOWN = advisories(summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW))
SPACE = {"a": "http://www.w3.org/2005/Atom"}


def ids(text: str) -> list[str | None]:
    return [entry.findtext("a:id", namespaces=SPACE) for entry in ET.fromstring(text).findall("a:entry", SPACE)]


def test_atom_has_what_it_requires() -> None:
    feed = ET.fromstring(atom(KNOWN, NOW))
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    assert feed.findtext("a:author/a:name", namespaces=SPACE)
    entries = feed.findall("a:entry", SPACE)
    assert len(entries) == len(KNOWN) > 1
    for element in (feed, *entries):
        for required in ("id", "title", "updated"):
            assert len(element.findall(f"a:{required}", SPACE)) == 1
            assert element.findtext(f"a:{required}", namespaces=SPACE)
        updated = element.findtext("a:updated", namespaces=SPACE) or ""
        assert dt.datetime.fromisoformat(updated) <= NOW
    links = [link.get("href") for entry in entries for link in entry.findall("a:link[@rel='alternate']", SPACE)]
    assert sorted(filter(None, links)) == sorted(f"advisories/{one.id}.json" for one in KNOWN)


def test_json_feed_has_what_it_requires() -> None:
    feed = json.loads(json_feed(KNOWN, NOW))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert len(feed["items"]) == len(KNOWN)
    assert all(item["id"] and item["content_text"] for item in feed["items"])
    assert [item["id"] for item in feed["items"]] == ids(atom(KNOWN, NOW))


def test_ids_are_distinct_and_stay_and_only_what_changed_is_updated() -> None:
    later = NOW + dt.timedelta(days=1)
    assert len(set(ids(atom(KNOWN, NOW)))) == len(KNOWN)
    assert atom(KNOWN, NOW) == atom(reversed(KNOWN), later)


def test_without_advisories_it_is_a_feed_all_the_same() -> None:
    assert ET.fromstring(atom((), NOW)).findtext("a:updated", namespaces=SPACE) == "2026-11-22T06:00:00Z"
    assert json.loads(json_feed((), NOW))["items"] == []


def test_a_sentence_ends_once() -> None:
    whole = KNOWN[0].model_copy(update={"summary": "Alpha fails with beta", "workaround": "use alpha 2"})
    text = json.loads(json_feed([whole], NOW))["items"][0]["content_text"]
    assert text.startswith("Alpha fails with beta; use alpha 2.\n\n")


def test_what_xml_cannot_hold_does_not_break_it() -> None:
    odd = KNOWN[0].model_copy(update={"summary": "a\x00b <script>\x1b]]>"})
    (entry,) = ET.fromstring(atom([odd], NOW)).findall("a:entry", SPACE)
    assert (entry.findtext("a:title", namespaces=SPACE) or "").endswith(r"a\u0000b <script>\u001b]]>")
