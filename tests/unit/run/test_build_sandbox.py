"""What uv sees where it may build."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.run import build_sandbox as module
from stackcompat.run.build_sandbox import BuildSandbox, build_sandbox
from stackcompat.run.isolation import Means


@pytest.fixture(autouse=True)
def indexes(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """The files of indexes, by their address. Another one does not answer."""
    known: dict[str, tuple[str, ...]] = {}

    def files(address: str) -> tuple[str, ...]:
        if address not in known:
            raise IndexUnreachable("no answer")
        return known[address]

    monkeypatch.setattr(module, "file_addresses", files)
    monkeypatch.setattr(module, "default_address", lambda: "https://default.example/simple/")
    return known


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
    assert "--share-net" not in command
    assert command[-2:] == ["/opt/uv", "pip"]


def test_without_bubblewrap_there_is_none() -> None:
    assert build_sandbox(Means("", layers=False, network=True), Path("/packages")) is None
    assert build_sandbox(Means("/bwrap", layers=True, network=True), Path("/packages")) is not None


@pytest.mark.parametrize(
    ("environment", "options", "settings", "hosts"),
    [
        ({}, [], "", ["default.example:443"]),
        ({"UV_DEFAULT_INDEX": "mine=http://127.0.0.1:8080/simple"}, [], "", ["127.0.0.1:8080"]),
        ({"UV_INDEX_URL": "https://me:x@[::1]/"}, ["--index", "http://b.example"], "", ["[::1]:443", "b.example:80"]),
        ({"UV_DEFAULT_INDEX": "https://a.example", "UV_INDEX": "c=https://c.example d=https://d.example:81"}, [], "",
         ["a.example:443", "c.example:443", "d.example:81"]),
        ({}, [], '[[index]]\nurl = "https://e.example/simple"\ndefault = true\n', ["e.example:443"]),
        ({}, [], 'index-url = "https://f.example"\n[pip]\nextra-index-url = ["https://g.example"]\n',
         ["f.example:443", "g.example:443"]),
        ({"UV_DEFAULT_INDEX": "file:///opt/index"}, [], "not toml", []),
        ({"UV_DEFAULT_INDEX": "https://a.example:x/"}, [], "", []),
    ],
)  # fmt: skip
def test_the_hosts_that_builds_reach(
    environment: dict[str, str], options: list[str], settings: str, hosts: list[str], tmp_path: Path
) -> None:
    (tmp_path / "uv.toml").write_text(settings)
    sandbox = build_sandbox(Means("/bwrap", layers=True, network=True), tmp_path, environment)
    assert sandbox is not None
    command, _ = sandbox.command(
        ["/opt/uv", *options],
        environment | {"UV_CONFIG_FILE": str(tmp_path / "uv.toml")},
        folder=tmp_path,
        python=Path(sys.executable),
    )
    assert [host for host in command[4].split(",") if host] == hosts
    assert ("/opt/index" in shown(command, "--ro-bind-try")) == ("file:" in str(environment))


def test_a_variable_names_further_hosts(tmp_path: Path) -> None:
    environment = {"STACKCOMPAT_BUILD_HOSTS": "a.example, b.example:80", "UV_DEFAULT_INDEX": "https://c.example"}
    sandbox = build_sandbox(Means("/bwrap", layers=True, network=True), tmp_path, environment)
    assert sandbox is not None
    sources = ["git+https://d.example/x.git@main"]
    command, _ = sandbox.command(
        ["/opt/uv"], environment, folder=tmp_path, python=Path(sys.executable), sources=sources
    )
    assert command[4] == "a.example:443,b.example:80,c.example:443,d.example:443"


def test_builds_reach_the_hosts_on_which_an_index_keeps_its_files(
    indexes: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    indexes["https://a.example/simple"] = ("https://files.example/x.whl", "https://a.example/y.whl", "file:///etc/z")
    environment = {"UV_DEFAULT_INDEX": "mine=https://a.example/simple", "UV_INDEX": "https://b.example"}
    sandbox = build_sandbox(Means("/bwrap", layers=True, network=True), tmp_path, {})
    assert sandbox is not None
    command, _ = sandbox.command(["/opt/uv"], environment, folder=tmp_path, python=Path(sys.executable))
    assert command[4] == "a.example:443,b.example:443,files.example:443"
    assert "/etc/z" not in command
