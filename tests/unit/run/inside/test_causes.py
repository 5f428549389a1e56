"""The error that identifies a failure, beneath what libraries put around it."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from stackcompat.run.inside.causes import NO_WRAPPERS, cause_line, error_chain, frames_in_text, type_name

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import WrapperWords

WORDS: WrapperWords = {
    "classes": ["*.UnfilteredStackTrace", "*.SimplifiedTraceback"],
    "lines": ["Graph execution error:", "Detected at node .*", "in user code:", "Caught .* in .*", ".*: see above"],
}


class UnfilteredStackTrace(Exception):
    """Hangs on another error, as JAX's does."""


class SimplifiedTraceback(Exception):
    """The same, with a message that says only that frames are hidden."""

    def __str__(self) -> str:
        return "For simplicity, JAX has removed its internal frames from the traceback of the following exception."


def hang_on(error: BaseException, note: BaseException) -> BaseException:
    """Hang a note on an error, as JAX does it: what was beneath the error is beneath the note then."""
    note.__cause__, note.__context__ = error.__cause__, error.__context__
    note.__suppress_context__ = error.__suppress_context__
    error.__cause__, error.__context__ = note, None
    return error


def raised(function: Callable[[], object]) -> BaseException:
    """The error that a function raises."""
    with contextlib.suppress(AssertionError):
        try:
            function()
        except BaseException as error:  # noqa: BLE001  (whatever it is, it is what the test is about)
            return error
    raise AssertionError("did not fail")


def identified(error: BaseException, wrappers: WrapperWords = WORDS) -> str:
    """Type and message of the error that identifies a failure."""
    original = error_chain(error, wrappers)[0][-1]
    return f"{type_name(original).rpartition('.')[2]}: {original}"


@pytest.mark.parametrize("note", [SimplifiedTraceback(), UnfilteredStackTrace("TypeError: no box\n\nframes")])
def test_a_note_about_hidden_frames_is_never_the_cause(note: BaseException) -> None:
    assert identified(hang_on(TypeError("no box"), note)) == "TypeError: no box"
    assert identified(hang_on(hang_on(TypeError("no box"), UnfilteredStackTrace("x")), note)) == "TypeError: no box"
    assert identified(hang_on(TypeError("no box"), note), NO_WRAPPERS).startswith(type(note).__name__)


def test_what_is_beneath_a_note_is_the_cause() -> None:
    def wrapped() -> None:
        try:
            raise KeyError("box")  # noqa: TRY301  (the shortest chain)
        except KeyError as error:
            raise RuntimeError("no box") from error

    def handled() -> None:
        try:
            raise KeyError("box")  # noqa: TRY301  (the shortest chain)
        except KeyError:
            raise RuntimeError("no box")  # noqa: B904  (the point)

    assert identified(hang_on(raised(wrapped), SimplifiedTraceback())) == "KeyError: 'box'"
    assert identified(hang_on(raised(handled), SimplifiedTraceback())) == "RuntimeError: no box"


def test_an_error_that_only_points_at_another_one_leads_there() -> None:
    def points() -> None:
        try:
            raise KeyError("box")  # noqa: TRY301  (the shortest chain)
        except KeyError:
            raise ValueError("restoring failed: see above")  # noqa: B904  (the point)

    assert identified(raised(points)) == "KeyError: 'box'"
    assert identified(raised(points), NO_WRAPPERS) == "ValueError: restoring failed: see above"


def test_a_group_of_alike_errors_is_one_error() -> None:
    alone = ExceptionGroup("unhandled errors in a TaskGroup", [ValueError("no box")])
    assert identified(alone) == "ValueError: no box"
    assert identified(ExceptionGroup("two", [alone, alone])) == "ValueError: no box"
    mixed = ExceptionGroup("two", [ValueError("no box"), KeyError("box")])
    assert identified(mixed) == "ExceptionGroup: two (2 sub-exceptions)"


def fail_in_worker() -> None:
    """Fails in another process."""
    raise LookupError("no box")


def test_an_error_of_another_process_is_that_error_and_its_frames_are_read() -> None:
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        error = raised(pool.submit(fail_in_worker).result)
    chain, (text,) = error_chain(error, WORDS)
    assert (type_name(chain[-1]), str(chain[-1])) == ("LookupError", "no box")
    assert list(frames_in_text(text))[-1] == (__file__, "fail_in_worker")


def test_errors_in_a_ring_end() -> None:
    first, second = ValueError("first"), UnfilteredStackTrace("second")
    first.__cause__, second.__cause__ = second, first
    assert identified(first) == "ValueError: first"


TRACED = """Caught ValueError in worker 0.
Original Traceback (most recent call last):
  File "x", line 1, in f
    box()
    ~~~^^
ValueError: no box"""
USER_CODE = """in user code:

    File "x.py", line 3, in go  *
        box()

    ValueError: no box
"""
NODE = "Detected at node Equal defined at (most recent call last):"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("no box\nbut a bag", "no box"),
        ("\n  no box  ", "no box"),
        ("", ""),
        (f'Graph execution error:\n\n{NODE}\n  File "x.py", line 1, in go\n    box()\n\nno box\n\t [[node]]', "no box"),
        (f'Graph execution error:\n{NODE}\n  File "x.py", line 1, in go\nno box', "no box"),
        (USER_CODE, "ValueError: no box"),
        (TRACED, "ValueError: no box"),
        ("Graph execution error:", "Graph execution error:"),
        ("\x1b[1mno box\x1b[0m", "no box"),
        ('no box\n  File "x.py", line 1', "no box"),
    ],
)
def test_the_line_that_says_what_is_wrong(message: str, line: str) -> None:
    assert cause_line(message, WORDS) == line


def test_a_name_without_end_is_cut() -> None:
    error = type("Long" * 1000, (ValueError,), {"__module__": "a" * 99})()
    assert len(type_name(error)) == 201
    assert type_name(error).startswith("a" * 99 + ".LongLong")
