"""Files of pages and the addresses that lead to them."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from stackcompat.report.site.model import Published, Site
from stackcompat.report.site.page import file_of, link_to
from stackcompat.report.site.render import Renderer
from stackcompat.report.site.write import site_pages
from support.large_table import large_table
from support.page import Page


@pytest.mark.parametrize("names", [("My Part",), ("a+b", "1!2.0+cpu"), ("jax", "0.11.2")])
def test_an_address_leads_to_the_file(names: tuple[str, ...]) -> None:
    assert file_of("pair", *names) == f"pair/{'--'.join(names)}.html"
    assert unquote(link_to("pair", *names)) == file_of("pair", *names)
    assert " " not in link_to("pair", *names)


def test_no_name_leads_into_another_folder() -> None:
    assert file_of("component", "../x") == "component/..%2Fx.html"
    assert unquote(link_to("component", "../x")) == file_of("component", "../x")


def test_links_to_a_component_with_spaces_and_capitals_lead_to_its_pages() -> None:
    summary = large_table(cells=600, failures=110)
    old, rows = summary.components[0].name, summary.components
    rows = (rows[0].model_copy(update={"name": "My Part"}), *rows[1:])
    pairs = tuple(pair.model_copy(update={"first": "My Part"}) if pair.first == old else pair for pair in summary.pairs)
    site = Site(Published("Made up", summary.model_copy(update={"components": rows, "pairs": pairs}), ()))
    pages = {page.path: page for page in site_pages(site)}
    assert "component/My Part.html" in pages
    found = [path for path in pages if "/My Part--" in path]
    assert found
    links = Page(Renderer(site).render(pages["component/My Part.html"])).all("href")
    mine = {unquote(link).removeprefix("../") for link in links if "My%20Part--" in link}
    assert mine
    assert mine <= pages.keys()
