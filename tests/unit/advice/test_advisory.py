"""Which environments an advisory hits, and the links that people write down."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import load_links
from stackcompat.core.record import UsageError
from stackcompat.table.summary import Summary


def test_an_environment_is_hit_only_where_both_sides_are_affected(summary: Summary) -> None:
    advisory = advisories(summary)[0]
    (one, other), *_ = advisory.together
    both = {advisory.sides[0].distribution: one, advisory.sides[1].distribution: other}
    assert advisory.hits(both)
    assert not advisory.hits(both | {advisory.sides[1].distribution: "99"})
    assert not advisory.hits({advisory.sides[0].distribution: one})


def test_links_are_data(tmp_path: Path) -> None:
    assert load_links(tmp_path / "none.toml") == ()
    path = tmp_path / "advisories.toml"
    path.write_text('links = [{ id = "SC-1", url = "https://i.example/1" }]')
    assert load_links(path)[0].id == "SC-1"
    path.write_text('links = [{ id = "SC-1", uri = "x" }]')
    with pytest.raises(UsageError, match=r'advisories.toml: links\[0\]: "uri" is not a key that is known here'):
        load_links(path)
