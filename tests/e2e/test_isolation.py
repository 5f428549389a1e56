"""What tests inside a cell may do to it, to each other and to the machine: nothing but fail.

Tests that leave something outside run without a sandbox, as on a machine that has none; see test_sandbox.py for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackcompat.evidence.results import CellResult
from stackcompat.run.job import CellLimits
from stackcompat.run.sandbox import network_can_be_cut
from support.processes import ended
from support.real_cells import CellRunner, result_of

HOSTILE = '''
    import ctypes, os, socket, subprocess, sys, threading, time
    from pathlib import Path
    import pytest

    OUT = Path({out!r})
    pytestmark = pytest.mark.uses("six")

    def test_first():
        import six
        assert six.__version__

    def test_raises():
        raise ValueError("at 0x7f00ab in /a/b/c.py")

    def test_exits():
        os._exit(3)

    def test_exits_politely():
        sys.exit(4)

    def test_interrupts():
        raise KeyboardInterrupt

    def test_stops_pytest():
        pytest.exit("enough")

    def test_cannot_be_written_down():
        raise ValueError("\\udcff")

    def test_cannot_say_why():
        class Mute(Exception):
            def __str__(self):
                raise RuntimeError
        raise Mute

    def test_segfaults():
        ctypes.string_at(0)

    @pytest.mark.limit(2)
    def test_sleeps():
        time.sleep(600)

    def test_eats_memory():
        hoard = []
        while True:
            hoard.append(b"x" * 2**25)
            time.sleep(0.02)

    def test_leaves_a_child():
        child = subprocess.Popen(["sleep", "600"])
        (OUT / "child").write_text(str(child.pid))

    def test_leaves_a_daemon():
        """Twice forked and in a session of its own, as daemons are."""
        quiet = "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL"
        code = f"import subprocess; print(subprocess.Popen(['sleep', '600'], start_new_session=True, {{quiet}}).pid)"
        done = subprocess.run([sys.executable, "-c", code], start_new_session=True, capture_output=True, text=True)
        (OUT / "daemon").write_text(done.stdout)

    def test_network():
        with socket.socket() as s:
            s.settimeout(5)
            s.connect(("192.0.2.1", 80))

    def test_names():
        socket.getaddrinfo("example.org", 80)

    def test_loopback():
        server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=lambda: server.accept()[0].sendall(b"hello")).start()
        with socket.create_connection(server.getsockname(), timeout=10) as s:
            assert s.recv(5) == b"hello"

    def test_undeclared():
        import packaging

    def test_undeclared_iniconfig():
        import iniconfig

    def test_environment_variables():
        assert "SECRET_TOKEN" not in os.environ, "leaked"
        assert not [name for name in os.environ if "TOKEN" in name or "AWS" in name]

    def test_home():
        home = Path.home()
        assert home == Path(os.environ["HOME"]) and home.is_dir()
        (OUT / "home").write_text(str(home))
        (home / "mine").touch()

    def test_temporary_folder(tmp_path):
        import tempfile
        assert Path(tempfile.gettempdir()).is_relative_to(Path.home())

    def test_bytecode_is_written():
        assert not sys.dont_write_bytecode
        import six
        assert Path(six.__cached__).is_file()

    def test_caller_is_not_importable():
        import stackcompat

    def test_breaks_inside_a_library():
        import six
        six.reraise(ValueError, ValueError("from within"))

    def test_last():
        assert True
'''


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    """What a careless caller has in the shell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_TOKEN", "hunter2")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        patch.setenv("PYTEST_ADDOPTS", "--no-such-option")
        yield


@pytest.fixture(scope="module")
def hostile(
    out: Path,
    environment: None,
    python: str,
    runner_in: Callable[[Path], CellRunner],
    tmp_path_factory: pytest.TempPathFactory,
) -> CellResult:
    """One cell in which every test misbehaves in its own way."""
    runner = runner_in(tmp_path_factory.mktemp("hostile"))
    return runner.run(
        HOSTILE.format(out=str(out)), python, limits=CellLimits(seconds=120, memory_mb=600), isolation="namespaces"
    )


