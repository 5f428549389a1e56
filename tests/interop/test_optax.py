"""optax on plain pytrees of jax arrays: optimisers, schedules, wrappers and losses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.uses("jax", "optax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def full(value: float) -> Any:
    """A constant of the one shape that all of these tests use, made by numpy (no program has to be compiled)."""
    import numpy as np

    return np.full((4, 4), value, np.float32)


def compiled(function: Callable[..., Any], *args: Any) -> Any:
    """What the function gives for these arguments as one compiled program, with numpy arrays as leaves."""
    import jax
    import numpy as np

    return jax.tree_util.tree_map(np.asarray, jax.jit(function)(*args))


def fitted_loss(tx: Any, steps: int = 40, **extra: Any) -> tuple[float, float]:
    """The loss of a small least-squares fit before and after training with an optimiser.

    The optimum is zero and each element has a problem of its own with the same curvature, so that any optimiser gets
    near with a sensible learning rate. The whole training is one compiled loop, which also sees to it that structures,
    shapes and dtypes of the state stay as they are. (One program costs less than the many small ones of an eager run,
    and with no matrix product in the loss, which would take longer to compile than the optimiser, it stays small.)
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    target = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)

    def loss_and_gradient(params: Any) -> Any:
        error = 2 * (params["w"] - target) + params["b"]
        return (error**2).mean(), {"w": error / 2, "b": error / 4}

    def step(_: Any, carry: Any) -> Any:
        state, params = carry
        loss, gradients = loss_and_gradient(params)
        arguments = {"value": loss} if extra.get("with_loss") else {}
        updates, state = tx.update(gradients, state, params, **arguments)
        return state, optax.apply_updates(params, updates)

    @jax.jit
    def fit(params: Any) -> Any:
        params = jax.tree_util.tree_map(jnp.asarray, params)
        state, params = jax.lax.fori_loop(0, steps, step, (tx.init(params), params))
        return extra["evaluate"](state, params) if "evaluate" in extra else params

    start = {"w": np.full((4, 4), 0.1, np.float32), "b": np.full((4, 4), 0.05, np.float32)}
    fitted = jax.tree_util.tree_map(np.asarray, fit(start))
    return float(loss_and_gradient(start)[0]), float(loss_and_gradient(fitted)[0])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {"learning_rate": 0.2, "momentum": 0.5, "nesterov": True}),
        ("adam", {"learning_rate": 0.1}),
        ("adamw", {"learning_rate": 0.1, "weight_decay": 1e-4}),
        ("adafactor", {"learning_rate": 0.1, "min_dim_size_to_factor": 2}),
        ("lion", {"learning_rate": 0.05}),
        ("rmsprop", {"learning_rate": 0.02, "momentum": 0.5}),
        pytest.param("lamb", {"learning_rate": 0.1}, marks=pytest.mark.thorough),
        pytest.param("adabelief", {"learning_rate": 0.1}, marks=pytest.mark.thorough),
        pytest.param("novograd", {"learning_rate": 0.05}, marks=pytest.mark.thorough),
    ],
)
def test_optimisers_fit(name: str, options: dict[str, Any]) -> None:
    """Each common optimiser brings the loss of a linear fit below a fifth, and can be traced in a loop."""
    import optax

    before, after = fitted_loss(getattr(optax, name)(**options))
    assert math.isfinite(after)
    assert after < 0.2 * before


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "floor", "options"),
    [
        ("schedule_free_adamw", "0.2.4", {"learning_rate": 0.1, "warmup_steps": 5}),
        ("muon", "0.2.5", {"learning_rate": 0.05}),
        ("prodigy", "0.2.2", {"learning_rate": 1.0, "estim_lr0": 0.05}),
        ("ademamix", "0.2.5", {"learning_rate": 0.05}),
    ],
)
def test_contributed_optimisers_fit(name: str, floor: str, options: dict[str, Any]) -> None:
    """Optimisers of optax.contrib that people train with, against the same bound."""
    if not idioms.at_least("optax", floor):
        pytest.skip(f"optax.contrib.{name} as used here is in optax since {floor}")
    import optax.contrib

    extra = {"evaluate": optax.contrib.schedule_free_eval_params} if name.startswith("schedule_free") else {}
    before, after = fitted_loss(getattr(optax.contrib, name)(**options), **extra)
    assert math.isfinite(after)
    assert after < 0.2 * before


