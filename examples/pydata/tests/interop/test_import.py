"""Every module of every component can be imported."""

from __future__ import annotations

import importlib

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each module that the components in the cell have; stackcompat hands over the list."""
    imports = getattr(metafunc.config, "stackcompat_imports", [])
    metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[module for _, module, _ in imports])


@pytest.mark.level("import")
def test_import(distribution: str, module: str, declared: bool) -> None:
    """The module loads. A guessed module that needs more than its distribution declares does not count."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if declared:
            raise
        pytest.skip(f"{distribution} needs {error.name} for {module}, and does not declare it")
