"""How uv's refusals are read. The refusals below are uv's own words."""

from __future__ import annotations

import pytest

from stackcompat.plan.cell import Cell
from stackcompat.resolve.uv_refusal import read_refusal, unreadable_requirement


def cell(*requirements: str, **more: object) -> Cell:
    fields = {"python": "3.12", "platform": "linux-x86_64", "requirements": requirements}
    return Cell.model_validate(fields | more)


def refusal(*lines: str, hint: str = "") -> str:
    """What uv writes when nothing fits: a heading, the reasons, and perhaps a hint."""
    cause = "\n         ".join(lines)
    return f"error: No solution found when resolving dependencies\n  cause: {cause}\n" + (
        f"\nhint: {hint}\n" if hint else ""
    )


BOUNDS = [
    pytest.param(
        ("alpha==1.0", "beta==2.0"),
        refusal(
            "Because beta==2.0 depends on alpha>=2 and you require alpha==1.0, we can conclude that your requirements"
            " and beta==2.0 are incompatible.",
            "And because you require beta==2.0, we can conclude that your requirements are unsatisfiable.",
        ),
        "beta==2.0 depends on alpha>=2, but alpha==1.0 is requested",
        id="a bound against a request",
    ),
    pytest.param(
        ("alpha==3.0", "gamma"),
        refusal(
            "Because all versions of gamma depend on alpha<2 and you require alpha==3.0, we can conclude that your"
            " requirements and all versions of gamma are incompatible.",
            "And because you require gamma, we can conclude that your requirements are unsatisfiable.",
        ),
        "gamma depends on alpha<2, but alpha==3.0 is requested",
        id="whatever the release",
    ),
    pytest.param(
        ("beta==2.1", "gamma"),
        refusal(
            "Because all versions of gamma depend on alpha<2 and beta>=2.1 depends on alpha>=2.1,<4, we can conclude"
            " that beta>=2.1 and all versions of gamma are incompatible.",
            "And because you require beta==2.1 and gamma, we can conclude that your requirements are unsatisfiable.",
        ),
        "gamma depends on alpha<2, but beta>=2.1 depends on alpha>=2.1,<4",
        id="a bound against a bound",
    ),
    pytest.param(
        ("delta", "beta==1.0"),
        refusal(
            "Because all versions of eps[extra] depend on alpha>=3 and all versions of delta depend on eps[extra]==1.0,"
            " we can conclude that all versions of delta depend on alpha>=3.",
            "And because beta<=1.0 depends on alpha<2, we can conclude that beta<=1.0 and all versions of delta are"
            " incompatible.",
            "And because you require delta and beta==1.0, we can conclude that your requirements are unsatisfiable.",
        ),
        "eps[extra] depends on alpha>=3, but beta<=1.0 depends on alpha<2",
        id="a conclusion is no bound",
    ),
    pytest.param(
        ("flax==0.12.5", "optax==0.2.8", "jax==0.5.0"),
        refusal(
            "Because flax==0.12.5 depends on optax==0.2.6 and you require flax==0.12.5, we can conclude that you"
            " require optax==0.2.6.",
            "And because you require optax==0.2.8, we can conclude that your requirements are unsatisfiable.",
        ),
        "flax==0.12.5 depends on optax==0.2.6, but optax==0.2.8 is requested",
        id="a concluded request is no request",
    ),
    pytest.param(
        ("alpha==1.0", "alpha==2.0"),
        refusal(
            "Because you require alpha==1.0 and alpha==2.0, we can conclude that your requirements are unsatisfiable."
        ),
        "Because you require alpha==1.0 and alpha==2.0.",
        id="uv's own words where there is no bound",
    ),
]


@pytest.mark.parametrize(("requirements", "words", "sentence"), BOUNDS)
def test_a_conflict_of_bounds_in_one_sentence(requirements: tuple[str, ...], words: str, sentence: str) -> None:
    found = read_refusal(words, cell(*requirements))
    assert found.outcome == "conflict"
    assert found.conflict is not None
    assert (found.conflict.kind, found.conflict.sentence) == ("bounds", sentence)


def test_the_chain_holds_every_premise_and_no_conclusion() -> None:
    found = read_refusal(str(BOUNDS[3].values[1]), cell("delta", "beta==1.0"))
    assert found.conflict is not None
    assert found.conflict.chain == (
        "eps[extra] depends on alpha>=3",
        "delta depends on eps[extra]==1.0",
        "beta<=1.0 depends on alpha<2",
        "delta is requested",
        "beta==1.0 is requested",
    )


def test_a_release_for_another_python() -> None:
    words = refusal(
        "Because the requested Python version (>=3.11) does not satisfy Python>=3.12 and jax==0.11.0 depends on"
        " Python>=3.12, we can conclude that jax==0.11.0 cannot be used.",
        "And because you require jax==0.11.0, we can conclude that your requirements are unsatisfiable.",
        hint="The `--python-version` value (>=3.11) includes Python versions that are not supported by your"
        " dependencies (e.g., jax==0.11.0 only supports >=3.12). Consider using a higher `--python-version` value.",
    )
    found = read_refusal(words, cell("jax==0.11.0", python="3.11")).conflict
    assert found is not None
    assert found.kind == "python"
    assert found.sentence == "jax==0.11.0 requires Python >=3.12, and this cell has Python 3.11"


