"""The rules of the words of blame: which failures are the same and who owns a module."""

from __future__ import annotations

import pytest

from made_up import COMPONENTS
from stackcompat.culprit import owner_of, same_failure
from stackcompat.evidence import Failure


def failure(message: str, type: str = "E", package: str = "beta") -> Failure:  # noqa: A002
    return Failure(type=type, message=message, package=package)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (failure("no attribute 'Box'"), failure("no attribute 'Box'"), True),
        (failure("no attribute 'Box'"), failure("no attribute 'Bag'"), False),
        (failure("native 1.2.0 is newer than 1.1"), failure("native 1.2.0 is newer than 1.0.3"), True),
        (failure("the loss is 0.73"), failure("the loss is 0.8"), True),
        (failure("no 'trapz'. Did you mean: 'trace'?"), failure("no 'trapz'. Did you mean: 'trapezoid'?"), True),
        (failure("m"), failure("m", type="F"), False),
        (failure("m"), failure("m", package="gamma"), False),
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
