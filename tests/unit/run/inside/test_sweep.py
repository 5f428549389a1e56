"""Which modules of a distribution are public, and how the tests of a sweep are called."""

from __future__ import annotations

import importlib.machinery
from pathlib import PurePath

import pytest

from stackcompat.evidence.sweep import whole_of as whole_in_evidence
from stackcompat.run.inside.sweep import entry_of_whole, is_whole, outermost, public_modules, whole_of

TAGGED = next(suffix for suffix in importlib.machinery.EXTENSION_SUFFIXES if suffix not in (".so", ".pyd"))


def modules(*files: str, plugins: tuple[str, ...] = (), unswept: tuple[str, ...] = ()) -> list[str]:
    return public_modules(map(PurePath, files), plugins, unswept)


def test_packages_come_before_what_is_in_them() -> None:
    files = ("boxes/lids/round.py", "boxes/lids/__init__.py", "boxes/__init__.py", "boxes/data.txt", "boxes/py.typed")
    assert modules(*files) == ["boxes", "boxes.lids", "boxes.lids.round"]


@pytest.mark.parametrize(
    "file",
    [
        "boxes/_private.py",
        "boxes/_src/deep.py",
        "boxes/src/deep.py",
        "boxes/__main__.py",
        "boxes/tests/shared.py",
        "boxes/test_lids.py",
        "boxes/lids_test.py",
        "boxes/conftest.py",
        "boxes/examples/first.py",
        "boxes/benchmarks/speed.py",
        "boxes/not-a-name.py",
        "boxes-1.0.dist-info/x.py",
        "boxes/libboxes.so",
        "../../bin/boxes.py",
    ],
)
def test_what_is_no_part_of_the_library_is_left_out(file: str) -> None:
    assert modules("boxes/__init__.py", file) == ["boxes"]


def test_names_that_only_look_like_those_of_tests_stay() -> None:
    names = ["boxes", "boxes.contest", "boxes.latest", "boxes.testing"]
    assert modules(*(f"{name.replace('.', '/')}.py" for name in names)) == names


def test_extension_modules_are_modules() -> None:
    assert modules("boxes/__init__.py", f"boxes/fast{TAGGED}") == ["boxes", "boxes.fast"]


def test_plugins_and_the_modules_of_patterns_are_left_out() -> None:
    files = ("boxes/__init__.py", "boxes/plugin/__init__.py", "boxes/plugin/hooks.py", "boxes/server/a.py")
    assert modules(*files, plugins=("boxes.plugin",), unswept=("boxes.server.*",)) == ["boxes"]


def test_what_lies_deeper_than_the_library_is_left_out() -> None:
    assert modules("boxes/__init__.py", "boxes_src/native/boxes/__init__.py") == ["boxes"]
    assert modules("shared/boxes/__init__.py", "shared/lids/__init__.py") == ["shared.boxes", "shared.lids"]
    assert outermost(["shared.boxes", "shared.boxes.lids", "sources.deep.boxes"]) == ["shared.boxes"]
    assert outermost([]) == []


def test_the_name_of_a_whole_sweep_is_the_same_for_the_engine() -> None:
    whole = f"test_sweep.py::test_module[{entry_of_whole('small-boxes')}]"
    module = "test_sweep.py::test_module[boxes.lids]"
    assert whole_of(module, "small-boxes") == whole_in_evidence(module, "small-boxes") == whole
    assert is_whole(whole)
    assert not is_whole(module)
