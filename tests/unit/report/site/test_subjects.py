"""The pages about one thing each."""

from __future__ import annotations

from packaging.requirements import Requirement

from stackcompat.advice.advisories import advisories
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.advice.suggestion import suggest
from stackcompat.report.site.latest import install_lines
from stackcompat.report.site.model import Published, Site
from stackcompat.report.site.render import Renderer
from stackcompat.report.site.subjects import subjects
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history
from support.page import Page

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
ADVISORIES = advisories(SUMMARY)


def text_of(path: str, summary: Summary = SUMMARY) -> str:
    site = Site(Published("Sound", summary, ADVISORIES))
    (page,) = [one for one in subjects(site) if one.path == path]
    taken_apart = Page(Renderer(site).render(page))
    assert taken_apart.unmatched == []
    return " ".join(taken_apart.text.split())


def test_a_component_says_which_of_its_bounds_kept_a_release_out_of_the_table_alone() -> None:
    text = text_of("component/beta.html")
    assert "Whether some contradict what was measured is not known" in text
    assert "No bound that it declares kept a release out of a tested set." in text
    bound = "beta>=2.4 depends on alpha<1.3, but alpha==1.3.0 is requested"
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta==2.4.1", bound=bound)
    cells = tuple(cell.model_copy(update={"held_back": (held,)}) for cell in SUMMARY.cells)
    text = text_of("component/beta.html", SUMMARY.model_copy(update={"cells": cells}))
    assert "kept a release out of a tested set: beta>=2.4 depends on alpha<1.3; measured: Alpha with Beta" in text


WORKS = next(cell for cell in SUMMARY.cells if cell.verdict == "works" and cell.components)


def only(cell: CellRow, installed: dict[str, str]) -> Summary:
    return SUMMARY.model_copy(update={"cells": (cell,), "installed": {cell.id: installed}, "locks": {}})


def test_the_command_of_a_green_cell_names_every_version_that_it_had() -> None:
    command = "stackcompat try 'alpha[fast]>=1' --level upstream --python 3.12 --also glue --override 'beta>=1'"
    cell = WORKS.model_copy(update={"reproduce": command})
    text = text_of(f"cell/{cell.id}.html", only(cell, {"alpha": "1.3.0", "glue": "1.4", "paste": "2", "beta": "3"}))
    assert (
        "stackcompat try 'alpha[fast]==1.3.0' --level upstream --python 3.12 --also glue==1.4 --override beta==3 "
        "--also paste==2 "
    ) in text
    assert f"-r {cell.id}.txt" in text


def test_a_command_names_no_lock_that_is_not_there() -> None:
    command = f"stackcompat try --lock reports/locks/{WORKS.id}.txt --python 3.12"
    cell = WORKS.model_copy(update={"reproduce": command, "requirements": ("alpha",), "exclude_newer": None})
    text = text_of(f"cell/{cell.id}.html", only(cell, {}))
    assert "stackcompat try alpha --python 3.12 " in text
    assert "their versions are not published, so the command above can give newer releases" in text
    locked = only(cell, {}).model_copy(update={"locks": {cell.id: "alpha==1.3.0 --hash=sha256:0"}})
    assert command in text_of(f"cell/{cell.id}.html", locked)


def test_the_page_of_a_release_answers_first_then_names_problems_then_shows_what_is_known() -> None:
    text = text_of("release/beta--2.1.3.html")
    order = ["Install with it", "Known incompatibilities of this release", "What goes with it on Python 3.12"]
    assert sorted(order, key=text.index) == order
    assert "Python 3.12: " in text[text.index(order[0]) : text.index(order[1])]


def test_the_page_of_a_release_installs_what_suggest_names() -> None:
    asked = [Requirement("beta==2.1.3")]
    found = suggest(asked, SetKnowledge(SUMMARY, "3.12"), ADVISORIES, prereleases=True)
    assert found is not None
    assert install_lines(found.pins, found.known.besides)["uv"] in text_of("release/beta--2.1.3.html")
