"""Mistakes in a matrix that only the index shows: releases that do not exist, and selections that select nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.releases import Project
from stackcompat.plan.inputs import PlanInputs
from stackcompat.plan.pairs import chosen_releases, pins_of_seed
from stackcompat.plan.policies import Metapackage, Pairs, Pins, Policy

__all__ = ["check_exists", "check_policy"]


def check_policy(inputs: PlanInputs, policy: Policy, key: str, pythons: Sequence[str]) -> None:
    """Refuse a policy that names a release which the index does not have, or whose selections select none.

    Args:
        inputs: The inputs of the plan.
        policy: The policy.
        key: Its key in the matrix file.
        pythons: The Pythons on which it makes cells.

    Raises:
        UsageError: The first mistake.
    """
    for text in policy.overrides:
        check_exists(inputs, text, f"{key}.overrides")
    match policy:
        case Pins():
            for text in policy.requirements:
                check_exists(inputs, text, f"{key}.requirements")
        case Metapackage():
            bound = "" if policy.release == "newest" else f"=={policy.release}"
            check_exists(inputs, f"{policy.distribution}{bound}", f"{key}.release")
        case Pairs() if pythons:
            _check_pairs(inputs, policy, key, pythons)
        case _:
            pass


def check_exists(inputs: PlanInputs, text: str, key: str) -> None:
    """Refuse a requirement that no release on the index satisfies.

    Args:
        inputs: The inputs of the plan.
        text: The requirement.
        key: Its key in the matrix file.

    Raises:
        UsageError: There is no such release, or the text is no requirement.
    """
    try:
        requirement = parse_requirement(text)
    except ValueError as error:
        inputs.refuse(key, str(error))
    project = inputs.catalog.project(requirement.name)
    versions = [release.version for release in project.releases]
    if requirement.url or any(requirement.specifier.filter(versions, prereleases=True)):
        return
    if not versions:
        inputs.refuse(key, f'"{text}": the index has no releases of {requirement.name}; allowed is what it has')
    known = _newest_few(project)
    inputs.refuse(key, f'"{text}": the index has no such release; allowed are, newest first, {known}, ...')


def _check_pairs(inputs: PlanInputs, policy: Pairs, key: str, pythons: Sequence[str]) -> None:
    """Refuse a `pairs` policy that selects no release of a component, or with a seed of releases not selected."""
    chosen = chosen_releases(inputs, policy, pythons)
    for component, pins in chosen.items():
        if not pins:
            known = _newest_few(inputs.project(component))
            sentence = f"chooses no release for Python {', '.join(pythons)}"
            inputs.refuse(f"{key}.releases.{component}", f"{sentence}; choose more (its newest are {known})")
    all_pins = {pin for pins in chosen.values() for pin in pins}
    for number, seed in enumerate(policy.seeds):
        for pin in pins_of_seed(inputs, seed):
            if pin not in all_pins:
                inputs.refuse(f"{key}.seeds[{number}]", f'"{pin}" is not among the chosen releases')


def _newest_few(project: Project) -> str:
    newest = islice(project.fit(prereleases=True), 3)
    return ", ".join(release.version for release in newest) or "none"
