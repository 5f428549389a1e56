"""The tests that a release ships, really run in cells; those of a small package are made up here."""

from __future__ import annotations

from pathlib import Path

from stackcompat.ecosystem.components import Upstream
from stackcompat.evidence.results import CellResult
from stackcompat.run.job import ShippedTests
from support.real_cells import CellRunner

SMOKE = """
    import pytest

    @pytest.mark.uses("six")
    def test_six():
        import six
"""
FILES = {
    "a_kills_test.py": "import os\n\nos._exit(7)\n",
    "b_fine_test.py": """
import os
from pathlib import Path

import six

def test_good():
    assert six.PY3

def test_kills():
    os.abort()

def test_after():
    # What a test leaves is for nobody else.
    Path("left.txt").write_text("x")
""",
}
KILLER, FINE = (f"upstream/six/{name}" for name in FILES)


def own(folder: Path, tests: tuple[str, ...] | None = None, left_out: dict[str, str] | None = None) -> ShippedTests:
    folder.mkdir(exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    chosen = Upstream(archive="sdist", tests=("*_test.py",), seconds=60)
    return ShippedTests(distribution="six", chosen=chosen, folder=folder, tests=tests, left_out=left_out or {})


def outcomes(result: CellResult) -> dict[str, str]:
    assert result.outcome == "ran", result.detail
    return {test.test: test.outcome for test in result.tests}


def test_a_file_or_test_that_ends_the_process_loses_only_itself(
    runner: CellRunner, python: str, tmp_path: Path
) -> None:
    shipped = own(tmp_path / "shipped")
    result = runner.run(SMOKE, python, upstream=(shipped,), level="upstream", files=())
    assert outcomes(result) == {
        KILLER: "crashed",
        FINE: "passed",
        f"{FINE}::test_good": "passed",
        f"{FINE}::test_kills": "crashed",
        f"{FINE}::test_after": "passed",
    }
    assert {test.level for test in result.tests} == {"upstream"}
    assert {test.components for test in result.tests} == {("six",)}
    assert sorted(path.name for path in (tmp_path / "shipped").glob("*.*")) == sorted(FILES)


def test_only_what_counts_is_run_and_the_rest_is_told(runner: CellRunner, python: str, tmp_path: Path) -> None:
    counted = (FINE, f"{FINE}::test_good", f"{FINE}::test_gone")
    shipped = own(tmp_path / "shipped", counted, {f"{FINE}::test_kills": "crashed then too"})
    result = runner.run(SMOKE, python, upstream=(shipped,), level="upstream")
    found = {test.test: (test.outcome, test.reason) for test in result.tests}
    assert found == {
        "test_suite.py::test_six": ("passed", ""),
        FINE: ("passed", ""),
        f"{FINE}::test_good": ("passed", ""),
        f"{FINE}::test_kills": ("not-applicable", "crashed then too"),
        f"{FINE}::test_gone": ("not-applicable", "was not reached"),
    }
    assert outcomes(runner.run(SMOKE, python, upstream=(shipped,), level="upstream", tests=counted[:2])) == {
        FINE: "passed",
        f"{FINE}::test_good": "passed",
    }
