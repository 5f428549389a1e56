"""What tests did to the files of their environment."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stackcompat.run.altered_files import Before, first_alteration, keep_times, look
from stackcompat.run.bytecode import FreshWheel
from stackcompat.run.layer import cover
from stackcompat.run.manifest import manifest
from support.altering import alter

Change = Callable[[Path], object]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "env" / "lib" / "site-packages"
    (site / "alpha" / "deep").mkdir(parents=True)
    (site / "alpha" / "__init__.py").write_text("a = 1\n")
    (site / "alpha" / "deep" / "b.so").write_text("b = 1\n")
    (site / "alpha" / "data.txt").write_text("41")
    return site


@pytest.fixture
def wheels(site: Path) -> tuple[FreshWheel, ...]:
    unmarked = FreshWheel(site, "beta", None, None)
    return (unmarked, FreshWheel(site, "alpha", manifest(site), None))


def replace_with_times_kept(site: Path) -> None:
    """Another file is put in the place of the file."""
    file = site / "alpha" / "__init__.py"
    other = file.with_name("other")
    shutil.copy2(file, other)
    alter(other, "a = 2\n")
    other.replace(file)


FOUND: list[object] = [
    pytest.param(lambda site: alter(site / "alpha/__init__.py", "a = 2\n"), "alpha/__init__.py", True, id="hidden"),
    pytest.param(replace_with_times_kept, "alpha/__init__.py", True, id="another file"),
    pytest.param(lambda site: alter(site / "alpha/data.txt", "42"), "alpha/data.txt", True, id="hidden, in data"),
    pytest.param(lambda site: (site / "alpha/deep/b.so").write_text("b"), "alpha/deep/b.so", False, id="openly"),
    pytest.param(lambda site: (site / "alpha/deep/b.so").unlink(), "alpha/deep/b.so", False, id="removed"),
    pytest.param(lambda site: shutil.rmtree(site / "alpha/deep"), "alpha/deep/b.so", False, id="folder removed"),
]
ALLOWED: list[object] = [
    pytest.param(lambda _: None, id="nothing"),
    pytest.param(lambda site: (site / "alpha/data.txt").write_text("42 "), id="data"),
    pytest.param(lambda site: (site / "alpha/data.txt").unlink(), id="data removed"),
    pytest.param(lambda site: (site / "alpha/new.py").touch(), id="a new file"),
    pytest.param(lambda site: (site / "alpha/__init__.py").chmod(0o600), id="another mode"),
    pytest.param(lambda site: os.utime(site / "alpha/__init__.py", (1, 1)), id="another time"),
]


@pytest.mark.parametrize(("change", "file", "hidden"), FOUND)
def test_what_counts_is_found(
    change: Change, file: str, hidden: bool, site: Path, wheels: tuple[FreshWheel, ...]
) -> None:
    before = look(site, site.parents[1], None)
    time.sleep(0.05)  # the clock of the system has ticks
    change(site)
    assert first_alteration(before, wheels) == ("alpha", file, hidden)


@pytest.mark.parametrize("change", ALLOWED)
def test_what_any_release_may_do_is_not(change: Change, site: Path, wheels: tuple[FreshWheel, ...]) -> None:
    before = look(site, site.parents[1], None)
    time.sleep(0.05)
    change(site)
    assert first_alteration(before, wheels) is None


def test_a_file_is_as_it_was_if_it_is_that_of_one_of_several_downloads(site: Path, tmp_path: Path) -> None:
    """Each download is compiled in a folder of its own, which its bytecode names."""
    other = shutil.copytree(site, tmp_path / "other")
    (other / "alpha" / "deep" / "b.so").write_text("b = 2\n")
    wheels = [FreshWheel(folder, "alpha", manifest(folder), None) for folder in (other, site)]
    before = look(site, site.parents[1], None)
    time.sleep(0.05)
    (site / "alpha" / "deep" / "b.so").chmod(0o600)  # as another link to it does, it changes the state
    assert first_alteration(before, wheels) is None
    alter(site / "alpha" / "deep" / "b.so", "b = 3\n")
    assert first_alteration(before, wheels) == ("alpha", "alpha/deep/b.so", True)


def test_the_sentence_names_distribution_and_file(site: Path, wheels: tuple[FreshWheel, ...]) -> None:
    before = look(site, site.parents[1], None)
    time.sleep(0.05)
    alter(site / "alpha/__init__.py", "a = 2\n")
    assert str(first_alteration(before, wheels)) == (
        "alpha/__init__.py of alpha was altered while the tests ran, and its size and time were kept, "
        "so that it is not known what they tested"
    )


def layered(site: Path, layer: Path, change: Change) -> Before:
    """Make the change through an overlay, as tests in a sandbox do."""
    environment = site.parents[1]
    before = look(site, environment, layer)
    if os.fork() == 0:
        code = 1
        try:
            cover(environment, layer)
            change(site)
            code = 0
        finally:
            os._exit(code)
    _, status = os.wait()
    if status != 0:
        pytest.skip("this system has no overlays here")
    return before


@pytest.mark.parametrize(("change", "file", "hidden"), FOUND)
def test_what_counts_is_found_in_a_layer(
    change: Change, file: str, hidden: bool, site: Path, wheels: tuple[FreshWheel, ...], tmp_path: Path
) -> None:
    before = layered(site, tmp_path / "layer", change)
    assert first_alteration(before, wheels) == ("alpha", file, hidden)
    assert (site / "alpha/__init__.py").read_text() == "a = 1\n"  # what is below is as it was


@pytest.mark.parametrize("change", ALLOWED)
def test_what_any_release_may_do_is_not_found_in_a_layer(
    change: Change, site: Path, wheels: tuple[FreshWheel, ...], tmp_path: Path
) -> None:
    assert first_alteration(layered(site, tmp_path / "layer", change), wheels) is None


def test_a_folder_that_is_made_anew_in_a_layer_stands_for_the_whole_one(
    site: Path, wheels: tuple[FreshWheel, ...], tmp_path: Path
) -> None:
    def change(site: Path) -> None:
        shutil.rmtree(site / "alpha/deep")
        (site / "alpha/deep").mkdir()

    before = layered(site, tmp_path / "layer", change)
    assert first_alteration(before, wheels) == ("alpha", "alpha/deep/b.so", False)


def test_what_was_copied_gets_the_times_that_it_has_in_the_cache(site: Path, tmp_path: Path) -> None:
    os.utime(site / "alpha" / "__init__.py", ns=(7, 7))
    wheels = (FreshWheel(site, "alpha", manifest(site), None), FreshWheel(site, "beta", None, None))
    copy = shutil.copytree(site, tmp_path / "copy", copy_function=shutil.copy)
    (copy / "alpha" / "data.txt").unlink()
    assert (copy / "alpha" / "__init__.py").stat().st_mtime_ns != 7
    keep_times(copy, wheels)
    assert (copy / "alpha" / "__init__.py").stat().st_mtime_ns == 7


def test_what_was_copied_gets_the_times_of_the_download_that_its_bytecode_is_of(site: Path, tmp_path: Path) -> None:
    others = []
    for number in (1, 2, 3):
        other = tmp_path / f"archive{number}"
        shutil.copytree(site, other)
        (other / "alpha" / "__pycache__").mkdir()
        (other / "alpha" / "__pycache__" / "__init__.pyc").write_text(f"compiled in {number}")
        os.utime(other / "alpha" / "__init__.py", ns=(number, number))
        others.append(other)
    wheels = [FreshWheel(other, "alpha", manifest(other), None) for other in others]
    copy = tmp_path / "copy"
    shutil.copytree(others[1], copy, copy_function=shutil.copy)
    keep_times(copy, wheels)
    assert (copy / "alpha" / "__init__.py").stat().st_mtime_ns == 2
