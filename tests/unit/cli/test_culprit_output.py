"""What is printed of a diagnosis, and its JSON."""

from __future__ import annotations

import pytest

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.result import Culprit
from stackcompat.cli.culprit_output import crossing_json, diagnosis_json, print_crossing_diagnoses, print_diagnosis
from support.command_line import BLAMED
from support.made_up import failed

NOBODY = BLAMED.model_copy(update={"culprits": (), "moved": None, "doubt": "", "findings": ()})


def printed(diagnosis: Diagnosis, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_diagnosis(diagnosis)
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_the_way_release_by_release_is_named_only_where_it_is_longer(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(BLAMED, capsys)[-1] == "7 probes; release by release it would have been 90"
    assert printed(BLAMED.model_copy(update={"linear": 7}), capsys)[-1] == "7 probes"
    assert printed(BLAMED.model_copy(update={"probes": 1, "linear": 1}), capsys)[-1] == "1 probe"


def test_a_crossing_says_for_each_side_that_nobody_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(NOBODY, capsys) == ["7 probes; release by release it would have been 90"]
    print_crossing_diagnoses({"reader": BLAMED, "writer": NOBODY})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "reader: culprit: alpha 1.3.0 with beta 2.4.1 with gamma 1.0.2"
    assert "writer: nobody was found to blame" in lines


def test_brackets_of_a_failure_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert "another failure with alpha 1.0.0: E: other [alpha]" in printed(BLAMED, capsys)


def test_the_json_of_a_cell_has_every_member_and_the_followed_test() -> None:
    answer = diagnosis_json(BLAMED)
    assert [(member["name"], member["never_passed"]) for member in answer["culprit"]] == [
        ("alpha", False),
        ("beta", True),
        ("gamma", False),
    ]
    assert answer["moved"]["sentence"] == answer["culprit"][0]["moved_by"]
    assert (answer["blamed_test"], answer["doubt"]) == ("t.py::test_x", "the budget was spent")
    assert diagnosis_json(NOBODY)["moved"] is None


def test_the_json_of_a_crossing_adds_both_sides() -> None:
    answer = crossing_json({"reader": BLAMED, "writer": NOBODY})
    assert {member["side"] for member in answer["culprit"]} == {"reader"}
    assert (answer["probes"], answer["linear"]) == (14, 180)
    assert answer["sides"]["writer"]["culprit"] == []


def test_what_passes_one_test_only_is_not_called_good(capsys: pytest.CaptureFixture[str]) -> None:
    alpha = Culprit(
        name="alpha",
        version="0.12.9",
        last_passing="0.10.6",
        first_bad="0.12.7",
        reservation="other tests fail there",
    )
    failing = failed("test_import.py::test_import[alpha.nets]", "alpha", level="import")
    way_out = {"alpha": "0.12.12"}
    said = NOBODY.model_copy(update={"culprits": (alpha,), "failing": failing, "way_out": way_out})
    lines = printed(said, capsys)
    assert lines[1].startswith(
        "alpha.nets could still be imported with alpha 0.10.6 (other tests fail there), and fails"
    )
    assert "with alpha 0.12.12, and all else as it is, every test passes" in lines
    answer = diagnosis_json(said)
    assert (answer["culprit"][0]["last_good"], answer["culprit"][0]["last_passing"]) == (None, "0.10.6")
    assert answer["way_out"] == way_out


def test_two_sets_that_are_each_enough_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    alpha, beta = Culprit(name="alpha", version="1"), Culprit(name="beta", version="2")
    said = NOBODY.model_copy(update={"culprits": (alpha,), "alternatives": ((beta,),)})
    assert any("each of these sets is enough by itself: alpha 1; or beta 2" in line for line in printed(said, capsys))
    assert diagnosis_json(said)["alternatives"] == [{"beta": "2"}]
