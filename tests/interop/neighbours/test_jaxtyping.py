"""jaxtyping: shapes and dtypes of arrays and trees in annotations, checked at run time, also of traced arrays."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("jaxtyping", "jax"), pytest.mark.level("interop")]


def test_shapes_and_dtypes() -> None:
    """An array is of a type if its shape and its dtype are; narrow floats, keys and numpy arrays too."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jaxtyping import Array, BFloat16, Bool, Float, Float32, Int, Key, Shaped, UInt8

    x = jnp.ones((2, 3))
    accepted = [
        (x, Float[Array, "2 3"]),
        (x, Float32[Array, "batch channels"]),
        (x, Shaped[Array, "... 3"]),
        (x, Float[Array, "2 *rest"]),
        (x > 0, Bool[Array, "2 3"]),
        (jnp.zeros((), jnp.uint8), UInt8[Array, ""]),
        (x.astype(jnp.bfloat16), BFloat16[Array, "2 3"]),
        (np.ones(4), Float[np.ndarray, "4"]),
        (jax.random.key(0), Key[Array, ""]),
        (jax.random.split(jax.random.key(0), 3), Key[Array, "3"]),
    ]
    refused = [
        (x, Float[Array, "3 2"]),
        (x, Float[Array, "2 3 1"]),
        (x, Int[Array, "2 3"]),
        (x, BFloat16[Array, "2 3"]),
        (np.ones(4), Float[Array, "4"]),
        (x, Key[Array, "2 3"]),
    ]
    assert [str(hint) for value, hint in accepted if not isinstance(value, hint)] == []
    assert [str(hint) for value, hint in refused if isinstance(value, hint)] == []


def test_axes_of_traced_arrays() -> None:
    """Inside jit, grad, vmap and scan a tracer has the type of what it stands for; a name means one size in a call."""
    import jax
    import jax.numpy as jnp
    from jaxtyping import Array, Float, Int, jaxtyped

    seen: list[str] = []

    @jaxtyped(typechecker=None)
    def product(matrix: Any, vector: Any) -> Any:
        assert isinstance(matrix, Float[Array, "rows columns"])
        assert isinstance(vector, Float[Array, "columns"])
        assert not isinstance(vector, Float[Array, "columns+1"])
        assert not isinstance(vector, Int[Array, "columns"])
        out = matrix @ vector
        assert isinstance(out, Float[Array, "rows"])
        seen.append("traced" if isinstance(out, jax.core.Tracer) else "plain")
        return out

    matrix, vector = jnp.ones((2, 3)), jnp.arange(3.0)
    assert product(matrix, vector).tolist() == [3.0, 3.0]
    assert jax.jit(product)(matrix, vector).tolist() == [3.0, 3.0]
    assert jax.grad(lambda vector: product(matrix, vector).sum())(vector).tolist() == [2.0, 2.0, 2.0]
    assert jax.vmap(product, in_axes=(None, 0))(matrix, jnp.eye(3)).shape == (3, 2)
    assert jax.lax.scan(lambda carry, row: (carry, product(matrix, row)), 0.0, jnp.eye(3))[1].shape == (3, 2)
    assert seen == ["plain", *["traced"] * 4]
    with pytest.raises(AssertionError):
        jax.jit(product)(matrix, jnp.arange(2.0))


def test_trees() -> None:
    """A tree is of a type if its leaves are; a named structure is the same wherever it is named."""
    import jax
    import jax.numpy as jnp
    from jaxtyping import Array, Float, Int, PyTree, jaxtyped

    tree = {"a": jnp.ones(2), "b": (jnp.ones(3), jnp.zeros(()))}
    assert isinstance(tree, PyTree[Float[Array, "..."]])
    assert not isinstance(tree, PyTree[Int[Array, "..."]])
    assert not isinstance(tree, PyTree[Float[Array, "2"]])

    @jaxtyped(typechecker=None)
    def same_structure(first: Any, second: Any) -> bool:
        assert isinstance(first, PyTree[Float[Array, "..."], "T"])
        return isinstance(second, PyTree[Float[Array, "..."], "T"])

    assert same_structure(tree, jax.tree_util.tree_map(lambda leaf: 2 * leaf, tree))
    assert not same_structure(tree, [jnp.ones(2)])


@pytest.mark.uses("jaxtyping", "jax", "beartype")
def test_decorated_functions_with_beartype() -> None:
    """Annotations of arguments, results and dataclasses are enforced, under jit and vmap as well."""
    import dataclasses

    import jax
    import jax.numpy as jnp
    from beartype import beartype
    from jaxtyping import Array, Float, jaxtyped

    # The annotations are objects: postponed ones would name what is imported in this function alone.
    def normalise(x: Any, scale: Any) -> Any:
        return x / jnp.linalg.norm(x) * scale

    normalise.__annotations__ = {"x": Float[Array, "n"], "scale": Float[Array, "n"], "return": Float[Array, "n"]}
    checked = jaxtyped(typechecker=beartype)(normalise)
    x = jnp.array([3.0, 4.0])
    assert jax.jit(checked)(x, jnp.array([5.0, 10.0])).tolist() == pytest.approx([3.0, 8.0])
    assert jax.vmap(checked)(jnp.ones((3, 2)), jnp.ones((3, 2))).shape == (3, 2)
    with pytest.raises(Exception, match=r"(?i)type-check"):
        jax.jit(checked)(x, jnp.ones(3))
    with pytest.raises(Exception, match=r"(?i)type-check"):
        checked(x, jnp.array([1, 2]))

    layer = dataclasses.make_dataclass("Layer", [("weight", Float[Array, "out in"]), ("bias", Float[Array, "out"])])
    checked_layer = jaxtyped(typechecker=beartype)(layer)
    assert checked_layer(jnp.ones((2, 3)), jnp.ones(2)).bias.shape == (2,)
    with pytest.raises(Exception, match=r"(?i)type-check"):
        checked_layer(jnp.ones((2, 3)), jnp.ones(3))


@pytest.mark.feature("jaxtyping.ArrayLike with tracers")
def test_traced_arrays_are_array_like() -> None:
    """A tracer counts as array-like, one by one in the members of the union."""
    import typing

    import jax
    import jax.numpy as jnp
    from jaxtyping import ArrayLike

    seen = []

    def look(x: Any) -> Any:
        seen.append((isinstance(x, ArrayLike), isinstance(x, typing.get_args(ArrayLike))))
        return x

    jax.jit(look)(1.0)
    jax.vmap(look)(jnp.ones(2))
    jax.grad(look)(1.0)
    assert seen == [(True, True)] * 3
