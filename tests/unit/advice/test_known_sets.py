from __future__ import annotations

from packaging.requirements import Requirement

from stackcompat.advice.advisories import advisories
from stackcompat.advice.known_sets import known_sets, newest_fitting
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
SETS = known_sets(SUMMARY, advisories(SUMMARY))


def fitting(*asked: str, python: str = "3.12", prereleases: bool = False) -> list[dict[str, str]]:
    sets = [one for one in SETS if one.python == python]
    found = newest_fitting([Requirement(text) for text in asked], sets, SUMMARY, prereleases=prereleases)
    return [one.versions for one in found]


def test_they_are_cells_that_work_and_that_metadata_permits() -> None:
    cells = {cell.id: cell for cell in SUMMARY.cells}
    assert SETS
    assert {cells[one.cell].verdict for one in SETS} == {"works"}
    assert not any(cells[one.cell].forced for one in SETS)
    assert len({(one.python, *sorted(one.versions.items())) for one in SETS}) == len(SETS)


def test_a_set_that_an_advisory_hits_is_none() -> None:
    one = SETS[0]
    advisory = advisories(SUMMARY)[0]
    sides = tuple(
        side.model_copy(update={"component": name, "distribution": name, "versions": (one.versions[name],)})
        for side, name in zip(advisory.sides, ("alpha", "beta"), strict=True)
    )
    together = ((one.versions["alpha"], one.versions["beta"]),)
    hit = advisory.model_copy(update={"sides": sides, "together": together, "beside": (), "without": ""})
    assert one.cell not in [other.cell for other in known_sets(SUMMARY, [hit])]


def test_the_newest_release_of_the_first_requirement_comes_first() -> None:
    assert fitting("alpha")[0]["alpha"] == "1.3.0"
    assert fitting("alpha<1.3")[0]["alpha"] == "1.2.0"
    assert fitting("alpha<1.3", "beta")[0]["beta"] == max(
        versions["beta"] for versions in fitting("alpha==1.2.0", "beta")
    )


def test_bounds_that_no_set_fits_find_nothing() -> None:
    assert fitting("alpha>=2") == []
    assert fitting("alpha", python="3.9") == []


def test_prereleases_are_asked_for() -> None:
    assert fitting("beta>=2.5a0") == []
    assert fitting("beta>=2.5a0", prereleases=True)[0]["beta"] == "2.5.0rc1"
