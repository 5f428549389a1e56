from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from stackcompat.core.dates import parse_date
from stackcompat.core.record import Record, UsageError
from stackcompat.core.requirements import only_version, parse_requirement
from stackcompat.core.toml import load_record
from stackcompat.ecosystem.components import load_components
from stackcompat.plan.matrix import AsOf, Pins, load_matrix
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
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            'policy = "newest"\nfoo = 1',
            'policies[0]: "foo" is not a key that is known here; allowed are label, overrides, policy, pythons',
        ),
        ('policy = "newst"', "policies[0].policy: must be one of newest, as-of, oldest, pins, metapackage, pairs, "),
        ('label = "x"', "policies[0].policy: must be one of newest, as-of, "),
        (
            'policy = "prerelease"\ncomponents = ["delta"]',
            'policies[0].components: "delta" is not possible here; allowed are alpha, alphalib, beta',
        ),
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
    assert refusal(tmp_path, f"{GOOD}\n[[policies]]\n{policy}\n").startswith(said)


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
            'pythons: "py3" is not a Python such as "3.12"',
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


ROW = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "does alpha"
group = "core"
distributions = ["Alpha_Dist"]
documentation = "https://alpha.example"
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ROW + "colour = 1",
            'components[0]: "colour" is not a key that is known here; allowed are blocker, ',
        ),
        (ROW.replace('"core"', '"kernel"'), "components[0].group: must be one of 'core', 'infrastructure', "),
        (ROW.replace('title = "Alpha"', ""), "components[0].title: is missing; it must be given"),
        (ROW + ROW, 'components[0].name: "alpha" stands twice; each component is listed once'),
        (
            ROW + 'tests = ["test_kernel.py::*"]',
            "components[0].tests: allowed only for a part of what another component",
        ),
        (ROW + 'moves-with = "beta"', 'components[0].moves-with: "beta" cannot lead; allowed are '),
        (
            ROW + 'modules = [{ name = "alpha", versions = "1.0" }]',
            'components[0].modules[0].versions: "1.0" is not a version specifier such as ">=0.12,<0.13"',
        ),
        (
            ROW + 'modules = [{ nme = "alpha" }]',
            'components[0].modules[0]: "nme" is not a key that is known here; allowed are name, requires, versions',
        ),
    ],
)
def test_mistake_in_components(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "components.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_components(path)
    assert str(caught.value).startswith(f"{path}: {said}")


def test_components_by_name_and_distribution(tmp_path: Path) -> None:
    path = tmp_path / "components.toml"
    path.write_text(ROW, encoding="utf-8")
    rows = load_components(path)
    assert rows["alpha"].distribution == "alpha-dist"
    assert rows.of_distribution("alpha-dist") is rows["alpha"]
    assert rows.of_distribution("beta") is None
    with pytest.raises(KeyError):
        rows["beta"]


def test_unknown_key_in_plain_record(tmp_path: Path) -> None:
    class Plain(Record):
        first: int

    path = tmp_path / "plain.toml"
    path.write_text("first = 1\nsecond = 2", encoding="utf-8")
    with pytest.raises(UsageError, match="second: is not a key that is known here"):
        load_record(path, Plain)


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


def test_naive_time_is_utc() -> None:
    assert parse_date("2026-09-20T12:00:00") == dt.datetime(2026, 9, 20, 12, tzinfo=dt.UTC)


def test_today_is_allowed_to_its_end() -> None:
    today = dt.datetime.now(dt.UTC).date()
    assert parse_date(today) == dt.datetime.combine(today, dt.time(23, 59, 59), dt.UTC)


def test_requirement_name_is_normalised() -> None:
    assert str(parse_requirement("Some.Thing~=1.2")) == "some-thing~=1.2"


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


def test_own_components_without_tests_say_why() -> None:
    rows = load_components(MATRICES / "components.toml")
    core = {"jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "qwix"}
    assert {row.name for row in rows.components if not row.untested} >= core
    stack = {
        "pallas",
        "tokamax",
        "xprof",
        "pathways",
        "tunix",
        "maxtext",
        "maxdiffusion",
        "vllm-tpu",
        "neptune",
        "jax-ai-stack",
    }
    assert set(rows.names()) >= core | stack | {"orbax-export"}


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


def test_every_component_of_the_project_says_how_much_its_tests_may_take() -> None:
    components = load_components(MATRICES / "components.toml").components
    unsaid = [row.name for row in components if not {"seconds", "memory_mb"} <= row.model_fields_set]
    assert unsaid == []
    assert min(row.memory_mb or 0 for row in components) >= 4096


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("alpha==1.0", "1.0"),
        ("alpha[more]==1.0", "1.0"),
        ("alpha==1.0,<2", "1.0"),
        ("alpha", ""),
        ("alpha==1.*", ""),
        ("alpha>=1.0", ""),
        ("alpha==1.0,==1.1", ""),
    ],
)
def test_the_one_version_that_a_requirement_allows(text: str, version: str) -> None:
    assert only_version(Requirement(text)) == version
