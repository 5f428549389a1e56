from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import jsonschema
import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.report.site.api import api_files
from stackcompat.report.site.model import Published, Site
from stackcompat.report.site.packages import package_name, package_version, packages
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
SITE = Site(Published("Sound & Co", SUMMARY, advisories(SUMMARY)))
NPM, WHEEL = packages(SITE, api_files(SITE)).items()


def test_names_and_versions() -> None:
    assert (package_name(SITE), package_version(SITE)) == ("sound-co-compat-data", "2026.11.22")
    assert (NPM[0], WHEEL[0]) == (
        "sound-co-compat-data-2026.11.22.tgz",
        "sound_co_compat_data-2026.11.22-py3-none-any.whl",
    )


def test_the_same_table_gives_the_same_bytes() -> None:
    assert packages(SITE, api_files(SITE)) == dict([NPM, WHEEL])


def test_the_archive_for_npm_has_what_its_description_names() -> None:
    with tarfile.open(fileobj=io.BytesIO(NPM[1])) as archive:
        content = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    described = json.loads(content["package/package.json"])
    assert (described["name"], described["version"]) == ("sound-co-compat-data", "2026.11.22")
    data = json.loads(content[f"package/{described['main']}"])
    assert data["advisories"].keys() == {advisory.id for advisory in SITE.advisories}
    assert data["components"].keys() == {row.name for row in SUMMARY.components}
    schema = json.loads(content["package/schema/latest.json"])
    jsonschema.Draft202012Validator(schema).validate(data["latest"])


def test_the_wheel_can_be_imported(tmp_path: Path) -> None:
    path = tmp_path / WHEEL[0]
    path.write_bytes(WHEEL[1])
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        record = archive.read("sound_co_compat_data-2026.11.22.dist-info/RECORD").decode()
        assert {line.split(",")[0] for line in record.splitlines()} == set(archive.namelist())
        archive.extractall(tmp_path / "lib")
    hints = "import typing; assert typing.get_type_hints(data.load)"
    script = f"import sound_co_compat_data as data; {hints}; print(*sorted(data.load()))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path / "lib"
    )
    assert done.stdout.split() == ["advisories", "components", "index", "latest", "pairs", "sets"]


@pytest.mark.parametrize("kind", ["npm", "uv"])
def test_installers_take_them_offline(tmp_path: Path, kind: str) -> None:
    tool = shutil.which(kind) or shutil.which(kind, path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip(f"{kind} is not installed")
    name, content = NPM if kind == "npm" else WHEEL
    (tmp_path / name).write_bytes(content)
    if kind == "npm":
        command = [tool, "install", "--offline", "--no-audit", "--no-fund", f"./{name}"]
    else:
        command = [tool, "pip", "install", "--offline", "--no-deps", "--target", "installed", f"./{name}"]
        command += ["--python", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    installed = "node_modules/sound-co-compat-data" if kind == "npm" else "installed/sound_co_compat_data"
    assert json.loads((tmp_path / installed / "data.json").read_text())["latest"]["ecosystem"] == "Sound & Co"
