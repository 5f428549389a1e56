"""The table of features in the documentation, and the tests that are marked `feature`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
SUITE = ROOT / "tests" / "interop"


def _marked(pattern: str) -> Iterator[str]:
    """The features that tests in the files of the suite that fit `pattern` are marked with."""
    for path in SUITE.glob(pattern):
        yield from _features_within(ast.parse(path.read_text(encoding="utf-8")))


def _features_within(node: ast.AST) -> Iterator[str]:
    """The features of all `feature` marks within a node."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.feature":
            yield ast.literal_eval(call.args[0])


def _tests_by_feature(source: str) -> Iterator[tuple[str, str]]:
    """Each feature of a file of tests with each test that has it: by a mark, a constant of marks, or the whole file."""
    body = ast.parse(source).body
    constants: dict[str, list[str]] = {}
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = list(_features_within(node.value))
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = set(constants.get("pytestmark", []))
            for decorator in node.decorator_list:
                marks.update(_features_within(decorator))
                names = [name.id for name in ast.walk(decorator) if isinstance(name, ast.Name)]
                marks.update(feature for name in names for feature in constants.get(name, []))
            yield from ((feature, node.name) for feature in sorted(marks))


def _rows() -> list[list[str]]:
    """The cells of each row of the first table."""
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8").partition("## Artifacts")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:2] == "| "][
        2:
    ]


def test_every_feature_of_the_core_has_a_row_and_every_row_a_feature() -> None:
    rows = [row[0] for row in _rows()]
    assert len(rows) == len(set(rows))
    assert set(_marked("test_*.py")) - set(rows) == set()
    assert set(rows) - set(_marked("**/test_*.py")) == set()


def test_the_tests_of_a_row_are_there() -> None:
    for row in _rows():
        path, *names = re.findall(r"`([^`]+)`", row[2])
        source = (SUITE / path).read_text(encoding="utf-8")
        missing = [name for name in names if f"def {name}(" not in source]
        assert names
        assert not missing


def test_a_feature_is_that_of_one_test() -> None:
    tests: dict[str, list[str]] = {}
    for path in sorted(SUITE.rglob("test_*.py")):
        for feature, test in _tests_by_feature(path.read_text(encoding="utf-8")):
            tests.setdefault(feature, []).append(f"{path.relative_to(SUITE).as_posix()}::{test}")
    assert set(tests) == set(_marked("**/test_*.py"))
    assert {feature: names for feature, names in tests.items() if len(names) > 1} == {}
