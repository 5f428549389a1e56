"""Every public module of what a cell asks for can be imported, as far as the distributions are there that it needs."""

from __future__ import annotations

import importlib

import missing_distributions
import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each public module of each distribution, and one that stands for all of a distribution."""
    swept = getattr(metafunc.config, "stackcompat_sweep", [])
    metafunc.parametrize(("distribution", "module", "present", "named"), swept, ids=[module for _, module, *_ in swept])


@pytest.mark.level("import")
@pytest.mark.sweep
def test_module(distribution: str, module: str, present: bool, named: bool) -> None:
    """The module loads. One that needs a distribution which its own does not bring along is for who installs that."""
    if module.endswith("*"):
        return  # stands for the sweep as a whole; the modules have tests of their own
    if not present:
        pytest.skip(f"{distribution} has no module {module}")
    try:
        importlib.import_module(module)
    except BaseException as error:
        missing = "" if named else missing_distributions.missing_beneath(error)
        if missing:
            pytest.skip(f"{distribution} needs {missing} for {module}, and does not bring it along")
        raise
