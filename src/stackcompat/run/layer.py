"""Runs a command in whose view a folder can be changed, while the folder itself stays as it is.

``python layer.py FOLDER LAYER COMMAND...`` mounts an overlay over FOLDER, in a mount namespace of its own: what the
command writes there goes into the folder LAYER and stays for the next command with the same LAYER. This works on Linux
only, and needs only the standard library. An ordinary user gets a mount namespace inside a user namespace, if the
system allows that. ``python layer.py --check FOLDER`` exits with 0 if all this works in FOLDER, else with 1.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18


def cover(folder: Path, layer: Path) -> None:
    """Mount an overlay over a folder, for this process and those that it starts.

    Args:
        folder: The folder.
        layer: The folder for what is written. It is on a file system that can hold the upper layer of an overlay.

    Raises:
        OSError: The system refuses it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS if user == 0 else _CLONE_NEWNS | _CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path(f"/proc/self/{name}").write_text(text, encoding="ascii")
    _mount(libc, "none", Path("/"), None, _MS_REC | _MS_PRIVATE, None)  # nobody else sees what is mounted here
    upper, work = layer / "upper", layer / "work"
    for made in (upper, work):
        made.mkdir(parents=True, exist_ok=True)
    places = {"lowerdir": folder, "upperdir": upper, "workdir": work}
    options = ",".join(f"{name}={_quoted(place)}" for name, place in places.items())
    _mount(libc, "overlay", folder, "overlay", 0, f"{options},userxattr")


def _mount(libc: ctypes.CDLL, source: str, target: Path, kind: str | None, flags: int, options: str | None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, str(target), kind, options)]
    if libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]) != 0:
        raise OSError(ctypes.get_errno(), f"mount {kind or 'none'}")


def _quoted(path: Path) -> str:
    """A path as the options of an overlay have it, in which commas and colons separate."""
    return str(path).replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")


def _works(folder: Path) -> bool:
    """Whether a file can be changed above an unchanged folder."""
    lower = folder / "lower"
    lower.mkdir(parents=True, exist_ok=True)
    try:
        cover(lower, folder / "layer")
        (lower / "file").write_text("", encoding="ascii")
    except (OSError, AttributeError):
        return False
    return (folder / "layer" / "upper" / "file").exists()


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        sys.exit(0 if _works(Path(sys.argv[2])) else 1)
    cover(Path(sys.argv[1]), Path(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606  (the command takes the place of this program)
