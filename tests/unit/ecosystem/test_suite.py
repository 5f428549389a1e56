"""Which test files matter to an environment, and what its address depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
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


def test_addresses_are_as_ever(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each change of one makes all evidence that there is unknown, and is run again."""
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
