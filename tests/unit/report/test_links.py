from __future__ import annotations

import pytest

from stackcompat.report.links import BESIDE, NOWHERE, Links


@pytest.mark.parametrize(
    ("links", "place", "link"),
    [
        (BESIDE, "The [page](index.html)", "[all](index.html#broken)"),
        (NOWHERE, "The site that `stackcompat site` writes", "all"),
        (
            Links(beside=False, site="https://sound.example/compat/"),
            "The [site](https://sound.example/compat/latest/index.html)",
            "[all](https://sound.example/compat/latest/failures.html)",
        ),
    ],
)
def test_texts_lead_to_what_is_there(links: Links, place: str, link: str) -> None:
    assert links.place == place
    assert links.link("all", "index.html#broken", "failures.html") == link
