"""How deep each distribution in a cell was tried: the kind of claim that was too deep before."""

from __future__ import annotations

import pytest

from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.components import judge_components, judge_parts
from stackcompat.verdict.depth import Depth, by_level, names_in_words, short_of
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, blocked, component, failed, make_cell, not_applicable, passed, planned, run_of

THREE = {"alpha": "1.3", "beta": "2.4", "zeta": "0.9"}
IMPORTS = (
    passed("test_import.py::test_import[alpha]", "alpha", level="import"),
    passed("test_import.py::test_import[beta]", "beta", level="import"),
    passed("test_import.py::test_import[zeta]", "zeta", level="import"),
)
JOINT = passed("test_beta.py::test_train", "alpha", "beta")


def judged(
    *tests: TestResult,
    versions: dict[str, str] | None = None,
    components: Components | None = COMPONENTS,
    accompanying: tuple[str, ...] = (),
) -> CellVerdict:
    versions = THREE if versions is None else versions
    cell = planned(make_cell(versions, accompanying=accompanying), versions)
    red = tuple(test for test in tests if test.outcome == "failed")
    runs = (run_of(cell, *tests), *([run_of(cell, *red, attempt=1)] if red else []))
    return judge(cell, runs, components)


def test_a_cell_is_as_deep_as_its_shallowest_requirement() -> None:
    """`try brax jax flax` was a tick at interop though nothing but the import of brax was tried."""
    verdict = judged(*IMPORTS, JOINT)
    assert (verdict.verdict, verdict.level, verdict.reached) == ("works", "import", "import")
    assert verdict.sentence == (
        "zeta was imported, nothing else of it was tried; alpha and beta up to interop, 3 tests"
    )
    assert verdict.asked == ("alpha", "beta", "zeta")
    assert verdict.components == {
        "alpha": Depth(level="interop", tests=2, together_with=("beta",)),
        "alpha-native": Depth(level="interop", tests=2, together_with=("beta",)),  # it moves with alpha
        "beta": Depth(level="interop", tests=2, together_with=("alpha",)),
        "zeta": Depth(level="import", tests=1),
    }


def test_where_all_are_equally_deep_the_tests_are_counted() -> None:
    verdict = judged(*IMPORTS, JOINT, passed("test_zeta.py::test_quantise", "alpha", "zeta"))
    assert (verdict.level, verdict.sentence) == ("interop", "5 tests passed")


def test_imports_alone_are_called_that() -> None:
    verdict = judged(*IMPORTS)
    assert (verdict.verdict, verdict.level) == ("works", "import")
    assert verdict.sentence == "alpha, beta and zeta were imported, nothing else of them was tried"


def test_what_was_tried_and_did_not_pass_is_not_called_untried() -> None:
    """`try numpyro funsor` said that nothing else of funsor was tried, where the one feature that uses it fails."""
    feature = failed("test_zeta.py::test_draw", "zeta").model_copy(update={"feature": "drawing"})
    verdict = judged(*IMPORTS[1:], JOINT, feature, versions=THREE | {"epsilon": "3.1"})
    assert (verdict.verdict, verdict.level) == ("works", "install")
    assert verdict.sentence == (
        "epsilon was installed, nothing of it was tried; zeta was imported, nothing else of it passed; "
        "alpha and beta up to interop, 2 tests, all but drawing"
    )
    assert judged(*IMPORTS, feature).sentence == (
        "alpha and beta were imported, nothing else of them was tried; zeta was imported, nothing else of it passed, "
        "all but drawing"
    )


def test_three_levels_are_told_from_the_shallowest_on() -> None:
    verdict = judged(*IMPORTS[1:], JOINT, passed("z", "zeta", level="compile"), versions=THREE | {"epsilon": "3.1"})
    assert verdict.level == "install"
    assert verdict.sentence == (
        "epsilon was installed, nothing of it was tried; zeta up to compile, 2 tests; "
        "alpha and beta up to interop, 2 tests"
    )


def test_where_nothing_that_was_asked_for_was_tried_the_cell_is_untested() -> None:
    verdict = judged(passed("n", "numbers"), versions={"zeta": "0.9", "beta": "2.4"})
    assert (verdict.verdict, verdict.level) == ("untested", "install")
    assert verdict.sentence == "beta and zeta were installed, nothing of them was tried"


def test_a_requirement_that_is_no_component_counts_by_its_own_name() -> None:
    cell = make_cell({"alpha": "1.3"}).model_copy(update={"requirements": ("alpha==1.3", "numbers")})
    plan = planned(cell, {"alpha": "1.3"})
    grad = passed("test_alpha.py::test_grad", "alpha")
    imported = passed("test_import.py::test_import[numbers]", "numbers", level="import")
    verdict = judge(plan, (run_of(plan, grad, imported),), COMPONENTS)
    assert (verdict.level, verdict.asked) == ("import", ("alpha", "numbers"))
    assert verdict.components["numbers"] == Depth(level="import", tests=1)
    assert "protocols" not in verdict.components  # nobody asked for it
    assert judge(plan, (run_of(plan, grad),), COMPONENTS).sentence.startswith("numbers was installed, nothing of it")


