"""The menu."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MENU = {"quick", "nightly", "exchange", "cell", "report", "calibrate", "tests", "faults", "lint", "types", "docs"}


def listed(noxfile: Path) -> dict[str, str]:
    """Sessions and their one line."""
    done = subprocess.run(
        [sys.executable, "-m", "nox", "--noxfile", str(noxfile), "--list", "--no-color"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line[2:].partition(" -> ") for line in done.stdout.splitlines() if line.startswith(("* ", "- "))]
    return {name.strip(): description for name, _, description in lines}


def test_the_menu_has_every_session_and_says_what_it_does() -> None:
    menu = listed(ROOT / "noxfile.py")
    assert menu.keys() >= MENU
    assert all(menu.values())


def test_the_engines_own_session_is_there() -> None:
    import stackcompat

    assert listed(Path(stackcompat.__file__).parent / "run" / "noxfile.py").keys() == {"cell"}