@pytest.mark.thorough
@pytest.mark.uses("jax", "optax>=0.2.2")
def test_reduce_on_plateau_and_polyak_take_the_loss() -> None:
    """Transformations that need the loss get it as an extra argument through a chain."""
    import optax
    import optax.contrib

    tx = optax.chain(optax.sgd(0.2, momentum=0.5), optax.contrib.reduce_on_plateau(factor=0.5, patience=20))
    before, after = fitted_loss(tx, steps=15, with_loss=True)
    assert after < 0.2 * before
    before, after = fitted_loss(optax.polyak_sgd(max_learning_rate=0.2), steps=15, with_loss=True)
    assert after < 0.2 * before


@pytest.mark.thorough
@pytest.mark.uses("jax", "optax>=0.2.2")
def test_sharpness_aware_minimisation() -> None:
    """SAM (optax.contrib) alternates an adversarial and a descent step and still fits."""
    import optax
    import optax.contrib

    tx = optax.contrib.sam(optax.sgd(0.2), optax.chain(optax.contrib.normalize(), optax.sgd(0.02)), sync_period=2)
    before, after = fitted_loss(tx)
    assert math.isfinite(after)
    assert after < 0.2 * before


@pytest.mark.thorough
@pytest.mark.uses("jax", "optax>=0.2.3")
def test_lbfgs_with_line_search() -> None:
    """L-BFGS, whose line search evaluates the loss inside the update, finds the minimum with either of its searches."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    scale = np.array([1.0, 5.0, 20.0], np.float32)

    def loss_fn(x: Any) -> Any:
        return jnp.sum(scale * (x - 1.0) ** 2)

    def stepper(tx: Any) -> Any:
        def step(x: Any, state: Any) -> Any:
            value, gradient = optax.value_and_grad_from_state(loss_fn)(x, state=state)
            updates, state = tx.update(gradient, state, x, value=value, grad=gradient, value_fn=loss_fn)
            return optax.apply_updates(x, updates), state

        return step

    def fit(tx: Any, steps: int) -> Any:
        x, step = np.zeros(3, np.float32), stepper(tx)
        return compiled(lambda x: jax.lax.fori_loop(0, steps, lambda _, carry: step(*carry), (x, tx.init(x)))[0], x)

    close(fit(optax.lbfgs(), 40), [1.0, 1.0, 1.0], 1e-3)
    search = optax.scale_by_backtracking_linesearch(max_backtracking_steps=15, store_grad=True)
    close(fit(optax.lbfgs(memory_size=3, linesearch=search), 20), [1.0, 1.0, 1.0], 1e-2)


def test_first_steps_against_closed_forms() -> None:
    """The first updates of plain, momentum, Adam, Lion, Adagrad and decayed-weight rules are what their papers say."""
    import optax

    rules = [
        (optax.sgd(0.1), 1, -0.05, 1e-5),
        (optax.sgd(0.1, momentum=0.9), 2, -0.05 * 1.9, 1e-5),
        (optax.adam(0.1), 1, -0.1, 1e-4),
        (optax.lion(0.1, weight_decay=0.0), 1, -0.1, 1e-5),
        (optax.adamw(0.1, weight_decay=0.01), 1, -0.1 * (1 - 0.01 * 2), 1e-4),
        (optax.adagrad(0.1, initial_accumulator_value=0.0), 1, -0.1, 1e-3),
    ]

    def last_updates(params: Any, gradients: Any) -> Any:
        last = []
        for tx, steps, _, _ in rules:
            state = tx.init(params)
            for _ in range(steps):
                updates, state = tx.update(gradients, state, params)
            last.append(updates["w"])
        return last

    updates = compiled(last_updates, {"w": full(-2.0)}, {"w": full(0.5)})
    for update, (_, _, expected, tolerance) in zip(updates, rules, strict=True):
        close(update, full(expected), tolerance)


def test_schedules() -> None:
    """Schedules compiled over a traced step count hit their end points and closed forms."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    schedules = [
        optax.linear_schedule(0.0, 1.0, 10),
        optax.cosine_decay_schedule(1.0, 10),
        optax.warmup_cosine_decay_schedule(0.0, 1.0, 5, 15),
        optax.exponential_decay(1.0, 5, 0.5),
        optax.piecewise_constant_schedule(1.0, {4: 0.1}),
        optax.join_schedules([optax.constant_schedule(3.0), optax.linear_schedule(3.0, 0.0, 5)], [5]),
    ]
    values = jax.jit(lambda steps: jnp.stack([jnp.vectorize(schedule)(steps) for schedule in schedules]))(
        np.array([0, 5, 10])
    )
    expected = [
        [0.0, 0.5, 1.0],
        [1.0, 0.5, 0.0],
        [0.0, 1.0, 0.5],
        [1.0, 0.5, 0.25],
        [1.0, 0.1, 0.1],
        [3.0, 3.0, 0.0],
    ]
    close(values, np.array(expected))


