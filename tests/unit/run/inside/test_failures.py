"""How failures are described."""

from __future__ import annotations

import errno
import os
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcompat.run.inside.failures import MESSAGE_CHARACTERS, describe_failure, normalise_message
from stackcompat.run.inside.owners import Owners
from support.plugin_runs import install

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import WrapperWords


@pytest.mark.parametrize(
    ("message", "normal"),
    [
        ("object at 0x7f3a12bc>", "object at 0x…>"),
        ("no such file: /home/me/x/y.py", "no such file: …/y.py"),
        ("took 3.25 seconds, 12ms, 7 us", "took …s, …s, …s"),
        ("\n\n  second line \n third", "second line"),
        ("", ""),
        ("module 'alpha.experimental' has no attribute 'Box'", "module 'alpha.experimental' has no attribute 'Box'"),
        ("expected shape (3, 4), got (4, 3)", "expected shape (3, 4), got (4, 3)"),
        ("1.5 is not below 0.5", "1.5 is not below 0.5"),
    ],
)
def test_what_differs_from_run_to_run_is_taken_out(message: str, normal: str) -> None:
    assert normalise_message(message) == normal


PARTS = ("0x1f", "/a/b/c.py", "'/a/b/c/d'", "id=7", "3.5 s", "12ms", "[1, 2]", "alpha.beta", "…")


@given(st.lists(st.sampled_from(PARTS) | st.text("ab(=/.:'\n")).map(" ".join))
def test_a_normal_message_stays_as_it_is(message: str) -> None:
    once = normalise_message(message)
    assert normalise_message(once) == once
    assert "\n" not in once
    assert len(once) <= MESSAGE_CHARACTERS + 1


def error_of(function: Callable[[], object]) -> BaseException:
    try:
        function()
    except BaseException as error:  # noqa: BLE001  (whatever it is, it is what the test is about)
        return error
    raise AssertionError("did not fail")


def test_the_deepest_package_is_named(site: Path) -> None:
    install(site, "outer-dist", files={"outer_mod.py": "import inner_mod\n\ndef go(f):\n    return inner_mod.go(f)\n"})
    install(site, "inner-dist", files={"inner_mod.py": "def go(f):\n    return f() + 1\n"})
    import outer_mod  # type: ignore[import-not-found]

    failure = describe_failure(error_of(lambda: outer_mod.go(lambda: "x")), Owners())
    assert failure["type"] == "TypeError"
    assert (failure["package"], failure["packages"]) == ("inner-dist", ["outer-dist", "inner-dist"])
    assert failure["where"] == "inner_mod:go"


def test_a_package_that_comes_back_is_the_deepest(site: Path) -> None:
    outer = "import inner_two\n\ndef go():\n    inner_two.call(fail)\n\ndef fail():\n    1 / 0\n"
    install(site, "outer-two", files={"outer_two.py": outer})
    install(site, "inner-two", files={"inner_two.py": "def call(f):\n    f()\n"})
    import outer_two  # type: ignore[import-not-found]

    failure = describe_failure(error_of(outer_two.go), Owners())
    assert (failure["package"], failure["packages"]) == ("outer-two", ["inner-two", "outer-two"])


def test_the_packages_of_the_original_error_come_after_those_of_the_wrapper(site: Path) -> None:
    wrapper = (
        "def go(f):\n    try:\n        f()\n    except KeyError as error:\n        raise RuntimeError from error\n"
    )
    install(site, "wrap-three", files={"wrap_three.py": wrapper})
    install(site, "deep-three", files={"deep_three.py": "def fail():\n    {}['lost']\n"})
    import deep_three  # type: ignore[import-not-found]
    import wrap_three  # type: ignore[import-not-found]

    failure = describe_failure(error_of(lambda: wrap_three.go(deep_three.fail)), Owners())
    assert (failure["type"], failure["message"]) == ("KeyError", "'lost'")
    assert (failure["packages"], failure["where"]) == (["wrap-three", "deep-three"], "deep_three:fail")
    assert failure["traceback"].rstrip().endswith("RuntimeError")


