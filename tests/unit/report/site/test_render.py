"""Every page stays small, whatever the table has: what a page may weigh, and how many elements it may have."""

from __future__ import annotations

import gzip
import re
from collections import Counter

import pytest

from stackcompat.report.site.model import Published, Site
from stackcompat.report.site.render import Renderer
from stackcompat.report.site.write import site_pages
from support.large_table import large_advisories, large_table
from support.page import Page

#: In bytes, as it is and compressed; in elements.
MOST_BYTES, MOST_COMPRESSED, MOST_ELEMENTS = 200_000, 50_000, 1500

#: How many pages of one kind are rendered. Those of a kind are alike in this table.
SAMPLE = 4


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    summary = large_table(cells=600, failures=110)
    site = Site(Published("Made up", summary, large_advisories(summary)))
    renderer, seen, texts = Renderer(site), Counter[str](), {}
    for page in site_pages(site):
        seen[page.template] += 1
        if seen[page.template] <= SAMPLE:
            texts[page.path] = renderer.render(page)
    assert seen["component"] == 40
    assert seen["advisory"] == 200
    assert seen["cell"] == 600
    return texts


def test_every_page_is_light(rendered: dict[str, str]) -> None:
    for path, text in rendered.items():
        content = text.encode()
        assert len(content) < MOST_BYTES, path
        assert len(gzip.compress(content)) < MOST_COMPRESSED, path


def test_every_page_has_few_elements(rendered: dict[str, str]) -> None:
    numbers = {path: len(Page(text).elements) for path, text in rendered.items()}
    assert {path: number for path, number in numbers.items() if number >= MOST_ELEMENTS} == {}
    assert max(numbers.values()) > MOST_ELEMENTS / 2  # the table is large enough to show it


def test_long_lists_go_over_several_pages(rendered: dict[str, str]) -> None:
    assert {"cells.html", "cells-2.html", "pairs-2.html", "advisories-2.html", "failures-2.html"} <= rendered.keys()
    assert 'aria-current="page">2</b>' in rendered["cells-2.html"]


def test_each_cell_of_a_table_names_its_column(rendered: dict[str, str]) -> None:
    seen = 0
    for path, text in rendered.items():
        for table in re.findall(r'<table(?! class="grid").*?</table>', text, re.DOTALL):
            top, _, body = table.partition("</thead>")
            columns = re.findall(r'<th scope="col">(.*?)</th>', top)
            for row in body.split("<tr")[1:]:
                if "colspan" not in row:
                    seen += 1
                    assert re.findall(r"<td( data-head=\"([^\"]*)\")?", row) == [
                        (f' data-head="{name}"', name) for name in columns[1:]
                    ], path
    assert seen > 100
