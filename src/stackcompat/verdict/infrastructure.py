"""Which results of a test are the fault of the machine or of the network. Pure.

Such a result is never an incompatibility. The rules go by what an exception is, not by whole messages:

* its class and the classes that it derives from: memory, broken pools of processes, connections and time-outs of HTTP
  libraries;
* the system's number of the error (``ENOSPC``, ``ECONNRESET``, ``EROFS``) or the status of an HTTP response (5xx);
* status words that libraries put into messages (``RESOURCE_EXHAUSTED``, ``CUDA_ERROR_OUT_OF_MEMORY``).

Words count only in the message of an exception that reports such a fault. An assertion, a missing name or a wrong
argument reports something else, so there the same words are values or names.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence

from stackcompat.evidence.results import NO_NETWORK, Failure, TestResult

__all__ = ["is_infrastructure", "ran_out_of_time"]

#: Exceptions about a value, a name or a call. Status words in their messages are values or names.
_ABOUT_THE_PROGRAM = re.compile(
    r"AssertionError|Failed|AttributeError|TypeError|NameError|UnboundLocalError|KeyError|IndexError|SyntaxError"
    r"|IndentationError|NotImplementedError|ZeroDivisionError|RecursionError"
)

#: Classes of exceptions, without their modules, that mean a machine that ran out of something or a killed helper.
_MACHINE = re.compile(
    r"\w*MemoryError|OutOfMemoryError|ResourceExhaustedError|ResourceExhausted"
    r"|BrokenProcessPool|BrokenThreadPool|BrokenExecutor|TerminatedWorkerError|WorkerCrashedError|NodeDiedError"
    r"|ConnectionResetError|ConnectionAbortedError|gaierror|herror"
)

#: Libraries that speak to other hosts, and those of their exceptions that mean a host out of reach or overloaded.
_NETWORK_LIBRARIES = re.compile(r"(?:requests|urllib3|aiohttp|httpx|httpcore|http\.client|botocore|google\.api_core)\b")
_OUT_OF_REACH = re.compile(
    r"\w*(?:Connect|Timeout|TimedOut|Disconnect|Reset|Proxy|SSLError|NameResolution|MaxRetry|RetryError|Chunked"
    r"|Incomplete|ProtocolError|ReadError|WriteError|NetworkError|PayloadError|ServiceUnavailable|DeadlineExceeded|BadGateway"
    r"|TooManyRequests|InternalServerError|TransportError|ClientOSError)\w*"
)
#: An exception for the response of a server, and the statuses that are the fault of the server.
_RESPONSE = re.compile(r"\w*(?:HTTP|Http|Response|Status)\w*Error")
_SERVER_FAULT = re.compile(r"(?:HTTP )?(?:5\d\d|429|408)\b")
#: A socket says no more than this when its time is over.
_SOCKET_TIMEOUT = re.compile(r"^(?:The \w+ operation |.*: The handshake operation )?timed out$")
#: A peer on this machine. The tests start it themselves, so nothing of the network is between.
_LOCAL_PEER = re.compile(r"\blocalhost\b|\b127\.0\.0\.1\b|\b0\.0\.0\.0\b|\[?::1\]?(?![\w:])")

#: Numbers of the operating system for errors of a machine, a disk or a network.
_CODES = re.compile(
    r"ENOSPC|EDQUOT|EROFS|EIO|ESTALE|ENOMEM|EMFILE|ENFILE|EAGAIN"
    r"|ECONNRESET|ECONNABORTED|ENETDOWN|ENETUNREACH|ENETRESET|EHOSTDOWN|EHOSTUNREACH|ETIMEDOUT"
)
_NUMBERED = re.compile(r"\[Errno (\d+)\]")

#: Words of the system and of libraries for a machine that ran out of something, and for a helper process that is gone.
_MACHINE_WORDS = re.compile(
    r"no space left on device|disk quota exceeded|cannot allocate memory|out of memory|std::bad_alloc"
    r"|too many open files|can't start new thread|resource temporarily unavailable|read-only file system"
    r"|input/output error|stale file handle|process pool was terminated abruptly|\bworker\b.*\bexited unexpectedly"
    r"|unhandled system error",
    re.IGNORECASE,
)
#: Words of the system and of libraries for a host that is out of reach or overloaded.
_NETWORK_WORDS = re.compile(
    r"connection reset by peer|connection timed out|no route to host|<urlopen error timed out>"
    r"|max retries exceeded with url|\b5\d\d server error\b|\bserver error '5\d\d\b|\bhttp error 5\d\d\b"
    rf"|{NO_NETWORK}",
    re.IGNORECASE,
)
#: The same in words that are written in capitals or as one identifier.
_STATUS_WORDS = re.compile(r"\bRESOURCE_EXHAUSTED\b|\b\w*OUT_OF_MEMORY\b|\b\w+_ALLOC_FAILED\b|\w+ErrorOutOfMemory\b")
#: A helper process that a signal ended from outside. A segmentation fault and its kin come from the code itself.
_KILLED = re.compile(r"killed by signal: (?!Segmentation|Aborted|Illegal|Floating|Trace)", re.IGNORECASE)
#: A signal by which the code of a helper process ended itself.
_OWN_SIGNAL = re.compile(r"\bSIG(?:SEGV|ABRT|ILL|FPE)\b")
_ENDED_FROM_OUTSIDE = re.compile(r"died of SIG(?:TERM|HUP|KILL|INT|XCPU|XFSZ)\b")

#: Limits that a compiler, a protocol or a linker sets. A machine with more memory has the same ones.
_FIXED_LIMIT = re.compile(
    r"in memory space|memory size limit exceeded|scoped \w+ limit|message larger than max|static TLS", re.IGNORECASE
)


def ran_out_of_time(result: TestResult) -> bool:
    """Whether a test, or a process that it started, did not end within its own limit."""
    failure = result.failure
    return result.outcome == "timeout" or (failure is not None and failure.type == "subprocess.TimeoutExpired")


def is_infrastructure(result: TestResult) -> bool:
    """Whether the machine or the network kept a test from an outcome of its own."""
    if result.outcome == "out-of-memory" or ran_out_of_time(result):
        return True
    failure = result.failure
    if result.outcome not in ("failed", "crashed") or failure is None:
        return False
    if result.outcome == "crashed":
        return _ENDED_FROM_OUTSIDE.search(failure.message) is not None
    return _is_fault_of_surroundings(failure)


def _is_fault_of_surroundings(failure: Failure) -> bool:
    """Whether an exception reports a fault of the machine or of the network."""
    classes = (failure.type, *failure.bases)
    names = [name.rpartition(".")[2] for name in classes]
    if any(_ABOUT_THE_PROGRAM.fullmatch(name) for name in names):
        return False
    if _FIXED_LIMIT.search(failure.message) or _OWN_SIGNAL.search(failure.message):
        return False
    numbers = [errno.errorcode.get(int(number), "") for number in _NUMBERED.findall(failure.message)]
    if any(_CODES.fullmatch(code) for code in (failure.code, *numbers)):
        return True
    if any(_MACHINE.fullmatch(name) for name in names):
        return True
    if any(pattern.search(failure.message) for pattern in (_MACHINE_WORDS, _STATUS_WORDS, _KILLED)):
        return True
    return not _LOCAL_PEER.search(failure.message) and _is_fault_of_network(classes, failure)


def _is_fault_of_network(classes: Sequence[str], failure: Failure) -> bool:
    """Whether an exception says that a host was out of reach, or that a server answered with a fault of its own."""
    if _NETWORK_WORDS.search(failure.message):
        return True
    for name in classes:
        kind = name.rpartition(".")[2]
        if _NETWORK_LIBRARIES.match(name) and _OUT_OF_REACH.fullmatch(kind):
            return True
        if _RESPONSE.fullmatch(kind) and _SERVER_FAULT.match(failure.code or failure.message):
            return True
        if kind in ("TimeoutError", "timeout") and _SOCKET_TIMEOUT.search(failure.message):
            return True
    return False