def test_the_cause_identifies_what_is_wrapped() -> None:
    def wrapped() -> None:
        try:
            os.environ["THE_CAUSE"]
        except KeyError as error:
            raise RuntimeError("wrapped") from error

    def handled() -> None:
        try:
            os.environ["EXPECTED"]
        except KeyError:
            raise ValueError("the real one")  # noqa: B904  (the point)

    def raised_again() -> None:
        try:
            raise ValueError("first")  # noqa: TRY301  (the shortest chain)
        except ValueError:
            raise ValueError("second")  # noqa: B904  (the point)

    def suppressed() -> None:
        try:
            os.environ["HIDDEN"]
        except KeyError:
            raise KeyError("seen") from None

    owners = Owners()
    assert describe_failure(error_of(wrapped), owners)["type"] == "KeyError"
    assert describe_failure(error_of(handled), owners)["type"] == "ValueError"
    assert describe_failure(error_of(raised_again), owners)["message"] == "first"
    assert describe_failure(error_of(suppressed), owners)["message"] == "'seen'"


def test_errors_that_cause_each_other_are_described() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert describe_failure(first, Owners())["message"] == "second"


def test_an_exception_that_cannot_speak_is_described() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe_failure(MuteError(), Owners())["message"] == "cannot say why"


def test_a_type_outside_of_the_builtins_is_named_with_its_module() -> None:
    class Outer:
        class InnerError(Exception): ...

    failure = describe_failure(Outer.InnerError(), Owners())
    name = "test_a_type_outside_of_the_builtins_is_named_with_its_module.<locals>.Outer.InnerError"
    assert failure["type"] == f"{__name__}.{name}"


def test_an_error_can_say_that_values_changed() -> None:
    class ChangedError(AssertionError):
        stackcompat_changed = True

    owners = Owners()
    assert describe_failure(ChangedError(), owners)["changed"] is True
    assert describe_failure(AssertionError(), owners)["changed"] is False


def test_the_line_of_the_test_is_kept() -> None:
    def go() -> None:
        os.environ["THE_LINE"]

    line = go.__code__.co_firstlineno + 1
    failure = describe_failure(error_of(go), Owners(), is_test=lambda path: path == __file__)
    assert failure["line"] == f"test_failures.py:{line}"
    assert describe_failure(error_of(go), Owners())["line"] == ""


def test_what_kind_of_error_it_is_is_kept() -> None:
    class ServerError(OSError):
        response = types.SimpleNamespace(status_code=503)

    class OddError(Exception):
        @property
        def code(self) -> int:
            raise RuntimeError

    owners = Owners()
    full = describe_failure(OSError(errno.ENOSPC, "full"), owners)
    assert (full["bases"], full["code"]) == ([], "ENOSPC")
    reset = describe_failure(ConnectionResetError(errno.ECONNRESET, "reset"), owners)
    assert (reset["bases"], reset["code"]) == (["ConnectionError", "OSError"], "ECONNRESET")
    assert describe_failure(ServerError(), owners)["code"] == "HTTP 503"
    assert describe_failure(OddError(), owners)["code"] == ""
    assert describe_failure(ValueError("no"), owners)["code"] == ""


def test_the_type_is_not_repeated_in_the_message() -> None:
    wrappers: WrapperWords = {"classes": [], "lines": ["in user code:"]}
    error = ValueError('in user code:\n\n    File "x.py", line 1, in go\n        box()\n\n    ValueError: no box')
    failure = describe_failure(error, Owners(), wrappers)
    assert (failure["type"], failure["message"]) == ("ValueError", "no box")


def test_frames_of_another_process_name_its_distributions(site: Path) -> None:
    install(site, "far-dist", files={"far/__init__.py": "", "far/core.py": ""})
    import far.core  # type: ignore[import-not-found]

    class RemoteTraceback(Exception): ...

    error = ValueError("no box")
    error.__cause__ = RemoteTraceback(f'\n"""\nTraceback:\n  File "{far.core.__file__}", line 1, in go\n"""')
    failure = describe_failure(error, Owners())
    assert (failure["type"], failure["package"], failure["where"]) == ("ValueError", "far-dist", "far.core:go")
