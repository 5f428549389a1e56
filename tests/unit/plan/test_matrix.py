from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import get_args

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.core.toml import Table
from stackcompat.ecosystem.components import (
    CompilerCache,
    Component,
    Library,
    Module,
    Unswept,
    Upstream,
    Wrappers,
    load_components,
)
from stackcompat.plan.matrix import Matrix, Promise, load_matrix
from stackcompat.plan.policies import AsOf, Newest, Pins, Policy
from support.world import components

ROWS = components("alpha", "alphalib", "beta", "gamma", alphalib="alpha")

GOOD = """
title = "made up"
components = ["alpha", "alphalib", "beta"]
pythons = ["3.12", "3.13"]
"""


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "made.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_matrix(path, ROWS)
    sentences = str(caught.value).splitlines()
    assert all(sentence.startswith(f"{path}: ") for sentence in sentences)
    return "\n".join(sentence.removeprefix(f"{path}: ") for sentence in sentences)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            'policy = "newest"\nfoo = 1',
            'policies[0]: "foo" is not a key that is known here; allowed are each, label, overrides, policy',
        ),
        ('policy = "newst"', "policies[0].policy: must be one of newest, as-of, oldest, pins, metapackage, pairs, "),
        ('label = "x"', "policies[0].policy: must be one of newest, as-of, "),
        (
            'policy = "prerelease"\ncomponents = ["delta"]',
            'policies[0].components: "delta" is not possible here; allowed are alpha, alphalib, beta',
        ),
        (
            'policy = "newest"\neach = ["beta", "delta"]',
            'policies[0].each: "delta" is not possible here; allowed are alpha, alphalib, beta',
        ),
        (
            'policy = "newest"\neach = ["group:far"]',
            'policies[0].each: "group:far" is not possible here; allowed are alpha, alphalib, beta',
        ),
        ('policy = "newest"\neach = ["beta", "beta"]', 'policies[0].each: names "beta" twice; allowed is once'),
        (
            'policy = "local"\ncomponent = "gamma"\nsource = "."',
            'policies[0].component: "gamma" is not possible here; allowed are alpha, alphalib, beta',
        ),
        (
            'policy = "local"\ncomponent = "beta"',
            'policies[0]: takes either source = "..." or variable = "..."',
        ),
        (
            'policy = "local"\ncomponent = "beta"\nsource = "."\nvariable = "SOURCE"',
            'policies[0]: takes either source = "..." or variable = "..."',
        ),
        (
            'policy = "local"\ncomponent = "beta"\nvariable = "$SOURCE"',
            "policies[0].variable: String should match pattern '^([A-Za-z_][A-Za-z0-9_]*)?$'",
        ),
        (
            'policy = "pins"\nrequirements = ["alpha=>1"]',
            'policies[0].requirements[0]: "alpha=>1" is not a requirement such as "alpha>=0.12,<0.13": ',
        ),
        (
            'policy = "newest"\noverrides = ["alpha>"]',
            'policies[0].overrides[0]: "alpha>" is not a requirement such as',
        ),
        ('policy = "pins"\nrequirements = []', "policies[0].requirements: is empty or too short; give at least 1"),
        ('policy = "pins"', "policies[0].requirements: is missing; it must be given"),
        (
            'policy = "as-of"\ndates = [2999-01-01]',
            "policies[0].dates[0]: 2999-01-01 lies in the future; allowed is any day until today",
        ),
        (
            'policy = "as-of"\ndates = ["yesterday"]',
            'policies[0].dates[0]: "yesterday" is not a date such as 2026-09-20 or 2026-09-20T12:00:00Z',
        ),
        ('policy = "as-of"\ndates = [20260920]', 'policies[0].dates[0]: "20260920" is not a date such as 2026-09-20'),
        ('policy = "as-of"', "policies[0]: takes exactly one of: dates = [...], months = N, since = DATE"),
        ('policy = "as-of"\nmonths = 2\nstays = 1', "policies[0]: stays = N goes with since = DATE alone"),
        (
            'policy = "as-of"\ndates = ["2026-01-31"]\nmonths = 2',
            "policies[0]: takes exactly one of: dates = [...], months = N, since = DATE",
        ),
        ('policy = "as-of"\ndates = ["2026-01-31", 2026-01-31]', "policies[0]: dates names a day twice"),
        ('policy = "as-of"\nmonths = 0', "policies[0].months: should be greater than 0"),
        (
            'policy = "pairs"\nreleases.alpha = { minors = 2, last = 2 }\nreleases.beta.all = true',
            "policies[0].releases.alpha: takes exactly one of: all = true, minors = N, last = N, months = N",
        ),
        (
            'policy = "pairs"\nreleases.alpha = { minor = 2 }\nreleases.beta.all = true',
            'policies[0].releases.alpha: "minor" is not a key that is known here; allowed are all, last, minors',
        ),
        (
            'policy = "pairs"\nreleases.alpha.all = true',
            "policies[0].releases: is empty or too short; give at least 2",
        ),
        (
            'policy = "pairs"\nstrength = 3\nreleases.alpha.all = true\nreleases.beta.all = true',
            "policies[0]: strength = 3 needs at least 3 components in releases",
        ),
        (
            'policy = "pairs"\nreleases.alphalib.all = true\nreleases.beta.all = true',
            'policies[0].releases: "alphalib" is not possible here; allowed are alpha, beta',
        ),
        (
            'policy = "pairs"\nseeds = [["alpha>1"]]\nreleases.alpha.all = true\nreleases.beta.all = true',
            'policies[0].seeds[0]: "alpha>1" must be an exact pin such as "alpha==1.2.3"',
        ),
        (
            'policy = "pairs"\nseeds = [["alpha==1", "gamma==1"]]\nreleases.alpha.all = true\nreleases.beta.all = true',
            'policies[0].seeds[0]: "gamma" is not possible here; allowed are alpha, beta',
        ),
        (
            'policy = "pairs"\nbudget = -1\nreleases.alpha.all = true\nreleases.beta.all = true',
            "policies[0].budget: should be greater than or equal to 0",
        ),
        (
            'policy = "newest"\npythons = ["3.11"]',
            'policies[0].pythons: "3.11" is not possible here; allowed are 3.12, 3.13',
        ),
    ],
)
def test_mistake_in_policy(tmp_path: Path, policy: str, said: str) -> None:
    refused = refusal(tmp_path, f"{GOOD}\n[[policies]]\n{policy}\n")
    assert refused.startswith(said)
    assert "\n" not in refused


