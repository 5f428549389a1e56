"""The components file is read, and its mistakes are named."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components, load_components, versions_of
from stackcompat.run.inside.causes import cause_line
from support.made_up import COMPONENTS, make_lock

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import WrapperWords

MATRICES = Path(__file__).parents[3] / "matrices"


ROW = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "does alpha"
group = "core"
distributions = ["Alpha_Dist"]
documentation = "https://alpha.example"
"""


def test_a_group_is_in_the_words_of_the_ecosystem(tmp_path: Path) -> None:
    path = tmp_path / "components.toml"
    path.write_text(ROW.replace('"core"', '"kernels"'), encoding="utf-8")
    (component,) = load_components(path).components
    assert component.group == "kernels"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ROW + "colour = 1",
            'components[0]: "colour" is not a key that is known here; allowed are also-as, blocker, ',
        ),
        (ROW.replace('"core"', '""'), "components[0].group: is empty or too short; give at least 1"),
        (ROW.replace('"Alpha"', '""'), "components[0].title: is empty or too short; give at least 1"),
        ('[[components]]\ntitle = "Alpha"', 'components[0].name: is missing; it must be given: distribution = "..."'),
        (ROW + 'distribution = "alpha"', 'components[0]: takes either distribution = "..." or distributions = [...]'),
        ("[[components]]\ndistribution = 3", "components[0].distributions[0]: should be a valid string"),
        ("components = [3]", "components[0]: should be a valid dictionary or instance of Component"),
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
            ROW + '[wrappers]\nlines = ["(see above"]',
            'wrappers.lines: "(see above" is no regular expression: ',
        ),
        (
            ROW + 'modules = [{ nme = "alpha" }]',
            'components[0].modules[0]: "nme" is not a key that is known here; allowed are environment, name, ',
        ),
        (
            ROW + 'compiler-cache = { keyed-by = ["alpha-dist"], environment = { A_CACHE = "/cache" } }',
            "components[0].compiler-cache.environment: no variable names the folder; one must hold {folder}, ",
        ),
        (
            ROW + 'compiler-cache = { keyed-by = ["beta"], environment = { A_CACHE = "{folder}" } }',
            'components[0].compiler-cache.keyed-by: "alpha-dist" is missing; the compiler itself decides what it makes',
        ),
        (
            ROW + 'compiler-cache = { keyed-by = [], environment = { A_CACHE = "{folder}" } }',
            "components[0].compiler-cache.keyed-by: is empty or too short; give at least 1",
        ),
        (
            ROW + 'compiler-cache = { folder = "x" }',
            'components[0].compiler-cache: "folder" is not a key that is known here; allowed are environment, ',
        ),
    ],
)
def test_mistake_in_components(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "components.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_components(path)
    assert str(caught.value).startswith(f"{path}: {said}")


def test_a_distribution_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "components.toml"
    path.write_text(
        '[[components]]\ndistribution = "Alpha_Dist"\n\n[[components]]\nname = "beta"\npublished = "git only"\n'
    )
    alpha, beta = load_components(path).components
    assert (alpha.name, alpha.title, alpha.distributions) == ("alpha-dist", "Alpha_Dist", ("alpha-dist",))
    assert (alpha.summary, alpha.documentation, alpha.group, alpha.modules) == ("", "", "components", ())
    assert (beta.name, beta.title, beta.distributions) == ("beta", "beta", ())


def test_all_mistakes_of_the_components_are_told(tmp_path: Path) -> None:
    path = tmp_path / "components.toml"
    path.write_text('[[components]]\ntitle = "A"\n[[components]]\ndistribution = "beta"\nmodulez = []\n[[libraries]]\n')
    with pytest.raises(UsageError) as caught:
        load_components(path)
    unknown, *missing = (line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines())
    assert unknown.startswith('components[1]: "modulez" is not a key that is known here; allowed are also-as, block')
    assert "distribution, distributions" in unknown
    assert unknown.endswith("; write modules = [...]")
    assert missing == [
        'components[0].name: is missing; it must be given: distribution = "..."',
        'libraries[0].distribution: is missing; it must be given: distribution = "..."',
        "libraries[0].modules: is missing; it must be given: modules = [{ ... }]",
    ]


def test_the_cache_of_a_compiler(tmp_path: Path) -> None:
    path = tmp_path / "components.toml"
    cache = 'compiler-cache = { keyed-by = ["Alpha_Dist"], environment = { A_CACHE = "{folder}/a", A_SMALL = "1" } }'
    path.write_text(ROW + cache, encoding="utf-8")
    rows = load_components(path)
    (found,) = rows.compiler_caches({"alpha-dist", "beta"}).items()
    assert found == ("alpha-dist", rows["alpha"].compiler_cache)
    assert found[1].keyed_by == ("alpha-dist",)
    assert found[1].variables(Path("/job")) == {"A_CACHE": "/job/a", "A_SMALL": "1"}
    assert rows.compiler_caches({"beta"}) == {}


def test_components_by_name_and_distribution(tmp_path: Path) -> None:
    path = tmp_path / "components.toml"
    path.write_text(ROW, encoding="utf-8")
    rows = load_components(path)
    assert rows["alpha"].distribution == "alpha-dist"
    assert rows.of_distribution("alpha-dist") is rows["alpha"]
    assert rows.of_distribution("beta") is None
    with pytest.raises(KeyError):
        rows["beta"]


def test_code_that_looks_through_all_distributions_is_named_with_what_it_looks_for(tmp_path: Path) -> None:
    path = tmp_path / "components.toml"
    path.write_text(ROW + '[looks-for]\n"alpha.backends" = ["alpha-*-plugin"]\n')
    assert load_components(path).looks_for == {"alpha.backends": ("alpha-*-plugin",)}
    shipped = load_components(MATRICES / "components.toml").looks_for
    assert all(name == name.lower() and "_" not in name for names in shipped.values() for name in names)


def test_own_wrappers_are_those_of_the_stack() -> None:
    words = load_components(MATRICES / "components.toml").wrappers
    wrappers: WrapperWords = {"classes": list(words.classes), "lines": list(words.lines)}
    assert any(fnmatch.fnmatchcase("jax.errors.SimplifiedTraceback", pattern) for pattern in words.classes)
    assert any(fnmatch.fnmatchcase("grain.errors.SimplifiedTracebackError", pattern) for pattern in words.classes)
    graph = "Graph execution error:\n\nDetected at node Equal defined at (most recent call last):\n"
    graph += "<stack traces unavailable>\nIncompatible shapes: [2] vs. [3]\n\t [[{{node Equal}}]] [Op:f]"
    assert cause_line(graph, wrappers) == "Incompatible shapes: [2] vs. [3]"
    hidden = "For simplicity, JAX has removed its internal frames from the traceback of the following exception."
    assert cause_line(f"{hidden}\nno box", wrappers) == "no box"
    assert cause_line("module 'jax' has no attribute 'Box'", wrappers) == "module 'jax' has no attribute 'Box'"


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


def test_every_component_of_the_project_says_how_much_its_tests_may_take() -> None:
    components = load_components(MATRICES / "components.toml").components
    unsaid = [row.name for row in components if not {"seconds", "memory_mb"} <= row.model_fields_set]
    assert unsaid == []
    assert min(row.memory_mb or 0 for row in components) >= 4096


def test_versions_of_a_cell_are_those_of_each_components_first_distribution() -> None:
    installed = make_lock({"alpha": "1.3", "beta": "2.4"}).versions()
    assert versions_of(installed, COMPONENTS) == {"alpha": "1.3", "alpha-native": "1.3", "beta": "2.4"}
    assert "numbers" in installed


STAND_INS = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "does alpha"
group = "core"
distributions = ["alpha"]
also-as = ["Alpha_Nightly"]
modules = [
    { name = "alpha" },
    { name = "alpha.new", versions = ">=2" },
    { name = "alpha.export", optional = true, requires = ["glue"], environment = { END = "x" } },
]
documentation = "https://alpha.example"

[[libraries]]
distribution = "Flow"
also-as = ["flow-cpu", "flow-gpu"]
modules = [{ name = "flow" }]
"""


@pytest.fixture
def with_stand_ins(tmp_path: Path) -> Components:
    path = tmp_path / "components.toml"
    path.write_text(STAND_INS, encoding="utf-8")
    return load_components(path)


@pytest.mark.parametrize(
    ("installed", "roots", "expected"),
    [
        ({"alpha": "1"}, ["alpha"], ["alpha alpha", "alpha alpha.export"]),
        ({"alpha": "2"}, [], ["alpha alpha", "alpha alpha.new", "alpha alpha.export"]),
        ({"alpha-nightly": "1"}, [], ["alpha-nightly alpha", "alpha-nightly alpha.export"]),
        ({"alpha-nightly": "2", "alpha": "1"}, [], ["alpha alpha", "alpha alpha.export"]),
        ({"flow-cpu": "1", "flow-gpu": "1"}, ["flow-gpu"], ["flow-gpu flow"]),
        ({"flow": "1", "flow-cpu": "1"}, ["flow", "flow-cpu"], ["flow flow"]),
        ({"flow-cpu": "1"}, [], []),
    ],
)
def test_a_stand_in_must_have_the_modules_of_what_it_stands_in_for(
    with_stand_ins: Components, installed: dict[str, str], roots: list[str], expected: list[str]
) -> None:
    imports = with_stand_ins.imports(installed, roots)
    assert [f"{entry.distribution} {entry.module}" for entry in imports] == expected
    assert with_stand_ins.guesses(installed, [*roots, "other"]) == ()


def test_how_a_module_is_imported_is_data(with_stand_ins: Components) -> None:
    *_, last = with_stand_ins.imports({"alpha": "1"}, ())
    assert (last.requires, last.optional, last.environment) == (("glue",), True, {"END": "x"})


def test_tests_can_use_what_is_installed_and_what_that_stands_in_for(with_stand_ins: Components) -> None:
    installed = frozenset({"flow-cpu", "alpha", "numbers"})
    assert with_stand_ins.usable(installed, ["flow-cpu", "alpha"]) == installed | {"flow"}
    assert with_stand_ins.modules(installed, ["flow-cpu", "alpha"]) == {"flow": (("flow", ""),)}
    assert with_stand_ins.modules(["alpha"], ["alpha"]) == {}


def test_a_root_that_nobody_lists_can_stand_in_for_anything(with_stand_ins: Components) -> None:
    installed = frozenset({"a-fork", "flow"})
    assert with_stand_ins.usable(installed, ["a-fork"]) is None
    assert with_stand_ins.modules(installed, ["a-fork"]) == {"alpha": (("alpha", ""), ("alpha.new", ">=2"))}
    # What comes along with others is no such root, nor is one that is not installed on this platform.
    assert with_stand_ins.usable(installed, ["flow"]) == installed
    assert with_stand_ins.usable(installed, ["flow", "absent"]) == installed


def test_a_missing_module_is_a_distribution_to_install() -> None:
    distributions = load_components(MATRICES / "components.toml").distributions_of_modules()
    assert (distributions["absl"], distributions["jax"], distributions["tunix"]) == ("absl-py", "jax", "google-tunix")


@pytest.mark.parametrize("tensorflow", ["tensorflow", "tensorflow-cpu", "tf-nightly"])
def test_orbax_export_is_imported_beside_any_build_of_tensorflow(tensorflow: str) -> None:
    components = load_components(MATRICES / "components.toml")
    installed = {"orbax-export": "0.0.7", "jax": "0.7.1", "jaxlib": "0.7.1", tensorflow: "2.20.0"}
    modules = {entry.module: entry for entry in components.imports(installed, ["orbax-export", tensorflow])}
    assert modules["orbax.export"].requires == ("tensorflow",)
    assert modules["tensorflow"].distribution == tensorflow
    usable = components.usable(installed, ["orbax-export", tensorflow])
    assert usable is not None
    assert "tensorflow" in usable


def test_what_was_asked_for_is_swept_and_a_metapackage_stands_for_what_it_brings() -> None:
    left_out = {"distribution": "Beta", "modules": ["beta.server.*"], "reason": "is a server"}
    fields = {"title": "t", "summary": "s", "group": "core", "documentation": "d"}
    rows = [
        {"name": name, "distributions": [name], "metapackage": name == "stack", **fields}
        for name in ("alpha", "beta", "stack")
    ]
    read = Components.model_validate({"components": rows, "unswept": [left_out]})
    installed = {"alpha": "1", "beta": "1", "stack": "1", "other": "1", "beneath": "1"}
    names = [sweep.distribution for sweep in read.sweeps(installed, ["other", "alpha", "missing"])]
    assert names == ["alpha", "other"]
    (beta,) = read.sweeps(installed, ["beta"])
    assert beta.without == ("beta.server.*",)
    assert [sweep.distribution for sweep in read.sweeps(installed, ["stack"])] == ["alpha", "beta"]


def test_a_module_that_is_not_swept_has_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Components.model_validate({"components": [], "unswept": [{"distribution": "beta", "modules": ["beta"]}]})
