"""The rules for tools that update pins."""

from __future__ import annotations

import json

import yaml
from packaging.specifiers import SpecifierSet

from stackcompat.advice.refused_updates import RefusedUpdate
from stackcompat.report.update_rules import dependabot, renovate

REFUSED = (
    RefusedUpdate(distribution="alpha", versions=("1.0", "1.2"), advisories=("SC-1", "SC-2")),
    RefusedUpdate(distribution="dist-beta", versions=("2.0",), advisories=("SC-1",)),
)


def test_renovate_has_a_rule_for_each_distribution() -> None:
    rules = json.loads(renovate(REFUSED))["packageRules"]
    assert [rule["matchPackageNames"] for rule in rules] == [["alpha"], ["dist-beta"]]
    assert rules[0]["description"] == "Known to be broken: SC-1, SC-2"
    allowed = SpecifierSet(rules[0]["allowedVersions"])
    assert [version for version in ("1.0", "1.1", "1.2", "1.3") if version in allowed] == ["1.1", "1.3"]


def test_dependabot_ignores_the_releases_one_by_one() -> None:
    document = yaml.safe_load(dependabot(REFUSED))
    assert document["version"] == 2
    (update,) = document["updates"]
    assert (update["package-ecosystem"], update["directory"]) == ("pip", "/")
    assert update["schedule"] == {"interval": "weekly"}
    assert update["ignore"] == [
        {"dependency-name": "alpha", "versions": ["==1.0", "==1.2"]},
        {"dependency-name": "dist-beta", "versions": ["==2.0"]},
    ]


def test_without_advisories_nothing_is_left_out() -> None:
    assert json.loads(renovate(()))["packageRules"] == []
    assert yaml.safe_load(dependabot(()))["updates"][0]["ignore"] == []
