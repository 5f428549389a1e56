"""What a sandbox shows, from the arguments of bubblewrap; real sandboxes are in tests/e2e/test_sandbox.py."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.resolve.lock import Lock
from stackcompat.run import isolation
from stackcompat.run.hardware import Hardware
from stackcompat.run.isolation import Means, Sandbox, find_means, interpreter_folders, level_of, open_sandbox
from stackcompat.run.job import IsolationChoice, Job

CLOSED = Means("/usr/bin/bwrap", layers=True, network=True)
CUT = Means("", layers=False, network=True)
NOTHING = Means("", layers=False, network=False)


@pytest.mark.parametrize(
    ("choice", "means", "level"),
    [
        ("auto", CLOSED, "bubblewrap"),
        ("auto", CUT, "namespaces"),
        ("auto", NOTHING, "open"),
        ("strict", CLOSED, "bubblewrap"),
        ("namespaces", CLOSED, "namespaces"),
        ("namespaces", NOTHING, "open"),
        ("open", CLOSED, "open"),
    ],
)
def test_a_cell_is_closed_as_far_as_was_asked_for_and_can_be_done(
    choice: IsolationChoice, means: Means, level: str
) -> None:
    assert level_of(choice, means) == level


def test_cells_on_accelerators_are_in_a_sandbox_only_if_somebody_asks() -> None:
    assert level_of("auto", CLOSED, accelerated=True) == "namespaces"
    assert level_of("auto", NOTHING, accelerated=True) == "open"
    assert level_of("strict", CLOSED, accelerated=True) == "bubblewrap"


def test_without_a_sandbox_strict_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--isolation strict: this machine has no closed sandbox; install bubblewrap"):
        level_of("strict", CUT)


def test_the_means_are_tried_and_not_guessed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    works = {"bwrap": True, "layer.py": True}
    monkeypatch.setattr("stackcompat.run.isolation.sys.platform", "linux")
    monkeypatch.setattr("stackcompat.run.isolation.shutil.which", lambda _: "/usr/bin/bwrap")
    monkeypatch.setattr(isolation, "network_can_be_cut", lambda: True)

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        works_here = all(works[name] for name in works if any(part.endswith(name) for part in command))
        return subprocess.CompletedProcess(command, 0 if works_here else 1)

    monkeypatch.setattr(subprocess, "run", run)
    assert find_means(tmp_path) == CLOSED
    works["layer.py"] = False
    assert find_means(tmp_path) == CLOSED._replace(layers=False)
    works["bwrap"] = False
    assert find_means(tmp_path) == CUT
    works["layer.py"] = True
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("stackcompat.run.isolation.sys.platform", "darwin")
    assert find_means(tmp_path) == NOTHING


def pairs(arguments: list[str], option: str) -> list[str]:
    """What an option of bubblewrap puts where, in order."""
    return [arguments[place + 2] for place, text in enumerate(arguments) if text == option]


def sandbox(**changes: object) -> Sandbox:
    fields = {
        "bubblewrap": "/usr/bin/bwrap",
        "environment": Path("/cache/environments/1-a/nox/cell"),
        "layer": None,
        "home": Path("/cache/environments/1-a/home"),
    }
    return Sandbox(**(fields | changes))  # type: ignore[arg-type]


def test_only_the_environment_and_what_is_named_can_be_written() -> None:
    made = sandbox().command(["/python", "plugin.py"], readable=[Path("/job")], writable=[Path("/events")])
    assert pairs(made, "--bind") == ["/cache/environments/1-a/nox/cell", "/events"]
    assert made[-2:] == ["/python", "plugin.py"]
    shown = [text for text in made if text.startswith("/cache")]
    assert all(text.startswith(("/cache/environments/1-a/nox/cell", "/cache/environments/1-a/home")) for text in shown)
    assert [made[place + 1] for place, text in enumerate(made) if text == "--remount-ro"] == ["/dev", "/"]
    assert {"--unshare-all", "--die-with-parent"} <= set(made)
    assert made[made.index("--uid") + 1] != "0"


def test_everything_in_memory_is_bounded() -> None:
    made = sandbox(temporary_mb=3).command(["/python"])
    bounded = [made[place + 1] for place, text in enumerate(made) if text == "--tmpfs" and made[place - 2] == "--size"]
    assert bounded == ["/dev/shm", "/tmp", "/var/tmp", "/cache/environments/1-a/home"]
    assert made.count("--tmpfs") == len(bounded)
    assert str(3 * 2**20) in made


def test_what_lies_in_another_folder_is_mounted_after_it() -> None:
    made = sandbox(readable=(Path("/a/b/c"), Path("/a"))).command(["/python"], readable=[Path("/a/b")])
    assert [path for path in pairs(made, "--ro-bind-try") if path.startswith("/a")] == ["/a", "/a/b", "/a/b/c"]


def test_a_layer_is_mounted_before_the_sandbox_is_made() -> None:
    made = sandbox(layer=Path("/cache/environments/1-a/layer")).command(["/python"])
    assert made[3].endswith("layer.py")
    assert made[4:7] == ["/cache/environments/1-a/nox/cell", "/cache/environments/1-a/layer", "/usr/bin/bwrap"]


def a_job(folder: Path, **more: object) -> Job:
    fields: dict[str, object] = {
        "folder": folder,
        "lock": Lock.parse("alpha==1.0", "3.12", "p"),
        "interpreter": Path("/python"),
        "requirements": ("alpha",),
        "level": "interop",
        "suite": folder / "suite",
        "files": (),
        "cache": folder,
        "uv": "uv",
    }
    return Job.model_validate(fields | more)


def test_the_interpreter_is_shown_without_what_lies_beside_it(tmp_path: Path) -> None:
    prefix = tmp_path / "me"
    for name in ("bin", "lib", "secrets"):
        (prefix / name).mkdir(parents=True)
    (prefix / "bin" / "python3").touch()
    environment = tmp_path / "env"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(prefix / "bin" / "python3")
    (environment / "pyvenv.cfg").write_text(f"home = {prefix / 'bin'}\nversion = 3.12\n")
    python = environment / "bin" / "python"
    interpreter = interpreter_folders(python)
    # What is installed can name another interpreter.
    (environment / "pyvenv.cfg").write_text(f"home = {tmp_path / 'other' / 'bin'}\n")
    (tmp_path / "other" / "bin").mkdir(parents=True)
    made = open_sandbox(a_job(tmp_path), python, interpreter, tmp_path / "harness", CLOSED, {})
    assert tmp_path / "other" / "bin" not in made.readable
    assert {prefix / "bin", prefix / "lib", tmp_path / "suite", tmp_path / "harness"} <= set(made.readable)
    assert not {prefix, prefix / "secrets", tmp_path} & set(made.readable)
    assert made.environment == environment
    assert made.layer == tmp_path / "layer"
    assert made.devices == ()


def test_certificates_and_accelerators_are_shown_where_they_are_used(tmp_path: Path) -> None:
    hardware = Hardware(label="1 X", accelerated=True, variables={"LD_LIBRARY_PATH": "/opt/x/lib:relative"})
    caller = {"SSL_CERT_FILE": "/me/certificates", "SSL_CERT_DIR": "", "TOKEN": "/me/token"}
    python = tmp_path / "env" / "bin" / "python"
    made = open_sandbox(a_job(tmp_path, hardware=hardware), python, [], tmp_path / "harness", CLOSED, caller)
    shown = {str(path) for path in made.readable}
    assert {"/me/certificates", "/opt/x/lib", "/sys"} <= shown
    assert not {"/me/token", "relative", "."} & shown
    without = open_sandbox(a_job(tmp_path), python, [], tmp_path / "harness", CLOSED._replace(layers=False), {})
    assert "/sys" not in map(str, without.readable)
    assert without.layer is None
