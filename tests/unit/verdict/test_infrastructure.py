"""Which results are the fault of the machine or of the network, and which have only the same words."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import Failure, TestResult
from stackcompat.verdict.infrastructure import is_infrastructure, ran_out_of_time
from stackcompat.verdict.outcomes import classify
from support.made_up import failed, make_cell, passed, planned, run_of, starved

POOL = "HTTPSConnectionPool(host='host.example', port=443): Max retries exceeded with url: /x"
LOCAL = "HTTPConnectionPool(host='localhost', port=8080): Max retries exceeded with url: /x"


def result(kind: str, message: str, bases: tuple[str, ...] = (), code: str = "") -> TestResult:
    failure = Failure(type=kind, message=message, package="beta", where="beta:x", bases=bases, code=code)
    return failed("t", "alpha", "beta").model_copy(update={"failure": failure})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("MemoryError", ""),
        ("numpy._core._exceptions._ArrayMemoryError", "Unable to allocate 3. GiB"),
        ("XlaRuntimeError", "RESOURCE_EXHAUSTED: Failed to allocate request for 2.00GiB on device ordinal 0"),
        ("jax.errors.JaxRuntimeError", "INTERNAL: CUDA_ERROR_OUT_OF_MEMORY: failed to allocate"),
        ("jax.errors.JaxRuntimeError", "INTERNAL: CUBLAS_STATUS_ALLOC_FAILED"),
        ("ValueError", "RESOURCE_EXHAUSTED: Error writing a file [OS error 28: No space left on device]"),
        ("RuntimeError", "CUDA error: out of memory"),
        ("RuntimeError", "NCCL error: unhandled system error"),
        ("RuntimeError", "DataLoader worker (pid 3) is killed by signal: Killed. "),
        ("RuntimeError", "DataLoader worker (pid(s) 3) exited unexpectedly"),
        ("concurrent.futures.process.BrokenProcessPool", "A process in the process pool was terminated abruptly."),
        ("joblib.externals.loky.process_executor.TerminatedWorkerError", "A worker process was unexpectedly stopped."),
        ("torch.OutOfMemoryError", "Tried to allocate 2 GiB"),
        ("requests.exceptions.ConnectTimeout", POOL),
        ("requests.exceptions.ReadTimeout", "Read timed out. (read timeout=10)"),
        ("requests.exceptions.HTTPError", "503 Server Error: Service Unavailable for url: x"),
        ("urllib.error.HTTPError", "HTTP Error 502: Bad Gateway"),
        ("urllib.error.URLError", "<urlopen error timed out>"),
        ("urllib.error.URLError", "<urlopen error [Errno 104] Connection reset by peer>"),
        ("urllib3.exceptions.ProtocolError", "('Connection broken: IncompleteRead', 3)"),
        ("aiohttp.client_exceptions.ServerDisconnectedError", "Server disconnected"),
        ("httpx.ConnectError", "All connection attempts failed"),
        ("httpx.HTTPStatusError", "Server error '503 Service Unavailable' for url 'x'"),
        ("ConnectionResetError", "[Errno 104] Connection reset by peer"),
        ("socket.gaierror", "[Errno -3] Temporary failure in name resolution"),
        ("TimeoutError", "The read operation timed out"),
        ("OSError", "[Errno 24] Too many open files"),
        ("OSError", "[Errno 30] Read-only file system: '…/x'"),
        ("OSError", "[Errno 5] Input/output error"),
        ("ImportError", "libx.so: failed to map segment from shared object: Cannot allocate memory"),
    ],
)
def test_a_fault_of_the_machine_or_the_network(kind: str, message: str) -> None:
    fault = result(kind, message)
    assert is_infrastructure(fault)
    cell = planned(make_cell({"alpha": "1"}), {"alpha": "1"})
    (status,) = classify((run_of(cell, fault), run_of(cell, fault, attempt=1)))
    assert status.state == "infra"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        # Words in an assertion are values.
        ("AssertionError", "expected 503 Server Error, got 200"),
        ("AssertionError", "assert 'out of memory' in 'no space left on device'"),
        ("Failed", "DID NOT RAISE RESOURCE_EXHAUSTED"),
        ("ValueError", "expected status 503, got 200"),
        # Words in these are names.
        ("AttributeError", "module 'alpha.errors' has no attribute 'RESOURCE_EXHAUSTED'"),
        ("KeyError", "'CUDA_ERROR_OUT_OF_MEMORY'"),
        # Limits that another machine has as well.
        ("jax.errors.JaxRuntimeError", "RESOURCE_EXHAUSTED: Ran out of memory in memory space vmem. Used 16.5M of 16M"),
        (
            "jax.errors.JaxRuntimeError",
            "RESOURCE_EXHAUSTED: Shared memory size limit exceeded: requested 1",
        ),
        ("RuntimeError", "RESOURCE_EXHAUSTED: Received message larger than max (5 vs. 4)"),
        ("ImportError", "libgomp.so: cannot allocate memory in static TLS block"),
        # A server that the test runs itself, and statuses that are the client's fault.
        ("requests.exceptions.ConnectionError", LOCAL),
        ("ConnectionRefusedError", "[Errno 111] Connection refused"),
        ("requests.exceptions.HTTPError", "404 Client Error: Not Found for url: x"),
        ("urllib.error.HTTPError", "HTTP Error 403: Forbidden"),
        ("requests.exceptions.InvalidURL", "no host"),
        # A worker that died of its own code, and a time-out that some code set.
        ("RuntimeError", "DataLoader worker (pid 3) is killed by signal: Segmentation fault."),
        ("joblib.externals.loky.process_executor.TerminatedWorkerError", "The exit codes are {SIGSEGV(-11)}"),
        ("TimeoutError", ""),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'x'"),
        ("TypeError", "got an unexpected keyword argument 'timed out'"),
    ],
)
def test_a_fault_of_the_versions(kind: str, message: str) -> None:
    assert not is_infrastructure(result(kind, message))


@pytest.mark.parametrize(
    ("bases", "code", "infra"),
    [
        (("requests.exceptions.ConnectionError", "OSError"), "", True),
        (("requests.exceptions.HTTPError", "OSError"), "HTTP 503", True),
        (("requests.exceptions.HTTPError", "OSError"), "HTTP 404", False),
        (("OSError",), "ENOSPC", True),
        (("OSError",), "ECONNRESET", True),
        (("OSError",), "ENOENT", False),
        (("AssertionError",), "ENOSPC", False),
        (("MemoryError",), "", True),
        ((), "", False),
    ],
)
def test_a_class_is_what_it_derives_from(bases: tuple[str, ...], code: str, infra: bool) -> None:
    assert is_infrastructure(result("hub.errors.HubError", "cannot be read", bases, code)) is infra


@pytest.mark.parametrize(("words", "infra"), [("SIGTERM", True), ("SIGHUP", True), ("SIGSEGV", False)])
def test_a_process_that_was_ended_from_outside_did_not_crash(words: str, infra: bool) -> None:
    crash = failed("t", type="ProcessEnded", message=f"the process died of {words}", outcome="crashed")
    assert is_infrastructure(crash) is infra


def test_a_process_of_the_test_can_run_out_of_time() -> None:
    late = result("subprocess.TimeoutExpired", "Command 'x' timed out after …s")
    assert ran_out_of_time(late)
    assert is_infrastructure(late)
    assert ran_out_of_time(starved("t"))
    assert not ran_out_of_time(starved("t", outcome="out-of-memory"))


@pytest.mark.parametrize("green", [passed("t"), failed("t")])
def test_plain_results_are_none(green: Any) -> None:
    assert not is_infrastructure(green)