def test_no_wheel_for_this_python() -> None:
    words = refusal(
        "Because jaxlib==0.4.20 has no wheels with a matching Python ABI tag (e.g., `cp313`) and you require"
        " jaxlib==0.4.20, we can conclude that your requirements are unsatisfiable.",
        hint="You require CPython 3.13 (`cp313`), but we only found wheels for `jaxlib` (v0.4.20) with the following"
        " Python ABI tags: `cp39`, `cp310`, `cp311`, `cp312`",
    )
    found = read_refusal(words, cell("jaxlib==0.4.20", python="3.13")).conflict
    assert found is not None
    assert found.kind == "no-wheel-for-python"
    assert found.sentence == "jaxlib==0.4.20 has no wheel for Python 3.13 (it has cp39, cp310, cp311, cp312)"


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        ("Because mac==1.0 has no usable wheels and you require mac==1.0, we can conclude that x.", "mac==1.0"),
        ("Because mac==1.0 has no usable wheels and only mac==1.0 is available, we can conclude that x.", "mac==1.0"),
        # A range of old releases does not decide: the others exclude each other.
        ("Because mac<=0.3 has no usable wheels and mac==1.0 depends on sea<2 and you require sea==2, x.", ""),
    ],
)
def test_sources_alone_are_no_conflict(cause: str, outcome: str) -> None:
    found = read_refusal(
        f"error: No solution found when resolving dependencies\n  cause: {cause}", cell("mac", "sea==2")
    )
    if outcome:
        sentence = f"{outcome} has no wheel for Python 3.12 here, and sources are built only with --build"
        assert (found.outcome, found.detail) == ("no-wheel-for-platform", sentence)
    else:
        assert found.outcome == "conflict"


def test_a_dependency_of_sources_alone_is_no_conflict() -> None:
    """gym has no wheel at all: brax 0.12.1 was called unresolvable, with no word of --build."""
    start = "No solution found when resolving dependencies\n  cause: Because all versions of gym have no usable wheels"
    found = read_refusal(f"{start} and mac==1.0 depends on gym. And because you require mac==1.0, x.", cell("mac==1.0"))
    assert (found.outcome, found.detail) == (
        "no-wheel-for-platform",
        "no release of gym has a wheel for Python 3.12 here, and sources are built only with --build",
    )
    between = "all versions of air depend on gym. And because all versions of mac depend on air and you require mac"
    deeper = read_refusal(f"{start} and {between}, we can conclude that x.", cell("mac"))
    assert (deeper.outcome, deeper.detail) == (found.outcome, found.detail)
    some = read_refusal(f"{start} and air<2 depends on gym and all versions of mac depend on air, x.", cell("mac"))
    assert some.outcome == "conflict"
    other = read_refusal(f"{start} and mac<2 depends on gym and mac>=2 depends on sea<2 and x.", cell("mac", "sea==2"))
    assert other.outcome == "conflict"


def test_no_wheel_for_this_platform_is_no_conflict() -> None:
    words = refusal(
        "Because mac==1.0 has no wheels with a matching platform tag (e.g., `manylinux_2_36_x86_64`) and only mac==1.0"
        " is available, we can conclude that all versions of mac cannot be used.",
        "And because you require mac, we can conclude that your requirements are unsatisfiable.",
    )
    found = read_refusal(words, cell("mac"))
    assert (found.outcome, found.conflict) == ("no-wheel-for-platform", None)
    assert found.detail == "mac==1.0 has no wheel for linux-x86_64"


@pytest.mark.parametrize(
    ("cause", "missing"),
    [
        ("Because there is no version of alpha==9 and you require alpha==9, we can conclude that x.", "alpha==9"),
        ("Because there are no versions of late and you require late, we can conclude that x.", "late"),
        ("Because nosuch was not found in the package registry and you require nosuch, we can conclude x.", "nosuch"),
    ],
)
def test_what_the_index_does_not_have(cause: str, missing: str) -> None:
    found = read_refusal(refusal(cause), cell(missing)).conflict
    assert found is not None
    assert (found.kind, found.sentence) == ("not-found", f"the index has no {missing} that this cell may take")


@pytest.mark.parametrize(
    "words",
    [
        "error: Failed to fetch: `https://me:secret@host.example/simple/`\n  cause: error sending request for url",
        "error: Failed to fetch: `https://host.example/simple/alpha/`\n  cause: operation timed out",
        refusal("Because alpha was not found in the cache and you require alpha, we can conclude that x.")
        + "hint: Packages were unavailable because the network was disabled: network connectivity is disabled",
    ],
)
def test_an_index_that_does_not_answer_is_no_conflict(words: str) -> None:
    found = read_refusal(words, cell("alpha"))
    assert (found.outcome, found.conflict) == ("index-unreachable", None)
    assert "host.example" not in found.detail
    assert "secret" not in found.detail


def test_anything_else_is_a_failure_with_its_words() -> None:
    found = read_refusal("error: something new\n", cell("alpha"))
    assert (found.outcome, found.detail) == ("failed", "error: something new")


@pytest.mark.parametrize("file", ["requirements.in", "overrides.txt"])
def test_a_requirement_that_cannot_be_read_is_named(file: str) -> None:
    words = (
        f"error: Couldn't parse requirement in `{file}` at position 0\n"
        "  cause: after parsing `1.0`, found `-foo`, which is not part of a valid version\n"
        "         alpha===1.0-foo\n"
        "              ^^^^^^^^^^\n"
    )
    assert unreadable_requirement(words) == (
        '"alpha===1.0-foo" is not a requirement that an installer can read: '
        "after parsing `1.0`, found `-foo`, which is not part of a valid version"
    )
    assert unreadable_requirement("error: No solution found when resolving dependencies") == ""