def test_every_test_has_one_outcome(hostile: CellResult) -> None:
    assert hostile.outcome == "ran", hostile.detail + hostile.log
    names = [test.test.split("::")[-1] for test in hostile.tests]
    assert len(names) == len(set(names)) == HOSTILE.count("def test_")


def test_the_others_are_untouched(hostile: CellResult) -> None:
    assert result_of(hostile, "test_first").outcome == "passed"
    assert result_of(hostile, "test_last").outcome == "passed"


def test_an_exception_is_a_failure_with_a_steady_message(hostile: CellResult) -> None:
    test = result_of(hostile, "test_raises")
    assert test.outcome == "failed"
    assert test.failure is not None
    assert (test.failure.type, test.failure.message) == ("ValueError", "at 0x… in …/c.py")


def test_a_failure_knows_the_library_that_raised_it(hostile: CellResult) -> None:
    """Also where the library's bytecode was compiled in another folder."""
    failure = result_of(hostile, "test_breaks_inside_a_library").failure
    assert failure is not None
    assert (failure.package, failure.where) == ("six", "six:reraise")


def test_sys_exit_is_a_failure_of_that_test_only(hostile: CellResult) -> None:
    test = result_of(hostile, "test_exits_politely")
    assert test.outcome in ("failed", "crashed")


@pytest.mark.parametrize("test", ["test_cannot_be_written_down", "test_cannot_say_why"])
def test_an_odd_message_is_an_ordinary_failure(hostile: CellResult, test: str) -> None:
    assert result_of(hostile, test).outcome == "failed"


@pytest.mark.parametrize("test", ["test_interrupts", "test_stops_pytest"])
def test_an_interrupt_loses_only_that_test(hostile: CellResult, test: str) -> None:
    assert result_of(hostile, test).outcome in ("failed", "crashed")


@pytest.mark.parametrize(("test", "how"), [("test_exits", "exited with code 3"), ("test_segfaults", "SIGSEGV")])
def test_a_process_that_ends_is_a_crash(hostile: CellResult, test: str, how: str) -> None:
    found = result_of(hostile, test)
    assert found.outcome == "crashed"
    assert how in found.reason


def test_a_test_over_its_limit_is_ended(hostile: CellResult) -> None:
    found = result_of(hostile, "test_sleeps")
    assert found.outcome == "timeout"
    assert 2 <= found.seconds < 30


def test_a_test_that_eats_the_memory_is_ended(hostile: CellResult) -> None:
    found = result_of(hostile, "test_eats_memory")
    assert found.outcome == "out-of-memory"
    assert "600 MB allowed" in found.reason


@pytest.mark.parametrize("name", ["child", "daemon"])
def test_no_process_outlives_the_cell(hostile: CellResult, out: Path, name: str) -> None:
    assert ended(int((out / name).read_text()))


@pytest.mark.skipif(not network_can_be_cut(), reason="this system lets nobody cut the network")
@pytest.mark.parametrize("test", ["test_network", "test_names"])
def test_the_network_is_cut(hostile: CellResult, test: str) -> None:
    assert hostile.isolation is not None
    assert hostile.isolation.network == "loopback only"
    found = result_of(hostile, test)
    assert found.failure is not None
    assert found.failure.type in ("OSError", "socket.gaierror"), found.failure
    assert found.seconds < 5


def test_loopback_works(hostile: CellResult) -> None:
    assert result_of(hostile, "test_loopback").outcome == "passed"


@pytest.mark.parametrize("test", ["test_undeclared", "test_undeclared_iniconfig", "test_caller_is_not_importable"])
def test_what_was_not_locked_cannot_be_imported(hostile: CellResult, test: str) -> None:
    found = result_of(hostile, test)
    assert found.failure is not None
    assert found.failure.type == "ModuleNotFoundError"


@pytest.mark.parametrize(
    "test", ["test_environment_variables", "test_home", "test_temporary_folder", "test_bytecode_is_written"]
)
def test_the_surroundings_are_its_own(hostile: CellResult, test: str) -> None:
    found = result_of(hostile, test)
    assert found.outcome == "passed", found


def test_nothing_is_left_on_disk(hostile: CellResult, out: Path) -> None:
    home = Path((out / "home").read_text())
    assert home != Path.home()
    assert not home.exists()


