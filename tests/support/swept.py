"""Results of sweeps of a made-up distribution."""

from __future__ import annotations

from typing import Any

from stackcompat.evidence.results import Failure, TestResult

__all__ = ["lost_module", "module_test", "swept", "whole_sweep"]


def module_test(module: str) -> str:
    """The test of one module."""
    return f"test_sweep.py::test_module[{module}]"


def swept(module: str, *, distribution: str = "alpha", **fields: Any) -> TestResult:
    """The result of one module, which could be imported unless `fields` say otherwise."""
    given: dict[str, Any] = {"outcome": "passed", "seconds": 0.25, "modules": (module,)} | fields
    return TestResult(test=module_test(module), level="import", components=(distribution,), **given)


def lost_module(*modules: str, message: str = "no boxes", **fields: Any) -> TestResult:
    """The result of modules that fail in the same way, by the test of the first."""
    failure = Failure(
        type="ImportError", message=message, package="alpha", packages=("alpha",), where="alpha.x:<module>", line="t:1"
    )
    given: dict[str, Any] = {
        "outcome": "failed",
        "feature": modules[0],
        "failure": failure,
        "modules": modules,
    } | fields
    return swept(modules[0], **(given | fields))


def whole_sweep(*modules: str, lost: tuple[TestResult, ...] = (), **fields: Any) -> TestResult:
    """The result of a whole sweep that could import some modules, and lost others."""
    given: dict[str, Any] = {"modules": modules, "lost": tuple(one.test for one in lost)} | fields
    return swept(f"{fields.get('distribution', 'alpha')}.*", **given)
