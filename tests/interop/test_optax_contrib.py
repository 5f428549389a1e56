"""Every rule of optax.contrib on flax models: the states that they keep go through jit, scan, nnx and msgpack.

Sources: google/flax#4901 (muon on nnx), google-deepmind/optax#1148 (partitioned rules on nnx), #1038 (schedule-free
within MultiSteps), #1500 (momo with a loss that is a Python float), and optax's own fixes of states that changed their
types ("Fix initialization error in MADGRAD", "Fix dtype stability", both in 0.2.7).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.level("interop"), pytest.mark.thorough]


def rules() -> dict[str, tuple[str, Callable[[], Any], str]]:
    """Each rule: since which release it is in optax, how it is made, and what its update takes besides."""
    import optax
    import optax.contrib as contrib

    def private() -> Any:
        return contrib.differentially_private_aggregate(l2_norm_clip=10.0, noise_multiplier=0.0, **seed("key"))

    def seed(name: str) -> dict[str, int]:
        return {name if idioms.at_least("optax", "0.2.5") else "seed": 0}

    return {
        "acprop": ("0.2.3", lambda: contrib.acprop(0.05), ""),
        "ademamix": ("0.2.5", lambda: contrib.ademamix(0.02), ""),
        "adopt": ("0.2.5", lambda: contrib.adopt(0.05), ""),
        "cocob": ("0.1.8", contrib.cocob, ""),
        "dadapt_adamw": ("0.1.8", lambda: contrib.dadapt_adamw(1.0, estim_lr0=0.01), ""),
        "dog": ("0.2.3", lambda: contrib.dog(1.0), ""),
        "dowg": ("0.2.3", lambda: contrib.dowg(1.0), ""),
        "galore": ("0.2.7", lambda: contrib.galore(0.05, rank=2, update_proj_gap=5), ""),
        "madgrad": ("0.2.7", lambda: contrib.madgrad(0.05), ""),
        "mechanize": ("0.1.8", lambda: contrib.mechanize(optax.adam(0.1), s_init=0.1), ""),
        "momo": ("0.2.3", lambda: contrib.momo(0.5), "value"),
        "momo_adam": ("0.2.3", lambda: contrib.momo_adam(0.1), "value"),
        "muon": ("0.2.5", lambda: contrib.muon(0.05), ""),
        "private": ("0.1.8", lambda: optax.chain(private(), optax.sgd(0.2)), "per example"),
        "prodigy": ("0.1.8", lambda: contrib.prodigy(1.0, estim_lr0=0.01), ""),
        "reduce_on_plateau": (
            "0.2.0",
            lambda: optax.chain(optax.adam(0.05), contrib.reduce_on_plateau(patience=5)),
            "value",
        ),
        "sam": ("0.1.8", lambda: contrib.sam(optax.adam(0.05), optax.sgd(0.05)), ""),
        "schedule_free_adamw": ("0.2.4", lambda: contrib.schedule_free_adamw(0.1, warmup_steps=5), ""),
        "schedule_free_sgd": ("0.2.4", lambda: contrib.schedule_free_sgd(0.3, warmup_steps=5), ""),
        "simplified_ademamix": ("0.2.5", lambda: contrib.simplified_ademamix(0.01), ""),
        "sophia": ("0.2.5", lambda: contrib.sophia(0.05), "objective"),
        "split_real_and_imaginary": ("0.1.8", lambda: contrib.split_real_and_imaginary(optax.adam(0.05)), ""),
    }


NAMES = (
    *("acprop", "ademamix", "adopt", "cocob", "dadapt_adamw", "dog", "dowg", "galore", "madgrad", "mechanize", "momo"),
    *("momo_adam", "muon", "private", "prodigy", "reduce_on_plateau", "sam", "schedule_free_adamw"),
    *("schedule_free_sgd", "simplified_ademamix", "sophia", "split_real_and_imaginary"),
)


def rule(name: str) -> tuple[Any, str]:
    """The rule as a transformation that takes extra arguments, and what its update takes besides."""
    import optax

    floor, make, extra = rules()[name]
    if not idioms.at_least("optax", floor):
        pytest.skip(f"optax.contrib has {name} as used here since {floor}")
    return optax.with_extra_args_support(make()), extra


def data() -> tuple[Any, Any]:
    """Inputs, and what a small network has to give for them."""
    import numpy as np

    x = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    return x, np.tanh(x @ np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(4, 3))


def update(tx: Any, extra: str, loss_of: Callable[[Any, Any, Any], Any], state: Any, params: Any) -> tuple[Any, Any]:
    """One update of a rule as its documentation has it: the updates and the next state.

    Args:
        tx: The rule.
        extra: What its update takes besides gradients, state and parameters.
        loss_of: The loss of parameters on inputs and targets.
        state: The state of the rule.
        params: The parameters.
    """
    import jax

    x, y = data()
    if extra == "per example":
        each = jax.vmap(jax.grad(loss_of), (None, 0, 0))(params, x[:, None], y[:, None])
        return tx.update(each, state, params)
    value, gradients = jax.value_and_grad(loss_of)(params, x, y)
    more = {"value": {"value": value}, "objective": {"obj_fn": lambda params: loss_of(params, x, y)}}.get(extra, {})
    return tx.update(gradients, state, params, **more)


@functools.cache
def network() -> Any:
    """Two layers of flax.linen."""
    from flax import linen as nn

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(3)(nn.tanh(nn.Dense(8)(x)))

    return Network()


@pytest.mark.feature("flax.training.train_state.TrainState with optax.contrib")
@pytest.mark.uses("jax", "flax", "optax>=0.2.2")
@pytest.mark.parametrize("name", NAMES)
def test_linen(name: str) -> None:
    """A linen TrainState under scan: the state keeps its types, and the loss falls."""
    import jax
    import optax
    from flax.training.train_state import TrainState

    tx, extra = rule(name)

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        return ((network().apply({"params": params}, x) - y) ** 2).mean()

    def step(state: TrainState, _: Any) -> tuple[TrainState, Any]:
        updates, opt_state = update(tx, extra, loss_of, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return state.replace(step=state.step + 1, params=params, opt_state=opt_state), loss_of(params, *data())

    @functools.partial(jax.jit, static_argnums=1)
    def train(state: TrainState, steps: int) -> tuple[TrainState, Any]:
        return jax.lax.scan(step, state.replace(step=jax.numpy.int32(state.step)), None, steps)

    params = network().init(jax.random.PRNGKey(1), data()[0])["params"]
    state = TrainState.create(apply_fn=network().apply, params=params, tx=tx)
    _, losses = train(state, 60)
    assert float(losses[-1]) < 0.7 * float(loss_of(params, *data()))


@pytest.mark.feature("flax.serialization of optax.contrib states")
@pytest.mark.uses("jax", "flax", "optax>=0.2.2")
@pytest.mark.parametrize("name", NAMES)
def test_msgpack(name: str) -> None:
    """The state of a rule comes back from flax.serialization bit for bit, into the state before the first step."""
    import jax
    import numpy as np
    from flax import serialization

    tx, extra = rule(name)
    params = {"kernel": np.linspace(-0.5, 0.7, 12, dtype=np.float32).reshape(4, 3)}

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        return ((x @ params["kernel"] - y) ** 2).mean()

    first = tx.init(params)
    _, state = jax.jit(functools.partial(update, tx, extra, loss_of))(first, params)
    restored = serialization.from_bytes(first, serialization.to_bytes(state))
    assert jax.tree_util.tree_structure(restored) == jax.tree_util.tree_structure(state)
    for one, other in zip(jax.tree_util.tree_leaves(restored), jax.tree_util.tree_leaves(state), strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.feature("flax.nnx.Optimizer with optax.contrib")
@pytest.mark.uses("jax", "flax>=0.11", "optax>=0.2.2")
@pytest.mark.parametrize("name", NAMES)
def test_nnx(name: str) -> None:
    """nnx.Optimizer with the rule takes the same three steps as the rule on plain arrays."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import nnx

    tx, extra = rule(name)
    start = {
        "bias": np.linspace(0.1, 0.3, 3, dtype=np.float32),
        "kernel": np.linspace(-0.5, 0.7, 12, dtype=np.float32).reshape(4, 3),
    }

    class Affine(nnx.Module):
        def __init__(self) -> None:
            self.bias = nnx.Param(jnp.asarray(start["bias"]))
            self.kernel = nnx.Param(jnp.asarray(start["kernel"]))

        def __call__(self, x: Any) -> Any:
            return x @ idioms.nnx_value(self.kernel) + idioms.nnx_value(self.bias)

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        return ((x @ params["kernel"] + params["bias"] - y) ** 2).mean()

    def loss_of_model(model: Affine, x: Any, y: Any) -> Any:
        return ((model(x) - y) ** 2).mean()

    @jax.jit
    def plain_step(params: Any, state: Any) -> Any:
        updates, state = update(tx, extra, loss_of, state, params)
        return optax.apply_updates(params, updates), state

    @nnx.jit
    def step(model: Affine, optimizer: nnx.Optimizer) -> None:
        x, y = data()
        if extra == "per example":
            axes = (nnx.StateAxes({...: None}), 0, 0)
            each = nnx.vmap(nnx.grad(loss_of_model), in_axes=axes)(model, x[:, None], y[:, None])
            optimizer.update(model, each)
            return
        value, gradients = nnx.value_and_grad(loss_of_model)(model, x, y)
        graphdef, *_ = nnx.split(model)

        def objective(params: Any) -> Any:
            return loss_of_model(nnx.merge(graphdef, params), x, y)

        more = {"value": {"value": value}, "objective": {"obj_fn": objective}}.get(extra, {})
        optimizer.update(model, gradients, **more)

    model = Affine()
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    params, state = jax.tree_util.tree_map(jnp.asarray, start), tx.init(start)
    for _ in range(3):
        step(model, optimizer)
        params, state = plain_step(params, state)
    assert not np.allclose(params["kernel"], start["kernel"], rtol=1e-6)
    for leaf, wanted in params.items():
        np.testing.assert_allclose(idioms.nnx_value(getattr(model, leaf)), wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.feature("optax.contrib.schedule_free_adamw within optax.MultiSteps")
@pytest.mark.uses("jax", "optax>=0.2.4")
def test_schedule_free_within_multi_steps() -> None:
    """Schedule-free training whose gradients are gathered over two steps moves at every second step only.

    Source: google-deepmind/optax#1038.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    import optax.contrib

    gathered = optax.MultiSteps(optax.contrib.schedule_free_adamw(0.1, warmup_steps=2), every_k_schedule=2)
    params = {"w": jnp.array([1.0, -2.0], jnp.bfloat16)}
    state = gathered.init(params)
    update_of = jax.jit(gathered.update)
    moved = []
    for _ in range(6):
        updates, state = update_of({"w": jnp.array([0.5, -0.5], jnp.bfloat16)}, state, params)
        assert updates["w"].dtype == jnp.bfloat16
        moved.append(bool(np.any(np.asarray(updates["w"], np.float32))))
        params = optax.apply_updates(params, updates)
    assert moved == [False, moved[1], False, True, False, True]


@pytest.mark.feature("optax.contrib.momo with a Python float")
@pytest.mark.uses("jax", "optax>=0.2.3")
def test_momo_takes_a_python_float() -> None:
    """The loss that momo needs may be a Python float, outside jit. Source: google-deepmind/optax#1500."""
    import jax.numpy as jnp
    import numpy as np
    import optax.contrib

    tx = optax.contrib.momo(0.5)
    params = jnp.array([2.0, 2.0])
    updates, _ = tx.update(2 * params, tx.init(params), params, value=8.0)
    # The step of Polyak, loss / |gradient|^2, is a quarter, and 0.5 caps it: the first step goes a quarter of 2 w.
    np.testing.assert_allclose(updates, [-1.0, -1.0], rtol=1e-5)
