"""The fence, run as a program. Its effect on a whole cell is in tests/e2e/test_isolation.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stackcompat.run.inside import fence
from stackcompat.run.sandbox import network_can_be_cut

FENCE = Path(fence.__file__)
TRY = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), timeout=5).close()
print("loopback")
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 80))
    print("network")
except OSError:
    print("cut")
sys.exit(7)
"""


def fenced(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(FENCE), *arguments], capture_output=True, text=True, check=False
    )


def test_the_check_says_the_same_twice_and_changes_nothing_here() -> None:
    code = fenced("--check").returncode
    assert code in (0, 1)
    assert network_can_be_cut() is (code == 0)


@pytest.mark.skipif(not network_can_be_cut(), reason="this system lets nobody cut the network")
def test_the_command_runs_behind_the_fence_and_its_exit_code_is_kept() -> None:
    done = fenced(sys.executable, "-c", TRY)
    assert done.stdout.split() == ["loopback", "cut"], done.stderr
    assert done.returncode == 7


def test_it_needs_the_standard_library_only() -> None:
    code = f"import sys; sys.path.insert(0, {str(FENCE.parent)!r}); import fence; print(len(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
