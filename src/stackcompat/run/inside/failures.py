"""The description of a failure: the original error, and the distributions whose code ran when it was raised."""

from __future__ import annotations

import errno
import operator
import os
import re
import sys
import traceback
from typing import TYPE_CHECKING

from .causes import NO_WRAPPERS, cause_line, class_name, cut, error_chain, frames_in_text, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stackcompat.run.inside.protocol import FailureSeen, WrapperWords

    from .owners import Owners

__all__ = ["MESSAGE_CHARACTERS", "describe_failure", "normalise_message"]

#: How many characters of a message are kept, from its start.
MESSAGE_CHARACTERS = 500

#: How many characters of a traceback are kept, from its end.
_TRACEBACK_CHARACTERS = 6000

#: The most classes that the class of an error comes from.
_MOST_BASES = 20

#: The file of the watcher, whose functions stand in the place of some of Python's.
_WATCHER = os.path.join(os.path.dirname(__file__), "watch.py")  # noqa: PTH118, PTH120  (as frames name it)

#: Base classes that say nothing about an error.
_PLAIN = (object, BaseException, Exception)


def normalise_message(message: str, wrappers: WrapperWords = NO_WRAPPERS) -> str:
    """The line of a message that says what is wrong.

    Parts that differ from run to run are replaced: addresses, paths, ids, durations.

    Args:
        message: The message.
        wrappers: What the libraries of the ecosystem put around errors.
    """
    line = cause_line(message, wrappers)
    line = re.sub(r"0x[0-9a-fA-F]+", "0x…", line)
    line = re.sub(r"\bid=\d+", "id=…", line)
    line = re.sub(r"\b\d+(\.\d+)?\s?(ms|us|µs|seconds|s)\b", "…s", line)
    line = re.sub(r"(?<![\w.])(/[\w.+@~-]+){2,}/([\w.+@~-]+)", r"…/\2", line)
    return cut(line, MESSAGE_CHARACTERS)


def _no_test(path: str) -> bool:  # noqa: ARG001  (a file of tests is not known)
    return False


def describe_failure(
    error: BaseException,
    owners: Owners,
    wrappers: WrapperWords = NO_WRAPPERS,
    is_test: Callable[[str], bool] = _no_test,
) -> FailureSeen:
    """Describe an error for an event.

    Libraries often wrap an error that they catch. So type and message are those of the original error. The
    distributions are those whose code ran when the error was raised, the deepest last.

    Args:
        error: The error that was raised.
        owners: The distributions that the installed files belong to.
        wrappers: What the libraries of the ecosystem put around errors.
        is_test: Whether the file with this path is one of the tests.
    """
    chain, remote = error_chain(error, wrappers)
    original = chain[-1]
    packages: list[str] = []
    where = ""
    for path, place in _frames(error, original, remote):
        package = owners.owner(path)
        if package is not None:
            packages.append(package)
            where = place
    kind = type_name(original)
    return {
        "type": kind,
        "message": normalise_message(_message(original), wrappers).removeprefix(f"{kind}: "),
        # A package that occurs more than once stands at its last place.
        "packages": list(reversed(dict.fromkeys(reversed(packages)))),
        "package": packages[-1] if packages else "",
        "where": cut(where, MESSAGE_CHARACTERS),
        "line": _line_of_test(chain, is_test),
        "bases": [class_name(base) for base in type(original).__mro__[1:] if base not in _PLAIN][:_MOST_BASES],
        "code": _code(original),
        "changed": getattr(original, "stackcompat_changed", False),
        "traceback": _printed(error)[-_TRACEBACK_CHARACTERS:],
    }


def _printed(error: BaseException) -> str:
    """The traceback of an error as Python prints it, without the frames of the watcher."""
    waiting: list[traceback.TracebackException | None] = [traceback.TracebackException.from_exception(error)]
    whole = waiting[0]
    assert whole is not None
    while waiting:
        part = waiting.pop()
        if part is None:
            continue
        part.stack[:] = [frame for frame in part.stack if frame.filename != _WATCHER]
        waiting += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]
    return "".join(whole.format())


def _frames(error: BaseException, original: BaseException, remote: list[str]) -> Iterator[tuple[str, str]]:
    """The frames of the error and of the original one: the path of the file, and module and function."""
    for link in (error,) if original is error else (error, original):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            yield frame.f_code.co_filename, f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}"
    for text in remote:
        for path, function in frames_in_text(text):
            yield path, f"{_module_of(path)}:{function}"


def _module_of(path: str) -> str:
    """The name of the module in a file, by the import path."""
    folders = [entry for entry in sys.path if entry and path.startswith(f"{entry}/")]
    relative = path[len(max(folders, key=len, default="")) :].lstrip("/").removesuffix(".py").removesuffix("/__init__")
    return relative.replace("/", ".")


def _line_of_test(chain: list[BaseException], is_test: Callable[[str], bool]) -> str:
    """File and line of the tests that ran when an error was raised; empty if none did."""
    for error in chain:
        lines = [
            (frame.f_code.co_filename, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if is_test(frame.f_code.co_filename)
        ]
        if lines:
            path, line = lines[-1]
            return f"{path.rpartition('/')[2]}:{line}"
    return ""


def _code(error: BaseException) -> str:
    """The system's name of an error, or the status of the response of a server; empty for other errors."""
    if isinstance(error, OSError) and isinstance(error.errno, int) and error.errno in errno.errorcode:
        return errno.errorcode[error.errno]
    for name in ("response.status_code", "response.status", "status", "code"):
        try:
            status = operator.attrgetter(name)(error)
        except Exception:  # noqa: BLE001, S112  (attributes of a library's error can be code that fails)
            continue
        if isinstance(status, int) and 400 <= status < 600:
            return f"HTTP {int(status)}"
    return ""


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  (the message is made by code of a library, which can fail)
        return "cannot say why"
