"""Run a nox session from a bare clone: ``python3 bootstrap.py SESSION [-- ARGUMENTS]``. Standard library only.

Makes ``.venv`` with nox and uv in it when first called, then becomes ``nox --session SESSION``. Works where
the system's Python is externally managed, and where it came without ensurepip (as Debian's does): pip then fetches
virtualenv.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
#: As in pyproject.toml.
REQUIREMENTS = ("nox>=2025.10.14", "uv>=0.13,<0.14")


def make_environment() -> None:
    """Create ``.venv``; a half-made one from an interrupted call is replaced."""
    try:
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
    except (subprocess.CalledProcessError, ImportError):
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "virtualenv"]
            subprocess.run(pip, check=True)
            command = [sys.executable, "-m", "virtualenv", "--quiet", "--clear", str(ENVIRONMENT)]
            subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": folder})
    python = str(ENVIRONMENT / "bin" / "python")
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *quiet, *REQUIREMENTS], check=True)


def main() -> None:
    """Make what is missing, then hand over to nox."""
    nox = ENVIRONMENT / "bin" / "nox"
    if sys.version_info < (3, 11):
        sys.exit(f"bootstrap.py: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    if not nox.exists():
        try:
            make_environment()
        except subprocess.CalledProcessError as error:
            sys.exit(f"bootstrap.py: {' '.join(map(str, error.cmd[:5]))} ... failed; is the package index reachable?")
    arguments = sys.argv[1:]
    chosen = ["--session", *arguments] if arguments and not arguments[0].startswith("-") else arguments or ["--list"]
    os.chdir(ROOT)
    os.execv(nox, [str(nox), *chosen])


if __name__ == "__main__":
    main()