@pytest.mark.parametrize("level", ["upstream"])
def test_a_release_s_own_tests_make_nothing_deeper(level: Level) -> None:
    own = passed("upstream/zeta/test_x.py::test_x", "zeta", level=level)
    verdict = judged(*IMPORTS, JOINT, own)
    assert verdict.level == "import"
    assert verdict.components["zeta"] == Depth(level="import", tests=1)
    assert judge_components(verdict, COMPONENTS)["zeta"] == ("works", "import")
    alone = judged(IMPORTS[0], JOINT, own)
    assert judge_components(alone, COMPONENTS)["zeta"] == ("untested", "install")
    assert verdict.has_own_tests
    assert not judged(*IMPORTS).has_own_tests


def test_what_did_not_pass_makes_nothing_deeper() -> None:
    verdict = judged(*IMPORTS, JOINT, not_applicable("z", "zeta"), blocked("z2", "zeta"), failed("z3", "zeta"))
    assert verdict.verdict == "broken"
    assert (verdict.level, verdict.reached) == ("interop", "import")
    assert verdict.components["zeta"] == Depth(level="import", tests=1)


def test_what_only_accompanies_does_not_count() -> None:
    verdict = judged(*IMPORTS, JOINT, accompanying=("zeta",))
    assert (verdict.level, verdict.asked) == ("interop", ("alpha", "beta"))
    assert verdict.components["zeta"].level == "import"  # it is told all the same
    assert judged(*IMPORTS, accompanying=tuple(THREE)).asked == ("alpha", "beta", "zeta")  # nothing else is asked for


def test_a_metapackage_stands_for_what_it_brings() -> None:
    rows = (*COMPONENTS.components, component("omega", metapackage=True))
    meta = Components(components=rows)
    cell = make_cell({}).model_copy(update={"requirements": ("omega",)})
    plan = planned(cell, {"alpha": "1.3", "beta": "2.4"})
    lock = plan.resolution.lock
    assert lock is not None
    omega = lock.pins[0].model_copy(update={"name": "omega"})
    locked = plan.resolution.model_copy(update={"lock": lock.model_copy(update={"pins": (*lock.pins, omega)})})
    plan = plan.model_copy(update={"resolution": locked})
    imported = passed("test_import.py::test_import[omega]", "omega", level="import")
    verdict = judge(plan, (run_of(plan, imported, JOINT),), meta)
    assert (verdict.verdict, verdict.level) == ("works", "interop")
    assert verdict.asked == ("alpha", "alpha-native", "beta")
    # Without knowing that it is one, its import is all that was tried of it.
    assert judge(plan, (run_of(plan, imported, JOINT),), COMPONENTS).level == "import"


def test_a_part_has_the_depth_of_its_own_tests() -> None:
    nets = component("nets", distributions=("beta",), modules=(), tests=("test_nets.py::*",))
    untried = component("layers", distributions=("beta",), modules=(), tests=("test_layers.py::*",))
    rows = Components(components=(*COMPONENTS.components, nets, untried))
    own = passed("test_nets.py::test_fit", "alpha", "beta", level="run")
    verdict = judged(*IMPORTS, JOINT, own, components=rows)
    assert verdict.components["nets"] == Depth(level="run", tests=1, together_with=("alpha",))
    assert verdict.components["beta"].level == "interop"
    assert "layers" not in verdict.components
    assert judge_parts(verdict, rows) == {"nets": ("works", "run")}


def test_the_row_of_a_component_has_its_own_depth() -> None:
    """A component that a test of others mentions nowhere is not as deep as they are."""
    verdicts = judge_components(judged(*IMPORTS, JOINT), COMPONENTS)
    assert verdicts == {
        "alpha": ("works", "interop"),
        "alpha-native": ("works", "interop"),
        "beta": ("works", "interop"),
        "zeta": ("works", "import"),
    }


def test_a_distribution_has_a_depth_without_components() -> None:
    verdict = judged(*IMPORTS, JOINT, components=None)
    assert verdict.level == "import"
    assert set(verdict.components) == {"alpha", "beta", "zeta"}


def test_what_did_not_get_as_deep_as_it_should() -> None:
    verdict = judged(*IMPORTS, JOINT)
    assert short_of("interop", verdict.components, verdict.asked) == ("zeta",)
    assert short_of("import", verdict.components, verdict.asked) == ()


def test_words() -> None:
    assert Depth(level="interop", tests=90, together_with=("flax", "optax")).words() == (
        "up to interop, 90 tests, together with flax and optax"
    )
    assert Depth(level="import", tests=1).words() == "up to import, 1 test"
    # Of a red cell too, in which its import was tried and failed.
    assert Depth(level="install", tests=0).words() == "installed, no test of it passed"
    names = list("abcdefgh")
    assert names_in_words(names) == "a, b, c, d, e, f and 2 more"
    assert names_in_words(names[:7]) == "a, b, c, d, e, f and g"
    depths = {"x": Depth(level="run", tests=1), "y": Depth(level="import", tests=1), "z": Depth(level="run", tests=2)}
    assert by_level(depths) == {"import": ["y"], "run": ["x", "z"]}
