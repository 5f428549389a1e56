"""The command that checks an environment."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from stackcompat.advice.nearest_set import NearestSet
from stackcompat.advice.proposal import Proposal
from stackcompat.cli.check_output import print_checked
from stackcompat.frontier.search import explore
from stackcompat.report.check_findings import nearest_working
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from support.answers_page import documented_fields
from support.checking import checked
from support.command_line import Run
from support.islands_world import IslandsWorld
from support.made_up import COMPONENTS as COMPONENTS_MADE_UP
from support.made_up import DISTRIBUTION, NEWEST, NOW, History, failed, history, make_cell, passed
from support.planted import Planted, chart_of, stairs, table

GOOD = "".join(f"{DISTRIBUTION[name]}=={version}\n" for name, version in NEWEST.items())
BAD = "alpha==1.3.0\nbeta==2.1.3\n"


@pytest.fixture
def reports(checkout: Path) -> Path:
    """The published table of the made-up history."""
    made = history()
    write(checkout / "reports", summarise(COMPONENTS_MADE_UP, (made.record(),), made.evidence, NOW))
    return checkout / "reports"


def words(output: str) -> str:
    return " ".join(output.split())


def test_the_one_pair_of_a_set_is_not_counted(run: Run, checkout: Path, reports: Path) -> None:
    (checkout / "two.txt").write_text("alpha==1.3.0\nbeta==2.4.1\n")
    _, output, _ = run("check", "two.txt", "--python", "3.12")
    assert "Its two components were tested together at exactly these versions, and work." in words(output)
    assert "its 1 pair" not in output


def test_of_a_broken_set_no_pair_is_said_to_work_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A release that lacks what it does not declare fails in this set, and works in one that has it."""
    made = history()
    summary = summarise(COMPONENTS_MADE_UP, (made.record(),), made.evidence, NOW)
    broken = checked(summary, {"alpha": "1.3.0", "beta": "2.4.1"}).model_copy(update={"answer": "broken"})
    print_checked(broken, Proposal(nearest=None, newest=None), summary, source="two.txt", table="compat.json")
    expected = "Its two components were tested together at exactly these versions, and work in another set."
    assert expected in words(capsys.readouterr().out)


def test_a_set_that_was_tested_gets_a_tick(run: Run, checkout: Path, reports: Path) -> None:
    (checkout / "good.txt").write_text(GOOD)
    code, output, error = run("check", "good.txt", "--python", "3.12")
    assert (code, error) == (0, "")
    assert "✓ its 6 components of the stack work together on Python 3.12, up to import" in output
    assert f"compared with {reports / 'compat.json'} of 2026-11-22 (" in words(output)
    assert "of its 15 pairs of components" in output
    code, _, error = run("check", "good.txt", "--python", "3.12", "--write", "fixed.txt")
    assert (code, error) == (0, "--write: nothing was written, since the environment works as it is\n")
    assert not (checkout / "fixed.txt").exists()
    # Without a Python, the Pythons of the table count too.
    assert run("check", "good.txt")[0] == 0


def test_a_broken_set_is_told_with_the_nearest_that_works(run: Run, checkout: Path, reports: Path) -> None:
    (checkout / "bad.txt").write_text(BAD)
    code, output, _ = run("check", "bad.txt", "--python", "3.12", "--write", "fixed.txt")
    assert code == 1
    assert "✗ SC-" in output
    assert "Nearest set that works on Python 3.12 (" in output
    fixed = (checkout / "fixed.txt").read_text()
    requirements = fixed.splitlines()[1:]
    assert fixed.startswith("# Seen to work together on Python 3.12, by the table of 2026-11-22\n")
    assert all(f"  {requirement}\n" in output for requirement in requirements)
    assert [requirement.partition("==")[0] for requirement in requirements] == ["alpha", "beta"]
    assert run("check", "fixed.txt")[0] == 0
    (checkout / "strange.txt").write_text("eta==1.0\n")
    error = run("check", "strange.txt", "--write", "none.txt")[2]
    assert error == "--write: nothing was written, since no set is known that works\n"
    assert run("check", "bad.txt", "--python", "3.12", "--write", "-")[1] == fixed
    code, output, _ = run("check", "bad.txt", "--python", "3.12", "--json", "-")
    assert code == 1
    told = json.loads(output)
    assert set(told) == documented_fields("`--json`", "check.md")
    assert told["hits"][0]["id"].startswith("SC-")
    assert (told["answer"], told["python"]) == ("broken", "3.12")
    assert [f"{name}=={version}" for name, version in told["nearest"]["pins"].items()] == requirements


