"""Runs a command in a sandbox without a network, from which nothing can be reached but some hosts.

``python build_network.py HOST:PORT,... PYTHON SANDBOX... -- COMMAND...``: in the sandbox, where its interpreter is
PYTHON, this program opens a port on the loopback interface, hands it to the one outside, and becomes COMMAND, which is
told by variables that its proxy is there. Outside, each connection to the port is passed on if it is for one of the
hosts, and refused otherwise. What was refused is written to the standard error in the end. This works on Linux only,
and needs only the standard library.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

#: The variables that name a proxy. Programs read them in either spelling.
_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

#: The most bytes of a request before its content; how long a host may take to answer; the most refused hosts told.
_MOST_BYTES, _SECONDS, _MOST_TOLD = 65536, 120.0, 5

#: The most connections at once. A build that holds more waits.
_MOST_AT_ONCE = 128


# ---------------------------------------------------------------------------------------------------------------------
# In the sandbox
# ---------------------------------------------------------------------------------------------------------------------


def _become(handed_by: int, command: Sequence[str]) -> None:
    """Open a port, hand it to the program outside, and become the command."""
    port = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    port.bind(("127.0.0.1", 0))
    port.listen(64)
    with socket.socket(fileno=handed_by) as outside:
        socket.send_fds(outside, [b"port"], [port.fileno()])
    number = port.getsockname()[1]
    port.close()
    for name in _VARIABLES:
        for spelling in (name, name.upper()):
            os.environ.pop(spelling, None)
            if name != "no_proxy":
                os.environ[spelling] = f"http://127.0.0.1:{number}"
    os.execvp(command[0], list(command))  # noqa: S606  (the command takes the place of this program)


# ---------------------------------------------------------------------------------------------------------------------
# Outside
# ---------------------------------------------------------------------------------------------------------------------


class _Proxy:
    """Passes connections on to some hosts.

    Args:
        hosts: The hosts, each as ``name:port``.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._proxies = urllib.request.getproxies_environment()
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self.refused: dict[str, None] = {}

    def serve(self, port: socket.socket) -> None:
        """Take connections until the port is closed."""
        while True:
            try:
                client, _ = port.accept()
            except OSError:
                return
            self._places.acquire()
            threading.Thread(target=self._serve_one, args=(client,), daemon=True).start()

    def _serve_one(self, client: socket.socket) -> None:
        try:
            with client:
                self._pass_on(client)
        except (OSError, ValueError):
            pass  # whoever has asked sees that the connection ends
        finally:
            self._places.release()

    def _pass_on(self, client: socket.socket) -> None:
        client.settimeout(_SECONDS)
        head, rest = _read_head(client)
        request, *fields = head.decode("latin-1").split("\r\n")
        method, target, version = request.split(" ")
        scheme, host, path = "https", target, target
        if method != "CONNECT":
            url = urlsplit(target)
            scheme, host = url.scheme, f"{url.hostname}:{url.port or 80}"
            path = url._replace(scheme="", netloc="", path=url.path or "/").geturl()
            if scheme != "http":
                raise ValueError("no request to a proxy")
            # The next request of this connection could be for another host, so that there is none.
            fields = [line for line in fields if not line.lower().startswith(_OF_CONNECTION)] + ["Connection: close"]
        if host.lower() not in self._hosts:
            self.refused.setdefault(host if host.isprintable() else ascii(host))
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        connection = self._connect(scheme, host)
        with connection.server as server:
            if method == "CONNECT" and not connection.by_proxy:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                asked = request if connection.by_proxy else f"{method} {path} {version}"
                server.sendall("\r\n".join([asked, *fields, *connection.fields, "", ""]).encode("latin-1"))
            server.sendall(rest)
            client.settimeout(None)  # uv and its builds have limits of their own
            server.settimeout(None)
            threading.Thread(target=_copy, args=(server, client), daemon=True).start()
            _copy(client, server)

    def _connect(self, scheme: str, host: str) -> _Connection:
        """Connect to a host, by the proxy of this machine if it has one."""
        name, _, number = host.rpartition(":")
        proxy = self._proxies.get(scheme) or self._proxies.get("all")
        if not proxy or urllib.request.proxy_bypass_environment(host):  # type: ignore[attr-defined]
            return _Connection(socket.create_connection((name.strip("[]"), int(number)), _SECONDS), [], by_proxy=False)
        there = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if there.scheme != "http" or not there.hostname:
            raise ValueError("a proxy of another kind")
        server = socket.create_connection((there.hostname, there.port or 80), _SECONDS)
        known = f"{unquote(there.username or '')}:{unquote(there.password or '')}".encode()
        fields = [f"Proxy-Authorization: Basic {base64.b64encode(known).decode()}"] if there.username else []
        return _Connection(server, fields, by_proxy=True)


class _Connection(NamedTuple):
    """A connection to a host, or to the proxy of this machine and the fields that this one wants."""

    server: socket.socket
    fields: list[str]
    by_proxy: bool


#: The fields of a request that are about the connection to a proxy.
_OF_CONNECTION = ("connection:", "proxy-connection:", "proxy-authorization:", "keep-alive:")


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """The request line and the fields of a request, and what came after them."""
    read = b""
    while b"\r\n\r\n" not in read:
        more = client.recv(_MOST_BYTES)
        if not more or len(read) > _MOST_BYTES:
            raise ValueError("no request")
        read += more
    head, _, rest = read.partition(b"\r\n\r\n")
    return head, rest


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy what comes from one connection to another until it ends, which ends both."""
    with suppress(OSError):
        for some in iter(partial(source.recv, _MOST_BYTES), b""):
            target.sendall(some)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _run(hosts: str, python: str, sandbox: Sequence[str], command: Sequence[str]) -> int:
    """Run the command in the sandbox. Returns its exit code."""
    here, there = socket.socketpair()
    inside = [python, "-I", "-S", str(Path(__file__).absolute()), "--inside", str(there.fileno()), *command]
    process = subprocess.Popen([*sandbox, "--", *inside], pass_fds=[there.fileno()])
    there.close()
    proxy = _Proxy([host for host in hosts.split(",") if host])
    _, handed, _, _ = socket.recv_fds(here, 16, 1)
    if handed:  # else the sandbox did not start, and its exit code tells
        port = socket.socket(fileno=handed[0])
        threading.Thread(target=proxy.serve, args=(port,), daemon=True).start()
    code = process.wait()
    if proxy.refused:
        told = ", ".join(list(proxy.refused)[:_MOST_TOLD])
        sys.stderr.write(f"stackcompat: a build asked for {told}, and builds reach the hosts of the index alone\n")
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        _become(int(sys.argv[2]), sys.argv[3:])
    else:
        separated = sys.argv.index("--")
        sys.exit(_run(sys.argv[1], sys.argv[2], sys.argv[3:separated], sys.argv[separated + 1 :]))