def test_all_mistakes_of_a_matrix_are_told_with_what_to_write(tmp_path: Path) -> None:
    text = 'titlle = "x"\npythons = ["py3"]\n[[policies]]\npolicy = "pins"\nrequirement = ["alpha"]\nforce = [1]\n'
    unknown, near, force, components, pythons = refusal(tmp_path, text).splitlines()
    assert unknown.startswith('"titlle" is not a key that is known here; allowed are also, ')
    assert unknown.endswith('; write title = "x"')
    assert near.startswith('policies[0]: "requirement" is not a key that is known here; allowed are exclude-newer, ')
    assert near.endswith("; write requirements = [...]")
    assert force.startswith('policies[0]: "force" is not a key that is known here; allowed are exclude-newer, ')
    assert components == 'components: is missing; it must be given: components = ["..."]'
    assert pythons == 'pythons[0]: "py3" is not a Python such as 3.12'
    said = 'pythons: is missing; it must be given: pythons = ["3.12"]\n'
    said += 'policies: is missing; it must be given: policies = [{ policy = "newest" }]'
    assert refusal(tmp_path, 'title = "x"\ncomponents = ["alpha"]') == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "is not valid TOML: "),
        ('title = "x"', "components: is missing; it must be given"),
        (
            GOOD + 'policies = [{ policy = "newest" }]\ncolour = 1',
            '"colour" is not a key that is known here; allowed are also, artifacts, components, level, platform',
        ),
        (GOOD + "policies = []", "policies: is empty or too short; give at least 1"),
        (
            GOOD.replace('["3.12", "3.13"]', '["py3"]') + "policies = []",
            'pythons[0]: "py3" is not a Python such as 3.12',
        ),
        (GOOD.replace('"3.13"', '"3.12"') + "policies = []", "pythons: names a Python twice"),
        (
            GOOD.replace('"beta"', '"betta"') + 'policies = [{ policy = "newest" }]',
            'components: "betta" is not possible here; allowed are alpha, alphalib, beta, gamma',
        ),
        (
            GOOD.replace('"beta"', '"alpha"') + 'policies = [{ policy = "newest" }]',
            'components: names "alpha" twice; allowed is once',
        ),
        (GOOD + 'level = "deep"\npolicies = [{ policy = "newest" }]', "level: must be one of 'reserved', 'resolve', "),
    ],
)
def test_mistake_in_matrix(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).startswith(said)


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(UsageError, match="there is no such file; give a TOML file such as"):
        load_matrix(path, ROWS)


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_matrix(tmp_path, ROWS)


