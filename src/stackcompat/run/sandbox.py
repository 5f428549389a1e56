"""The surroundings of the tests of a cell: clean variables, and no network where the system allows that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stackcompat.run.hardware import CPU, Hardware

__all__ = [
    "ACCELERATOR",
    "INSIDE",
    "PLUGIN",
    "clean_environment",
    "how_to_cut_network",
    "network_can_be_cut",
    "plugin_code",
]

#: The variable by which tests know that there is an accelerator that they can use.
ACCELERATOR = "STACKCOMPAT_ACCELERATOR"

#: The folder with the code that runs inside a cell.
INSIDE = Path(__file__).parent / "inside"

#: The program that runs the tests inside a cell. It imports the other files of `INSIDE`.
PLUGIN = INSIDE / "plugin.py"


def plugin_code() -> bytes:
    """The code that runs inside a cell, file by file, each preceded by its name.

    It decides the outcomes of tests as much as they do.
    """
    return b"".join(path.name.encode() + b"\n" + path.read_bytes() for path in sorted(INSIDE.glob("*.py")))


def clean_environment(
    home: Path, env_python: Path, hardware: Hardware = CPU, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The variables that the tests see: those of the hardware, and a home and a temporary folder of their own.

    Args:
        home: The home folder of the tests. It is made, and so is the temporary folder in it.
        env_python: The Python executable of the environment. Its folder comes first on the path.
        hardware: The hardware of the machine. Its variables are in the key of the evidence.
        environ: The variables of the caller, of which those about certificates are kept.
    """
    kept = {name: value for name, value in environ.items() if re.fullmatch(r"SSL_CERT_\w+", name)}
    kept |= hardware.variables | hardware.devices
    if hardware.accelerated:
        kept[ACCELERATOR] = "1"
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return kept | {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PATH": os.pathsep.join([str(env_python.parent), "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def network_can_be_cut() -> bool:
    """Whether this system can take the network away from a process."""
    if not sys.platform.startswith("linux"):
        return False
    check = [sys.executable, "-I", "-S", str(INSIDE / "fence.py"), "--check"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


#: The settings of Linux that keep ordinary users from a network namespace: the value that does, and one that does not.
_NAMESPACE_SETTINGS = {
    "kernel.unprivileged_userns_clone": ("0", "1"),
    "user.max_user_namespaces": ("0", "10000"),
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),
}


def how_to_cut_network(platform: str = sys.platform, settings: Path = Path("/proc/sys")) -> str:
    """What a person can do on a machine where the network cannot be cut, in a sentence.

    Args:
        platform: The system, as :data:`sys.platform` has it.
        settings: The folder with the settings of Linux.
    """
    if not platform.startswith("linux"):
        return "only Linux can cut it"
    for name, (refuses, allows) in _NAMESPACE_SETTINGS.items():
        file = settings.joinpath(*name.split("."))
        if file.is_file() and file.read_text(encoding="ascii").strip() == refuses:
            return f"allow network namespaces with `sysctl {name}={allows}`"
    return "allow this user, or this container, to make network namespaces (`unshare --user --net true` must work)"
