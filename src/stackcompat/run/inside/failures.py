"""How a failure is described: by the error that identifies it, and by the distributions whose code raised it."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import FailureSeen

    from .owners import Owners

__all__ = ["MESSAGE_CHARACTERS", "describe_failure", "normalise_message"]

#: How much of a message is kept, in characters from its start.
MESSAGE_CHARACTERS = 500

#: How much of a traceback is kept, in characters from its end.
_TRACEBACK_CHARACTERS = 6000


def normalise_message(message: str) -> str:
    """The first line of a message without what differs from run to run: addresses, paths, ids of objects, durations."""
    line = next((part.strip() for part in message.splitlines() if part.strip()), "")
    line = re.sub(r"0x[0-9a-fA-F]+", "0x…", line)
    line = re.sub(r"\bid=\d+", "id=…", line)
    line = re.sub(r"\b\d+(\.\d+)?\s?(ms|us|µs|seconds|s)\b", "…s", line)
    line = re.sub(r"(?<![\w.])(/[\w.+@~-]+){2,}/([\w.+@~-]+)", r"…/\2", line)
    return line if len(line) <= MESSAGE_CHARACTERS else line[:MESSAGE_CHARACTERS] + "…"


def describe_failure(error: BaseException, owners: Owners) -> FailureSeen:
    """An error as an event describes it.

    Type and message are those of the original error, since a library often wraps an error that it catches. The
    distributions are those whose code ran when the error was raised, the deepest last.

    Args:
        error: What was raised.
        owners: The distributions that the installed files belong to.
    """
    original = _original_error(error)
    packages: list[str] = []
    where = ""
    for link in (error,) if original is error else (error, original):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            package = owners.owner(frame.f_code.co_filename)
            if package is not None:
                packages.append(package)
                where = f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}"
    return {
        "type": _type_name(original),
        "message": normalise_message(_message(original)),
        # A package that occurs more than once stands at its last place.
        "packages": list(reversed(dict.fromkeys(reversed(packages)))),
        "package": packages[-1] if packages else "",
        "where": where,
        "changed": getattr(original, "stackcompat_changed", False),
        "traceback": "".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS:],
    }


def _original_error(error: BaseException) -> BaseException:
    """The error at the beginning of a chain of errors, each of which was raised because of the one before."""
    original = error
    seen = {id(error)}
    while True:
        inner = original.__cause__ or (None if original.__suppress_context__ else original.__context__)
        if inner is None or id(inner) in seen or not isinstance(inner, Exception):
            return original
        # An error of another type, raised while an error is handled, is a failure of its own unless it names a cause.
        if original.__cause__ is None and type(inner) is not type(original):
            return original
        original = inner
        seen.add(id(original))


def _type_name(error: BaseException) -> str:
    kind = type(error)
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  (the code of a library fails here)
        return "cannot say why"
