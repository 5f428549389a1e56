"""The frontiers of the committed table: no pair is deeper than a test of both goes, and all parts of a row agree."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stackcompat.core.vocabulary import LEVELS
from stackcompat.ecosystem import suite_file
from stackcompat.ecosystem.components import Components, load_components
from stackcompat.frontier.inference_accuracy import inference_accuracy
from stackcompat.table.frontiers import FrontierPair, FrontierRow
from stackcompat.table.summary import Summary

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def components() -> Components:
    return load_components(ROOT / "matrices" / "components.toml")


@pytest.fixture(scope="module")
def rows() -> tuple[FrontierRow, ...]:
    return Summary.model_validate_json((ROOT / "reports" / "compat.json").read_text()).frontiers


@pytest.fixture(scope="module")
def uses() -> list[dict[str, SpecifierSet]]:
    """What each smoke test uses: by distribution, the releases."""
    tests = []
    for path in sorted((ROOT / "tests" / "interop").rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        names = suite_file._assigned(tree)
        functions = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
        ]
        for marks in (suite_file._marks(function, names) for function in functions):
            texts = [text for mark in marks for text in suite_file._texts_in(mark, "uses", names)]
            tests.append({str(canonicalize_name(one.name)): one.specifier for one in map(Requirement, texts)})
    return tests


def _is_deep(pair: FrontierPair) -> bool:
    return pair.verdict == "works" and LEVELS.index(pair.level) > LEVELS.index("import")


def test_no_pair_is_deeper_than_a_test_that_uses_both(
    rows: tuple[FrontierRow, ...], uses: list[dict[str, SpecifierSet]], components: Components
) -> None:
    for row in rows:
        sides = {name: components[name].distribution for name in (row.first, row.second)}
        joint = [test for test in uses if set(sides.values()) <= test.keys()]
        for pair in filter(_is_deep, row.pairs):
            versions = {sides[name]: version for name, version in pair.versions.items()}
            assert any(
                all(test[name].contains(version, prereleases=True) for name, version in versions.items())
                for test in joint
            ), f"{pair.versions} works at {pair.level}, and no test of both applies"


def test_no_inferred_pair_is_deeper_than_any_that_was_tested(rows: tuple[FrontierRow, ...]) -> None:
    for row in rows:
        tested = [LEVELS.index(pair.level) for pair in row.pairs if pair.verdict == "works" and not pair.inferred]
        inferred = [LEVELS.index(pair.level) for pair in row.pairs if pair.verdict == "works" and pair.inferred]
        assert max(inferred, default=0) <= max(tested, default=0)


def test_edges_and_counts_agree_with_the_pairs(rows: tuple[FrontierRow, ...]) -> None:
    for row in rows:
        known = {(pair.versions[row.first], pair.versions[row.second]): pair for pair in row.pairs}
        versions = [release.version for release in row.second_releases]
        shallow = 0
        for edge in row.edges:
            works = [known[edge.version, version] for version in versions if (edge.version, version) in known]
            works = [pair for pair in works if pair.verdict == "works"]
            assert sum(one.tested for one in edge.intervals) == sum(not pair.inferred for pair in works)
            assert sum(one.inferred for one in edge.intervals) == sum(pair.inferred for pair in works)
            at_level = [(one.first, one.last) for one in edge.intervals if one.level == row.level]
            assert list(edge.works) == at_level
            for interval in edge.intervals:
                inside = versions[versions.index(interval.first) : versions.index(interval.last) + 1]
                levels = {known[edge.version, version].level for version in inside if (edge.version, version) in known}
                assert levels == {interval.level}
                shallow += 0 if interval.level == row.level else interval.tested + interval.inferred
        assert row.pairs_shallow == shallow
        assert row.accuracy == inference_accuracy(row.checks)
