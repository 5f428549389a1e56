"""Chosen files of source archives are unpacked."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.errors import StackcompatError
from stackcompat.ecosystem.sdist import unpack
from support.loopback_index import make_sdist

FILES = {
    "alpha-1.0/alpha/__init__.py": "this is the package",
    "alpha-1.0/tests/core/deep_test.py": "deep",
    "alpha-1.0/tests/core_test.py": "core",
    "alpha-1.0/tests/data/numbers.json": "{}",
    "alpha-1.0/tests/helper.py": "helper",
}


def test_only_what_is_chosen_is_unpacked_without_the_outermost_folder(tmp_path: Path) -> None:
    found = unpack(make_sdist(FILES), ("tests/*_test.py", "tests/data/*"), tmp_path)
    assert found == ("tests/core/deep_test.py", "tests/core_test.py", "tests/data/numbers.json")
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == list(found)
    assert (tmp_path / "tests" / "core_test.py").read_text(encoding="utf-8") == "core"


def test_nothing_is_written_elsewhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    bad = make_sdist(
        {"alpha/../../out_test.py": "x", "alpha//etc/out_test.py": "x"}, {"alpha/link_test.py": "/etc/passwd"}
    )
    assert unpack(bad, ("*_test.py",), inside) == ("etc/out_test.py",)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["etc", "inside", "out_test.py"]


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    with pytest.raises(StackcompatError, match="cannot be read: ReadError"):
        unpack(b"no archive", ("*",), tmp_path)
    with pytest.raises(StackcompatError, match="cannot be read"):
        unpack(make_sdist(FILES)[:200], ("*",), tmp_path)