def test_masks_and_groups() -> None:
    """masked and multi_transform treat parameters by name: decay only on weights, some frozen, some by another rule."""
    import optax

    params = {"dense": {"kernel": full(1), "bias": full(1)}, "head": {"kernel": full(1)}}
    gradients = {"dense": {"kernel": full(0), "bias": full(0)}, "head": {"kernel": full(1)}}
    decay_on = {"dense": {"kernel": True, "bias": False}, "head": {"kernel": True}}
    tx = optax.chain(optax.masked(optax.add_decayed_weights(0.1), decay_on), optax.scale(-1.0))
    updates = compiled(lambda params, gradients: tx.update(gradients, tx.init(params), params)[0], params, gradients)
    close(updates["dense"]["kernel"], full(-0.1))
    close(updates["dense"]["bias"], full(0))
    close(updates["head"]["kernel"], full(-1.1))

    labels = {"dense": {"kernel": "frozen", "bias": "slow"}, "head": {"kernel": "fast"}}
    rules = {"frozen": optax.set_to_zero(), "slow": optax.sgd(0.1), "fast": optax.adam(0.5)}
    grouped = idioms.optax_partition(rules, labels)
    updates = compiled(lambda params: grouped.update(params, grouped.init(params), params)[0], params)
    close(updates["dense"]["kernel"], full(0))
    close(updates["dense"]["bias"], full(-0.1))
    close(updates["head"]["kernel"], full(-0.5), 1e-4)


def test_clipping_and_norms() -> None:
    """Clipping by global norm, by value and by adaptive norm inside a chain, against closed forms."""
    import optax

    chain = optax.chain(optax.clip_by_global_norm(1.0), optax.scale(2.0))
    by_value = optax.chain(optax.clip(3.5), optax.trace(decay=0.5))
    adaptive = optax.adaptive_grad_clip(0.1)

    def clip(gradients: Any, params: Any) -> Any:
        _, state = by_value.update(gradients, by_value.init(gradients))
        return {
            "norm": optax.global_norm(gradients),
            "by norm": chain.update(gradients, chain.init(gradients))[0],
            "by value": by_value.update(gradients, state)[0],
            "adaptive": adaptive.update(gradients, adaptive.init(params), params)[0],
        }

    out = compiled(clip, {"a": full(3), "b": full(4)}, {"a": full(2), "b": full(1000)})
    norm = 4 * 5.0  # sixteen times 3 and 4
    close(out["norm"], norm)
    close(out["by norm"]["a"], full(2 * 3 / norm))
    close(out["by norm"]["b"], full(2 * 4 / norm))
    close(out["by value"]["a"], full(4.5))
    close(out["by value"]["b"], full(5.25))
    close(out["adaptive"]["a"], full(0.2))
    close(out["adaptive"]["b"], full(4))


@pytest.mark.thorough
def test_wrappers_over_steps() -> None:
    """MultiSteps accumulates, apply_if_finite drops a bad step, EMA averages, inject_hyperparams changes the rate."""
    import numpy as np
    import optax

    gathering = optax.MultiSteps(optax.sgd(1.0), every_k_schedule=2).gradient_transformation()
    guarded = optax.apply_if_finite(optax.sgd(1.0), max_consecutive_errors=3)
    ema = optax.ema(0.5, debias=False)
    tunable = optax.inject_hyperparams(optax.sgd)(learning_rate=optax.linear_schedule(1.0, 0.0, 2))

    def wrap(params: Any) -> Any:
        state, moved = gathering.init(params), []
        for scale in (1.0, 3.0, 1.0):
            updates, state = gathering.update(scale * params, state, params)
            moved.append(updates)
        kept, state = guarded.update(np.nan * params, guarded.init(params), params)
        errors = state.notfinite_count
        state = ema.init(params)
        for _ in range(2):
            averaged, state = ema.update(params, state)
        incremental = optax.incremental_update(params, 0 * params, 0.1)
        state, rates = tunable.init(params), []
        for _ in range(3):
            tuned, state = tunable.update(params, state, params)
            rates.append(state.hyperparams["learning_rate"])
        return moved, kept, errors, averaged, incremental, rates, tuned

    moved, kept, errors, averaged, incremental, rates, tuned = compiled(wrap, full(1))
    # The mean of 1 and 3 once, nothing in between.
    close(moved, [full(0.0), full(-2.0), full(0.0)])
    close(kept, full(0))
    assert int(errors) == 1
    close(averaged, full(0.75))
    close(incremental, full(0.1))
    close(rates, [1.0, 0.5, 0.0])
    close(tuned, full(0))


