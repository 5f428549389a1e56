"""Failures: which are the same, what they miss, and who owns a module."""

from __future__ import annotations

import pytest

from stackcompat.evidence.results import Failure
from stackcompat.verdict.signature import api_of, owner_of, same_failure
from support.made_up import COMPONENTS


def failure(message: str, type: str = "E", package: str = "beta", caller: str = "") -> Failure:  # noqa: A002
    return Failure(type=type, message=message, package=package, packages=(caller, package) if caller else ())


LACKS = "module 'alpha.core' has no attribute 'Box'"
GONE = "alpha.core.Box was removed in Alpha v0.6.0. Use alpha.extend.Box instead."
LONG_GONE = "alpha.core.Box was deprecated in Alpha v0.5.0 and removed in Alpha v0.6.0. Use alpha.extend.Box instead."


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (failure("no attribute 'Box'"), failure("no attribute 'Box'"), True),
        (failure("no attribute 'Box'"), failure("no attribute 'Bag'"), False),
        (failure("native 1.2.0 is newer than 1.1"), failure("native 1.2.0 is newer than 1.0.3"), True),
        (failure("the loss is 0.73"), failure("the loss is 0.8"), True),
        (failure("no 'trapz'. Did you mean: 'trace'?"), failure("no 'trapz'. Did you mean: 'trapezoid'?"), True),
        (failure("'alpha.boxes.Box' object has no lid"), failure("'Box' object has no lid"), True),
        (failure("'alpha.boxes.Box' object has no lid"), failure("'Bag' object has no lid"), False),
        (failure("a field:  1"), failure("a field: 1"), True),
        (failure("m"), failure("m", type="F"), False),
        (failure("m"), failure("m", package="gamma"), False),
        (failure(LACKS, package="alpha", caller="beta"), failure(GONE, package="alpha", caller="beta"), True),
        (failure(GONE, package="alpha", caller="beta"), failure(LONG_GONE, package="alpha", caller="beta"), True),
        (failure(LACKS, package="alpha", caller="beta"), failure(LACKS, package="beta", caller="gamma"), True),
        (failure(LACKS, package="alpha", caller="beta"), failure(GONE, package="alpha", caller="gamma"), False),
        (failure(LACKS), failure(f"{LACKS}. `alpha.Box` was an alias for `box`."), True),
        (failure(LACKS), failure(GONE.replace("Box", "Bag", 1)), False),
        (failure(LACKS), failure("alpha.core.Box was deprecated in Alpha v0.5.0."), False),
    ],
)
def test_same_failure(one: Failure, other: Failure, same: bool) -> None:
    assert same_failure(one, other) is same
    assert same_failure(other, one) is same


@pytest.mark.parametrize(
    ("module", "owner"),
    [
        ("alpha.experimental.boxes", "alpha"),
        ("alpha_native._core", "alpha-native"),
        ("beta.nets", "beta"),
        ("delta.checkpoint.handlers", "delta-checkpoint"),
        ("numbers.core", "numbers"),
        ("big.protocols.wire", "protocols"),
        ("typing_more", "typing-more"),
        ("nobody.knows", None),
        ("gamma.core", None),
    ],
)
def test_whose_module_it_is(module: str, owner: str | None) -> None:
    installed = ("alpha", "alpha-native", "beta", "delta-checkpoint", "numbers", "protocols", "typing-more")
    assert owner_of(module, installed, COMPONENTS) == owner


@pytest.mark.parametrize(
    ("message", "api"),
    [
        ("module 'a.b' has no attribute 'c'", ("a.b", "c")),
        ("cannot import name 'c' from 'a.b' (…/b.py)", ("a.b", "c")),
        ("No module named 'a.b'", ("a.b", "")),
        ("'Box' object has no attribute 'lid'", ("Box", "lid")),
        ("type object 'Box' has no attribute 'lid'", ("Box", "lid")),
        ("make() got an unexpected keyword argument 'kind'", ("make", "kind")),
        ("a.b.c was deprecated in A v0.5.0 and removed in A v0.7.0.", ("a.b", "c")),
        ("a.b.c  was deprecated in A v0.5.0 and removed in A v0.7.0.", ("a.b", "c")),
        ("the loss is too high", ("", "")),
    ],
)
def test_what_a_failure_misses(message: str, api: tuple[str, str]) -> None:
    assert api_of(Failure(type="E", message=message)) == api