def test_no_line_is_passed_over_without_a_word(run: Run, checkout: Path, reports: Path) -> None:
    (checkout / "some.txt").write_text("alpha==1.3.0\nbeta>=2\n-e ./gone\n--pre\nother==1.0\n")
    code, output, _ = run("check", "some.txt", "--python", "3.12")
    assert code == 3
    assert "1 line not looked at: -e ./gone\n1 line without an exact version: beta>=2" in output
    assert "1 line with options that name no distribution: --pre" in output
    assert "? not known: beta>=2 has no exact version" in output
    assert "? not known: no cell had other, so nobody tried the components with that" in output
    assert "Not checked, since they are no components of the stack: other." in output
    assert "✓" not in output
    (checkout / "more.txt").write_text("alpha==1.3.0\nother==1.0\n")
    code, output, _ = run("check", "more.txt", "--python", "3.12")
    assert code == 3
    assert "Its components alone work at these versions on Python 3.12 (" in output
    (checkout / "other.txt").write_text("unknown==1.0\n")
    code, output, _ = run("check", "other.txt")
    assert code == 3
    assert "? not known: nothing that it pins is a component of this stack" in output
    (checkout / "many.txt").write_text("".join(f"other{number}>=1\n" for number in range(7)))
    assert (
        "7 lines without an exact version: other0>=1; other1>=1; other2>=1; other3>=1; other4>=1; and 2 more"
        in words(run("check", "many.txt")[1])
    )


def test_standard_input_is_read(run: Run, checkout: Path, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    code, output, _ = run("check", "-", "--python", "3.12")
    assert code == 1
    assert "standard input on Python 3.12, compared with" in words(output)
    listed = json.dumps([{"name": DISTRIBUTION[name], "version": version} for name, version in NEWEST.items()])
    # Without a Python, the content counts for each Python of the table, and standard input is read only once.
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed.encode())))
    assert run("check", "-")[0] == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"This is prose.\n")))
    code, _, error = run("check", "-")
    assert (code, error.count("\n")) == (2, 1)
    assert 'FILE: standard input cannot be used: its line "This is prose." is no requirement' in error


def test_of_an_sbom_nothing_is_passed_over(run: Run, checkout: Path, reports: Path) -> None:
    components = [{"type": "library", "name": "alpha", "version": "1.3.0", "purl": "pkg:pypi/alpha@1.3.0"}]
    document = {"bomFormat": "CycloneDX", "components": components}
    (checkout / "sbom.json").write_text(json.dumps(document))
    assert run("check", "sbom.json", "--python", "3.12")[0] == 0
    components.append({"type": "library", "name": "libc", "version": "2", "purl": "pkg:deb/debian/libc@2"})
    (checkout / "sbom.json").write_text(json.dumps(document))
    code, output, _ = run("check", "sbom.json", "--python", "3.12")
    assert code == 0
    assert "1 line with something that is no Python distribution: libc 2" in output
    components.append({"type": "library", "name": "unnamed", "version": "3"})
    (checkout / "sbom.json").write_text(json.dumps(document))
    code, output, _ = run("check", "sbom.json", "--python", "3.12")
    assert code == 3
    assert "? not known: 1 line was not looked at: unnamed 3" in output


def test_extras_and_groups_are_read_where_they_are_asked_for(run: Run, checkout: Path, reports: Path) -> None:
    (checkout / "mine.toml").write_text(
        '[project]\nname = "mine"\ndependencies = ["alpha==1.3.0"]\n'
        '[project.optional-dependencies]\nmore = ["beta==2.1.3"]\n[dependency-groups]\ndev = ["gamma==1.0.2"]\n'
    )
    assert run("check", "mine.toml", "--python", "3.12")[0] == 0
    assert run("check", "mine.toml", "--python", "3.12", "--extra", "more")[0] == 1
    output = run("check", "mine.toml", "--python", "3.12", "--group", "dev", "--json", "-")[1]
    assert json.loads(output)["components"] == {"alpha": "1.3.0", "gamma": "1.0.2"}


