"""jax.random from the same seed: bits, and every distribution drawn from them.

jax announces changes of its generators; a run that is repeated after an upgrade is another run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from values import assert_unchanged, keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib")]


def weights() -> Any:
    """Of four classes."""
    import numpy as np

    return np.array([0.0, 1.0, 2.0, 0.5], np.float32)


DRAWS: dict[str, Callable[[Any, Any], Any]] = {
    "bits": lambda random, key: random.bits(key, (16,)),
    "split": lambda random, key: random.split(key, 4),
    "fold_in": lambda random, key: random.fold_in(key, 9),
    "randint": lambda random, key: random.randint(key, (16,), 0, 1000),
    "permutation": lambda random, key: random.permutation(key, 30),
    "choice": lambda random, key: random.choice(key, 30, (8,), replace=False),
    "bernoulli": lambda random, key: random.bernoulli(key, 0.3, (32,)),
    "uniform": lambda random, key: random.uniform(key, (16,)),
    "normal": lambda random, key: random.normal(key, (16,)),
    "truncated_normal": lambda random, key: random.truncated_normal(key, -2.0, 2.0, (16,)),
    "categorical": lambda random, key: random.categorical(key, weights(), shape=(16,)),
    "gumbel": lambda random, key: random.gumbel(key, (16,)),
    "exponential": lambda random, key: random.exponential(key, (16,)),
    "laplace": lambda random, key: random.laplace(key, (16,)),
    "gamma": lambda random, key: random.gamma(key, 2.5, (16,)),
    "beta": lambda random, key: random.beta(key, 2.0, 3.0, (16,)),
    "poisson": lambda random, key: random.poisson(key, 4.0, (16,)),
    "dirichlet": lambda random, key: random.dirichlet(key, 1 + weights(), (4,)),
    "orthogonal": lambda random, key: random.orthogonal(key, 4),
}


def draw(name: str) -> Any:
    """One of them, under jit as in use, from a key of the default generator."""
    import jax

    return jax.jit(lambda key: DRAWS[name](jax.random, key))(jax.random.PRNGKey(42))


@pytest.mark.writes("jax-random")
def test_write(folder: Path) -> None:
    """All of them."""
    for name in DRAWS:
        keep(folder, name, draw(name))


@pytest.mark.reads("jax-random")
@pytest.mark.parametrize("name", DRAWS)
def test_same(folder: Path, name: str) -> None:
    """Drawn anew: integers exactly the same, other numbers up to rounding."""
    assert_unchanged(draw(name), folder, name)