def test_policies_are_read(tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    path.write_text(
        GOOD
        + """
[[policies]]
policy = "as-of"
dates = [2026-09-20, "2026-09-21T06:00:00+02:00"]
[[policies]]
policy = "pins"
requirements = ["Alpha_X == 1.0", "beta [extra] >=2"]
exclude-newer = 2026-09-20
""",
        encoding="utf-8",
    )
    as_of, pins = load_matrix(path, ROWS).policies
    assert isinstance(as_of, AsOf)
    assert as_of.dates == (
        dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC),
        dt.datetime(2026, 9, 21, 4, 0, tzinfo=dt.UTC),
    )
    assert isinstance(pins, Pins)
    assert pins.requirements == ("alpha-x==1.0", "beta[extra]>=2")
    assert pins.exclude_newer == dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC)


MATRICES = Path(__file__).parents[3] / "matrices"


def test_a_matrix_knows_the_file_that_it_was_read_from() -> None:
    loaded = load_matrix(MATRICES / "quick.toml", load_components(MATRICES / "components.toml"))
    assert (loaded.name, loaded.source) == ("quick", MATRICES / "quick.toml")
    part = loaded.model_copy(update={"policies": loaded.policies[:1]})
    assert (part.name, part.source) == (loaded.name, loaded.source)
    assert not {"name", "source"} & loaded.model_dump().keys()


@pytest.mark.parametrize("key", ["name", "source"])
def test_a_file_cannot_say_what_it_is_called(tmp_path: Path, key: str) -> None:
    assert refusal(tmp_path, f'{key} = "x"\n{GOOD}').startswith(f'"{key}" is not a key that is known here')


@pytest.mark.parametrize("name", ["quick", "nightly", "stack", "applications", "accelerators"])
def test_own_matrices_load(name: str) -> None:
    rows = load_components(MATRICES / "components.toml")
    assert load_matrix(MATRICES / f"{name}.toml", rows).title


SERIES = '[[policies]]\npolicy = "series"\ncomponent = "{}"\nreleases = {{ last = {} }}\n'
PROMISE = '[[promises]]\nartifact = "a"\ncomponent = "{}"\nbackward-days = {}\nforward-days = 1\n'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (SERIES.format("alphalib", 1), "policies[0].component"),
        (SERIES.format("alpha", 0), "policies[0].releases.last"),
        (SERIES.format("alpha", 1) + PROMISE.format("gamma", 1), "promises[0].component"),
        (SERIES.format("alpha", 1) + PROMISE.format("alpha", -1), "promises[0].backward-days"),
    ],
)
def test_mistakes_in_a_matrix_of_crossings(tmp_path: Path, text: str, key: str) -> None:
    assert refusal(tmp_path, GOOD + text).startswith(key)


def test_a_group_stands_for_its_components(tmp_path: Path) -> None:
    near = tuple(row.model_copy(update={"group": "near"}) if row.name != "alpha" else row for row in ROWS.components)
    path = tmp_path / "made.toml"
    path.write_text(
        GOOD.replace('"alphalib", "beta"', '"group:near"') + '[[policies]]\npolicy = "newest"\neach = ["group:near"]\n'
    )
    matrix = load_matrix(path, ROWS.model_copy(update={"components": near}))
    assert matrix.components == ("alpha", "alphalib", "beta", "gamma")
    assert isinstance(matrix.policies[0], Newest)
    assert matrix.policies[0].each == ("alphalib", "beta", "gamma")


@pytest.mark.parametrize(
    "table",
    [Matrix, Promise, *get_args(get_args(Policy)[0]), Component, Module, CompilerCache, Library, Unswept, Wrappers],
)
def test_the_page_about_matrices_has_every_key(table: type[Table]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "matrices.md").read_text(encoding="utf-8")
    told = re.findall(r"[\w-]+", " ".join(re.findall(r"`[^`\n]+`|^    .*", page, re.MULTILINE)))
    keys = {(field.alias or name).replace("_", "-") for name, field in table.model_fields.items()}
    assert not keys - set(told)


def test_the_page_about_tests_of_releases_has_every_key() -> None:
    page = (Path(__file__).parents[3] / "docs" / "upstream.md").read_text(encoding="utf-8")
    assert not Upstream.model_fields.keys() - set(re.findall(r"\w+", page))
