"""The commands that answer from the published table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.advice.suggestion import Move
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from stackcompat.table.cells import CellRow
from support.answers_page import documented_fields
from support.command_line import Run
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


@pytest.fixture
def published(checkout: Path) -> Path:
    write(checkout / "reports", SUMMARY)
    return checkout


def test_the_newest_set_as_lines_that_install_it(run: Run, published: Path) -> None:
    code, printed, error = run("suggest", "alpha", "--python", "3.12")
    assert (code, error) == (0, "")
    assert "✓ tested together on 2026-11-22" in printed
    assert "  pip install alpha==1.3.0" in printed
    assert "  uv pip install alpha==1.3.0" in printed


def test_what_a_component_needs_and_does_not_declare_is_installed_too(run: Run, checkout: Path) -> None:
    cells = tuple(row.model_copy(update={"requirements": (*row.requirements, "glue")}) for row in SUMMARY.cells)
    write(checkout / "reports", SUMMARY.model_copy(update={"cells": cells}))
    _, line, _ = run("suggest", "alpha", "--python", "3.12", "--format", "install")
    assert line.startswith("uv pip install alpha==1.3.0")
    assert line.endswith(" glue\n")
    _, text, _ = run("suggest", "alpha", "--python", "3.12", "--format", "constraints")
    assert text.startswith("# To install with it: alpha ")
    assert text.splitlines()[0].endswith(" glue")


def test_other_forms(run: Run, published: Path) -> None:
    code, printed, _ = run("suggest", "alpha<1.3", "--python", "3.12", "--format", "install")
    assert (code, printed.startswith("uv pip install alpha==1.2.0")) == (0, True)
    code, printed, _ = run("suggest", "alpha<1.3", "--python", "3.12", "--format", "constraints")
    assert (code, "alpha==1.2.0\n" in printed) == (0, True)
    code, printed, _ = run("suggest", "delta", "--json", "-")  # by its component; the distribution has another name
    assert json.loads(printed)["pins"]["delta-checkpoint"] == "5.3.0"


def test_exact_versions_of_which_no_set_works_are_checked(run: Run, published: Path) -> None:
    code, printed, _ = run("suggest", "alpha==1.3.0", "beta==2.1.3", "--python", "3.12")
    assert code == 3
    assert printed.startswith("✗ known to be broken on Python 3.12: alpha==1.3.0 and beta==2.1.3\n  ✗ SC-")
    two = run("suggest", "alpha==1.3.0", "alpha==1.2.0", "--python", "3.12")
    assert two[:2] == (3, "not known: no tested set on Python 3.12 has alpha==1.3.0 and alpha==1.2.0\n")


def test_exact_versions_of_which_every_two_work_without_a_set_of_all(
    run: Run, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge = SetKnowledge(SUMMARY, "3.12")
    whole = next(cell for cell in knowledge.working if {"alpha", "beta"} <= cell.components.keys())
    pins = [f"{name}=={whole.components[name].version}" for name in ("alpha", "beta")]
    rest = tuple(cell for cell in SUMMARY.cells if not {"alpha", "beta"} <= cell.components.keys())
    monkeypatch.setattr("stackcompat.cli.suggest.read_table", lambda _: SUMMARY.model_copy(update={"cells": rest}))
    code, printed, _ = run("suggest", *pins, "--python", "3.12")
    whole_set = "no set that was tested as a whole has all of them"
    assert printed == f"every two of these were tested together and work on Python 3.12; {whole_set}\n"
    assert code == 3


def test_a_newer_release_without_a_set_is_told_with_the_python(run: Run, published: Path) -> None:
    _, printed, _ = run("suggest", "alpha", "beta<2.4.1", "delta", "--python", "3.12")
    newer = [line for line in printed.splitlines() if " is newer; " in line]
    assert newer
    assert all("no tested set that works on Python 3.12 has it" in line for line in newer)


@pytest.mark.parametrize("form", ["install", "constraints"])
def test_lines_go_with_a_file_of_json(run: Run, published: Path, tmp_path: Path, form: str) -> None:
    file = tmp_path / "answer.json"
    code, printed, _ = run("suggest", "alpha", "--format", form, "--json", str(file))
    assert (code, "alpha==1.3.0" in printed) == (0, True)
    assert json.loads(file.read_text())["pins"]["alpha"] == "1.3.0"


def test_what_is_not_known_ends_with_a_code_of_its_own(run: Run, published: Path) -> None:
    code, printed, _ = run("suggest", "alpha>=9")
    assert (code, printed) == (3, "not known: no tested set on Python 3.13 has alpha>=9\n")
    assert run("suggest", "alpha>=9", "--format", "constraints")[:2] == (3, "")
    assert run("explain", "alpha", "9.9")[0] == run("explain", "alpha", "9.9", "with", "beta", "2.4.1")[0] == 3
    code, printed, _ = run("explain", "nothing", "of", "that", "kind")
    assert (code, printed) == (3, 'not known: the table has nothing about "nothing of that kind"\n')


def test_where_no_set_is_known_the_pythons_that_have_one_are_named(
    run: Run, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def holds(cell: CellRow) -> bool:
        held = {name: component.version for name, component in cell.components.items()}
        return cell.python == "3.13" and held.get("alpha") == "1.1.0"

    rest = SUMMARY.model_copy(update={"cells": tuple(cell for cell in SUMMARY.cells if not holds(cell))})
    monkeypatch.setattr("stackcompat.cli.suggest.read_table", lambda _: rest)
    code, printed, _ = run("suggest", "alpha==1.1.0", "--python", "3.13")
    assert (code, printed.splitlines()) == (
        3,
        [
            "not known: no tested set on Python 3.13 has alpha==1.1.0",
            "  ✓ on Python 3.12 there is one, with alpha==1.1.0; give --python 3.12",
            "  ✓ on Python 3.11 there is one, with alpha==1.1.0; give --python 3.11",
        ],
    )


def test_what_of_a_lock_file_may_move(run: Run, published: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("alpha==1.1.0\nalpha-native==1.1.0\nbeta==2.1.3\n")
    code, printed, error = run("suggest", "--upgrade", str(lock), "--python", "3.12")
    assert (code, error) == (0, "")
    assert "alpha 1.1.0: " in printed
    assert "✗ not to 1.2.0 \N{EN DASH} 1.3.0: Beta 2.1.3 fails with Alpha 1.3.0 because " in printed
    assert "beta 2.1.3: ✓ to " in printed
    assert "? not known: 2.3.0: not tested together: " in printed
    code, printed, _ = run("suggest", "--upgrade", str(lock), "--json", "-")
    answer = json.loads(printed)
    assert {move["distribution"] for move in answer["moves"]} == {"alpha", "beta"}
    assert {*answer, *answer["moves"][0]} - {"python", "moves"} == set(Move.model_fields)
    assert documented_fields("suggest --upgrade") == {"python", "moves"} | set(Move.model_fields)


def test_what_a_report_says_is_explained(run: Run, published: Path) -> None:
    code, printed, error = run("explain", "alpha", "1.3.0", "with", "beta", "2.1.3")
    assert (code, error) == (0, "")
    assert printed.startswith("Alpha 1.3.0 with Beta 2.1.3\n")
    assert "broken at import" in printed
    code, printed, _ = run("explain", "held", "back", "--json", "-")
    assert json.loads(printed)[0]["kind"] == "word"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("suggest",), "give REQUIREMENT"),
        (("suggest", "alpha", "--upgrade", "x"), 'suggest: REQUIREMENT ("alpha") and --upgrade exclude each other'),
        (("suggest", "alpha=>1"), '"alpha=>1" is none'),
        (("suggest", "nope"), '"nope" is not in the table; it has alpha'),
        (("suggest", "alpa"), '"alpa" is not in the table; did you mean alpha?'),
        (("suggest", "--upgrade", "x", "--pre"), "--pre: --upgrade names final releases only"),
        (("suggest", "alpha @ https://a.b/alpha-1.whl"), "has an address, a marker or extras; give a name with bounds"),
        (("suggest", 'alpha; python_version < "3"'), "has an address, a marker or extras; give a name with bounds"),
        (("suggest", "alpha[gpu]"), "has an address, a marker or extras; give a name with bounds"),
        (("suggest", "alpha", "--python", "3"), '"3" is not a Python such as 3.12'),
        (("suggest", "alpha", "--python", "3.9"), "the table has no cell on Python 3.9; it has 3.13"),
        (("suggest", "--upgrade", "x", "--format", "install"), "install is no form of what may move"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, published: Path, arguments: tuple[str, ...], sentence: str) -> None:
    code, printed, error = run(*arguments)
    assert (code, printed) == (2, "")
    assert sentence in error
