"""jax_dataclasses: dataclasses that are trees, with static fields, and changes to copies of them."""

# ruff: noqa: I002 - these classes and functions read their annotations, which must not be texts.
import dataclasses
from typing import Any

import pytest

pytestmark = [pytest.mark.uses("jax-dataclasses", "jax"), pytest.mark.level("interop")]


def test_a_dataclass_goes_through_transformations() -> None:
    """It is mapped, scanned and differentiated; its static field is a part of the tree's structure, not a leaf."""
    import jax
    import jax.numpy as jnp
    import jax_dataclasses as jdc
    import numpy as np

    @jdc.pytree_dataclass
    class Line:
        slope: jax.Array
        offset: jax.Array
        square: jdc.Static[bool]

        def __call__(self, x: Any) -> Any:
            value = self.slope * x + self.offset
            return value**2 if self.square else value

    traces: list[bool] = []

    @jax.jit
    def total(line: Any, x: Any) -> Any:
        traces.append(line.square)
        return line(x).sum()

    plain = Line(slope=jnp.array(2.0), offset=jnp.array(1.0), square=False)
    squared = jdc.replace(plain, square=True)
    x = jnp.array([1.0, 2.0])
    assert len(jax.tree_util.tree_leaves(plain)) == 2
    assert [float(total(line, x)) for line in (plain, squared, plain)] == [8.0, 34.0, 8.0]
    assert traces == [False, True]
    gradient = jax.grad(total)(squared, x)
    assert isinstance(gradient, Line)
    # 2 (2x + 1) x and 2 (2x + 1), summed.
    np.testing.assert_allclose([gradient.slope, gradient.offset], [26.0, 16.0])

    many = jax.vmap(lambda slope: jdc.replace(plain, slope=slope))(jnp.arange(3.0))
    np.testing.assert_allclose(jax.vmap(lambda line: line(1.0))(many), [1.0, 2.0, 3.0])


def test_a_static_argument_of_a_compiled_function() -> None:
    """jdc.jit takes an annotated argument as static: Python decides by it, and a new value is a new trace."""
    import jax
    import jax.numpy as jnp
    import jax_dataclasses as jdc

    traces: list[int] = []

    @jdc.jit
    def power(x: jax.Array, by: jdc.Static[int]) -> jax.Array:
        traces.append(by)
        for _ in range(by - 1):
            x = x * x
        return x

    assert [float(power(jnp.array(3.0), by)) for by in (1, 2, 1)] == [3.0, 9.0, 3.0]
    assert traces == [1, 2]


def test_a_copy_is_changed() -> None:
    """Within copy_and_mutate nested fields of the copy are set; shapes are checked, and the original stays."""
    import jax
    import jax.numpy as jnp
    import jax_dataclasses as jdc
    import numpy as np

    @jdc.pytree_dataclass
    class Inner:
        value: jax.Array

    @jdc.pytree_dataclass
    class Outer:
        inner: Inner

    @jax.jit
    def changed(outer: Any) -> Any:
        with jdc.copy_and_mutate(outer) as copy:
            copy.inner.value = outer.inner.value + 1
        return copy

    outer = Outer(inner=Inner(value=jnp.zeros(3)))
    np.testing.assert_allclose(changed(outer).inner.value, np.ones(3))
    np.testing.assert_allclose(outer.inner.value, np.zeros(3))
    with pytest.raises(AssertionError), jdc.copy_and_mutate(outer) as copy:
        copy.inner.value = jnp.zeros(4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        outer.inner.value = jnp.ones(3)
