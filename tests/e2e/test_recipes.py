"""The recipes for other CI systems, as they stand: their commands run in bash, with a wheel of this tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import uv
import yaml

from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.store import Store

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs" / "recipes"
STORE = Path(".stackcompat") / "evidence.sqlite"


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> dict[str, str]:
    """The environment of an agent on which `pip install stackcompat` installs this tree."""
    dist = tmp_path_factory.mktemp("dist")
    command = [uv.find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(dist), str(ROOT)]
    # A release goes before whatever an index has of this name.
    subprocess.run(command, check=True, env=os.environ | {"SETUPTOOLS_SCM_PRETEND_VERSION": "9999"})
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("STACKCOMPAT", "PYTHON", "VIRTUAL"))
    }
    return kept | {
        "PIP_FIND_LINKS": str(dist),
        "STACKCOMPAT_CACHE": str(cache_root),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.fixture
def ecosystem(tmp_path: Path, interpreters: dict[str, Interpreter], python: str) -> Path:
    """A folder of an ecosystem of two small libraries; beside it, the interpreter of an agent as python3."""
    folder = tmp_path / "ecosystem"
    (folder / "matrices").mkdir(parents=True)
    (folder / "tests" / "interop").mkdir(parents=True)
    (folder / "stackcompat.toml").write_text('name = "Tiny"\n')
    (folder / "matrices" / "components.toml").write_text(
        '[[components]]\nname = "toolz"\ndistributions = ["toolz"]\n\n'
        '[[components]]\nname = "six"\ndistributions = ["six"]\n'
    )
    (folder / "matrices" / "quick.toml").write_text(
        f'title = "Quick"\ncomponents = ["toolz", "six"]\npythons = ["{python}"]\n\n'
        '[[policies]]\npolicy = "newest"\n\n[[policies]]\npolicy = "pins"\nlabel = "old"\n'
        'requirements = ["toolz==0.12.0", "six==1.16.0"]\n'
    )
    (folder / "tests" / "interop" / "test_both.py").write_text(
        'import pytest\n\n@pytest.mark.uses("toolz", "six")\n@pytest.mark.level("interop")\n'
        "def test_both() -> None:\n    import six\n    import toolz\n\n"
        "    assert toolz.first(six.iterkeys({1: 2})) == 1\n"
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(interpreters[python].path)
    return folder


def shell(commands: Sequence[str], folder: Path, variables: dict[str, str]) -> str:
    """What commands print that run one after another in one shell, which ends with the first that fails."""
    path = f"{folder.parent / 'bin'}:{variables['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail"],
        input="\n".join(commands),
        cwd=folder,
        env=variables | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def hand_on(source: Path, target: Path, name: Path) -> None:
    """What artifacts and stashes do."""
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    if (source / name).is_dir():
        shutil.copytree(source / name, target / name, dirs_exist_ok=True)
    else:
        shutil.copy2(source / name, target / name)


def verdicts(folder: Path) -> tuple[int, int]:
    """How many cells the last run of a store has, and how many locks have evidence."""
    store = Store(folder / STORE)
    (record,) = store.runs()
    found = len(record.cells), len(store.of_keys(record.evidence_keys()))
    store.close()
    return found


def test_gitlab(ecosystem: Path, tmp_path: Path, variables: dict[str, str]) -> None:
    recipe: dict[str, Any] = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text(encoding="utf-8"))
    given = {name: value for name, value in recipe["variables"].items() if "$" not in value}
    before = recipe["default"]["before_script"]

    def job(name: str, folder: Path, **more: str) -> str:
        return shell([*before, *recipe[name]["script"]], folder, variables | given | more)

    folders = {name: tmp_path / name for name in ("plan", "1", "2", "pages")}
    for folder in folders.values():
        shutil.copytree(ecosystem, folder)
    job("plan", folders["plan"])
    assert recipe["plan"]["artifacts"]["paths"] == [str(STORE)]
    for index in map(str, range(1, recipe["run"]["parallel"] + 1)):
        hand_on(folders["plan"], folders[index], STORE)
        job("run", folders[index], CI_NODE_INDEX=index, CI_NODE_TOTAL=str(recipe["run"]["parallel"]))
        hand_on(folders[index], folders["pages"], Path(recipe["run"]["artifacts"]["paths"][0]))
    job("pages", folders["pages"])
    assert verdicts(folders["pages"]) == (2, 2)
    public = folders["pages"] / "public"
    assert {"index.html", "NIGHT.md", "compat.json", "evidence.parquet"} <= {file.name for file in public.iterdir()}
    # The table of this night answers for a lock, in a merge request.
    (ecosystem / "requirements.txt").write_text("toolz==0.12.0\nsix==1.16.0\n")
    hand_on(public.parent, ecosystem, Path("public") / "compat.json")
    (ecosystem / "public").rename(ecosystem / "reports")
    assert "✓" in job("check", ecosystem)


def test_jenkins(ecosystem: Path, tmp_path: Path, variables: dict[str, str]) -> None:
    text = (RECIPES / "Jenkinsfile").read_text(encoding="utf-8")
    given = dict(re.findall(r"environment \{ (\w+) = '(.*)' \}", text))
    _, *parts = re.split(r"stage\('(\w+)'\)", text)
    stages = {
        name: re.findall(r"^ *sh '(.*)'$", body, re.MULTILINE)
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
    assert sum(map(len, stages.values())) == text.count(" sh '")

    def stage(name: str, folder: Path, **more: str) -> None:
        for command in stages[name]:  # each in a shell of its own, as Jenkins does
            shell([command], folder, variables | given | more)

    (numbers,) = re.findall(r"name 'PART'; values (.*?) \}", text)
    folders = {name: tmp_path / name for name in ("main", *re.findall(r"'(\d)'", numbers))}
    for folder in folders.values():
        shutil.copytree(ecosystem, folder)
    main = folders.pop("main")
    stage("plan", main)
    for number, folder in folders.items():
        hand_on(main, folder, STORE)
        stage("part", folder, PART=number)
    for folder in folders.values():
        hand_on(folder, main, Path("parts"))
    stage("publish", main)
    assert verdicts(main) == (2, 2)
    assert {"index.html", "NIGHT.md", "evidence.parquet"} <= {file.name for file in (main / "site").iterdir()}
