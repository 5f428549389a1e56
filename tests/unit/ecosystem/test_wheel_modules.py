"""The modules of a distribution, from the files of its wheel."""

from __future__ import annotations

import pytest

from stackcompat.ecosystem.wheel_modules import modules_to_import


@pytest.mark.parametrize(
    ("distribution", "paths", "expected"),
    [
        ("alpha", ["alpha/__init__.py", "alpha/core.py", "alpha-1.0.dist-info/METADATA"], ("alpha",)),
        ("Alpha.Kit", ["alpha_kit.py", "alpha_more/__init__.py"], ("alpha_kit",)),
        ("scikit-alpha", ["skalpha/__init__.py", "skalpha/tests/__init__.py", "tests/__init__.py"], ("skalpha",)),
        ("pyalpha", ["_alpha/__init__.py", "alpha/__init__.py", "beta.py"], ("alpha", "beta")),
        ("alpha", ["alpha.cpython-312-x86_64-linux-gnu.so", "alpha.libs/libx-1a2b.so"], ("alpha",)),
        ("space-alpha", ["space/alpha/__init__.py", "space/alpha/core.py"], ("space.alpha",)),
        ("alpha", ["alpha/core.py", "beta-data/x.py", "alpha/deep/er.py"], ("alpha.core",)),
        ("alpha", ["alpha-1.0.data/purelib/alpha/__init__.py", "alpha-1.0.data/scripts/run.py"], ("alpha",)),
        ("alpha-meta", ["alpha_meta-1.0.dist-info/METADATA"], ("alpha_meta",)),
        ("Alpha-Meta", [], ("alpha_meta",)),
    ],
)
def test_modules_to_import(distribution: str, paths: list[str], expected: tuple[str, ...]) -> None:
    assert modules_to_import(distribution, paths) == expected
