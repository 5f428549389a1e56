"""The harness is out of reach of the tests, and modules from elsewhere are found."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from stackcompat.run.inside.import_path import foreign_modules, hide_harness
from support.plugin_runs import ends, run_plugin


def test_a_hidden_harness_lends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    (tmp_path / "lent.py").write_text("")
    for name, filename in (("tomli", tmp_path / "tomli.py"), ("pygments", "/elsewhere/pygments.py")):
        module = ModuleType(name)
        module.__file__ = str(filename)
        monkeypatch.setitem(sys.modules, name, module)
    hide_harness(str(tmp_path))
    assert str(tmp_path) not in sys.path
    assert "tomli" not in sys.modules
    assert sys.modules["pygments"].__file__ == "/elsewhere/pygments.py"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("lent")


def test_a_module_is_foreign_outside_of_the_allowed_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "stranger": str(tmp_path / "elsewhere" / "stranger.py"),
        "stranger.inner": str(tmp_path / "elsewhere" / "inner.py"),
        "known": str(tmp_path / "allowed" / "known.py"),
        "made": "<made up>",
        "built_in": None,
    }
    modules = {name: ModuleType(name) for name in files}
    for name, module in modules.items():
        module.__file__ = files[name]
    monkeypatch.setattr(sys, "modules", modules)
    assert foreign_modules([str(tmp_path / "allowed")]) == ["stranger from elsewhere"]


def test_where_a_link_leads_decides_whether_a_module_is_foreign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("allowed", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "real.py").write_text("")
    (tmp_path / "allowed" / "out.py").symlink_to(tmp_path / "elsewhere" / "real.py")
    (tmp_path / "elsewhere" / "in.py").symlink_to(tmp_path / "allowed" / "real.py")
    (tmp_path / "allowed" / "folder").symlink_to(tmp_path / "elsewhere")
    modules = {}
    for path in ("allowed/out.py", "elsewhere/in.py", "allowed/folder/real.py", "allowed/real.py"):
        modules[path] = ModuleType(path)
        modules[path].__file__ = str(tmp_path / path)
    names = {
        "out": "allowed/out.py",
        "in": "elsewhere/in.py",
        "far": "allowed/folder/real.py",
        "real": "allowed/real.py",
    }
    monkeypatch.setattr(sys, "modules", {name: modules[path] for name, path in names.items()})
    assert foreign_modules([str(tmp_path / "allowed")]) == ["far from folder", "out from allowed"]


@pytest.mark.parametrize(("allowed", "foreign"), [(True, []), (False, ["generated from temporary"])])
def test_what_was_made_in_the_temporary_folder_is_not_foreign(
    tmp_path: Path, allowed: bool, foreign: list[str]
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (temporary / "generated.py").write_text("")
    suite = f"import sys\nsys.path.append({str(temporary)!r})\n\ndef test_it(): import generated\n"
    events = run_plugin(tmp_path, suite, temporary=[str(temporary)] if allowed else [])
    assert events[-1] == {"event": "done", "foreign": foreign}


def test_helpers_can_be_imported_and_are_not_foreign(tmp_path: Path) -> None:
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    (helpers / "idioms_of_mine.py").write_text("WAY = 1\n")
    suite = "import idioms_of_mine\n\ndef test_it(): assert idioms_of_mine.WAY == 1\n"
    events = run_plugin(tmp_path, suite, helpers=[str(helpers)])
    assert ends(events)["test_it"]["outcome"] == "passed"
    assert events[-1] == {"event": "done", "foreign": []}