def test_apply_updates_keeps_dtypes() -> None:
    """Float32 updates leave bfloat16 parameters in bfloat16, None leaves stay, and moments take the dtype asked for."""
    import jax.numpy as jnp
    import numpy as np
    import optax

    params = {"w": jnp.asarray(np.full((4, 4), 1, jnp.bfloat16)), "skip": None}
    moved = optax.apply_updates(params, {"w": jnp.asarray(full(0.5)), "skip": None})  # eagerly, unlike the others
    assert moved["w"].dtype == jnp.bfloat16
    assert moved["skip"] is None
    close(np.asarray(moved["w"]).astype(np.float32), full(1.5))
    state = optax.adam(0.1, mu_dtype=jnp.bfloat16).init({"w": jnp.asarray(full(1))})
    assert state[0].mu["w"].dtype == jnp.bfloat16
    assert state[0].nu["w"].dtype == jnp.float32


def test_losses_against_numpy() -> None:
    """Classification and regression losses, compiled together, equal their formulas in numpy."""
    import jax
    import numpy as np
    import optax

    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4, 3)).astype(np.float32)
    labels = np.array([0, 2, 1, 1])
    onehot = np.eye(3, dtype=np.float32)[labels]
    a, b = rng.normal(size=(2, 8)).astype(np.float32)
    signs = np.sign(b)

    @jax.jit
    def losses(logits: Any, a: Any, b: Any) -> Any:
        return {
            "integer": optax.softmax_cross_entropy_with_integer_labels(logits, labels),
            "onehot": optax.softmax_cross_entropy(logits, onehot),
            "binary": optax.sigmoid_binary_cross_entropy(logits, onehot),
            "l2": optax.l2_loss(a, b),
            "huber": optax.huber_loss(a, b),
            "log_cosh": optax.log_cosh(a, b),
            "cosine": optax.cosine_similarity(a, b),
            "hinge": optax.hinge_loss(a, signs),
            "kl": optax.kl_divergence(jax.nn.log_softmax(logits), onehot * 0.7 + 0.1),
            "smooth": optax.smooth_labels(onehot, 0.3),
        }

    logp = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    d = np.abs(a - b)
    target = onehot * 0.7 + 0.1
    expected = {
        "integer": -logp[np.arange(4), labels],
        "onehot": -logp[np.arange(4), labels],
        "binary": np.log1p(np.exp(logits)) - logits * onehot,
        "l2": 0.5 * d**2,
        "huber": np.where(d <= 1, 0.5 * d**2, d - 0.5),
        "log_cosh": np.log(np.cosh(a - b)),
        "cosine": a @ b / np.linalg.norm(a) / np.linalg.norm(b),
        "hinge": np.maximum(0, 1 - a * signs),
        "kl": (target * (np.log(target) - logp)).sum(-1),
        "smooth": onehot * 0.7 + 0.1,
    }
    for name, value in losses(logits, a, b).items():
        close(value, expected[name], 1e-4)


@pytest.mark.thorough
def test_ctc_loss() -> None:
    """CTC of one label over two frames equals minus the log of the sum over its three alignments."""
    import jax
    import numpy as np
    import optax

    logits = np.array([[[0.2, 1.0], [-0.3, 0.4]]], np.float32)  # batch 1, two frames, blank 0 and label 1
    frames, labels, padding = np.zeros((1, 2), np.float32), np.array([[1]]), np.zeros((1, 1), np.float32)
    (loss,) = jax.jit(optax.ctc_loss)(logits, frames, labels, padding)
    p = np.exp(logits[0]) / np.exp(logits[0]).sum(-1, keepdims=True)
    close(loss, -np.log(p[0, 1] * p[1, 1] + p[0, 1] * p[1, 0] + p[0, 0] * p[1, 1]), 1e-3)


@pytest.mark.uses("jax", "optax>=0.2.3")
def test_tree_utilities_and_projections() -> None:
    """Tree arithmetic and a projection onto the simplex, which has a closed form here."""
    import numpy as np
    import optax

    first, second, tree = {"a": full(3), "b": full(4)}, {"a": full(1), "b": full(-1)}, idioms.optax_tree()
    point = np.array([0.5, 1.5, -1.0], np.float32)
    norm, vdot, sums, projected = compiled(
        lambda first, second, point: (
            tree["norm"](first),
            tree["vdot"](first, second),
            tree["add_scale"](first, 2.0, second),
            optax.projections.projection_simplex(point),
        ),
        first,
        second,
        point,
    )
    close(norm, 20.0)
    close(vdot, -16.0)
    close(sums["b"], full(2))
    close(projected, [0.0, 1.0, 0.0])
