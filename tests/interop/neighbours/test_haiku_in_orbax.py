"""Parameters and states of haiku in Orbax: nested dictionaries whose names have slashes and tildes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

USES = pytest.mark.uses("jax", "dm-haiku>=0.0.12", "orbax-checkpoint>=0.6.0", "optax")
pytestmark = [pytest.mark.level("interop"), USES, pytest.mark.feature("Orbax checkpointing of Haiku parameters")]


def network() -> Any:
    """A network with nested modules and a moving average."""
    import haiku as hk

    def forward(x: Any, train: bool) -> Any:
        x = hk.nets.MLP([4, 2], name="body")(x)
        return hk.BatchNorm(True, True, 0.9)(x, train)

    return hk.without_apply_rng(hk.transform_with_state(forward))


def inputs() -> Any:
    """A batch."""
    import numpy as np

    return np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize("target", [True, False])
def test_training_goes_on(tmp_path: Path, target: bool) -> None:
    """Parameters, state and optimizer, saved and restored, take the same next step; names are those of haiku."""
    import jax
    import numpy as np
    import optax
    import orbax.checkpoint as ocp

    net, tx = network(), optax.adam(0.1)
    params, state = net.init(jax.random.PRNGKey(0), inputs(), True)
    opt_state = tx.init(params)

    @jax.jit
    def step(params: Any, state: Any, opt_state: Any) -> Any:
        def loss(params: Any) -> Any:
            out, new = net.apply(params, state, inputs(), True)
            return ((out - 1) ** 2).sum(), new

        gradients, new = jax.grad(loss, has_aux=True)(params)
        updates, opt_state = tx.update(gradients, opt_state)
        return optax.apply_updates(params, updates), new, opt_state

    training = {"params": params, "state": state, "opt_state": opt_state}
    training = dict(zip(training, step(*training.values()), strict=True))
    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", training)
        checkpointer.wait_until_finished()
        found = checkpointer.restore(tmp_path / "ck", *([training] if target else []))
    assert set(found["params"]) == {"body/~/linear_0", "body/~/linear_1", "batch_norm"}
    assert set(found["state"]) == {"batch_norm/~/mean_ema", "batch_norm/~/var_ema"}
    if not target:
        found["opt_state"] = training["opt_state"]
    for one, other in zip(
        jax.tree_util.tree_leaves(step(*(found[name] for name in training))),
        jax.tree_util.tree_leaves(step(*training.values())),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
