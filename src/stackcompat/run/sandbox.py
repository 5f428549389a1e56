"""What the tests of a cell can see: a clean environment, and no network where the system allows that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["INSIDE", "PLUGIN", "clean_environment", "network_can_be_cut", "plugin_code"]

#: The folder with the code that runs inside a cell.
INSIDE = Path(__file__).parent / "inside"

#: The program that runs the tests inside a cell. It imports the other files of `INSIDE`.
PLUGIN = INSIDE / "plugin.py"


def plugin_code() -> bytes:
    """All files with code that runs inside a cell, each after its name: they decide the outcomes of tests, too."""
    return b"".join(path.name.encode() + b"\n" + path.read_bytes() for path in sorted(INSIDE.glob("*.py")))


def clean_environment(home: Path, python: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that the tests see: an allow-list of the caller's, and a home and temporary folder of their own.

    Args:
        home: The home folder of the tests, which is made with the temporary folder in it.
        python: The interpreter of the environment, whose folder is first on the path.
        environ: The variables of the caller.
    """
    allowed = re.compile(r"LANG|LC_\w+|TZ|OPENBLAS_\w+|NVPL_\w+|OMP_\w+|MKL_\w+|LD_LIBRARY_PATH|CUDA_\w+|SSL_CERT_\w+")
    kept = {name: value for name, value in environ.items() if allowed.fullmatch(name)}
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return kept | {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PATH": os.pathsep.join([str(python.parent), "/usr/bin", "/bin"]),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def network_can_be_cut() -> bool:
    """Whether this system can take the network away from a process."""
    if not sys.platform.startswith("linux"):
        return False
    check = [sys.executable, "-I", "-S", str(INSIDE / "fence.py"), "--check"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0
