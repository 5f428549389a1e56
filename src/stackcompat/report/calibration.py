"""What the known cases showed, as a page: one line for each measurement, and every case of the last one. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from stackcompat.core.text import plain
from stackcompat.validation.calibration import Calibration, is_break

__all__ = ["calibration_page", "history_lines"]

_HEAD = """\
# What the known cases show

Each case is a combination whose verdict is known from somewhere else: an issue, a changelog, a trial. `stackcompat
calibrate` tries all of them with the smoke tests as they are that day. A break counts as caught if its cell is red at
the known level and with the known message; a healthy combination must be green. This page is written by
`stackcompat calibrate --write`.

"""
_COLUMNS = ("day", "breaks caught", "healthy green", "culprits exact", "probes", "not told")
_RULE = "| --- | --- | --- | --- | --- | --- |"


def calibration_page(calibrations: Sequence[Calibration], day: dt.date, history: Iterable[str]) -> str:
    """The page, in Markdown.

    Args:
        calibrations: Every known case, as it came out.
        day: The day of the measurement.
        history: The lines of earlier measurements, by :func:`history_lines`. That of the same day is replaced.
    """
    line = _measurement(calibrations, day)
    earlier = [old for old in history if not old.startswith(f"| {day} |")]
    return "\n".join(
        [
            f"{_HEAD}| {' | '.join(_COLUMNS)} |",
            _RULE,
            *earlier,
            line,
            "",
            f"## The cases on {day}",
            "",
            "| case | with | known | seen | culprit |",
            "| --- | --- | --- | --- | --- |",
            *map(_case, calibrations),
            "",
        ]
    )


def history_lines(page: str) -> tuple[str, ...]:
    """The lines of the measurements in a page that :func:`calibration_page` wrote; none if it did not."""
    lines = page.splitlines()
    if _RULE not in lines:
        return ()
    rows = lines[lines.index(_RULE) + 1 :]
    end = rows.index("") if "" in rows else len(rows)
    return tuple(rows[:end])


def _measurement(calibrations: Sequence[Calibration], day: dt.date) -> str:
    told = [calibration for calibration in calibrations if not calibration.inconclusive]
    breaks = [calibration for calibration in told if is_break(calibration.case)]
    healthy = [calibration for calibration in told if not is_break(calibration.case)]
    searched = [c for c in told if c.blame is not None and c.case.culprit and c.case.writer is None]
    culprits = _share([calibration.exact for calibration in searched]) if searched else "not searched"
    probes = sum(calibration.blame.probes for calibration in searched if calibration.blame is not None)
    right = [_share([not calibration.wrong for calibration in of_kind]) for of_kind in (breaks, healthy)]
    row = [str(day), *right, culprits, str(probes) if searched else "", str(len(calibrations) - len(told))]
    return f"| {' | '.join(row)} |"


def _share(right: Sequence[bool]) -> str:
    return f"{sum(right)} of {len(right)}"


def _case(calibration: Calibration) -> str:
    case, verdict = calibration.case, calibration.verdict
    limits = f", except for {'; '.join(case.limits)}" if case.limits else ""
    day = [f"as of {case.exclude_newer}"] if case.exclude_newer else []
    known = f"{case.verdict} ({case.level}){limits}"
    if calibration.inconclusive:
        seen = f"? {calibration.wrong}"
    elif calibration.wrong:
        seen = f"✗ {calibration.wrong}"
    else:
        seen = f"as known ({verdict.level})"
    found = ", ".join(f"{one.name} {one.version}" for one in calibration.blame.culprits) if calibration.blame else ""
    if calibration.blame is not None and case.culprit and not calibration.exact:
        found = f"✗ {found or 'none'}, known: {', '.join(case.culprit)}"
    having = ", ".join([*case.requirements, f"Python {case.python}", *day])
    return f"| {' | '.join(map(plain, (case.id, having, known, seen, found)))} |"
