"""Where an ecosystem, its store and its matrices are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.suite import Suite
from stackcompat.plan import ecosystem
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.plan.places import USUAL_PLACES, Places


@pytest.fixture(autouse=True)
def _nothing_is_said_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("STACKCOMPAT_STORE", "STACKCOMPAT_PROJECT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(ecosystem, "CARRIED", tmp_path / "carried")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def make(folder: Path, text: str = "") -> Path:
    """An ecosystem with one matrix."""
    (folder / "matrices").mkdir(parents=True)
    (folder / "matrices" / "components.toml").write_text("components = []\n")
    (folder / "matrices" / "quick.toml").write_text("title = 'x'\n")
    if text:
        (folder / "stackcompat.toml").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "here")


def test_an_ecosystem_is_found_from_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(folder / "a" / "b")
    assert find_ecosystem(None).root == folder


def test_an_ecosystem_that_is_named_is_not_looked_for_above(folder: Path) -> None:
    (folder / "a").mkdir()
    assert find_ecosystem(str(folder)).root == folder
    with pytest.raises(UsageError, match=r"--project: no stackcompat\.toml or matrices/components\.toml in .*/a; name"):
        find_ecosystem(str(folder / "a"))


def test_the_variable_names_it_unless_the_option_does(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make(tmp_path / "other")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STACKCOMPAT_PROJECT", str(other))
    assert find_ecosystem(None).root == other
    assert find_ecosystem(str(folder)).root == folder
    monkeypatch.setenv("STACKCOMPAT_PROJECT", str(tmp_path / "lost"))
    with pytest.raises(UsageError, match=r"STACKCOMPAT_PROJECT: no stackcompat\.toml or"):
        find_ecosystem(None)


def test_a_pyproject_above_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path / "library" / "compat")
    deep = tmp_path / "library" / "src" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "library" / "src" / "pyproject.toml").write_text("[tool.black]\nline-length = 100\n")
    (tmp_path / "library" / "pyproject.toml").write_text('[tool.stackcompat]\nproject = "compat"\n')
    monkeypatch.chdir(deep)
    assert find_ecosystem(None).root == made


@pytest.mark.parametrize("table", ["project = 3", "", 'project = "compat"\nname = "x"'])
def test_a_mistake_in_a_pyproject_is_told(table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.stackcompat]\n{table}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r'pyproject\.toml: \[tool\.stackcompat\] has one key, project = "DIR"'):
        find_ecosystem(None)


def test_a_pyproject_can_name_a_folder_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.stackcompat]\nproject = "lost"\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"tool\.stackcompat\.project: no stackcompat\.toml .* in .*/lost"):
        find_ecosystem(None)


def test_without_any_it_is_the_one_that_the_tool_carries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(UsageError, match="in this folder and those above it; name a folder that has one"):
        find_ecosystem(None)
    make(tmp_path / "carried", 'name = "JAX AI stack"\n')
    found = find_ecosystem(None)
    assert found.is_carried
    # The tool can be installed where nobody may write.
    assert found.store == tmp_path / "data" / "stackcompat" / "jax-ai-stack" / "evidence.sqlite"
    assert found.site == tmp_path / "data" / "stackcompat" / "jax-ai-stack" / "site"


def test_the_folders_are_the_usual_ones_or_those_that_the_file_names(folder: Path, tmp_path: Path) -> None:
    usual = find_ecosystem(str(folder))
    assert (usual.name, usual.suite, usual.published) == ("here", folder / "tests" / "interop", folder / "reports")
    text = 'name = "Sound"\nmatrices = "m"\ntests = "smoke"\nexchange = "artifacts"\npublished = "docs/table"\n'
    other = tmp_path / "other"
    other.mkdir()
    (other / "stackcompat.toml").write_text(text)
    named = find_ecosystem(str(other))
    assert (named.name, named.matrices, named.suite) == ("Sound", other / "m", other / "smoke")
    assert (named.exchange, named.published) == (other / "artifacts", other / "docs" / "table")
    assert not named.is_carried
    assert usual.places == USUAL_PLACES
    assert named.places == Places(published="docs/table", tests="smoke", exchange="artifacts")
    assert named.places.publication("locks/a.txt") == "docs/table/locks/a.txt"
    assert named.site_address == ""
    addresses = 'address = "https://sound.example/t/"\nsite = "https://sound.example/s/"\n'
    (other / "stackcompat.toml").write_text(text + addresses)
    open_to_all = find_ecosystem(str(other))
    assert open_to_all.places.publication("locks/a.txt") == "https://sound.example/t/locks/a.txt"
    assert open_to_all.site_address == "https://sound.example/s/"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'test = "x"',
            '"test" is not a key that is known here; allowed are address, exchange, matrices, name, published, site',
        ),
        ('tests = "../x"', 'tests: "../x" must be a folder within that of stackcompat.toml'),
        ('address = "reports"', 'address: "reports" must begin with https:// or http://'),
        ('site = "pages"', 'site: "pages" must begin with https:// or http://'),
        ('tests = "/x"', 'tests: "/x" must be a folder within that of stackcompat.toml'),
    ],
)
def test_a_mistake_in_the_file_is_told(text: str, sentence: str, folder: Path) -> None:
    (folder / "stackcompat.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        find_ecosystem(str(folder))
    assert sentence in str(caught.value)


def test_things_are_looked_up_in_the_published_table_first(folder: Path) -> None:
    found = find_ecosystem(str(folder))
    assert found.table() == folder / "reports" / "compat.json"
    (folder / ".stackcompat" / "site").mkdir(parents=True)
    (folder / ".stackcompat" / "site" / "compat.json").write_text("{}")
    assert found.table() == folder / ".stackcompat" / "site" / "compat.json"
    (folder / "reports").mkdir()
    (folder / "reports" / "compat.json").write_text("{}")
    assert found.table() == folder / "reports" / "compat.json"


def test_the_store_may_be_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_ecosystem(str(folder)).store == folder / ".stackcompat" / "evidence.sqlite"
    monkeypatch.setenv("STACKCOMPAT_STORE", "/elsewhere/e.sqlite")
    assert find_ecosystem(str(folder)).store == Path("/elsewhere/e.sqlite")


def test_an_unknown_matrix_names_the_known_ones(folder: Path) -> None:
    with pytest.raises(UsageError, match="slow: there is no such matrix; allowed are a file, or one of quick"):
        find_ecosystem(str(folder)).matrix("slow")


@pytest.mark.parametrize("name", ["pydata"])
def test_an_example_can_be_read(name: str) -> None:
    ecosystem = find_ecosystem(str(Path(__file__).parents[3] / "examples" / name))
    assert ecosystem.matrix("quick").components == ecosystem.components().names()
    files = Suite(ecosystem.suite, b"").files(ecosystem.components().names())
    assert set(files) == {path.name for path in ecosystem.suite.glob("test_*.py")}
