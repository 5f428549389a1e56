"""The distribution that a failing import needs and that nobody declares."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from .distributions import canonical

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import FailureSeen

__all__ = ["undeclared_distribution"]

_MISSING = re.compile(r"No module named '([\w.]+)'")


def undeclared_distribution(failure: FailureSeen, distributions: Mapping[str, str]) -> str:
    """The distribution that the code of another needs and does not declare; empty if the failure is of another kind.

    Args:
        failure: Why an import failed. Its `package` is the distribution whose code asks.
        distributions: Module to distribution. Any other distribution is taken to be called like its module.
    """
    missing = _MISSING.fullmatch(failure["message"])
    if failure["type"] != "ModuleNotFoundError" or missing is None or not failure["package"]:
        return ""
    outermost = missing[1].split(".")[0]
    if importlib.util.find_spec(outermost) is not None:  # only a module inside it is missing
        return ""
    needed = distributions.get(outermost, canonical(outermost))
    return "" if needed in _declared(failure["package"]) else needed


def _declared(distribution: str) -> set[str]:
    """The distributions that one requires, but for those of its extras."""
    names = set()
    for line in importlib.metadata.requires(distribution) or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names.add(canonical(requirement.name))
    return names
