"""Which installed distribution a test uses if it asks for one that is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.run.inside.stand_ins import StandIns
from support.plugin_runs import install

#: What the made-up distributions install.
SITE = {
    "box": {"box/__init__.py": ""},
    "crate-cpu": {"crate/__init__.py": ""},
    "bundle": {"bundle/__init__.py": "", "pair/one/__init__.py": "", "pair/two.py": ""},
    "half": {"halves/one/__init__.py": ""},
    "native": {"engine/core.cpython-312-x86_64-linux-gnu.so": ""},
    "editable": {"editable-1.0.dist-info/top_level.txt": "barrel\n", "barrel.py": ""},
}
MODULES = {
    "crate": [["crate", ""], ["crate.added_later", ">=2"]],
    "pair": [["pair.one", ""], ["pair.two", ""]],
    "halves": [["halves.one", ""], ["halves.two", ""]],
    "engine-dist": [["engine.core", ""]],
    "box-of-old": [["box", "<1"]],
}


@pytest.fixture
def stand_ins(site: Path) -> StandIns:
    for name, files in SITE.items():
        install(site, name, files=files)
    return StandIns([str(site)], MODULES)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Box", "box"),
        # Nobody lists the modules of "barrel": it is taken to be called like its module.
        ("crate", "crate-cpu"),
        ("barrel", "editable"),
        ("pair", "bundle"),
        ("engine_dist", "native"),
        # Not all of its modules are there.
        ("halves", None),
        # The version should not have the module.
        ("box-of-old", None),
        ("absent", None),
        # On the import path of this process, and in no folder of the environment.
        ("_pytest", None),
    ],
)
def test_the_distribution_that_has_the_modules_stands_in(stand_ins: StandIns, asked: str, expected: str | None) -> None:
    assert stand_ins.installed(asked) == expected
    assert stand_ins.installed(asked) == expected


def test_a_distribution_of_the_name_goes_before_one_that_has_its_modules_too(site: Path) -> None:
    install(site, "a-fork", files={"box/fork.py": "", "box/__init__.py": ""})
    install(site, "box", files={"box/__init__.py": ""})
    assert StandIns([str(site)], {}).installed("box") == "box"
