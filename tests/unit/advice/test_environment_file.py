"""Every form in which people keep what is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.advice.document import Asked
from stackcompat.advice.environment_file import read_environment, read_file
from stackcompat.core.errors import UsageError

WANTED = {"alpha": "1.2.3", "beta-x": "2.0.dev3"}
REQUIREMENTS = """
# made
alpha==1.2.3 --hash=sha256:00
--index-url somewhere
Beta_x[more]==2.0.dev3 ; python_version > '3'  # why
gamma>=1
"""
FOLDED = """
alpha==1.2.3 \\
    --hash=sha256:00
beta-x===2.0.dev3
"""
UV_LOCK = """
[[package]]
name = "alpha"
version = "1.2.3"
[[package]]
name = "beta-x"
version = "2.0.dev3"
"""
PYLOCK_HEAD = 'lock-version = "1.0"\ncreated-by = "a tool"\n'
PYLOCK_FILE = 'archive = { path = "./a.zip", hashes = { sha256 = "00" } }\n'
PYLOCK = PYLOCK_HEAD + UV_LOCK.replace("[[package]]", f"[[packages]]\n{PYLOCK_FILE}")
CONDA_LIST = """
# platform: linux-64
alpha=1.2.3=py312_0
beta-x=2.0.dev3=0
"""
CONDA_COLUMNS = """
# packages in environment at here:
#
# Name                    Version                   Build  Channel
alpha                     1.2.3                    py312_0    conda-forge
beta-x                    2.0.dev3                  pypi_0    pypi
"""
CONDA_EXPLICIT = """
# platform: linux-64
@EXPLICIT
https://channel.example/conda-forge/noarch/alpha-1.2.3-py312_0.conda#0123456789abcdef
https://channel.example/conda-forge/linux-64/beta-x-2.0.dev3-h1_0.tar.bz2
"""
PIP_LIST = """
Package Version
------- --------
alpha   1.2.3
beta-x  2.0.dev3
"""
UV_TREE = """
alpha v1.2.3
├── beta-x[more, other] v2.0.dev3 (extra: x)
└── alpha v1.2.3 (*)
(*) Package tree already displayed
"""
CONDA_FILE = """
name: made
channels:
  - conda-forge
dependencies:
  - "conda-forge::alpha=1.2.3"
  - pip:
    - beta-x==2.0.dev3
"""
PROJECT = '[project]\nname = "mine"\ndependencies = ["alpha==1.2.3", "beta-x==2.0.dev3"]\n'
PIPFILE = '{"_meta": {}, "default": {"alpha": {"version": "==1.2.3"}, "beta-x": {"version": "==2.0.dev3"}}}'
CYCLONEDX = """
{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"type": "application", "name": "mine"}},
 "components": [{"type": "library", "name": "alpha", "version": "1.2.3", "purl": "pkg:pypi/alpha@1.2.3"},
                {"type": "library", "name": "Beta_X", "purl": "pkg:pypi/beta-x@2.0.dev3?file_name=x"}]}
