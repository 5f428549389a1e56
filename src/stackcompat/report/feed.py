"""Advisories as feeds: Atom (RFC 4287) and JSON Feed 1.1, the newest first. Pure."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from stackcompat.advice.advisory import Advisory
from stackcompat.report.junit import xml_text

__all__ = ["atom", "json_feed"]

_TITLE = "Known incompatibilities"


_AUTHOR = "stackcompat"


_NAMESPACE = "http://www.w3.org/2005/Atom"


def atom(advisories: Iterable[Advisory], generated: dt.datetime) -> str:
    """The text of an Atom feed; `generated` stands where no time is known."""
    entries = _newest_first(advisories, generated)
    feed = ET.Element("feed", xmlns=_NAMESPACE)
    _add(feed, "id", _urn("feed"))
    _add(feed, "title", _TITLE)
    _add(feed, "updated", _timestamp(max((_updated(advisory, generated) for advisory in entries), default=generated)))
    _add(ET.SubElement(feed, "author"), "name", _AUTHOR)
    ET.SubElement(feed, "link", rel="self", href="feed.atom")
    for advisory in entries:
        entry = ET.SubElement(feed, "entry")
        _add(entry, "id", _urn(advisory.id))
        _add(entry, "title", f"{advisory.id}: {advisory.summary}")
        _add(entry, "published", _timestamp(advisory.first_seen or generated))
        _add(entry, "updated", _timestamp(_updated(advisory, generated)))
        ET.SubElement(entry, "link", rel="alternate", type="application/json", href=f"advisories/{advisory.id}.json")
        _add(entry, "content", _text(advisory), type="text")
    ET.indent(feed, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode") + "\n"


def json_feed(advisories: Iterable[Advisory], generated: dt.datetime) -> str:
    """The text of a JSON Feed; `generated` stands where no time is known."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _TITLE,
        "authors": [{"name": _AUTHOR}],
        "items": [
            {
                "id": _urn(advisory.id),
                "title": f"{advisory.id}: {advisory.summary}",
                "content_text": _text(advisory),
                "date_published": _timestamp(advisory.first_seen or generated),
                "date_modified": _timestamp(_updated(advisory, generated)),
            }
            for advisory in _newest_first(advisories, generated)
        ],
    }
    return json.dumps(feed, indent=1) + "\n"


def _newest_first(advisories: Iterable[Advisory], generated: dt.datetime) -> list[Advisory]:
    return sorted(advisories, key=lambda advisory: (advisory.first_seen or generated, advisory.id), reverse=True)


def _updated(advisory: Advisory, generated: dt.datetime) -> dt.datetime:
    """When the advisory was last seen in a run: nothing that it says is younger."""
    return advisory.last_seen or generated


def _urn(name: str) -> str:
    """An address that is the same for the same advisory, wherever the feed is published."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"stackcompat:{name}").urn


def _text(advisory: Advisory) -> str:
    parts = [f"{advisory.summary.removesuffix('.')}.", f"Signature: {advisory.signature}"]
    parts += [f"Workaround: {advisory.workaround.removesuffix('.')}."] if advisory.workaround else []
    return "\n\n".join([*parts, *advisory.links])


def _add(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = xml_text(text)


def _timestamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
