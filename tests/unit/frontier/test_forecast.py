"""What the sources of two components say about their pairs."""

from __future__ import annotations

from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.frontier.forecast import make_forecast
from stackcompat.frontier.static.names import ModuleNames, NameTable, Take
from stackcompat.pipeline.progress import Silent
from support.surveyed import survey_of


def test_the_forecast_compares_the_side_that_needs_with_each_release_of_the_other() -> None:
    taken = {"1.0": "alpha.thing", "2.0": "alpha.other"}
    read = []

    def names_of(name: str, version: str) -> NameTable:
        read.append((name, version))
        if (name, version) == ("alpha", "1.4"):
            raise IndexUnreachable("not now")
        if name == "alpha":
            return NameTable({"alpha": ModuleNames(offers={"thing": ""} if version == "1.0" else {})})
        late = Take(name="alpha.late", line=9, late=True)
        return NameTable(
            {"beta": ModuleNames(takes=(Take(name=taken[version], line=3), late)), "beta.nets": ModuleNames()}
        )

    foreseen = make_forecast(survey_of(), names_of, Silent())
    assert len(read) == 6
    assert foreseen.names(["import"]) == {
        "import": {(0, 0): frozenset(), (0, 1): {"alpha.thing"}, (1, 1): {"alpha.other"}}
    }
    assert foreseen.names(["interop"])["interop"][0, 1] == {"alpha.thing", "alpha.late"}
    assert str(foreseen.at("import")[0, 1][0]) == "beta:3 takes alpha.thing, which is not there"
