"""Every exit code of every command. docs/usage.md has the same table for users.

A command without a function here ends with `GOOD`, `MISTAKE`, `COULD_NOT_TELL`, `STOPPED` or `CLOSED`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

from stackcompat.core.vocabulary import Verdict

if TYPE_CHECKING:  # these take a second to import, and help and version do without them
    from stackcompat.advice.checked import Answer
    from stackcompat.gate.model import Decision
    from stackcompat.verdict.run_state import RunState

__all__ = [
    "MEANINGS",
    "ExitCode",
    "FailOn",
    "of_calibration",
    "of_check",
    "of_checks",
    "of_decision",
    "of_doctor",
    "of_frontier",
    "of_replay",
    "of_run",
    "of_try",
    "of_verdict",
]

#: What can turn the exit code of `run` and `night`, worst first; that of `check` is turned by the last two.
FailOn = Literal["new", "broken", "unknown"]


class ExitCode(IntEnum):
    """What a command ends with; `MEANINGS` says when."""

    GOOD = 0
    BAD = 1
    MISTAKE = 2
    COULD_NOT_TELL = 3
    LOOK = 4
    STOPPED = 130
    CLOSED = 141


#: What each code means, for people.
MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.GOOD: "The command is done, and its answer is good.",
    ExitCode.BAD: "Something is broken, or is not what is known to be right.",
    ExitCode.MISTAKE: "There is a mistake in the arguments or in a file, or the command needs another system. Nothing "
    "was run.",
    ExitCode.COULD_NOT_TELL: "The command could not tell, or its answer is only inferred.",
    ExitCode.LOOK: "A human must look at the answer.",
    ExitCode.STOPPED: "Ctrl-C or SIGTERM stopped the command; the same command goes on from there.",
    ExitCode.CLOSED: "Whoever read the output closed before its end, as head does.",
}


#: The exit code for each verdict that tells something; any other verdict could not tell.
_OF_VERDICT: Mapping[Verdict, ExitCode] = {
    "works": ExitCode.GOOD,
    "broken": ExitCode.BAD,
    "unresolvable": ExitCode.BAD,
    "uninstallable": ExitCode.BAD,
    "changed": ExitCode.LOOK,
}


_OF_DECISION: Mapping[Decision, ExitCode] = {
    "PASS": ExitCode.GOOD,
    "BLOCK": ExitCode.BAD,
    "CANNOT-TELL": ExitCode.COULD_NOT_TELL,
    "NEEDS-REVIEW": ExitCode.LOOK,
}


_OF_ANSWER: Mapping[Answer, ExitCode] = {
    "works": ExitCode.GOOD,
    "broken": ExitCode.BAD,
    "not known": ExitCode.COULD_NOT_TELL,
}


def of_verdict(verdict: Verdict) -> ExitCode:
    """The exit code of `exchange` for a verdict, and of `try` without --require."""
    return _OF_VERDICT.get(verdict, ExitCode.COULD_NOT_TELL)


def of_try(verdict: Verdict, *, deep_enough: bool) -> ExitCode:
    """The exit code of `try`.

    Args:
        verdict: The verdict.
        deep_enough: Whether everything that was asked for was tried as deep as --require wants.
    """
    code = of_verdict(verdict)
    return code if deep_enough or code != ExitCode.GOOD else ExitCode.COULD_NOT_TELL


def of_decision(decision: Decision) -> ExitCode:
    """The exit code of `gate` for a decision."""
    return _OF_DECISION[decision]


def of_check(answer: Answer) -> ExitCode:
    """The exit code of `check` for an answer."""
    return _OF_ANSWER[answer]


def of_checks(answers: Iterable[Answer], fail_on: Collection[FailOn] = ()) -> ExitCode:
    """The exit code of `check` for several files: broken comes before not known, and that before works.

    Args:
        answers: The answers.
        fail_on: What --fail-on asks for. An answer that it does not ask for counts as good; empty: each counts.
    """
    wanted: dict[Answer, FailOn] = {"broken": "broken", "not known": "unknown"}
    counted = [answer for answer in answers if not fail_on or wanted.get(answer) in fail_on]
    codes = {of_check(answer) for answer in counted}
    return next((code for code in (ExitCode.BAD, ExitCode.COULD_NOT_TELL) if code in codes), ExitCode.GOOD)


def of_calibration(*, right: bool, complete: bool) -> ExitCode:
    """The exit code of `calibrate`.

    Args:
        right: Whether every case that came to a verdict came out as it is known.
        complete: Whether every case came to a verdict.
    """
    if not right:
        return ExitCode.BAD
    return ExitCode.GOOD if complete else ExitCode.COULD_NOT_TELL


def of_replay(*, right: bool) -> ExitCode:
    """The exit code of `replay`; `right` says whether every decision matches what is known."""
    return ExitCode.GOOD if right else ExitCode.BAD


def of_frontier(*, complete: bool) -> ExitCode:
    """The exit code of `frontier`; `complete` says whether the search has come to its end."""
    return ExitCode.GOOD if complete else ExitCode.COULD_NOT_TELL


def of_doctor(*, good: bool) -> ExitCode:
    """The exit code of `doctor`; `good` says whether nothing is missing."""
    return ExitCode.GOOD if good else ExitCode.COULD_NOT_TELL


def of_run(fail_on: Collection[FailOn], state: RunState) -> ExitCode:
    """The exit code of `run` and `night`.

    Args:
        fail_on: What --fail-on asks for. Without it the code is good, whatever the run showed.
        state: What the run showed.
    """
    if ("new" in fail_on and state.new) or ("broken" in fail_on and state.broken):
        return ExitCode.BAD
    return ExitCode.COULD_NOT_TELL if "unknown" in fail_on and state.unknown else ExitCode.GOOD
