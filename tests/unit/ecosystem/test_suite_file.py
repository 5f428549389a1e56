"""What is read out of a test file without importing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.suite_file import SuiteFile, read_suite_file


def file_of(folder: Path, text: str) -> SuiteFile:
    path = folder / "test_it.py"
    path.write_text(text, encoding="utf-8")
    return read_suite_file(path)


def marked(folder: Path, mark: str, names: str = "") -> set[str]:
    (test,) = file_of(folder, f"import pytest\n{names}\n@pytest.mark.{mark}\ndef test_it(): ...\n").tests
    return set(test.uses)


@pytest.mark.parametrize(
    ("mark", "names", "uses"),
    [
        ('uses("Alpha_X>=1", "beta[extra]")', "", {"alpha-x", "beta"}),
        ("uses(*FEW, LAST)", "FEW = ('beta>=1', 'gamma')\nLAST = 'delta'", {"beta", "gamma", "delta"}),
        ("uses(*ALL)", "FEW = ('beta',)\nALL = [*FEW, 'gamma']", {"beta", "gamma"}),
        ("uses(*NAMES)", "NAMES = (*NAMES, 'beta')", {"beta"}),  # refers to itself
        ("uses(*list('alpha'))", "", set()),  # cannot be read, so the test matters everywhere
        ('uses("")', "", set()),
        ('reads("alpha")', "", set()),
    ],
)
def test_what_a_test_uses(tmp_path: Path, mark: str, names: str, uses: set[str]) -> None:
    assert marked(tmp_path, mark, names) == uses


def test_marks_of_the_file_are_marks_of_each_test(tmp_path: Path) -> None:
    text = "import pytest\npytestmark = [pytest.mark.uses('alpha'), pytest.mark.thorough]\n"
    first, second = file_of(tmp_path, f"{text}@pytest.mark.uses('beta')\ndef test_a(): ...\ndef test_b(): ...\n").tests
    assert first.uses == {"alpha", "beta"}
    assert second.uses == {"alpha"}
    assert first.thorough
    assert second.thorough


def test_a_file_matters_where_all_that_one_of_its_tests_uses_is_installed(tmp_path: Path) -> None:
    file = file_of(
        tmp_path,
        "import pytest\n@pytest.mark.uses('alpha', 'beta')\ndef test_a(): ...\n"
        "@pytest.mark.thorough\n@pytest.mark.uses('gamma')\ndef test_b(): ...\n",
    )
    assert file.matters(["alpha", "beta", "delta"], thorough=False)
    assert not file.matters(["alpha", "gamma"], thorough=False)
    assert file.matters(["gamma"], thorough=True)


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    text = "import os.path\nfrom idioms.more import x\nfrom . import near\ndef test_it():\n    import alpha\n"
    assert file_of(tmp_path, text).imports == ("alpha", "idioms", "os")


def test_statements_are_found_in_each_part_of_every_compound_statement(tmp_path: Path) -> None:
    text = """
try:
    import in_try
except ImportError:
    import in_except
else:
    import in_else
finally:
    import in_finally
match 1:
    case 1:
        import in_case
with open("x"):
    import in_with
for _ in ():
    import in_for
while False:
    import in_while
class Tests:
    @pytest.mark.uses("alpha")
    def test_in_a_class(self):
        if True:
            async def inner():
                import deep
"""
    file = file_of(tmp_path, text)
    found = {"deep", "in_try", "in_except", "in_else", "in_finally", "in_case", "in_with", "in_for", "in_while"}
    assert set(file.imports) == found
    assert [test.uses for test in file.tests] == [{"alpha"}]


def test_a_file_that_is_not_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"test_it\.py: line 1: .*; a suite holds Python files"):
        file_of(tmp_path, "def (:\n")
