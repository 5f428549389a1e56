"""Rules for tools that update pins, so that they leave out releases that are known to be broken. Pure.

See https://docs.renovatebot.com/configuration-options/#packagerules for those of Renovate, and
https://docs.github.com/code-security/dependabot for those of Dependabot.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from stackcompat.advice.refused_updates import RefusedUpdate

__all__ = ["dependabot", "renovate"]


def renovate(refused: Iterable[RefusedUpdate]) -> str:
    """``renovate.json``: a rule for each distribution, with a range that leaves out releases one by one."""
    rules = [
        {
            "description": f"Known to be broken: {', '.join(update.advisories)}",
            "matchDatasources": ["pypi"],
            "matchPackageNames": [update.distribution],
            "allowedVersions": ",".join(f"!={version}" for version in update.versions),
        }
        for update in refused
    ]
    document = {"$schema": "https://docs.renovatebot.com/renovate-schema.json", "packageRules": rules}
    return json.dumps(document, indent=2) + "\n"


def dependabot(refused: Iterable[RefusedUpdate]) -> str:
    """``dependabot.yml``: the list ``ignore`` in the shortest configuration around it."""
    lines = ["version: 2", "updates:", "  - package-ecosystem: pip", '    directory: "/"']
    lines += ["    schedule:", "      interval: weekly"]
    entries = [
        line
        for update in refused
        for line in (
            f"      - dependency-name: {json.dumps(update.distribution)} # {', '.join(update.advisories)}",
            f"        versions: {json.dumps([f'=={version}' for version in update.versions])}",
        )
    ]
    lines += ["    ignore:", *entries] if entries else ["    ignore: []"]
    return "\n".join(lines) + "\n"
