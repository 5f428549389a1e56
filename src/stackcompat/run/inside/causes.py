"""The error that identifies a failure, beneath what libraries put around it.

Libraries catch an error and raise another one, hang a note about hidden frames onto it, carry it from one process to
another, or print it into the message of their own. Which classes and lines are such wrapping is data of the ecosystem;
what Python itself wraps is known here.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcompat.run.inside.protocol import WrapperWords

__all__ = ["NAME_CHARACTERS", "NO_WRAPPERS", "cause_line", "cut", "error_chain", "frames_in_text", "type_name"]

#: An ecosystem whose libraries wrap nothing.
NO_WRAPPERS: WrapperWords = {"classes": [], "lines": []}

#: Classes by which Python and its relatives carry a traceback from one process to another.
_REMOTE = re.compile(r"_?RemoteTraceback|_?RemoteError|ExceptionWithTraceback")

#: Lines of a message that are always about the error and never the error.
_ALWAYS = re.compile(r"(?:Original |The above exception.*)?Traceback \(most recent call last\):|[\^~\s]+")
_FRAME = re.compile(r'(?P<indent>\s*)File "(?P<path>[^"]+)", line \d+(?:, in (?P<function>\S+))?')
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


#: The most characters of the name of a class.
NAME_CHARACTERS = 200


def type_name(error: BaseException) -> str:
    """The class of an error, with its module unless that is a matter of course."""
    return class_name(type(error))


def class_name(kind: type) -> str:
    """A class with its module, unless that is a matter of course. A name that is longer than any is cut."""
    if kind.__module__ in ("builtins", "__main__"):
        return cut(kind.__qualname__, NAME_CHARACTERS)
    return cut(f"{kind.__module__}.{kind.__qualname__}", NAME_CHARACTERS)


def cut(text: str, most: int) -> str:
    """`text`, or its first `most` characters with a sign that there are more."""
    return text if len(text) <= most else text[:most] + "…"


# ---------------------------------------------------------------------------------------------------------------------
# Chains of errors
# ---------------------------------------------------------------------------------------------------------------------


def error_chain(error: BaseException, wrappers: WrapperWords) -> tuple[list[BaseException], list[str]]:
    """Follow an error to the one that identifies the failure.

    An error that names its cause leads to this cause. An error that was raised while another one was handled leads to
    that one if both have the same type, or if its message only points at something else. A group in which all errors
    are alike leads to the first of them.

    Args:
        error: The error that was raised.
        wrappers: What the libraries of the ecosystem put around errors.

    Returns:
        The errors from `error` to the original one, without those that are only notes; and the tracebacks of other
        processes, as text, in the same order.
    """
    chain, texts, seen = [error], list[str](), {id(error)}
    while True:
        last = chain[-1]
        inner, named = _beneath(last, wrappers, seen, texts)
        if inner is None or id(inner) in seen or not isinstance(inner, Exception):
            return chain, texts
        if not named and type(inner) is not type(last) and not _only_points(last, wrappers):
            return chain, texts
        chain.append(inner)
        seen.add(id(inner))


def _beneath(
    error: BaseException, wrappers: WrapperWords, seen: set[int], texts: list[str]
) -> tuple[BaseException | None, bool]:
    """The error beneath `error`, and whether `error` names it as its cause. Errors that are only notes are passed over.

    Tracebacks of other processes, which such notes carry, are added to `texts`.
    """
    members = _alike_members(error)
    if members:
        return members[0], True
    while True:
        named = error.__cause__ is not None
        inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if inner is None or id(inner) in seen:
            return None, False
        remote = _REMOTE.fullmatch(type(inner).__name__) is not None
        if not remote and not _is_note(inner, wrappers):
            return inner, named
        if remote:
            texts.append(_text_of(inner))
        seen.add(id(inner))
        error = inner


def _is_note(error: BaseException, wrappers: WrapperWords) -> bool:
    """Whether an error only says something about the error that it hangs on."""
    return any(fnmatch.fnmatchcase(type_name(error), pattern) for pattern in wrappers["classes"])


def _alike_members(error: BaseException) -> tuple[BaseException, ...]:
    """The members of a group of errors of which all are alike; none for other errors and mixed groups."""
    members = getattr(error, "exceptions", None)
    if not type(error).__name__.endswith("ExceptionGroup") or not isinstance(members, tuple):
        return ()
    kinds = {(type_name(member), _text_of(member)) for member in members}
    return members if len(kinds) == 1 else ()


def _only_points(error: BaseException, wrappers: WrapperWords) -> bool:
    """Whether the message of an error is nothing but lines that point at another error."""
    lines = [line for line in _text_of(error).splitlines() if line.strip()]
    return bool(lines) and all(_is_wrapping(line, wrappers) for line in lines)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  (the message is made by code of a library, which can fail)
        return "cannot say why"


# ---------------------------------------------------------------------------------------------------------------------
# Text
# ---------------------------------------------------------------------------------------------------------------------


def cause_line(message: str, wrappers: WrapperWords) -> str:
    """The line of a message that says what is wrong: the first one, unless that is wrapping.

    After wrapping, frames of tracebacks and further wrapping are passed over, too.
    """
    lines = [line for line in _COLOURS.sub("", message).splitlines() if line.strip()]
    if not lines or not _is_wrapping(lines[0], wrappers):
        return lines[0].strip() if lines else ""
    rest = _without_frames(lines[1:])
    return next((line.strip() for line in rest if not _is_wrapping(line, wrappers)), lines[0].strip())


def _is_wrapping(line: str, wrappers: WrapperWords) -> bool:
    """Whether a line of a message says nothing about what is wrong."""
    text = line.strip()
    return any(re.fullmatch(pattern, text) for pattern in wrappers["lines"]) or _ALWAYS.fullmatch(text) is not None


def _without_frames(lines: list[str]) -> Iterator[str]:
    """The lines that are no frames of a traceback. The source of a frame stands below it, deeper indented."""
    indent: int | None = None
    for line in lines:
        frame = _FRAME.match(line)
        if frame is not None:
            indent = len(frame["indent"])
        elif indent is None or len(line) - len(line.lstrip()) <= indent:
            indent = None
            yield line


def frames_in_text(traceback: str) -> Iterator[tuple[str, str]]:
    """File and function of each frame of a traceback that was printed, the deepest last."""
    for line in traceback.splitlines():
        frame = _FRAME.match(line)
        if frame is not None:
            yield frame["path"], frame["function"] or ""
