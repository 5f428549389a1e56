from __future__ import annotations

import pytest

from stackcompat.core.text import and_list, article


@pytest.mark.parametrize(
    ("items", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")]
)
def test_lists(items: list[str], said: str) -> None:
    assert and_list(items) == said


def test_articles() -> None:
    assert (article("beta"), article("alpha")) == ("a beta", "an alpha")