def test_installing_during_the_tests_makes_the_cell_invalid(runner: CellRunner, python: str) -> None:
    suite = """
        import pathlib, six

        def test_installs():
            info = pathlib.Path(six.__file__).with_name("intruder-1.0.dist-info")
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: intruder\\nVersion: 1.0\\n")
    """
    result = runner.run(suite, python)
    assert (result.outcome, result.detail) == (
        "invalid",
        "at the end of the tests, intruder is installed but was not locked",
    )


def test_a_change_by_the_very_last_test_is_seen_even_if_it_ends_the_process(runner: CellRunner, python: str) -> None:
    suite = """
        import os, pathlib, six

        def test_installs():
            info = pathlib.Path(six.__file__).with_name("intruder-1.0.dist-info")
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: intruder\\nVersion: 1.0\\n")
            os._exit(0)
    """
    result = runner.run(suite, python)
    assert result.outcome == "invalid"
    assert "intruder" in result.detail


def test_two_versions_of_one_distribution_make_the_cell_invalid(runner: CellRunner, python: str) -> None:
    suite = """
        import pathlib, six

        def test_installs():
            info = pathlib.Path(six.__file__).with_name("six-0.1.dist-info")
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: six\\nVersion: 0.1\\n")
            info = pathlib.Path(six.__file__).with_name("toolz-99.dist-info")
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: toolz\\nVersion: 99\\n")
    """
    result = runner.run(suite, python)
    assert result.outcome == "invalid"
    assert " and " in result.detail


def test_changing_a_version_during_the_tests_makes_the_cell_invalid(runner: CellRunner, python: str) -> None:
    suite = """
        import pathlib, six

        def test_downgrades():
            (info,) = pathlib.Path(six.__file__).parent.glob("six-*.dist-info")
            metadata = (info / "METADATA").read_text().replace("Version: " + six.__version__, "Version: 1.0")
            (info / "METADATA").unlink()  # the file is shared with the package cache
            (info / "METADATA").write_text(metadata)
    """
    result = runner.run(suite, python)
    assert result.outcome == "invalid"
    assert result.detail.startswith("at the end of the tests, six ")
    assert result.detail.endswith("was locked but 1.0 is installed")


def test_a_module_from_elsewhere_makes_the_cell_invalid(runner: CellRunner, python: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "stranger.py").write_text("")
    suite = f"""
        import sys

        def test_borrows():
            sys.path.append({str(tmp_path / "elsewhere")!r})
            import stranger
    """
    result = runner.run(suite, python, isolation="namespaces")
    assert (result.outcome, result.detail) == (
        "invalid",
        "loaded from outside the environment: stranger from elsewhere",
    )


def test_a_cell_over_its_limit_is_ended_and_says_so(runner: CellRunner, python: str) -> None:
    suite = """
        import time

        def test_quick():
            pass

        def test_slow():
            time.sleep(600)
    """
    result = runner.run(suite, python, limits=CellLimits(seconds=3, memory_mb=2048))
    assert result.outcome == "timeout"
    assert result.seconds < 60
    assert result_of(result, "test_quick").outcome == "passed"


def test_a_broken_suite_is_no_verdict(runner: CellRunner, python: str) -> None:
    result = runner.run("import no_such_module_anywhere\n\ndef test_x(): pass\n", python)
    assert result.outcome == "suite-broken"
    assert "no_such_module_anywhere" in result.detail


def test_what_needs_a_process_of_its_own_has_one(runner: CellRunner, python: str) -> None:
    suite = """
        import os
        import pytest

        HERE = []

        @pytest.mark.alone
        def test_alone():
            assert HERE == []
            HERE.append(1)
            os._exit(3)

        @pytest.mark.alone
        def test_alone_too():
            assert HERE == []
            HERE.append(2)

        def test_first_together():
            HERE.append(3)

        def test_then_together():
            assert HERE == [3]
    """
    result = runner.run(suite, python)
    assert result.outcome == "ran"
    assert {test.test.split("::")[1]: test.outcome for test in result.tests} == {
        "test_alone": "crashed",
        "test_alone_too": "passed",
        "test_first_together": "passed",
        "test_then_together": "passed",
    }
