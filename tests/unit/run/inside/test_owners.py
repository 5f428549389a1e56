"""Which distribution a file belongs to."""

from __future__ import annotations

import os
from pathlib import Path

from stackcompat.run.inside.owners import Owners
from support.plugin_runs import install


def test_an_installed_file_belongs_to_its_distribution(site: Path) -> None:
    install(site, "Some_Thing", files={"thing/__init__.py": "", "thing/data.txt": ""})
    owners = Owners()
    assert owners.owner(str(site / "thing" / "__init__.py")) == "some-thing"
    assert owners.owner(str(site / "thing" / ".." / "thing" / "__init__.py")) == "some-thing"


def test_the_standard_library_and_files_that_are_no_code_belong_to_no_distribution(site: Path) -> None:
    install(site, "thing", files={"thing/__init__.py": "", "thing/data.txt": ""})
    owners = Owners()
    assert owners.owner(os.__file__) is None
    assert owners.owner(str(site / "thing" / "data.txt")) is None
    assert owners.owner("<string>") is None


def test_an_installed_test_belongs_to_no_distribution(site: Path) -> None:
    install(site, "thing", files={"thing/__init__.py": "", "thing/thing_test.py": ""})
    owners = Owners([str(site / "thing" / "thing_test.py")])
    assert owners.owner(str(site / "thing" / "thing_test.py")) is None
    assert owners.owner(str(site / "thing" / "__init__.py")) == "thing"


def test_a_distribution_without_a_record_tells_its_files_in_another_way(site: Path) -> None:
    install(site, "thing", files={"thing/__init__.py": ""})
    info = next(site.glob("thing-*.dist-info"))
    record = (info / "RECORD").read_text(encoding="utf-8")
    (info / "RECORD").unlink()
    (info / "SOURCES.txt").write_text("\n".join(line.partition(",")[0] for line in record.splitlines()))
    info.rename(site / "thing.egg-info")
    (site / "thing.egg-info" / "METADATA").rename(site / "thing.egg-info" / "PKG-INFO")
    assert Owners().owner(str(site / "thing" / "__init__.py")) == "thing"