"""
SPDX = """
{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": [
 {"name": "alpha", "SPDXID": "a", "versionInfo": "1.2.3", "externalRefs": [
  {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:pypi/alpha@1.2.3"}]},
 {"name": "beta-x", "SPDXID": "b", "versionInfo": "2.0.dev3", "externalRefs": [
  {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:pypi/beta-x"}]}]}
"""
PIP_INDENTED = '[\n  {"name": "alpha", "version": "1.2.3"},\n  {"name": "beta-x", "version": "2.0.dev3"}\n]\n'
CONDA_JSON = '{"name": "made", "dependencies": ["alpha=1.2.3=py_0", {"pip": ["beta-x==2.0.dev3"]}]}'
PIP_JSON = '[{"name": "alpha", "version": "1.2.3"}, {"name": "beta-x", "version": "2.0.dev3"}]'
PIXI = """
environments:
  default:
    packages:
      linux-64:
      - conda: https://channel.example/noarch/alpha-1.2.3-py312_0.conda
      - pypi: https://channel.example/beta_x-2.0.dev3-py3-none-any.whl
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", REQUIREMENTS),
        ("freeze", FOLDED),
        ("uv.lock", UV_LOCK),
        ("pylock.toml", PYLOCK),
        ("conda.txt", CONDA_LIST),
        ("environment.yml", CONDA_FILE),
        ("conda-list.txt", CONDA_COLUMNS),
        ("explicit.txt", CONDA_EXPLICIT),
        ("pip-list.txt", PIP_LIST),
        ("uv-tree.txt", UV_TREE),
        ("pyproject.toml", PROJECT),
        ("mine.toml", PROJECT),
        ("Pipfile.lock", PIPFILE),
        ("pip-list.json", PIP_JSON),
        ("pixi.lock", PIXI),
        ("sbom.json", CYCLONEDX),
        ("sbom.cdx", CYCLONEDX),
        ("sbom.spdx.json", SPDX),
        ("exported.json", f'{{"sbom": {SPDX}}}'),
        ("conda-list.json", PIP_INDENTED),
        ("list", PIP_INDENTED),
        ("export.json", CONDA_JSON),
        ("requirements.lock", FOLDED),
        ("conda-linux-64.lock", CONDA_EXPLICIT),
        ("of-uv", UV_LOCK),
        ("of-pip", PYLOCK),
        ("of-pixi", PIXI),
        ("of-conda", CONDA_FILE),
        ("a-project", PROJECT),
        ("bom.txt", "\N{ZERO WIDTH NO-BREAK SPACE}alpha==1.2.3\r\nbeta-x==2.0.dev3\r\n"),
    ],
)
def test_what_is_pinned_exactly_is_read(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read_file(path).versions == WANTED
    path.write_text(text, encoding="utf-16")
    assert read_file(path).versions == WANTED


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("requirements.txt", b"# nothing\n", "pins nothing"),
        ("uv.lock", b"not toml", "is not valid TOML"),
        ("Pipfile.lock", b"{not json", "is not valid JSON"),
        ("pixi.lock", b"a: [", "is not valid YAML"),
        ("pixi.lock", b"version: 6\n", r"no environment\.yml, pixi\.lock or conda-lock\.yml"),
        ("flake.lock", b'{"nodes": {}}', r"no Pipfile\.lock"),
        ("list.json", b'[{"nodes": 3}]', r"no list of packages"),
        ("bom.xml", b'<?xml version="1.0"?>\n<bom/>\n', r'its line "<\?xml version="1.0"\?>" is no requirement'),
        ("notes.md", b"# Notes\n\nThis is prose.\nand\n" + b"long " * 20, r"This is prose"),
        (
            "Cargo.lock",
            b'[[package]]\nname = "a"\nversion = "1.0"\nsource = "registry"\n',
            "not of Python distributions",
        ),
        ("yarn.lock", b'alpha@^1:\n  version "1.0.0"\n', r"is no requirement"),
        ("pylock.toml", b"packages = []\n", r"it is no pylock\.toml: Missing required value in 'lock-version'"),
        ("environment.yml", b"a: 1\n---\nb: 2\n", "is not valid YAML"),
        ("sbom.json", b'{"bomFormat": "CycloneDX", "components": []}', "pins nothing"),
        ("uv.lock", b"package = ['x']\n", "pins nothing"),
        ("uv.lock", b"package = 3\n", "pins nothing"),
        ("base.txt", b"alpha==1.0\n-r gone.txt\n", r"gone\.txt cannot be read"),
        ("freeze.txt", b"\xff\xfe\x00", "is not text"),
    ],
)
def test_a_file_that_tells_nothing_is_a_mistake(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_file(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_file(tmp_path / "absent.txt")


def test_a_live_environment_lists_itself(tmp_path: Path) -> None:
    listed = read_environment(Path(sys.executable))
    assert "pytest" in listed.versions
    assert "pluggy" in listed.needs["pytest"]
    assert listed.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "pytest" in read_environment(Path(sys.prefix)).versions
    with pytest.raises(UsageError, match="is not an environment"):
        read_environment(tmp_path)
    (tmp_path / "python").write_text("no program")
    with pytest.raises(UsageError, match="cannot be run"):
        read_environment(tmp_path / "python")
    (tmp_path / "python").write_text("#!/bin/sh\necho no\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(UsageError, match="is not a Python interpreter"):
        read_environment(tmp_path / "python")


def test_no_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    loose = ["beta>=0.12", "gamma @ https://files.example/main.zip", "-e .", "delta", "--no-binary :all:"]
    path.write_text("\n".join(["alpha==1.0", "", "# why", *loose]))
    listed = read_file(path)
    assert (listed.versions, [line.text for line in listed.lines]) == ({"alpha": "1.0"}, loose)
    assert [line.kind for line in listed.lines] == ["loose", "loose", "unread", "loose", "option"]
    assert listed.loose == {"beta": ">=0.12", "gamma": "", "delta": ""}


def test_a_project_in_a_folder_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    (tmp_path / "requirements.txt").write_text("-e .[more]\nalpha==1.0\n")
    (line,) = read_file(tmp_path / "requirements.txt").lines
    assert (line.name, line.kind) == ("mine", "project")


def test_files_that_are_named_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "all.txt").write_text("-r more/base.txt  # why\nalpha==1.0\n")
    (tmp_path / "more" / "base.txt").write_text("--requirement=deep.txt\n-r ../all.txt\nbeta==2.0\n")
    (tmp_path / "more" / "deep.txt").write_text("gamma==3.0\n-r https://files.example/far.txt\n")
    listed = read_file(tmp_path / "all.txt")
    assert listed.versions == {"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}
    assert [(line.text, line.kind) for line in listed.lines] == [("-r https://files.example/far.txt", "unread")]


def test_constraints_pin_what_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "asked.txt").write_text("-c pins.txt\nalpha\nbeta>=2\ngamma\n")
    (tmp_path / "pins.txt").write_text("alpha==1.0\nbeta==2.0\ndelta<4\n")
    listed = read_file(tmp_path / "asked.txt")
    assert (listed.versions, listed.loose) == ({"alpha": "1.0", "beta": "2.0"}, {"gamma": ""})
    assert [line.text for line in listed.lines] == ["delta<4", "gamma"]


def test_what_is_for_another_python_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("alpha==1.0 ; python_version < '3.12'\nalpha==2.0 ; python_version >= '3.12'\n")
    assert read_file(path, Asked("3.11")).versions == {"alpha": "1.0"}
    listed = read_file(path, Asked("3.12"))
    assert listed.versions == {"alpha": "2.0"}
    assert [(line.text, line.kind) for line in listed.lines] == [("alpha==1.0 ; python_version < '3.12'", "elsewhere")]


INSPECTED = """
{"installed": [{"metadata": {"name": "alpha", "version": "1.0"}}],
 "environment": {"python_version": "3.12", "python_full_version": "3.12.4"}}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", 'requires-python = "==3.12.*"\n[[package]]\nname = "alpha"\nversion = "1.0"\n'),
        ("environment.yml", "dependencies:\n- python=3.12\n- alpha==1.0\n"),
        ("conda.txt", "python=3.12.4=h1_0\nalpha=1.0=py_0\n"),
        ("lock.txt", "# cell x: broken on Python 3.12, linux-x86_64\nalpha==1.0\n"),
        ("poetry.lock", '[[package]]\nname = "alpha"\nversion = "1.0"\n[metadata]\npython-versions = "~3.12"\n'),
        ("pdm.lock", '[metadata]\nrequires_python = "==3.12.*"\n[[package]]\nname = "alpha"\nversion = "1.0"\n'),
        ("mine.toml", '[tool.poetry.dependencies]\npython = "3.12.*"\nalpha = "1.0"\n'),
        ("env.yaml", "dependencies: [python 3.12.*, alpha ==1.0]\n"),
        ("conda-lock.yml", "package:\n- {name: python, version: 3.12.4}\n- {name: alpha, version: 1.0}\n"),
        (
            "pixi.lock",
            "environments: {a: {packages: {linux-64: [{conda: python-3.12.4-h_0.conda}, {conda: alpha-1.0-0.conda}]}}}",
        ),
        (
            "Pipfile.lock",
            '{"_meta": {"requires": {"python_full_version": "3.12.4"}}, "default": {"alpha": {"version": "==1.0"}}}',
        ),
        (
            "inspect.json",
            INSPECTED,
        ),
    ],
)
def test_the_python_of_a_file_is_taken_from_it(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    listed = read_file(tmp_path / name)
    assert (listed.python, listed.versions, listed.lines) == ("3.12", {"alpha": "1.0"}, ())


@pytest.mark.parametrize(
    ("name", "key", "marker"),
    [
        ("uv.lock", "package", 'resolution-markers = ["{}", "sys_platform == \'none\'"]'),
        ("poetry.lock", "package", 'markers = "{}"'),
        ("pylock.toml", "packages", 'marker = "{}"'),
    ],
)
def test_a_lock_with_several_versions_has_the_one_for_here(tmp_path: Path, name: str, key: str, marker: str) -> None:
    pylock = name == "pylock.toml"
    head, file = (PYLOCK_HEAD, PYLOCK_FILE) if pylock else ("", "")
    table = '[[{}]]\nname = "alpha"\nversion = "{}"\n{}\n' + file.replace("{", "{{").replace("}", "}}")
    path = tmp_path / name
    forks = {"2.0": marker.format("python_full_version >= '3.12'"), "1.0": marker.format("python_version < '3.12'")}
    path.write_text(head + "".join(table.format(key, version, when) for version, when in forks.items()))
    assert read_file(path, Asked("3.11")).versions == {"alpha": "1.0"}
    listed = read_file(path, Asked("3.13"))
    assert (listed.versions, [line.kind for line in listed.lines]) == ({"alpha": "2.0"}, ["elsewhere"])
    path.write_text(head + "".join(table.format(key, version, "") for version in forks))
    listed = read_file(path)
    assert (listed.versions, [line.kind for line in listed.lines]) == ({"alpha": "2.0"}, ["twice"])
    path.write_text(head + "".join(table.format(key, version, marker.format("no marker")) for version in forks))
    if pylock:
        with pytest.raises(UsageError, match="it is no pylock"):
            read_file(path)
    else:
        assert read_file(path).versions == {"alpha": "2.0"}


def test_what_was_read_already_is_told_by_its_content() -> None:
    pins = "alpha==1.2.3\r\nbeta-x==2.0.dev3\n"
    for text in (pins, UV_LOCK, PYLOCK, PIXI, CONDA_FILE, PIPFILE, CYCLONEDX, SPDX, PIP_LIST, PROJECT):
        assert read_file(Path("standard input"), content=text.encode()).versions == WANTED
    with pytest.raises(UsageError, match="FILE: standard input pins nothing"):
        read_file(Path("standard input"), content=b"")


def test_a_version_in_yaml_is_text(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("dependencies:\n- pip:\n  - alpha==0.10\n")
    (tmp_path / "conda-lock.yml").write_text("package:\n- name: alpha\n  version: 0.10\n")
    assert read_file(tmp_path / "environment.yml").versions == {"alpha": "0.10"}
    assert read_file(tmp_path / "conda-lock.yml").versions == {"alpha": "0.10"}


def test_lines_that_are_no_requirements_are_named_where_others_are(tmp_path: Path) -> None:
    (tmp_path / "asked.txt").write_text("alpha>=1\nwhat is this\n")
    listed = read_file(tmp_path / "asked.txt")
    assert [(line.text, line.kind) for line in listed.lines] == [("alpha>=1", "loose"), ("what is this", "unread")]
