"""Runs a command without a network: ``python fence.py COMMAND...``.

This works on Linux only, and needs only the standard library. In a network namespace of its own, a process sees no
interface but loopback. Tests with several processes need loopback, so it is brought up. An ordinary user gets a network
namespace inside a user namespace, if the system allows that. ``python fence.py --check`` exits with 0 if all this
works, else with 1.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1


def cut_network() -> None:
    """Move this process into a network namespace of its own and bring its loopback up.

    Raises:
        OSError: The system refuses it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNET if user == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        (current,) = struct.unpack_from("H", fcntl.ioctl(control, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", current | _IFF_UP))


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        try:
            cut_network()
        except (OSError, AttributeError):
            sys.exit(1)
        sys.exit(0)
    cut_network()
    os.execv(sys.argv[1], sys.argv[1:])
