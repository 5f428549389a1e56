"""What uv sees where it may build."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.run.build_sandbox import BuildSandbox, build_sandbox
from stackcompat.run.isolation import Means


def shown(arguments: list[str], option: str) -> list[str]:
    return [arguments[place + 1] for place, word in enumerate(arguments) if word == option]


@pytest.mark.parametrize("place", ["UV_CONFIG_FILE", "XDG_CONFIG_HOME", "HOME", ""])
def test_the_settings_of_uv_are_seen_and_the_home_folder_is_not(place: str, tmp_path: Path) -> None:
    settings = {
        "UV_CONFIG_FILE": tmp_path / "mine.toml",
        "XDG_CONFIG_HOME": tmp_path / "uv" / "uv.toml",
        "HOME": tmp_path / ".config" / "uv" / "uv.toml",
        "": tmp_path / "elsewhere.toml",
    }[place]
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.touch()
    given = str(settings if place == "UV_CONFIG_FILE" else tmp_path)
    environment = {"HOME": "/home/me"} | ({place: given} if place else {})
    wheel = tmp_path / "a b.whl"
    command, inside = BuildSandbox("/bwrap", tmp_path / "packages").command(
        ["/opt/uv", "pip"],
        environment,
        folder=tmp_path / "work",
        python=Path(sys.executable),
        sources=[wheel.as_uri(), "", "https://x.example/a.whl"],
    )
    assert inside["HOME"] == "/run/stackcompat-build"
    assert inside.get("UV_CONFIG_FILE") == (str(settings) if place else None)
    assert (str(settings) in shown(command, "--ro-bind-try")) == bool(place)
    assert {"/opt/uv", str(wheel)} <= set(shown(command, "--ro-bind-try"))
    assert shown(command, "--bind") == [str(tmp_path / "packages"), str(tmp_path / "work")]
    assert shown(command, "--chdir") == [str(tmp_path / "work")]
    assert "--share-net" in command
    assert command[-2:] == ["/opt/uv", "pip"]


def test_without_bubblewrap_there_is_none() -> None:
    assert build_sandbox(Means("", layers=False, network=True), Path("/packages")) is None
    assert build_sandbox(Means("/bwrap", layers=True, network=True), Path("/packages")) is not None
