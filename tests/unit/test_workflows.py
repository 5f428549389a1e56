"""The workflows: what they call is there, what is scheduled is chosen, and the gate's step tells the decision."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
NIGHTLY = (WORKFLOWS / "nightly.yml").read_text(encoding="utf-8")

#: Files in matrices/ that are no matrix, and the one that is a part of the nightly.
NOT_SCHEDULED = {"components", "known-cases", "advisories", "gate", "waivers", "replay", "replay-policy", "quick"}


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
