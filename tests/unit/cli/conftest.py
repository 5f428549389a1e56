"""A checkout of one component, and the command line in it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackcompat.cli import main as cli
from stackcompat.cli.console import err, out
from support.command_line import COMPONENTS, MATRIX, Run
from support.loopback_index import LoopbackIndex


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        for version in ("1.0", "1.1", "2.0rc1"):
            index.add("alpha", version, requires_python=">=3.9")
        yield index


@pytest.fixture
def checkout(tmp_path: Path, index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and nothing else of this machine."""
    (tmp_path / "matrices").mkdir()
    (tmp_path / "tests" / "interop").mkdir(parents=True)
    (tmp_path / "matrices" / "components.toml").write_text(COMPONENTS)
    (tmp_path / "matrices" / "m.toml").write_text(MATRIX)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stackcompat.plan.ecosystem.CARRIED", tmp_path / "nothing")
    monkeypatch.delenv("STACKCOMPAT_PROJECT", raising=False)
    unwanted = ("STACKCOMPAT_STORE", "STACKCOMPAT_EXECUTOR", "RAY_ADDRESS", "UV_INDEX_URL", "PIP_INDEX_URL")
    for variable in (*unwanted, "CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("STACKCOMPAT_ISOLATION", "auto")  # also where there is no bubblewrap
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


@pytest.fixture
def run(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """``stackcompat ARGUMENTS`` in this process: exit code, output, error."""
    before = signal.getsignal(signal.SIGTERM)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stackcompat", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.run_main()
        said = capsys.readouterr()
        code = caught.value.code
        return (code if isinstance(code, int) else 0), said.out, said.err

    yield invoke
    out.set_up("auto")
    err.set_up("auto")
    signal.signal(signal.SIGTERM, before)
