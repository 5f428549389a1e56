"""The command that makes an ecosystem."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackcompat.cli import init as command
from stackcompat.ecosystem.interpreters import Interpreter
from support.command_line import Run
from support.loopback_index import LoopbackIndex


@pytest.fixture(scope="module")
def small() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        index.add("alpha", "1.0")
        index.add("beta-kit", "2.0rc1", requires=["alpha"], files={"betakit/__init__.py": ""})
        index.add("alpha", "0.9", yanked=True)
        index.add("half", "1.0", corrupt=True)
        yield index


@pytest.fixture
def empty(
    checkout: Path, small: LoopbackIndex, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An empty folder, with the small index and two Pythons."""
    folder = tmp_path_factory.mktemp("new")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("UV_DEFAULT_INDEX", small.address)
    monkeypatch.delenv("STACKCOMPAT_PROJECT", raising=False)
    found = {name: Interpreter(python=name, version=f"{name}.1", path=folder) for name in ("3.13", "3.12")}
    monkeypatch.setattr(command, "find_interpreters", lambda: found)
    monkeypatch.setattr(command, "CARRIED", checkout)
    return folder


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


MADE = [
    ".gitignore",
    "matrices/components.toml",
    "matrices/gate.toml",
    "matrices/quick.toml",
    "stackcompat.toml",
    "tests/interop/test_import.py",
    "tests/interop/test_together.py",
]


def test_init_makes_an_ecosystem_here_and_says_what_comes_next(run: Run, empty: Path) -> None:
    code, output, error = run("init", "Alpha", "beta_kit", "alpha")
    assert (code, error) == (0, "")
    assert files_below(empty) == MADE
    components = tomllib.loads((empty / "matrices/components.toml").read_text())["components"]
    assert [(row["distribution"], row["modules"]) for row in components] == [
        ("alpha", [{"name": "alpha"}]),
        ("beta-kit", [{"name": "betakit"}]),
    ]
    assert tomllib.loads((empty / "matrices/quick.toml").read_text())["pythons"] == ["3.13", "3.12"]
    assert tomllib.loads((empty / "stackcompat.toml").read_text())["name"] == empty.name
    listed, _, following = output.partition("\nNext:\n")
    assert sorted(listed.split()) == [path for path in MADE if path != ".gitignore"]
    assert [line.split("  #")[0].strip() for line in following.splitlines()] == [
        "stackcompat run quick",
        "stackcompat try alpha beta-kit",
        "stackcompat check FILE",
        "stackcompat gate alpha==VERSION",
    ]
    code, output, error = run("plan", "quick")
    assert (code, error) == (0, "")


def test_init_in_another_folder_keeps_its_gitignore(run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty / "new").mkdir()
    (empty / "new/.gitignore").write_text("*.pyc\n")
    code, output, _ = run("init", "alpha", "--project", "new")
    assert code == 0
    assert files_below(empty / "new") == MADE
    assert (empty / "new/.gitignore").read_text() == "*.pyc\n.stackcompat/\n"
    assert "stackcompat run quick --project new " in output
    monkeypatch.setenv("STACKCOMPAT_PROJECT", "elsewhere")
    _, output, _ = run("init", "alpha")
    assert "stackcompat run quick --project . " in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("alpha>1",), 'DISTRIBUTION: "alpha>1" is no name; give names without versions, such as numpy'),
        (("beta_kti", "no"), 'the index has no release of "beta-kti" and "no"; give the names that an installer takes'),
        (("alpa", "beta-kit"), 'DISTRIBUTION: the index has no release of "alpa"; did you mean alpha?'),
        ((), "DISTRIBUTION: none is given; name those to test together, such as numpy pandas"),
        (("alpha", "--project", "file"), "--project: file"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(
    run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(command, "installed_distributions", list)
    (empty / "file").write_text("")
    code, output, error = run("init", *arguments)
    assert (code, output) == (2, "")
    assert sentence in " ".join(error.split())
    assert files_below(empty) == ["file"]


def test_init_asks_on_a_terminal(run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("alpha, beta-kit\n"))
    code, _, error = run("init")
    assert code == 0
    assert "Which distributions shall be tested together" in error
    assert 'components = ["alpha", "beta-kit"]' in (empty / "matrices/quick.toml").read_text()


@pytest.mark.parametrize("path", [path for path in MADE if path != ".gitignore"])
def test_init_overwrites_nothing(run: Run, empty: Path, path: str) -> None:
    (empty / path).parent.mkdir(parents=True, exist_ok=True)
    (empty / path).write_text("mine")
    code, _, error = run("init", "alpha")
    assert code == 2
    assert f"--project: {path} is there already, and nothing was written" in " ".join(error.split())
    assert files_below(empty) == [path]


def test_init_without_a_python(run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_interpreters", dict)
    code, _, error = run("init", "alpha")
    assert code == 2
    assert "Python 3.12 was not found; get it with" in error
    assert files_below(empty) == []


def test_a_wheel_that_cannot_be_read_is_taken_to_have_the_module_of_its_name(run: Run, empty: Path) -> None:
    code, _, error = run("init", "half")
    assert code == 0
    assert "the module of half is taken to be called like it" in " ".join(error.split())
    assert 'modules = [{ name = "half" }]' in (empty / "matrices/components.toml").read_text()
