"""Which test files matter to an environment, and which files its digest depends on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem import suite as suite_module
from stackcompat.ecosystem.suite import Suite

PLUGIN = b"the plugin"
FILES = {
    "conftest.py": "import shared_set_up\n",
    "shared_set_up.py": "",
    "idioms.py": "import deeper\n",
    "deeper.py": "",
    "unrelated.py": "",
    "test_alpha.py": """
import pytest
pytestmark = [pytest.mark.uses("alpha>=1"), pytest.mark.level("run")]
def test_it():
    import idioms
""",
    "test_both.py": """
import pytest
@pytest.mark.uses("alpha", "Beta[extra]")
def test_it(): ...
@pytest.mark.uses("beta", "gamma")
def test_that(): ...
""",
    "test_any.py": "def test_it(): ...\n",
    "test_thorough.py": """
import pytest
pytestmark = [pytest.mark.thorough]
@pytest.mark.uses("delta")
def test_it(): ...
""",
    "test_partly.py": """
import pytest
@pytest.mark.thorough
@pytest.mark.uses("delta")
def test_it(): ...
@pytest.mark.uses("delta")
def test_that(): ...
""",
    "test_unreadable.py": """
import pytest
NAMES = list("alpha")
@pytest.mark.uses(*NAMES, *[name for name in NAMES])
def test_it(): ...
""",
    "test_named.py": """
import pytest
FEW = ("beta>=1", "gamma")
NAMES = [*FEW, "delta"]
NAMES = (*NAMES, *NAMES)
LAST = "epsilon>=2"
@pytest.mark.uses(*FEW, LAST)
def test_it(): ...
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("installed", "files"),
    [
        ([], ()),
        (["alpha"], ("test_alpha.py",)),
        (["beta"], ()),
        (["alpha", "beta"], ("test_alpha.py", "test_both.py")),
        (["beta", "gamma"], ("test_both.py",)),
        (["beta", "gamma", "epsilon"], ("test_both.py", "test_named.py")),
    ],
)
def test_files_matter_where_all_that_a_test_uses_is_installed(
    folder: Path, installed: list[str], files: tuple[str, ...]
) -> None:
    always = ("test_any.py", "test_unreadable.py")
    assert sorted(Suite(folder, PLUGIN).files(installed)) == sorted((*files, *always))


def test_every_file_matters_where_it_is_not_known_what_tests_can_use(folder: Path) -> None:
    suite = Suite(folder, PLUGIN)
    assert sorted(suite.files(None)) == sorted(name for name in FILES if name.startswith("test_"))
    assert "test_thorough.py" not in suite.files(None, thorough=False)
    before = suite.digest(None)
    (folder / "test_both.py").write_text(FILES["test_both.py"] + "# changed\n")
    assert Suite(folder, PLUGIN).digest(None) != before


