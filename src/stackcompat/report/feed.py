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


def atom(advisories: Iterable[Advisory], generated: dt.datetime, page: str = "") -> str:
    """The text of an Atom feed.

    Args:
        advisories: The advisories.
        generated: The time that stands where none is known.
        page: The address of the page of an advisory, with ``{}`` for its id; empty: entries lead to its JSON.
    """
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
        kind, address = ("text/html", page) if page else ("application/json", "advisories/{}.json")
        ET.SubElement(entry, "link", rel="alternate", type=kind, href=address.format(advisory.id))
        _add(entry, "content", _text(advisory), type="text")
    ET.indent(feed, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode") + "\n"


def json_feed(advisories: Iterable[Advisory], generated: dt.datetime, page: str = "") -> str:
    """The text of a JSON Feed.

    Args:
        advisories: The advisories.
        generated: The time that stands where none is known.
        page: The address of the page of an advisory, with ``{}`` for its id; empty: items have none.
    """
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _TITLE,
        "authors": [{"name": _AUTHOR}],
        "items": [
            {
                "id": _urn(advisory.id),
                **({"url": page.format(advisory.id)} if page else {}),
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
    """When a run last showed the failure; nothing in the advisory is newer."""
    return advisory.last_seen or generated


def _urn(name: str) -> str:
    """An address that is the same for the same advisory, wherever the feed is published."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"stackcompat:{name}").urn


def _text(advisory: Advisory) -> str:
    parts = [advisory.sentence(), f"Signature: {advisory.signature}"]
    return "\n\n".join([*parts, *advisory.links])


def _add(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = xml_text(text)


def _timestamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