def test_the_lock_of_a_red_cell_is_broken(run: Run, checkout: Path) -> None:
    made = History()
    red = {"beta": "2.4.1", "gamma": "1.0.2", "zeta": "0.9.4"}
    made.add(make_cell(red), red, tests=(failed("t.py::all", *red),))
    made.add(make_cell(red | {"zeta": "1.0"}), red | {"zeta": "1.0"}, tests=(passed("t.py::all", *red),))
    write(checkout / "reports", summarise(COMPONENTS_MADE_UP, (made.record(),), made.evidence, NOW))
    (lock,) = (checkout / "reports" / "locks").iterdir()
    code, output, _ = run("check", str(lock))
    assert code == 1
    assert f"✗ broken in cell {lock.stem}, which has its whole lock: " in output


def test_a_live_environment_is_checked_on_its_own_python(run: Run, reports: Path) -> None:
    code, output, _ = run("check", "--env", sys.prefix)
    assert code == 3
    assert f"on Python {sys.version_info.major}.{sys.version_info.minor}, compared with" in words(output)


def test_a_table_that_is_given_needs_no_project(
    run: Run, checkout: Path, reports: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "bad.txt").write_text(BAD)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert run("check", str(checkout / "bad.txt"), "--table", str(reports / "compat.json"))[0] == 1
    assert run("check", str(checkout / "bad.txt"))[0] == 2


def test_the_newest_releases_are_named_only_where_they_work(run: Run, checkout: Path) -> None:
    made = History()
    for version in ("0.9", "1"):
        versions = {"alpha": version, "beta": version}
        made.add(make_cell(versions), versions, tests=(passed("t.py::joint", "alpha", "beta"),))
    found = IslandsWorld(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find()
    write(checkout / "reports", summarise(COMPONENTS_MADE_UP, (made.record(),), made.evidence, NOW, (found,)))
    (checkout / "pins.txt").write_text("alpha==0.9\nbeta==0.9\n")
    output = words(run("check", "pins.txt", "--python", "3.12")[1])
    assert "The newest releases that work together (Python 3.12): alpha==1 beta==1" in output
    (checkout / "pins.txt").write_text("alpha==0.9\nbeta==0.9\ngamma==0.9\n")
    assert "without Gamma" in words(run("check", "pins.txt", "--python", "3.12")[1])


def test_check_says_what_is_likely_broken_and_that_nobody_saw_it(run: Run, checkout: Path) -> None:
    chart = chart_of(explore(table(3, 4), Planted(stairs([(0, 1)] * 3, 4), words="t: E: words [alpha]")))
    guess = next(one for one in chart.findings if one.inferred and one.verdict == "broken")
    write(checkout / "reports", summarise(COMPONENTS_MADE_UP, (), {}, NOW, frontiers=[chart]))
    first, second = chart.first.versions[guess.pair[0]], chart.second.versions[guess.pair[1]]
    (checkout / "pins.txt").write_text(f"alpha=={first}\nbeta=={second}\n")
    code, output, error = run("check", "pins.txt", "--python", "3.12", "--json", "-")
    assert (code, error) == (3, "")
    told = json.loads(output)
    assert (told["hits"], [one["versions"] for one in told["likely"]]) == ([], [{"alpha": first, "beta": second}])
    code, output, _ = run("check", "pins.txt", "--python", "3.12")
    assert code == 3
    assert f"likely broken (inferred, not tested): Alpha {first} with Beta {second}" in " ".join(output.split())
    assert "✓" not in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "pins.txt", "--python", "three"), '--python: "three" is not a Python such as 3.12'),
        (("check",), "check: give either a FILE such as uv.lock, or --env DIR"),
        (("check", "a", "--env", "b"), "check: give either a FILE"),
        (("check", "absent.txt"), "compat.json: there is no table yet; run a matrix first"),
        (("check", "absent.txt", "--table", "."), "--table: . cannot be read"),
        (("check", "pins.txt"), "compat.json: there is no table yet; run a matrix first"),
        (("check", "pins.txt", "--table", "pins.txt"), "--table: pins.txt is no compat.json of this version"),
        (("check", "pins.txt", "--write", "."), "--write: . cannot be written"),
        (("check", "pins.txt", "b", "--write", "c.txt"), "--write: writes the set for one FILE; give one"),
        (("check", "-", "-"), "FILE: - can be given once"),
    ],
)
def test_mistakes_with_check(run: Run, checkout: Path, arguments: tuple[str, ...], said: str) -> None:
    (checkout / "pins.txt").write_text("alpha==1.0\n")
    code, _, error = run(*arguments)
    assert (code, error.count("\n")) == (2, 1)
    assert said in error


