"""A PostgreSQL server on loopback for tests, made of the programs that the system has."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

PASSWORD = "correct horse"  # with a sign that a URL does not take as it is
_QUOTED = "correct%20horse"
_START_SECONDS = 60


def programs() -> Path | None:
    """The folder with the newest server of the system; None if it has none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda folder: [int(part) for part in folder.parts if part.isdigit()], default=None)


class Server:
    """A running server.

    Args:
        port: Its port on loopback.
        process: Its process.
    """

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.process = process
        self._numbers = itertools.count()

    def url(self, database: str, password: str = _QUOTED) -> str:
        """The URL of a database on it."""
        return f"postgresql+psycopg://tester:{password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the test itself."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="tester", password=PASSWORD, dbname=database, autocommit=True
        )

    def make_database(self) -> str:
        """The URL of what a client sees as an empty database: a schema of its own, which takes less time to make."""
        name = f"store{next(self._numbers)}"
        with closing(self.connect()) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """A server that runs until the block ends. Its files are in a folder of their own.

    Args:
        folder: The folder with its programs.
    """
    # pytest's folders are closed to the user as whom the server runs, since it refuses to run as root.
    with tempfile.TemporaryDirectory(prefix="stackcompat-postgres-") as place:
        data, password = Path(place, "data"), Path(place, "password")
        data.mkdir(mode=0o700)
        password.write_text(PASSWORD)
        user = _user()
        become: list[str | Path] = []
        if user is not None:
            for path in (Path(place), data, password):
                os.chown(path, user.pw_uid, user.pw_gid)
            become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        made: list[str | Path] = [
            folder / "initdb",
            "-D",
            data,
            "-U",
            "tester",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
        ]
        locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([*become, *made, *locale], check=True, capture_output=True, cwd="/")
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": place,
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "60",
        }
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        with Path(place, "log").open("wb") as log:
            command: list[str | Path] = [*become, folder / "postgres", "-D", data, *options]
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        server = Server(port, process)
        try:
            _wait_for(server, Path(place, "log"))
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # by which it ends its clients, too
            process.wait(60)


def _user() -> pwd.struct_passwd | None:
    """As whom the server runs; None for the user of the tests."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_for(server: Server, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(log.read_text(errors="replace")) from None
            time.sleep(0.05)
        else:
            return
