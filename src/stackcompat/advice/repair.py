"""Metadata with the bounds that were measured, in the form that uv takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stackcompat.advice.bounds import BoundFinding
from stackcompat.ecosystem.declared import applies
from stackcompat.ecosystem.releases import Catalog

__all__ = ["repaired"]


def repaired(findings: Iterable[BoundFinding], catalog: Catalog) -> list[dict[str, Any]]:
    """The metadata of each release that has a proposal, as uv takes it (``[[tool.uv.dependency-metadata]]``).

    Each entry has `name`, `version` and the whole `requires-dist`. The bound of a finding is replaced by the proposed
    one, in each requirement that holds on a Python of the finding. A requirement that was not declared is added.

    Args:
        findings: What is wrong with bounds.
        catalog: What the releases declare.
    """
    releases: dict[tuple[str, str], list[BoundFinding]] = {}
    for finding in findings:
        if finding.proposed or "undeclared" in finding.kinds:
            releases.setdefault((finding.distribution, finding.release), []).append(finding)
    entries = []
    for (name, version), of_release in releases.items():
        lines = [_repaired_requirement(requirement, of_release) for requirement in catalog.requires(name, version)]
        lines += [finding.on for finding in of_release if "undeclared" in finding.kinds]
        entries.append({"name": name, "version": version, "requires-dist": lines})
    return entries


def _repaired_requirement(requirement: Requirement, findings: Sequence[BoundFinding]) -> str:
    """The text of a requirement, with the proposed bounds in place of its own."""
    bounds = [
        finding.proposed
        for finding in findings
        if finding.proposed
        and canonicalize_name(requirement.name) == finding.on
        and any(applies(requirement, python) for python in finding.pythons)
    ]
    if not bounds:
        return str(requirement)
    changed = Requirement(str(requirement))  # a copy, since the catalog keeps its own
    changed.specifier = SpecifierSet(",".join(bounds))
    return str(changed)