def test_a_file_that_is_not_there_is_a_mistake(run: Run, reports: Path) -> None:
    code, _, error = run("check", "absent.txt")
    assert (code, error.count("\n")) == (2, 1)
    assert "FILE: absent.txt cannot be read" in error


def test_each_format_is_printed(run: Run, checkout: Path, reports: Path) -> None:
    (checkout / "bad.txt").write_text(BAD)
    code, output, error = run("check", "bad.txt", "--python", "3.12", "--format", "json", "--json", "told.json")
    assert (code, error) == (1, "")
    assert output == (checkout / "told.json").read_text()
    assert json.loads(output)["answer"] == "broken"
    code, output, _ = run("check", "bad.txt", "--python", "3.12", "--format", "markdown")
    assert (code, output.partition("\n")[0]) == (1, "### ✗ bad.txt: broken on Python 3.12")
    code, output, _ = run("check", "bad.txt", "--python", "3.12", "--format", "github")
    assert code == 1
    assert output.startswith("::error file=bad.txt,line=2,title=stackcompat SC-")
    code, output, _ = run("check", "bad.txt", "--python", "3.12", "--format", "sarif")
    assert code == 1
    assert [one["level"] for one in json.loads(output)["runs"][0]["results"]] == ["error"]
    assert run("check", "bad.txt", "--format", "html")[0] == 2


def test_several_files_are_answered_in_turn_and_the_worst_answer_counts(
    run: Run, checkout: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("good.txt", GOOD), ("bad.txt", BAD), ("strange.txt", "eta==1.0\n")):
        (checkout / name).write_text(text)
    code, output, error = run("check", "good.txt", "bad.txt", "strange.txt", "--python", "3.12", "--json", "told.json")
    assert (code, error) == (1, "")
    told = json.loads((checkout / "told.json").read_text())
    assert [(one["file"], one["answer"]) for one in told] == [
        ("good.txt", "works"),
        ("bad.txt", "broken"),
        ("strange.txt", "not known"),
    ]
    heads = [
        output.index(f"{name} on Python 3.12, compared with") for name in ("good.txt", "\nbad.txt", "\nstrange.txt")
    ]
    assert heads == sorted(heads)
    assert run("check", "good.txt", "strange.txt")[0] == 3
    assert run("check", "good.txt", "strange.txt", "--fail-on", "broken")[0] == 0
    assert run("check", "good.txt", "strange.txt", "--fail-on", "broken", "--fail-on", "unknown")[0] == 3
    assert '--fail-on: "new" is unknown; allowed are broken, unknown' in run("check", "good.txt", "--fail-on", "new")[2]
    assert run("check", "good.txt", "good.txt")[0] == 0
    output = run("check", "bad.txt", "strange.txt", "--python", "3.12", "--format", "sarif")[1]
    assert len(json.loads(output)["runs"]) == 1
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    assert run("check", "good.txt", "-", "--python", "3.12")[0] == 1
    # A mistake in one file ends the command before anything is answered.
    code, output, error = run("check", "good.txt", "absent.txt")
    assert (code, output) == (2, "")
    assert "FILE: absent.txt cannot be read" in error


def test_a_set_that_no_cell_tested_is_not_said_to_be_tested() -> None:
    """Two of its components may only have met in a cell that works."""
    pieced = NearestSet(pins={"alpha": "1.3.0", "beta": "2.4.1"}, moves=(), cell="", python="3.12")
    assert "(tested or installed in twos, not as a whole)" in nearest_working(pieced)