def test_a_file_that_did_not_change_is_parsed_once(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, helpers = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("helpers")
    (helpers / "idioms.py").write_text("x = 1\n")
    parsed: list[str] = []
    parse = ast.parse

    def noted(source: bytes, path: str) -> ast.Module:
        parsed.append(Path(path).name)
        return parse(source, path)

    monkeypatch.setattr(ast, "parse", noted)

    def asked(cache: Path | None = None) -> tuple[object, ...]:
        """What a suite says, and which files were parsed for it."""
        parsed.clear()
        suite = Suite(folder, PLUGIN, helpers, cache)
        said = suite.files(["alpha"]), suite.artifacts(), suite.digests(suite.files(None)), suite.digest(["beta"])
        return said, sorted(parsed)

    everything = asked()
    assert everything[1] == sorted([*FILES, "idioms.py"])
    assert asked(cache) == everything
    assert asked(cache) == (everything[0], [])
    (folder / "test_both.py").write_text("import unrelated\n" + FILES["test_both.py"])
    changed = asked()
    assert changed[0] != everything[0]
    assert asked(cache) == (changed[0], ["test_both.py"])
    assert asked(cache) == (changed[0], [])
    monkeypatch.setattr(suite_module, "READING", 0)  # another build reads otherwise
    assert asked(cache) == changed


def test_addresses_are_as_ever(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """If such a digest changes, all evidence in stores becomes unknown and every cell is run again."""
    helpers = tmp_path_factory.mktemp("helpers")
    (helpers / "idioms.py").write_text("x = 1\n")
    assert Suite(folder, PLUGIN).digest(["alpha", "beta"]) == "723964200b937e8a"
    assert Suite(folder, PLUGIN).digest(["delta"], thorough=False) == "42c81c9fac1c341f"
    assert Suite(folder, PLUGIN, helpers).digest(["alpha"]) == "51f30a222397822c"
    assert Suite(folder, b"another plugin").digest(["alpha", "beta"]) != "723964200b937e8a"


@pytest.mark.parametrize(
    ("changed", "matters"),
    [
        ("test_alpha.py", True),
        ("test_any.py", True),
        ("idioms.py", True),
        ("deeper.py", True),
        ("conftest.py", True),
        ("shared_set_up.py", True),
        ("test_both.py", False),
        ("unrelated.py", False),
        ("test_new_of_delta.py", False),
    ],
)
def test_the_address_changes_with_what_matters_only(folder: Path, changed: str, matters: bool) -> None:
    before = Suite(folder, PLUGIN).digest(["alpha"])
    text = FILES.get(changed, 'import pytest\n@pytest.mark.uses("delta")\ndef test_it(): ...\n')
    (folder / changed).write_text(text + "# changed\n")
    assert (Suite(folder, PLUGIN).digest(["alpha"]) != before) is matters


@pytest.mark.parametrize(
    ("changed", "alpha", "both"),
    [
        ("test_alpha.py", True, False),
        ("test_both.py", False, True),
        ("test_any.py", False, False),
        ("deeper.py", True, False),
        ("shared_set_up.py", True, True),
        ("unrelated.py", False, False),
    ],
)
def test_each_file_has_an_address_of_its_own(folder: Path, changed: str, alpha: bool, both: bool) -> None:
    before = Suite(folder, PLUGIN).digests(["test_alpha.py", "test_both.py"])
    (folder / changed).write_text(FILES[changed] + "# changed\n")
    after = Suite(folder, PLUGIN).digests(["test_alpha.py", "test_both.py"])
    assert {path: after[path] != before[path] for path in before} == {"test_alpha.py": alpha, "test_both.py": both}
    assert before != Suite(folder, b"another plugin").digests(before)


@pytest.mark.parametrize("helper", ["around/helper.py", "helper.py"])
def test_a_test_imports_from_its_own_folder_and_from_the_outermost(folder: Path, helper: str) -> None:
    (folder / "around").mkdir()
    (folder / "around" / "test_far.py").write_text("import helper\n\ndef test_it(): ...\n")
    (folder / helper).write_text("one = 1\n")
    before = Suite(folder, b"plugin").digests(["around/test_far.py"])
    (folder / helper).write_text("one = 2\n")
    assert Suite(folder, b"plugin").digests(["around/test_far.py"]) != before


def test_a_file_that_is_not_python_is_named(folder: Path) -> None:
    (folder / "test_torn.py").write_text("def (:\n")
    with pytest.raises(UsageError, match=r"test_torn\.py: line 1: "):
        Suite(folder, PLUGIN).files(["alpha"])


def test_a_file_of_thorough_tests_matters_to_thorough_cells_only(folder: Path) -> None:
    suite = Suite(folder, PLUGIN)
    always = ["test_any.py", "test_unreadable.py"]
    assert sorted(suite.files(["delta"])) == sorted([*always, "test_partly.py", "test_thorough.py"])
    assert sorted(suite.files(["delta"], thorough=False)) == sorted([*always, "test_partly.py"])
    before = [suite.digest(["delta"], thorough=thorough) for thorough in (True, False)]
    with (folder / "test_thorough.py").open("a") as file:
        file.write("# changed\n")
    after = [Suite(folder, PLUGIN).digest(["delta"], thorough=thorough) for thorough in (True, False)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]


@pytest.mark.parametrize(("changed", "matters"), [("lent.py", True), ("unasked.py", False), ("test_own.py", False)])
def test_what_is_borrowed_from_another_suite_is_part_of_the_address(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, changed: str, matters: bool
) -> None:
    helpers = tmp_path_factory.mktemp("helpers")
    for name in ("lent.py", "unasked.py", "test_own.py"):
        (helpers / name).write_text("")
    (folder / "test_borrows.py").write_text("import lent, test_own\n\ndef test_it(): ...\n")
    before = Suite(folder, PLUGIN, helpers).digest([])
    (helpers / changed).write_text("# changed\n")
    assert (Suite(folder, PLUGIN, helpers).digest([]) != before) is matters


def test_artifacts_are_those_that_tests_write(folder: Path) -> None:
    (folder / "test_box.py").write_text(
        """
import pytest
@pytest.mark.uses("alpha")
@pytest.mark.writes("box")
def test_write(): ...
@pytest.mark.reads("bin")
def test_read(): ...
@pytest.mark.writes("crate")
def test_write_crate(): ...
"""
    )
    assert Suite(folder, PLUGIN).artifacts() == ("box", "crate")
