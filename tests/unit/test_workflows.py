"""The workflows: what they call is there, what is scheduled is chosen, and the gate's step tells the decision."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
NIGHTLY = (WORKFLOWS / "nightly.yml").read_text(encoding="utf-8")

#: Files in matrices/ that are no matrix, the one that is a part of the nightly, and those for machines with an
#: accelerator, which run beside whatever is due where a repository has such a machine.
NOT_SCHEDULED = {
    *("components", "known-cases", "advisories", "gate", "waivers", "replay", "replay-policy"),
    *("quick", "gpu", "tpu"),
}


def script(workflow: str, step: str) -> str:
    """The commands of the step with the id `step`."""
    text = (WORKFLOWS / workflow).read_text(encoding="utf-8")
    match = re.search(rf"- id: {step}\n(?:        .*\n)*?        run: \|\n((?: {{10}}.*\n)+)", text)
    assert match is not None
    return textwrap.dedent(match[1])


@pytest.mark.parametrize("workflow", ["nightly.yml", "gate.yml"])
def test_every_command_is_a_session_that_there_is(workflow: str) -> None:
    text = (WORKFLOWS / workflow).read_text(encoding="utf-8")
    sessions = set(re.findall(r"nox -s (\w+)", text))
    assert sessions
    assert sessions <= set(re.findall(r"@nox\.session\ndef (\w+)", (ROOT / "noxfile.py").read_text(encoding="utf-8")))
    assert not re.search(r"^\s*(?:- run: |run: )?stackcompat ", text, re.MULTILINE)


def chosen(folder: Path, *, given: str = "", schedule: str = "", gpu: str = "") -> str:
    output = folder / "output"
    output.touch()
    variables = {"GIVEN": given, "SCHEDULE": schedule, "GPU": gpu, "TPU": "", "GITHUB_OUTPUT": str(output)}
    subprocess.run(["bash", "-e"], input=script("nightly.yml", "matrix"), text=True, env=PATH | variables, check=True)
    return output.read_text(encoding="utf-8")


PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


NEEDS_JQ = pytest.mark.skipif(shutil.which("jq", path=PATH["PATH"]) is None, reason="jq is not installed")


@NEEDS_JQ
def test_every_matrix_has_its_time(tmp_path: Path) -> None:
    schedules = re.findall(r'- cron: "(.+)"', NIGHTLY)
    due = [chosen(tmp_path, schedule=one).splitlines()[-2].removeprefix("matrix=") for one in schedules]
    assert len(set(due)) == len(due)
    assert set(due) == {path.stem for path in (ROOT / "matrices").glob("*.toml")} - NOT_SCHEDULED


@NEEDS_JQ
def test_who_gives_a_matrix_gets_it_and_accelerators_are_those_that_there_are(tmp_path: Path) -> None:
    assert chosen(tmp_path, given="quick", schedule="17 11 * * 1") == "matrix=quick\naccelerators=[]\n"
    told = chosen(tmp_path, gpu='mine"; exit').splitlines()[-1]
    assert told == r'accelerators=[{"label":"gpu","matrix":"mine\"; exit"}]'


@NEEDS_JQ
@pytest.mark.parametrize(
    ("written", "code", "decision"),
    [
        ("PASS", 0, "PASS"),
        ("BLOCK", 1, "BLOCK"),
        ("NEEDS-REVIEW", 1, "NEEDS-REVIEW"),
        ("CANNOT-TELL", 1, "CANNOT-TELL"),
        ("", 1, "CANNOT-TELL"),  # a mistake in what was given, or an index that does not answer
        ("PASS", 1, "CANNOT-TELL"),  # written, and then something went wrong
    ],
)
def test_the_gate_tells_one_of_four_decisions(tmp_path: Path, written: str, code: int, decision: str) -> None:
    nox = tmp_path / "nox"
    write = f"""echo '{{"decision": "{written}"}}' > gate.json; echo "# said" > gate.md""" if written else ""
    nox.write_text(f"#!/bin/sh\nprintf '%s,' \"$@\" > asked\n{write}\nexit {code}\n")
    nox.chmod(0o755)
    variables = {
        "PATH": f"{tmp_path}:{PATH['PATH']}",
        "CANDIDATES": "alpha==1.0; x\n\n dist/b.whl\n",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    done = subprocess.run(
        ["bash", "-e"], input=script("gate.yml", "gate"), text=True, env=variables, cwd=tmp_path, check=False
    )
    assert (done.returncode == 0) == (decision == "PASS")
    assert (tmp_path / "output").read_text(encoding="utf-8") == f"decision={decision}\n"
    said = (tmp_path / "summary").read_text(encoding="utf-8")
    assert said == (
        "# said\n" if written else "CANNOT-TELL: the gate could not be held; the log of this job says why.\n"
    )
    assert (tmp_path / "asked").read_text(encoding="utf-8").endswith(",--,alpha==1.0; x, dist/b.whl,")


def checked(text: str, folder: Path, **variables: str) -> tuple[int, str]:
    """What the step that checks the inputs of a workflow or an action does in a folder: exit code and what it says."""
    match = re.search(r"- id: inputs\n(?:[ ]+.*\n)*?([ ]+)run: \|\n((?:\1  .*\n)+)", text)
    assert match is not None
    done = subprocess.run(
        ["bash", "-e"],
        input=textwrap.dedent(match[2]),
        text=True,
        env=PATH | variables,
        cwd=folder,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ""),
        ({"REPOSITORY": "o/r", "REF": "a" * 40}, ""),
        ({"REPOSITORY": "o/r", "REF": "a" * 40, "PROJECT": "compat"}, ""),
        ({"REPOSITORY": "o/r", "REF": "a" * 40, "PROJECT": "."}, ""),
        ({"REPOSITORY": "o/r", "REF": "main"}, "ref: give the full SHA of a commit"),
        ({"PROJECT": "compat"}, "project: is for a repository that calls this workflow"),
        (
            {"REPOSITORY": "o/r", "REF": "a" * 40, "PROJECT": ".."},
            "project: give a folder inside the calling repository",
        ),
        ({"REPOSITORY": "o/r", "REF": "a" * 40, "PROJECT": "/etc"}, "project: the folder has no stackcompat.toml"),
        ({"REPOSITORY": "o/r", "REF": "a" * 40, "PROJECT": "no"}, "project: the folder has no stackcompat.toml"),
        ({"SHARDS": "0"}, "shards: give a number from 1 to 256"),
        ({"SHARDS": "257"}, "shards: give a number from 1 to 256"),
        ({"SHARDS": "4; x"}, "shards: give a number from 1 to 256"),
        ({"MATRIX": "caller/compat-2.toml"}, ""),
        ({"MATRIX": "nightly\nshards=[]"}, "matrix: give the name of a matrix"),
        ({"MATRIX": "nightly\r\nx=y"}, "matrix: give the name of a matrix"),
        ({"MATRIX": "$(x)"}, "matrix: give the name of a matrix"),
    ],
)
def test_the_inputs_of_the_nightly_are_checked(tmp_path: Path, given: dict[str, str], said: str) -> None:
    (tmp_path / "caller" / "compat").mkdir(parents=True)
    (tmp_path / "caller" / "compat" / "stackcompat.toml").touch()
    (tmp_path / "caller" / "stackcompat.toml").touch()
    variables = {"PROJECT": "", "REPOSITORY": "", "REF": "", "MATRIX": "", "SHARDS": "4"} | given
    code, output = checked(NIGHTLY, tmp_path, **variables)
    assert (code, output[:5]) == ((2, "::err") if said else (0, ""))
    assert said in output


@pytest.mark.parametrize(
    ("project", "ref", "said"),
    [
        ("", "a" * 40, ""),
        ("compat", "a" * 40, ""),
        ("", "v1", "ref: give the full SHA of a commit"),
        ("../x", "a" * 40, "project: give a folder inside the calling repository"),
        ("no", "a" * 40, "project: the folder has no stackcompat.toml"),
    ],
)
def test_the_inputs_of_the_gate_are_checked(tmp_path: Path, project: str, ref: str, said: str) -> None:
    (tmp_path / "caller" / "compat" / "matrices").mkdir(parents=True)
    (tmp_path / "caller" / "compat" / "matrices" / "components.toml").touch()
    code, output = checked((WORKFLOWS / "gate.yml").read_text(encoding="utf-8"), tmp_path, PROJECT=project, REF=ref)
    assert (code, output[:5]) == ((2, "::err") if said else (0, ""))
    assert said in output


def test_every_action_is_pinned_to_a_commit() -> None:
    for path in (*WORKFLOWS.glob("*.yml"), ROOT / "action.yml"):
        for used in re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8")):
            assert used[0] == "./" or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used[0]), used
            assert used[0] == "./" or re.fullmatch(r" # v\d+\.\d+\.\d+", used[1]), used


ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ""),
        ({"PROJECT": "compat"}, ""),
        ({"PYTHONS": "3.12; rm"}, "pythons: each line must be a version such as 3.12"),
        ({"PYTHONS": "\n"}, "pythons: name at least one version such as 3.12"),
        ({"SAVE": "yes"}, "save-cache: allowed are true and false"),
        ({"PROJECT": "no"}, "project: there is no such folder; the repository must be checked out before"),
    ],
)
def test_the_inputs_of_the_action_are_checked(tmp_path: Path, given: dict[str, str], said: str) -> None:
    (tmp_path / "compat").mkdir()
    code, output = checked(ACTION, tmp_path, **({"PYTHONS": "3.11\n3.12\n", "PROJECT": "", "SAVE": "false"} | given))
    assert (code, output) == ((2, f"::error title=stackcompat::{said}\n") if said else (0, ""))


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_action_hands_on_arguments_and_exit_code(tmp_path: Path, code: int) -> None:
    program = tmp_path / "stackcompat"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$STACKCOMPAT_PROJECT" "$@" > asked\nexit {code}\n')
    program.chmod(0o755)
    match = re.search(r"- id: command\n(?:[ ]+.*\n)*?      run: \|\n((?: {8}.*\n)+)", ACTION)
    assert match is not None
    variables = {
        "PATH": f"{tmp_path}:{PATH['PATH']}",
        "ARGUMENTS": "check\nmy lock.txt\n\n--format\ngithub\n",
        "PROJECT": "compat",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    done = subprocess.run(
        ["bash", "-e"], input=textwrap.dedent(match[1]), text=True, env=variables, cwd=tmp_path, check=False
    )
    assert done.returncode == code
    assert (tmp_path / "output").read_text() == f"code={code}\n"
    assert (tmp_path / "asked").read_text() == "compat|check|my lock.txt|--format|github|"


def test_packages_are_kept_only_by_jobs_whose_tests_cannot_alter_them(tmp_path: Path) -> None:
    """A job that keeps its packages runs nothing outside of a sandbox, and keeps none without one."""
    keeping = re.findall(r"if: (.*)\n      uses: actions/cache@", ACTION)
    assert keeping == ["inputs.save-cache == 'true' && steps.sandbox.outputs.closed == 'true'"]
    assert "steps.tool.outputs.closed == 'true' && 'strict'" in NIGHTLY
    match = re.search(r"- id: sandbox\n(?:[ ]+.*\n)*?      run: \|\n((?: {8}.*\n)+)", ACTION)
    assert match is not None
    for code, said in ((0, "closed=true\n"), (1, "")):
        for name, text in (("bwrap", f"exit {code}"), ("sudo", "exit 1")):
            (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / name).chmod(0o755)
        output = tmp_path / f"output-{code}"
        output.touch()
        variables = {"PATH": f"{tmp_path}:{PATH['PATH']}", "GITHUB_OUTPUT": str(output)}
        done = subprocess.run(
            ["bash", "-e"], input=textwrap.dedent(match[1]), capture_output=True, text=True, env=variables, check=False
        )
        assert (done.returncode, output.read_text()) == (0, said)
        assert ("no sandbox" in done.stdout) == bool(code)


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_ci_has_every_python_that_the_project_is_for() -> None:
    pythons = re.findall(r":: (3\.\d+)$", "\n".join(PROJECT["project"]["classifiers"]), re.MULTILINE)
    listed = re.search(r"python-version: \|\n((?: +3\.\d+\n)+)", (WORKFLOWS / "ci.yml").read_text(encoding="utf-8"))
    assert listed is not None
    assert listed[1].split() == pythons
    *older, _ = pythons  # the session `tests` runs on the newest one
    assert re.findall(r"unit-(\S+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8")) == older


def test_bounds_that_are_written_twice_are_the_same() -> None:
    needed = PROJECT["project"]["dependencies"]
    (nox,), (uv,) = ([text for text in needed if re.match(rf"{name}\b", text)] for name in ("nox", "uv"))
    bootstrap = (ROOT / "bootstrap.py").read_text(encoding="utf-8")
    assert f'REQUIREMENTS = ("{nox}", "{uv}")' in bootstrap
    assert f'nox.needs_version = "{nox.removeprefix("nox")}"' in (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert uv in PROJECT["dependency-groups"]["release"]
    command, pin, *_ = (ROOT / ".ci" / "publish.txt").read_text(encoding="utf-8").splitlines()
    assert f"'{uv}'" in command
    assert Requirement(uv).specifier.contains(pin.removeprefix("uv==").removesuffix(" \\"))
