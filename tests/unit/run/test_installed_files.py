"""What RECORD files say: files that two distributions write over each other, surfaces, and owners of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.run.installed_files import owners_of, read_installed_files, surface_of
from support.plugin_runs import install


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The folder with the packages of an environment in ``tmp_path``."""
    folder = tmp_path / "lib" / "python3.12" / "site-packages"
    folder.mkdir(parents=True)
    return folder


def overwritten(env_python: Path) -> str:
    return read_installed_files(env_python).overwritten


def test_an_environment_without_overlaps_is_as_its_records_say(tmp_path: Path, environment: Path) -> None:
    install(environment, "alpha", files={"alpha/__init__.py": "", "alpha/core.py": "1"})
    install(environment, "alpha-more", files={"alpha/__init__.py": "# more", "alpha/more.py": "2"})
    assert overwritten(tmp_path / "bin" / "python") == ""
    assert overwritten(tmp_path / "nowhere" / "bin" / "python") == ""


def test_the_distribution_whose_file_is_there_is_named(tmp_path: Path, environment: Path) -> None:
    install(environment, "alpha-nightly", "2.0", files={"alpha/core.py": "2", "alpha/more.py": "2"})
    install(environment, "Alpha", "1.0", files={"alpha/core.py": "1", "alpha/more.py": "1"})
    found = overwritten(tmp_path / "bin" / "python")
    assert found.startswith("alpha 1.0 and alpha-nightly 2.0 write over each other's files: both install alpha/core.py")
    assert "and 1 more modules with other contents, and the file that is there is that of alpha 1.0;" in found


def test_a_file_of_neither_is_said(tmp_path: Path, environment: Path) -> None:
    install(environment, "alpha", files={"alpha/core.py": "1"})
    install(environment, "beta", files={"alpha/core.py": "2"})
    (environment / "alpha" / "core.py").write_text("3")
    assert "the file that is there is that of neither" in overwritten(tmp_path / "bin" / "python")


def test_a_surface_has_the_outermost_packages_and_the_folders_that_are_shared() -> None:
    surface = surface_of(
        [
            "alpha/__init__.py",
            "alpha/inner/data.json",
            "alpha/inner/more.py",
            "google/alpha/__init__.py",
            "google/beta/lone.py",
            "single.py",
            "fast.cpython-312-x86_64-linux-gnu.so",
            "__pycache__/single.cpython-312.pyc",
            "alpha-1.0.dist-info/RECORD",
            "../../../bin/alpha",
        ],
        ["console_scripts", "alpha.backends", "alpha.backends"],
    )
    assert surface.roots == ("alpha", "fast", "google.alpha", "google.beta.lone", "single")
    assert surface.folders == ("", "../../../bin", "alpha-1.0.dist-info", "google", "google/beta")
    assert surface.entry_points == ("alpha.backends", "console_scripts")
    assert not surface.at_start


@pytest.mark.parametrize("file", ["alpha.pth", "sitecustomize.py", "usercustomize/__init__.py"])
def test_code_that_runs_at_the_start_of_every_interpreter_is_seen(file: str) -> None:
    assert surface_of([file]).at_start
    assert not surface_of([f"alpha/{file}"]).at_start


@pytest.mark.parametrize(
    "file", ["../../../bin/uname", "../../../bin/python", "../../../bin/python3.12", "../../../pyvenv.cfg"]
)
def test_what_runs_in_place_of_a_program_that_every_test_can_start_is_seen(file: str) -> None:
    assert surface_of([file]).at_start
    assert not surface_of(
        [file.replace("uname", "myname").replace("python", "pythonic").replace(".cfg", ".txt")]
    ).at_start


def test_a_surface_has_the_folders_around_site_packages_that_get_something_new() -> None:
    assert surface_of(["../../../bin/alpha", "../../../lib/alpha.txt"]).folders == (
        "", "../../../bin", "../../../lib"
    )  # fmt: skip
    assert surface_of(["../../../share/alpha/x.txt"]).folders == (
        "", "../../..", "../../../share", "../../../share/alpha"
    )  # fmt: skip
    assert surface_of(["../../../loose.txt"]).folders == ("", "../../..")


def test_bytecode_without_its_source_and_folders_that_are_no_words_have_modules() -> None:
    assert surface_of(["alpha/__pycache__/core.cpython-312.pyc"]).roots == ("alpha.core",)
    assert surface_of(["alpha-plugins/__init__.py"]).roots == ("alpha-plugins",)
    assert surface_of(["alpha-1.0.dist-info/x.py"]).roots == ()


def test_a_folder_has_an_owner_if_only_one_distribution_has_files_in_it() -> None:
    owners = owners_of(
        {
            "alpha": ["alpha/__init__.py", "alpha/a/b.py", "google/alpha/x.py", "../bin/alpha", "both.py"],
            "beta": ["google/beta/y.py", "google/z.py", "both.py"],
        },
        "/env/site",
    )
    assert owners == {
        "/env/site/alpha": ["alpha"],
        "/env/site/google/alpha": ["alpha"],
        "/env/site/google/beta": ["beta"],
        "/env/site/google/z.py": ["beta"],
        "/env/site/both.py": ["alpha", "beta"],
        "/env/bin/alpha": ["alpha"],
    }
    assert owners_of({"alpha": ["alpha/a.py"]}, "/env/site") == {"/env/site/alpha": ["alpha"]}


def test_surfaces_are_read_from_an_environment_but_not_without_a_record(tmp_path: Path, environment: Path) -> None:
    install(environment, "Alpha_One", files={"alpha/__init__.py": ""})
    entry_points = environment / "Alpha_One-1.0.dist-info" / "entry_points.txt"
    entry_points.write_text("[alpha.plugins]\nx = alpha:x\n")
    (environment / "beta-1.0.dist-info").mkdir()
    surfaces = read_installed_files(tmp_path / "bin" / "python").surfaces
    assert surfaces.keys() == {"alpha-one"}
    assert surfaces["alpha-one"].roots == ("alpha",)
    assert surfaces["alpha-one"].entry_points == ("alpha.plugins",)


def test_entry_points_of_further_metadata_and_files_that_come_by_a_detour_are_those_of_a_distribution(
    tmp_path: Path, environment: Path
) -> None:
    (tmp_path / "lib64").symlink_to("lib")
    detour = "../../../lib64/python3.12/site-packages"
    install(
        environment,
        "alpha",
        files={
            "odd.egg-info/entry_points.txt": "[a.b]\nx = alpha:x\n",
            f"{detour}/alpha.pth": "",
            f"{detour}/x/y.py": "",
        },
    )
    surface = read_installed_files(tmp_path / "bin" / "python").surfaces["alpha"]
    assert (surface.entry_points, surface.roots, surface.at_start) == (("a.b",), ("x.y",), True)
