"""What a cell cannot reach when it is closed: real cells in a real sandbox of bubblewrap."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from stackcompat.evidence.results import CellResult
from stackcompat.run.isolation import find_means
from stackcompat.run.job import CellLimits
from support.processes import ended
from support.real_cells import CellRunner, result_of

pytestmark = pytest.mark.skipif(not find_means().bubblewrap, reason="this machine has no bubblewrap that works")

PROBING = '''
    import ctypes, os, socket, subprocess, sys
    from pathlib import Path
    import pytest

    SECRET, PORT, SOCKET, CACHE = Path({secret!r}), {port}, {socket!r}, Path({cache!r})
    pytestmark = pytest.mark.uses("six")

    def test_changes_a_library():
        """A library may change data that it installed, as in the environment of any user."""
        import six
        license, *_ = Path(six.__file__).parent.glob("six-*/**/LICENSE*")
        license.write_text("changed")

    def test_sees_a_file_of_the_caller():
        SECRET.read_text()

    def test_sees_the_cache():
        assert not (CACHE / "uv").exists() and not (CACHE / "users.lock").exists()

    def test_sees_no_other_cell_and_nothing_of_its_own_job():
        (cells,) = [folder for folder in Path(sys.prefix).parents if folder.name == "environments"]
        (own,) = cells.iterdir()
        assert not (own / "job.json").exists() and not (own / "log.txt").exists()

    def test_sees_no_process_but_its_own():
        seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        assert all("noxfile" not in Path(f"/proc/{{pid}}/cmdline").read_text() for pid in seen)
        assert len(seen) < 20

    def test_sees_no_variable_of_the_caller():
        for pid in (name for name in os.listdir("/proc") if name.isdigit()):
            try:
                assert b"hunter2" not in Path(f"/proc/{{pid}}/environ").read_bytes()
            except PermissionError:
                pass

    def test_reaches_the_host_by_loopback():
        socket.create_connection(("127.0.0.1", PORT), timeout=5)

    def test_reaches_the_host_by_a_socket():
        socket.socket(socket.AF_UNIX).connect(SOCKET)

    def test_is_not_root():
        assert os.getuid() != 0 and os.getgid() != 0
        status = Path("/proc/self/status").read_text().splitlines()
        (effective,) = [line for line in status if line.startswith("CapEff")]
        assert int(effective.split()[1], 16) == 0

    HARNESS = str(Path(pytest.__file__).parent)

    @pytest.mark.parametrize("place", ["/", "/usr", "/etc", "/sys/fs/cgroup", "/var", HARNESS])
    def test_writes(place):
        with pytest.raises(OSError):
            Path(place, "intruder").write_text("x")

    @pytest.mark.parametrize("setting", ["kernel/core_pattern", "vm/swappiness", "kernel/hostname"])
    def test_changes_the_system(setting):
        path = Path("/proc/sys", setting)
        with pytest.raises(OSError):
            path.write_text(path.read_text())

    def test_fills_the_disk():
        with pytest.raises(OSError):
            with open(os.environ["TMPDIR"] + "/big", "wb") as file:
                for _ in range(4000):
                    file.write(b"x" * 2**20)

    def test_starts_a_daemon():
        subprocess.Popen(["sleep", "{sleep}"], start_new_session=True)

    def test_ends_every_process_it_may():
        with pytest.raises(OSError):
            os.kill({engine}, 0)
'''

SLEEP = "86399.25"  # known by this number in the list of processes


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """What there is outside: a file, a server and a socket."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "secret").write_text("hunter2")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as local,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SECRET_TOKEN", "hunter2")
        patch.chdir(folder)
        local.bind("socket")
        local.listen()
        yield {
            "secret": str(folder / "secret"),
            "port": server.getsockname()[1],
            "socket": str(folder / "socket"),
        }


@pytest.fixture(scope="module")
def closed(
    host: dict[str, object],
    python: str,
    runner_in: Callable[[Path], CellRunner],
    tmp_path_factory: pytest.TempPathFactory,
) -> CellResult:
    """One cell whose tests try what they must not."""
    runner = runner_in(tmp_path_factory.mktemp("closed"))
    suite = PROBING.format(**host, cache=str(runner.cache.root), sleep=SLEEP, engine=os.getpid())
    return runner.run(suite, python, limits=CellLimits(seconds=200, memory_mb=2048), isolation="strict")


def test_the_record_says_that_the_cell_was_closed(closed: CellResult) -> None:
    assert closed.outcome == "ran", closed.detail + closed.log
    assert closed.isolation is not None
    assert (closed.isolation.level, closed.isolation.network) == ("bubblewrap", "loopback only")


@pytest.mark.parametrize(
    "test",
    [
        "test_changes_a_library",
        "test_sees_the_cache",
        "test_sees_no_other_cell_and_nothing_of_its_own_job",
        "test_sees_no_process_but_its_own",
        "test_sees_no_variable_of_the_caller",
        "test_is_not_root",
        "test_fills_the_disk",
        "test_starts_a_daemon",
        "test_ends_every_process_it_may",
    ],
)
def test_what_is_hidden_and_what_is_its_own(closed: CellResult, test: str) -> None:
    found = result_of(closed, test)
    assert found.outcome == "passed", found


@pytest.mark.parametrize("test", ["test_writes", "test_changes_the_system"])
def test_nothing_else_can_be_written(closed: CellResult, test: str) -> None:
    found = [result for result in closed.tests if f"::{test}[" in result.test]
    assert found
    assert [result for result in found if result.outcome != "passed"] == []


@pytest.mark.parametrize(
    ("test", "error"),
    [
        ("test_sees_a_file_of_the_caller", "FileNotFoundError"),
        ("test_reaches_the_host_by_loopback", "ConnectionRefusedError"),
        ("test_reaches_the_host_by_a_socket", "FileNotFoundError"),
    ],
)
def test_what_is_out_of_reach(closed: CellResult, test: str, error: str) -> None:
    failure = result_of(closed, test).failure
    assert failure is not None
    assert failure.type == error, failure


def test_no_process_is_left(closed: CellResult) -> None:
    assert SLEEP not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_a_change_in_one_environment_is_in_no_other(closed: CellResult, runner: CellRunner, python: str) -> None:
    assert result_of(closed, "test_changes_a_library").outcome == "passed"
    suite = """
        from pathlib import Path
        def test_library():
            import six
            license, *_ = Path(six.__file__).parent.glob("six-*/**/LICENSE*")
            assert license.read_text() != "changed"
    """
    result = runner.run(suite, python)
    assert result_of(result, "test_library").outcome == "passed"


def test_all_ends_when_the_session_is_killed(runner: CellRunner, python: str) -> None:
    """Also a daemon, which has left the session and the process group of the tests."""
    suite = """
        import subprocess, time

        def test_daemon():
            subprocess.Popen(["sleep", "86398.75"], start_new_session=True)
            time.sleep(600)
    """
    results: list[CellResult] = []
    thread = threading.Thread(target=lambda: results.append(runner.run(suite, python, isolation="strict")))
    thread.start()
    daemon = _process("86398.75")
    (session,) = [one for one in psutil.Process().children() if "noxfile.py" in " ".join(one.cmdline())]
    session.kill()
    thread.join(60)
    assert ended(daemon.pid)
    assert [result.outcome for result in results] == ["crashed"]


def _process(argument: str) -> psutil.Process:
    """The process of `sleep` with this argument, once it is there."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for one in psutil.process_iter(["cmdline"]):
            if one.info["cmdline"] == ["sleep", argument]:
                return one
        time.sleep(0.2)
    raise AssertionError(f"no process has started with {argument}")
