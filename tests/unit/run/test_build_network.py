"""What a command reaches that runs without a network but for some hosts, here without a sandbox around it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stackcompat.run import build_network

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="works on Linux only")

#: Asks for an address by the proxy that variables name.
ASKS = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"

#: Asks the proxy for a tunnel, and says something in it.
TUNNELS = """
import os, socket, sys
host, _, port = os.environ["HTTPS_PROXY"].removeprefix("http://").partition(":")
with socket.create_connection((host, int(port)), 20) as proxy:
    proxy.sendall(f"CONNECT {sys.argv[1]} HTTP/1.1\\r\\nHost: {sys.argv[1]}\\r\\n\\r\\n".encode())
    print(proxy.recv(1000).decode().split("\\r\\n")[0])
    proxy.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
    print(proxy.recv(1000).decode())
"""


class Server:
    """Keeps what it is asked, and answers everything alike."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                self.asked.append(client.recv(10_000).decode())
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with closing(server.socket):
        yield server


def ask(hosts: str, program: str, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    script = Path(build_network.__file__)
    command = [sys.executable, "-I", str(script), hosts, sys.executable, "env", "--", sys.executable, "-c", program]
    return subprocess.run([*command, target], capture_output=True, text=True, check=False, timeout=60, env=variables)


def test_a_host_of_the_index_is_reached(server: Server) -> None:
    done = ask(f"a.example:443,{server.host}", ASKS, f"http://{server.host}/simple/?x=1", no_proxy="*")
    assert (done.stdout, done.stderr, done.returncode) == ("hi\n", "", 0)
    (asked,) = server.asked
    assert asked.startswith("GET /simple/?x=1 HTTP/1.1\r\n")
    assert asked.lower().count("connection:") == 1


def test_a_tunnel_to_a_host_of_the_index(server: Server) -> None:
    done = ask(server.host, TUNNELS, server.host)
    assert done.stdout.startswith("HTTP/1.1 200 Connection established\nHTTP/1.1 200 OK")


@pytest.mark.parametrize("program", [ASKS, TUNNELS])
def test_no_other_host_is_reached_and_it_is_told(server: Server, program: str) -> None:
    done = ask("a.example:443", program, f"http://{server.host}/" if program is ASKS else server.host)
    assert "403" in done.stdout + done.stderr
    told = f"stackcompat: a build asked for {server.host}, and builds reach the hosts of the index alone"
    assert done.stderr.splitlines()[-1] == told
    assert server.asked == []


@pytest.mark.parametrize(("program", "target"), [(ASKS, "http://index.example/simple"), (TUNNELS, "index.example:443")])
def test_the_proxy_of_the_machine_is_asked_where_there_is_one(server: Server, program: str, target: str) -> None:
    proxy = f"http://me:my%20word@{server.host}"
    done = ask("index.example:80,index.example:443", program, target, https_proxy=proxy, http_proxy=proxy)
    assert done.stdout.startswith(("hi", "HTTP/1.1 200 OK")), done.stderr
    assert target in server.asked[0].splitlines()[0]
    assert "Proxy-Authorization: Basic bWU6bXkgd29yZA==" in server.asked[0].splitlines()


def test_the_exit_code_is_that_of_the_command() -> None:
    assert ask("", "import sys; sys.exit(7)", "").returncode == 7
    assert ask("", "import os; os.kill(os.getpid(), 9)", "").returncode == 137
