from __future__ import annotations

from stackcompat.evidence.results import TestResult
from stackcompat.verdict.attribution import attribute_failure
from support.made_up import COMPONENTS, failed

HERE = {"alpha", "alpha-native", "beta", "gamma", "delta", "epsilon", "zeta"}


def suspects(kind: str, message: str, packages: tuple[str, ...], *uses: str) -> tuple[set[str], bool]:
    found = attribute_failure(red_of(kind, message, packages, *uses), HERE, COMPONENTS)
    return set(found.components), found.sure


def red_of(kind: str, message: str, packages: tuple[str, ...], *uses: str) -> TestResult:
    return failed("t", *uses, type=kind, message=message, packages=packages)


def test_a_missing_attribute_points_at_its_module_and_the_caller() -> None:
    message = "module 'alpha.experimental.boxes' has no attribute 'MutableBox'"
    assert suspects("AttributeError", message, ("gamma", "beta"), "gamma") == ({"alpha", "beta"}, True)


def test_an_import_of_a_missing_name_points_at_its_module_and_the_caller() -> None:
    message = "cannot import name 'xla_map' from 'alpha.interpreters' (…/alpha/interpreters.py)"
    assert suspects("ImportError", message, ("epsilon",), "epsilon") == ({"alpha", "epsilon"}, True)
    assert suspects("ModuleNotFoundError", "No module named 'alpha.maps'", ("beta",), "beta") == (
        {"alpha", "beta"},
        True,
    )


def test_a_name_that_a_module_says_it_dropped_points_at_the_caller() -> None:
    message = "alpha.interpreters.xla.type_mappings was deprecated in 1.1 and removed in 1.3."
    assert suspects("AttributeError", message, ("zeta", "beta", "alpha"), "zeta") == ({"alpha", "beta"}, True)


def test_a_module_that_answers_for_its_own_names_is_asked_by_its_caller() -> None:
    message = "module 'alpha' has no attribute 'tree_map'"
    red = red_of("AttributeError", message, ("zeta", "beta", "alpha"), "zeta")
    assert red.failure is not None
    for where, said in (("alpha/deprecations.py:getattr", {"alpha", "beta"}), ("alpha/core.py:trace", {"alpha"})):
        failure = red.failure.model_copy(update={"package": "alpha", "where": where})
        found = attribute_failure(red.model_copy(update={"failure": failure}), HERE, COMPONENTS)
        assert (set(found.components), found.sure) == (said, True)


def test_packages_of_one_namespace_are_distinguished() -> None:
    message = "module 'delta.checkpoint.handlers' has no attribute 'Arrays'"
    assert suspects("AttributeError", message, ("beta",), "beta") == ({"beta", "delta"}, True)
    message = "module 'delta.export' has no attribute 'Arrays'"  # which is no component
    assert suspects("AttributeError", message, ("beta",), "beta") == ({"beta"}, True)


def test_a_name_missing_from_a_third_party_points_at_the_caller_alone() -> None:
    message = "module 'numbers' has no attribute 'trapz'. Did you mean: 'trace'?"
    assert suspects("AttributeError", message, ("beta",), "alpha", "beta") == ({"beta"}, True)


def test_the_type_of_an_object_is_not_to_blame_for_who_passed_it() -> None:
    message = "'alpha._native.Array' object has no attribute 'get_raw_value'"
    assert suspects("AttributeError", message, ("zeta",), "alpha", "beta", "zeta") == ({"alpha", "beta", "zeta"}, False)


def test_a_circular_import_points_at_everybody_involved() -> None:
    message = "cannot import name 'x' from partially initialized module 'beta.core'"
    assert suspects("ImportError", message, ("beta",), "beta", "gamma", "alpha")[1] is False


def test_a_failure_between_two_points_at_both() -> None:
    assert suspects("TypeError", "bad argument", ("beta", "alpha"), "beta") == ({"alpha", "beta"}, True)
    assert suspects("AssertionError", "0.7 > 0.5", (), "alpha", "beta") == ({"alpha", "beta"}, True)


def test_a_failure_among_three_is_unsure() -> None:
    found = attribute_failure(red_of("TypeError", "bad", ("beta", "alpha"), "gamma", "beta"), HERE, COMPONENTS)
    assert found.components == {"alpha", "beta", "gamma"}
    assert not found.sure
    assert found.traced == ("beta", "alpha")


def test_an_error_out_of_a_third_party_is_unsure() -> None:
    assert suspects("NotImplementedError", "mkdir", ("beta", "paths"), "beta", "alpha") == ({"alpha", "beta"}, False)


def test_any_distribution_of_a_component_stands_for_it() -> None:
    assert suspects("TypeError", "bad", ("beta-extras", "alpha"), "alpha") == ({"alpha", "beta"}, True)


def test_a_leader_stands_for_the_component_that_moves_with_it() -> None:
    assert suspects("TypeError", "bad", ("beta", "alpha-native"), "alpha", "alpha-native", "beta") == (
        {"alpha", "beta"},
        True,
    )
    message = "cannot import name 'Array' from 'alpha_native.arrays'"
    assert suspects("ImportError", message, ("beta",), "beta") == ({"alpha", "beta"}, True)
    assert suspects("ImportError", message, ("alpha",), "beta") == ({"alpha", "alpha-native"}, True)


def test_a_lone_suspect_and_another_that_the_message_names() -> None:
    assert suspects("RuntimeError", "gamma 0.9 is too old", ("beta",), "beta") == ({"beta", "gamma"}, False)
    assert suspects("RuntimeError", "gamma or zeta is too old", ("beta",), "beta") == ({"beta"}, True)
    assert suspects("RuntimeError", "something is too old", ("beta",), "beta") == ({"beta"}, True)


def test_what_is_not_installed_is_no_suspect() -> None:
    found = attribute_failure(
        red_of("ModuleNotFoundError", "No module named 'beta'", ("delta-checkpoint",)), {"delta"}, COMPONENTS
    )
    assert found.components == {"delta"}


def test_a_test_without_a_failure_record_points_at_what_it_uses() -> None:
    test = TestResult(test="t", level="interop", components=("alpha", "beta"), outcome="crashed", reason="signal 11")
    assert attribute_failure(test, HERE, COMPONENTS).components == {"alpha", "beta"}
