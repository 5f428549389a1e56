"""Where things are."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.plan.checkout import find_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "components.toml").write_text("components = []\n")
    (tmp_path / "matrices" / "quick.toml").write_text("title = 'x'\n")
    return tmp_path


def test_a_project_is_found_from_below(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(checkout / "a" / "b")
    assert find_checkout(None).root == checkout


def test_a_project_that_is_named_is_not_looked_for_above(checkout: Path) -> None:
    (checkout / "a").mkdir()
    assert find_checkout(str(checkout)).root == checkout
    with pytest.raises(UsageError, match=r"--project: no matrices/components\.toml in"):
        find_checkout(str(checkout / "a"))


def test_the_store_may_be_elsewhere(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACKCOMPAT_STORE", raising=False)
    assert find_checkout(str(checkout)).store == checkout / ".stackcompat" / "evidence.sqlite"
    monkeypatch.setenv("STACKCOMPAT_STORE", "/elsewhere/e.sqlite")
    assert find_checkout(str(checkout)).store == Path("/elsewhere/e.sqlite")


def test_an_unknown_matrix_names_the_known_ones(checkout: Path) -> None:
    with pytest.raises(UsageError, match="slow: there is no such matrix; allowed are a file, or one of quick"):
        find_checkout(str(checkout)).matrix("slow")
