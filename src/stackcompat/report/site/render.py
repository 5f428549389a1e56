"""Renders pages from their templates. Pure but for the templates, which are read from the package."""

from __future__ import annotations

import datetime as dt
from functools import cache

import jinja2
from markupsafe import Markup

from stackcompat.core.text import and_list
from stackcompat.report.history_text import history_mark, history_words
from stackcompat.report.html import compiled_templates
from stackcompat.report.release_text import feature_releases
from stackcompat.report.site.latest import constraints_name, overrides_name
from stackcompat.report.site.model import Site
from stackcompat.report.site.page import Page, address_of, day_of, link_to
from stackcompat.report.site.subjects import frontier_link, release_link, square_link
from stackcompat.table.vocabulary import POLICIES, count_words, sign

__all__ = ["Renderer"]

#: The macros that take names, versions and verdicts, and those that take more.
_REMEMBERED = ("mark", "marked", "cell", "component", "release")
_MACROS = ("command", "held", "history", "pages", "advisories", "changed")


class Renderer:
    """Renders the pages of one site.

    Args:
        site: The site.
    """

    def __init__(self, site: Site) -> None:
        self._known = {"site": site, "titles": site.titles, "summary": site.summary, "day": day_of(site.summary)}
        self._environments: dict[str, jinja2.Environment] = {}

    def render(self, page: Page) -> str:
        """The text of a page."""
        template = self._environment("../" * page.path.count("/")).get_template(f"{page.template}.html.j2")
        return template.render(path=page.path, title=page.title, **page.data())

    def _environment(self, root: str) -> jinja2.Environment:
        """The templates for all pages that are equally deep, in which every macro is known by its name.

        Args:
            root: The way from such a page up to the edition.
        """
        if root not in self._environments:
            environment = _environment().overlay()
            environment.globals = _environment().globals | self._known | {"root": root}
            macros = environment.get_template("macros.html.j2").module
            # Of the same words, a macro makes the same: a few thousand links stand in hundreds of thousands of places.
            remembered = {name: cache(getattr(macros, name)) for name in _REMEMBERED}
            environment.globals |= {name: getattr(macros, name) for name in _MACROS} | remembered
            self._environments[root] = environment
        return self._environments[root]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("stackcompat.report.site"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # else it asks for the age of each template, three times a page
        bytecode_cache=compiled_templates(),
    )
    environment.globals |= {
        "address_of": address_of,
        "link_to": link_to,
        "release_link": release_link,
        "frontier_link": frontier_link,
        "square_link": square_link,
        "constraints_name": constraints_name,
        "overrides_name": overrides_name,
        "sign": sign,
        "and_list": and_list,
        "count_words": count_words,
        "history_mark": history_mark,
        "history_words": history_words,
        "feature_releases": feature_releases,
        "meanings": POLICIES,
        "when": _when,
    }
    return environment


def _when(moment: dt.datetime | None, *, exact: bool = False) -> Markup:
    """A day as an HTML element with the exact time. A script adds the age on the day of reading."""
    if moment is None:
        return Markup("not known")
    moment = moment.astimezone(dt.UTC)
    words = f"{moment:%Y-%m-%d %H:%M} UTC" if exact else f"{moment:%Y-%m-%d}"
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), words)
