"""The command that measures the smoke tests."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stackcompat.cli import calibrate as cli_calibrate
from stackcompat.plan.known_cases import KnownCase
from stackcompat.validation.calibration import Calibration
from stackcompat.verdict.verdict import judge
from support.command_line import BLAMED, Run, Trimmed
from support.made_up import COMPONENTS, NEWEST, make_cell, planned
from support.made_up import COMPONENTS as COMPONENTS_MADE_UP


def test_calibrate_counts_exact_culprits(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A break that only another environment's artifacts show is not among those that are blamed."""
    red = judge(planned(make_cell(NEWEST), NEWEST), (), COMPONENTS)
    known = {"python": "3.12", "requirements": ["alpha==1.3.0"], "verdict": "broken"}
    held = ["alpha==1.3.0", "gamma==1.0.2"]
    found = tuple(
        Calibration(case=KnownCase.model_validate(known | more), verdict=red, wrong="", blame=blame)
        for more, blame in (
            ({"id": "one", "culprit": ["alpha==1.3.0", "beta==2.4.1", "gamma==1.0.2"]}, BLAMED),
            ({"id": "two", "culprit": ["alpha==1.3.0"]}, BLAMED),
            ({"id": "four", "culprit": ["beta==2.4.1"], "requirements": [*held, "beta==2.4.1"]}, BLAMED),
            ({"id": "read", "culprit": ["alpha==1.3.0"], "writer": {"requirements": ["alpha==1.0.0"]}}, None),
        )
    )
    near = 'verdict = "works"\nneighbour-of = "four"\n'
    listed = [("a", "beta", near), ("b", "beta==2.4.0", near), ("c", "beta==2.5.0", near)]
    (checkout / "matrices" / "known-cases.toml").write_text(
        "".join(
            f'[[cases]]\nid = "{n}"\npython = "3.12"\nrequirements = {json.dumps([*held, r])}\n{more}'
            for n, r, more in listed
        )
    )
    runner = SimpleNamespace(cache=Trimmed(), components=COMPONENTS_MADE_UP)
    runner.reporting = lambda _: runner
    monkeypatch.setattr(cli_calibrate, "make_runner", lambda *_: runner)
    monkeypatch.setattr(cli_calibrate, "make_exchange_runner", lambda *_, **__: None)
    monkeypatch.setattr(cli_calibrate, "calibrate", lambda *_, **__: found)
    monkeypatch.setattr(cli_calibrate, "calibrate_crossings", lambda *_, **__: ())
    untold = found[0].model_copy(update={"verdict": red.model_copy(update={"verdict": "infra-error"}), "wrong": "x"})
    monkeypatch.setattr(cli_calibrate, "calibrate", lambda *_, **__: (untold, found[-1]))
    code, output, _ = run("calibrate")
    assert code == 3
    assert "? one: x" in output
    assert "1 / 1 known breaks caught as they are known" in output
    assert "1 cases were kept from a verdict" in output
    monkeypatch.setattr(cli_calibrate, "calibrate", lambda *_, **__: found)
    page = checkout / "page.md"
    code, _, _ = run("calibrate", "--write", str(page))
    assert code == 1
    assert "| 4 of 4 | 0 of 0 | 1 of 3 | 21 | 0 |" in page.read_text(encoding="utf-8")
    code, _, error = run("calibrate", "a", "--write", str(page))
    assert code == 2
    assert "--write: the page is of all known cases; leave CASE out" in error
    code, output, _ = run("calibrate", "--blame")
    assert code == 1
    assert "✓ one: alpha 1.3.0, beta 2.4.1, gamma 1.0.2 (the budget was spent); 7 probes, linear 90" in output
    assert "✗ two: alpha 1.3.0, beta 2.4.1, gamma 1.0.2, known to be alpha==1.3.0" in output
    assert "1 / 3 culprits exact, by 21 probes; release by release it would have been 270" in output
    assert "✗ four: b is healthy, amid releases that were found to be red" in output
    assert "1 / 2 known healthy neighbours beyond the red releases that were found" in output


def case(verdict: str, wrong: str = "", **more: Any) -> Calibration:
    judged = judge(planned(make_cell(NEWEST), NEWEST), (), COMPONENTS).model_copy(update={"verdict": verdict})
    known = {"id": "c", "python": "3.12", "requirements": ["alpha==1.3.0"], "verdict": "broken"}
    return Calibration(case=KnownCase.model_validate(known | more), verdict=judged, wrong=wrong)


@pytest.mark.parametrize(
    ("calibrations", "code"),
    [
        ((case("broken"), case("broken")), 0),
        ((case("broken"),), 3),  # the other one needs a Python that is not here
        ((case("broken"), case("infra-error", "x")), 3),
        ((case("broken"), case("invalid", "x")), 3),
        ((case("broken"), case("works", "x")), 1),
        ((case("works", "x"),), 1),
    ],
)
def test_two_cases_end_in_one_exit_code(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch, calibrations: tuple[Calibration, ...], code: int
) -> None:
    text = "".join(
        f'[[cases]]\nid = "{name}"\npython = "3.12"\nrequirements = ["alpha==1"]\nverdict = "works"\n' for name in "ab"
    )
    (checkout / "matrices" / "known-cases.toml").write_text(text)
    runner = SimpleNamespace(cache=Trimmed(), components=COMPONENTS_MADE_UP)
    runner.reporting = lambda _: runner
    monkeypatch.setattr(cli_calibrate, "make_runner", lambda *_: runner)
    monkeypatch.setattr(cli_calibrate, "make_exchange_runner", lambda *_, **__: None)
    monkeypatch.setattr(cli_calibrate, "calibrate", lambda *_, **__: calibrations)
    monkeypatch.setattr(cli_calibrate, "calibrate_crossings", lambda *_, **__: ())
    got, output, _ = run("calibrate")
    assert got == code
    assert ("need a Python that is not here" in output) == (len(calibrations) < 2)


def test_a_name_that_fits_no_case_is_a_mistake(run: Run, checkout: Path) -> None:
    text = '[[cases]]\nid = "first"\npython = "3.12"\nrequirements = ["alpha==1"]\nverdict = "works"\n'
    (checkout / "matrices" / "known-cases.toml").write_text(text)
    code, _, error = run("calibrate", "second*")
    assert code == 2
    assert "CASE: second* fits no case in known-cases.toml; an id such as first does" in error
