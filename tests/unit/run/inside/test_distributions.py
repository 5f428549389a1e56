"""What is installed in a cell's environment."""

from __future__ import annotations

import sys
from pathlib import Path

from stackcompat.run.inside.distributions import installed_versions, outermost_modules
from support.plugin_runs import install


def test_the_outermost_modules_of_a_distribution(site: Path) -> None:
    packed = ("packed/__init__.py", "packed/sub.py", "packed/deep/__init__.py", "_private.py", "tests/__init__.py")
    spaced = ("ns/one/__init__.py", "ns/one/more.py", "ns/two.py")
    install(site, "plain", files={"plain_mod.py": ""})
    install(site, "packed", files=dict.fromkeys(packed, ""))
    install(site, "spaced", files=dict.fromkeys(spaced, ""))
    assert outermost_modules("plain") == ["plain_mod"]
    assert outermost_modules("packed") == ["packed"]
    assert outermost_modules("spaced") == ["ns.one", "ns.two"]


def test_a_distribution_without_modules_has_no_outermost_one(site: Path) -> None:
    install(site, "bare", files={"bare-data/file.py": "", "_only_private.py": "", "bare.txt": ""})
    assert outermost_modules("bare") == []


def test_the_environment_is_every_distribution_outside_the_harness(site: Path, tmp_path: Path) -> None:
    install(site, "Some_Thing", "1.0")
    harness = tmp_path / "harness"
    harness.mkdir()
    install(harness, "borrowed", "1.0")
    sys.path.append(str(harness))
    try:
        versions = installed_versions([entry for entry in sys.path if entry != str(harness)])
        assert versions["some-thing"] == "1.0"
        assert "borrowed" not in versions
        assert installed_versions(sys.path)["borrowed"] == "1.0"
    finally:
        sys.path.remove(str(harness))


def test_two_versions_of_one_distribution_are_both_named(site: Path) -> None:
    install(site, "twice", "1.0")
    install(site, "twice", "2.0")
    assert installed_versions(sys.path)["twice"] == "1.0 and 2.0"
