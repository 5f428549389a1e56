"""Cut the network off, keep loopback, then become the command given: ``python fence.py COMMAND...``.

Linux only: a network namespace of its own has no interface but loopback, which grain-like worker processes and local
coordinators need and which starts down. An ordinary user gets one inside a user namespace, where the system allows it.
``python fence.py --check`` exits 0 where this works, and 1 where it does not. Standard library only.
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
    """Move this process into a network namespace of its own and bring its loopback up. Raises OSError if refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNET if user == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        (current,) = struct.unpack_from("H", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", current | _IFF_UP))


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        try:
            cut_network()
        except (OSError, AttributeError):
            sys.exit(1)
        sys.exit(0)
    cut_network()
    os.execv(sys.argv[1], sys.argv[1:])
