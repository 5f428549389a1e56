"""Which environments an advisory hits, and the links that people write down."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import failing_place, load_links
from stackcompat.advice.building import affected_side
from stackcompat.core.errors import UsageError
from stackcompat.table.summary import Summary


def test_an_environment_is_hit_only_where_both_sides_are_affected(summary: Summary) -> None:
    advisory = advisories(summary)[0]
    (one, other), *_ = advisory.together
    both = {advisory.sides[0].distribution: one, advisory.sides[1].distribution: other}
    assert advisory.hits(both)
    assert not advisory.hits(both | {advisory.sides[1].distribution: "99"})
    assert not advisory.hits({advisory.sides[0].distribution: one})


def test_the_side_that_fails_is_the_one_that_the_error_came_out_of(summary: Summary) -> None:
    sides = [affected_side(name, summary, ("1",), ("1",)) for name in ("alpha", "beta")]
    assert (failing_place(sides, "alpha"), failing_place(sides, "beta"), failing_place(sides, "test")) == (0, 1, 1)


def test_the_summary_for_an_environment_names_its_releases(summary: Summary) -> None:
    advisory = advisories(summary)[0]
    assert (
        advisory.summary
        == f"Beta 2.1.3 fails with Alpha 1.2.0 \N{EN DASH} 1.3.0 (and 2 more pairs of their releases) {advisory.reason}"
    )
    named = advisory.summary_of({"alpha": "1.2.0", "beta": "2.0.0", "gamma": "1"})
    assert named == f"Beta 2.0.0 fails with Alpha 1.2.0 {advisory.reason}"
    beside = advisory.model_copy(update={"beside": ("gamma",)})
    assert beside.summary_of({"alpha": "1.2.0", "beta": "2.0.0", "gamma": "1"}) == advisory.summary


def test_links_are_data(tmp_path: Path) -> None:
    assert load_links(tmp_path / "none.toml") == ()
    path = tmp_path / "advisories.toml"
    path.write_text('links = [{ id = "SC-1", url = "https://i.example/1" }]')
    assert load_links(path)[0].id == "SC-1"
    path.write_text('links = [{ id = "SC-1", uri = "x" }]')
    with pytest.raises(UsageError, match=r'advisories.toml: links\[0\]: "uri" is not a key that is known here'):
        load_links(path)
