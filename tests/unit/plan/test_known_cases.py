"""The file of known cases: what it can say, and the cells that it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.dates import parse_date
from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.plan.known_cases import KnownCase, load_cases

CASE = """
[[cases]]
id = "a-lid"
python = "3.12"
requirements = ["Beta >= 2", "alpha==1.0"]
verdict = "broken"
"""
WRITER = """
exclude-newer = 2026-02-01
overrides = ["alpha==1.0"]
[cases.writer]
requirements = ["alpha == 0.9"]
"""


def load(folder: Path, text: str) -> tuple[KnownCase, ...]:
    path = folder / "known-cases.toml"
    path.write_text(text)
    return load_cases(path)


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(folder, text)
    return str(caught.value).removeprefix(f"{folder / 'known-cases.toml'}: ")


def test_a_case_is_a_cell(tmp_path: Path) -> None:
    (case,) = load(tmp_path, CASE + 'exclude-newer = 2026-02-01\noverrides = ["Alpha==1.0"]\n')
    cell = case.cell()
    assert (cell.python, cell.platform) == ("3.12", this_platform())
    assert cell.requirements == ("alpha==1.0", "beta>=2")
    assert cell.overrides == ("alpha==1.0",)
    assert cell.exclude_newer == parse_date("2026-02-01")
    assert (cell.policy, cell.label) == ("calibration", "a-lid")


def test_a_case_without_a_day_takes_what_is_newest(tmp_path: Path) -> None:
    (case,) = load(tmp_path, CASE)
    assert case.cell().exclude_newer is None
    assert (case.level, case.writer) == ("interop", None)


def test_the_writer_shares_the_python_of_the_case_and_nothing_else(tmp_path: Path) -> None:
    (case,) = load(tmp_path, CASE + WRITER)
    cell = case.writing_cell()
    assert cell.python == "3.12"
    assert cell.requirements == ("alpha==0.9",)
    assert (cell.overrides, cell.exclude_newer) == ((), None)
    assert case.cell().overrides == ("alpha==1.0",)


def test_a_writer_can_have_a_python_and_a_day_of_its_own(tmp_path: Path) -> None:
    (case,) = load(tmp_path, CASE + WRITER + 'python = "3.11"\nexclude-newer = 2026-01-01\n')
    cell = case.writing_cell()
    assert cell.python == "3.11"
    assert cell.exclude_newer == parse_date("2026-01-01")


def test_a_culprit_is_exact_pins_of_releases_and_of_a_python(tmp_path: Path) -> None:
    (case,) = load(tmp_path, CASE + 'culprit = ["Alpha==1.0", "python==3.12"]\n')
    assert case.culprit == ("alpha==1.0", "python==3.12")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            CASE + 'culprit = ["alpha>=1"]\n',
            'cases[0].culprit: "alpha>=1" must be an exact pin such as "alpha==1.2.3"',
        ),
        (
            CASE + 'culprit = ["alpha==1.*"]\n',
            'cases[0].culprit: "alpha==1.*" must be an exact pin such as "alpha==1.2.3"',
        ),
        (
            CASE.replace("Beta >= 2", "beta=>2"),
            'cases[0].requirements: "beta=>2" is not a requirement such as "alpha>=0.12,<0.13": ',
        ),
        (CASE + 'overrides = ["alpha>"]\n', 'cases[0].overrides: "alpha>" is not a requirement such as'),
        (CASE.replace('"3.12"', '"3"'), 'cases[0].python: "3" is not a Python such as 3.12'),
        (CASE.replace('"broken"', '"bad"'), "cases[0].verdict: must be one of 'works', 'broken', "),
        (CASE.replace('id = "a-lid"\n', ""), "cases[0].id: is missing; it must be given"),
        (CASE + "colour = 1\n", 'cases[0]: "colour" is not a key that is known here; allowed are artifacts, '),
        ("", "cases: is missing; it must be given"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    assert mistake(tmp_path, text).startswith(said)


def test_what_people_expect_needs_what_happens(tmp_path: Path) -> None:
    assert mistake(tmp_path, CASE + 'expected = "a lid fits"\n').endswith(
        "expected and happens belong together; give both, or neither"
    )
    (case,) = load(tmp_path, CASE + 'expected = "a lid fits"\nhappens = "it leaks"\n')
    assert (case.expected, case.happens) == ("a lid fits", "it leaks")
