"""Qwix quantises flax models: after training (PTQ), while training (QT), and under adapters (LoRA, QLoRA).

Qwix reaches into flax by interception, so its tests assert on values: what is stored in low precision, how far the
output moved, that training brings the loss down and leaves frozen weights alone to the bit.
"""

from __future__ import annotations

import functools
from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QWIX = ("jax", "jaxlib", "flax", "qwix>=0.1.0")

# The type, how many bits it is stored in, and bounds of the relative error of a two-layer model's output when only
# weights are quantised, with one scale per output channel: a factor of three or so around what rounding must cost.
PTQ_TYPES = [
    ("int8", "int8", 0.001, 0.02),
    ("int4", "int4", 0.02, 0.25),
    ("float8_e4m3fn", "float8_e4m3fn", 0.005, 0.08),
]
# The same bounds where activations are int8 as well: what was quantised differs, by no more than rounding.
INT8 = {"weight_qtype": "int8", "act_qtype": "int8"}
INT8_LOW, INT8_HIGH = 1e-3, 0.05


def batch() -> tuple[Any, Any]:
    """A fixed regression batch: inputs, and targets of a random linear map."""
    import numpy as np

    generator = np.random.default_rng(0)
    x = generator.normal(size=(8, 16)).astype(np.float32)
    return x, (x @ generator.normal(size=(16, 16)) / 4).astype(np.float32)


@functools.cache
def nnx_class() -> Any:
    """A two-layer nnx model; layers of one shape, so that little has to be compiled."""
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.first = nnx.Linear(16, 16, rngs=rngs)
            self.second = nnx.Linear(16, 16, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.second(nnx.relu(self.first(x)))

    return Model


@functools.cache
def nnx_parts() -> tuple[Any, Any]:
    """The definition and the state of a model, created by one compiled program."""
    from flax import nnx

    return nnx.split(nnx.jit(lambda: nnx_class()(nnx.Rngs(0)))())


def nnx_model() -> Any:
    """A new model, always with the same weights."""
    from flax import nnx

    return nnx.merge(*nnx_parts())


def float_output(x: Any, model: Any = None) -> Any:
    """What a float nnx model of two layers must answer, by numpy."""
    import numpy as np

    model = model or nnx_model()
    hidden, out = ([np.asarray(idioms.nnx_value(v)) for v in (m.kernel, m.bias)] for m in (model.first, model.second))
    return np.maximum(x @ hidden[0] + hidden[1], 0) @ out[0] + out[1]


@functools.cache
def ptq_models(qtype: str) -> tuple[Any, Any]:
    """An nnx model that was quantised, and the one with quantised weights made of it; not to be changed by a test."""
    import qwix

    model = nnx_model()
    return model, qwix.quantize_model(model, qwix.PtqProvider(rule(weight_qtype=qtype)), batch()[0])


@functools.cache
def linen_model() -> tuple[Any, Any]:
    """The same model in linen, and its parameters."""
    import flax.linen as nn
    import jax

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(16, name="second")(nn.relu(nn.Dense(16, name="first")(x)))

    model = Model()
    return model, jax.jit(model.init)(jax.random.PRNGKey(0), batch()[0])["params"]


def rule(**options: Any) -> list[Any]:
    """One rule for all modules."""
    import qwix

    return [qwix.QuantizationRule(module_path=".*", **options)]


def relative_error(found: Any, wanted: Any) -> float:
    """The norm of the difference over the norm of what was wanted."""
    import numpy as np

    found, wanted = np.asarray(found), np.asarray(wanted)
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def dtypes(tree: Any) -> list[str]:
    """The names of the types of a tree's arrays."""
    import jax

    return [str(leaf.dtype) for leaf in jax.tree_util.tree_leaves(tree)]


def raw(tree: Any) -> list[bytes]:
    """The bits of a tree's arrays."""
    import jax
    import numpy as np

    return [np.asarray(leaf).tobytes() for leaf in jax.tree_util.tree_leaves(tree)]


def saved_and_restored(path: Path, tree: Any) -> Any:
    """The tree after it went through orbax's StandardCheckpointer."""
    import jax
    import orbax.checkpoint as ocp

    target = jax.tree_util.tree_map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), tree)
    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(path, tree)
        idioms.orbax_wait(checkpointer)
        return checkpointer.restore(path, target)


def assert_checkpoints(path: Path, tree: Any) -> Any:
    """Orbax gives the tree back with its structure and bits; what it gave is returned."""
    import jax

    restored = saved_and_restored(path, tree)
    assert jax.tree_util.tree_structure(restored) == jax.tree_util.tree_structure(tree)
    assert dtypes(restored) == dtypes(tree)
    assert raw(restored) == raw(tree)
    return restored


# ---------------------------------------------------------------------------------------------------------------------
# Quantisation after training
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses(*QWIX)
@pytest.mark.level("interop")
@pytest.mark.parametrize(("qtype", "stored", "low", "high"), [*PTQ_TYPES, ("nf4", "uint4", 0.02, 0.25)])
def test_ptq_nnx(qtype: str, stored: str, low: float, high: float) -> None:
    """An nnx model's kernels are stored in the low precision and its output is off by rounding, no more and no less."""
    from flax import nnx

    x, _ = batch()
    model, quantised = ptq_models(qtype)
    assert dtypes(nnx.state(quantised)).count(stored) == 2
    assert set(dtypes(nnx.state(model, nnx.Param))) == {"float32"}
    assert low < relative_error(quantised(x), float_output(x)) < high


@pytest.mark.uses(*QWIX)
@pytest.mark.level("interop")
@pytest.mark.parametrize(("qtype", "stored", "low", "high"), PTQ_TYPES)
def test_ptq_linen(qtype: str, stored: str, low: float, high: float) -> None:
    """Float parameters of a linen model, quantised by quantize_params, serve the quantised model."""
    import jax
    import qwix

    x, _ = batch()
    model, params = linen_model()
    quantised = qwix.quantize_model(model, qwix.PtqProvider(rule(weight_qtype=qtype)))
    target = jax.eval_shape(quantised.init, jax.random.PRNGKey(0), x)["params"]
    small = qwix.quantize_params(params, target)
    assert dtypes(small).count(stored) == 2
    assert low < relative_error(quantised.apply({"params": small}, x), model.apply({"params": params}, x)) < high


def images() -> Any:
    """A fixed batch of small images (as many as there are rows in `batch`, so that less has to be compiled)."""
    import numpy as np

    return np.random.default_rng(0).normal(size=(8, 6, 6, 4)).astype(np.float32)


@pytest.mark.feature("qwix.quantize_model on flax.nnx.Conv")
@pytest.mark.thorough
@pytest.mark.uses(*QWIX)
@pytest.mark.level("interop")
def test_ptq_nnx_conv_and_einsum() -> None:
    """An nnx model's Conv and Einsum are quantised as its Linear is: kernels in int8, the output off by rounding."""
    import qwix
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.conv = nnx.Conv(4, 16, (3, 3), rngs=rngs)
            self.head = nnx.Einsum("bc,cd->bd", (16, 16), (16,), rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.head(nnx.relu(self.conv(x)).mean((1, 2)))

    x = images()
    model = nnx.jit(lambda: Model(nnx.Rngs(0)))()
    quantised = qwix.quantize_model(model, qwix.PtqProvider(rule(**INT8)), x)
    assert dtypes(nnx.state(quantised)).count("int8") == 2
    assert INT8_LOW < relative_error(quantised(x), nnx.jit(lambda model, x: model(x))(model, x)) < INT8_HIGH


@pytest.mark.uses(*QWIX)
@pytest.mark.level("interop")
def test_ptq_linen_conv_and_einsum() -> None:
    """A linen model's Conv and Einsum are quantised as its Dense is: kernels in int8, the output off by rounding."""
    import flax.linen as nn
    import jax
    import qwix

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            hidden = nn.relu(nn.Conv(16, (3, 3), name="conv")(x)).mean((1, 2))
            return nn.Einsum((16, 16), "bc,cd->bd", name="head")(hidden)

    x, model = images(), Model()
    wanted, variables = jax.jit(model.init_with_output)(jax.random.PRNGKey(0), x)
    quantised = qwix.quantize_model(model, qwix.PtqProvider(rule(**INT8)))
    target = jax.eval_shape(quantised.init, jax.random.PRNGKey(0), x)["params"]
    small = qwix.quantize_params(variables["params"], target)
    assert dtypes(small).count("int8") == 2
    assert INT8_LOW < relative_error(quantised.apply({"params": small}, x), wanted) < INT8_HIGH


@pytest.mark.feature("qwix.quantize_model on a sharded flax.nnx model")
@pytest.mark.thorough
@pytest.mark.uses(*QWIX)
@pytest.mark.level("interop")
def test_ptq_nnx_on_a_mesh() -> None:
    """A model with partitioning metadata, quantised, is laid out by what flax reads of it, and answers as unsharded.

    The metadata of a kernel describe its quantised values, and, without the axis that has one scale, its scales.
    """
    import jax
    import qwix
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            init = nnx.initializers.lecun_normal()
            rows, columns = (nnx.with_partitioning(init, axes) for axes in (("model", None), (None, "model")))
            self.first = nnx.Linear(16, 16, kernel_init=columns, rngs=rngs)
            self.second = nnx.Linear(16, 16, kernel_init=rows, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.second(nnx.relu(self.first(x)))

    x, mesh = batch()[0], idioms.mesh((4, 2), ("data", "model"))
    with idioms.mesh_context(mesh):
        model = nnx.jit(lambda: Model(nnx.Rngs(0)))()
        quantised = qwix.quantize_model(model, qwix.PtqProvider(rule(weight_qtype="int8")), x)
        graph, state = nnx.split(quantised)
        sharded = jax.device_put(state, nnx.get_named_sharding(state, mesh))
        answer = jax.jit(lambda state, x: nnx.merge(graph, state)(x))(sharded, x)
    values, scales = (
        [leaf for leaf in jax.tree_util.tree_leaves(sharded) if (str(leaf.dtype), leaf.ndim) == kind]
        for kind in (("int8", 2), ("float32", 2))
    )
    assert sorted(leaf.addressable_shards[0].data.shape for leaf in values) == [(8, 16), (16, 8)]
    assert sorted(leaf.addressable_shards[0].data.shape for leaf in scales) == [(1, 8), (1, 16)]
    alone = jax.device_put(jax.device_get(state), jax.devices()[0])
    assert relative_error(answer, jax.jit(lambda state, x: nnx.merge(graph, state)(x))(alone, x)) < 1e-5
    assert INT8_LOW < relative_error(answer, float_output(x, model)) < INT8_HIGH


@pytest.mark.thorough
@pytest.mark.uses(*QWIX)
@pytest.mark.level("interop")
def test_ptq_activations_under_jit() -> None:
    """With int8 activations too, the jitted model agrees with the eager one and stays near the float model."""
    import qwix
    from flax import nnx

    x, _ = batch()
    quantised = qwix.quantize_model(nnx_model(), qwix.PtqProvider(rule(**INT8)), x)
    eager = quantised(x)
    assert INT8_LOW < relative_error(eager, float_output(x)) < INT8_HIGH
    assert relative_error(nnx.jit(lambda model, x: model(x))(quantised, x), eager) < 1e-2


@pytest.mark.uses(*QWIX, "orbax-checkpoint")
@pytest.mark.level("interop")
@pytest.mark.parametrize("qtype", ["int8", "int4", "float8_e4m3fn"])
def test_ptq_nnx_state_is_checkpointed(tmp_path: Path, qtype: str) -> None:
    """The state of a quantised nnx model goes through orbax, low precision arrays and scales alike."""
    from flax import nnx

    assert_checkpoints(tmp_path / "ck", nnx.state(ptq_models(qtype)[1]))


@pytest.mark.feature("Orbax checkpointing of Qwix nf4 weights")
@pytest.mark.uses(*QWIX, "orbax-checkpoint")
@pytest.mark.level("interop")
def test_ptq_nnx_nf4_state_is_checkpointed(tmp_path: Path) -> None:
    """The state of an nnx model in nf4, whose arrays are indices in four bits (uint4), goes through orbax too."""
    from flax import nnx

    assert_checkpoints(tmp_path / "ck", nnx.state(ptq_models("nf4")[1]))


@pytest.mark.uses(*QWIX, "orbax-checkpoint")
@pytest.mark.level("interop")
def test_ptq_linen_params_are_checkpointed(tmp_path: Path) -> None:
    """Quantised linen parameters, which are qwix's own containers, go through orbax and serve the model again."""
    import jax
    import qwix

    x, _ = batch()
    model, params = linen_model()
    quantised = qwix.quantize_model(model, qwix.PtqProvider(rule(weight_qtype="int8")))
    target = jax.eval_shape(quantised.init, jax.random.PRNGKey(0), x)["params"]
    small = qwix.quantize_params(params, target)
    restored = assert_checkpoints(tmp_path / "ck", small)
    assert raw(quantised.apply({"params": restored}, x)) == raw(quantised.apply({"params": small}, x))


@pytest.mark.uses(*QWIX, "grain>=0.2.1")
@pytest.mark.level("interop")
def test_ptq_nnx_serves_batches_of_grain() -> None:
    """A model quantised on a batch of grain's serves a whole shuffled epoch: each record gets its own float answer.

    The answers are off by what rounding to int8 costs, and no record is missed or served twice.
    """
    import numpy as np
    import qwix

    inputs = np.random.default_rng(1).normal(size=(24, 16)).astype(np.float32)
    source = [{"x": x, "index": index} for index, x in enumerate(inputs)]
    dataset = idioms.grain_object("MapDataset").source(source).shuffle(seed=1).batch(8)
    quantised = qwix.quantize_model(nnx_model(), qwix.PtqProvider(rule(weight_qtype="int8")), dataset[0]["x"])
    options = idioms.grain_object("ReadOptions")(num_threads=1, prefetch_buffer_size=2)
    served = [(batch["index"], quantised(batch["x"])) for batch in dataset.to_iter_dataset(options)]
    assert len(served) == 3
    order = np.concatenate([index for index, _ in served])
    assert sorted(order) == list(range(24))
    assert list(order) != list(range(24))
    _, _, low, high = PTQ_TYPES[0]
    for index, answer in served:
        assert low < relative_error(answer, float_output(inputs[index])) < high


# ---------------------------------------------------------------------------------------------------------------------
# Quantised training
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.uses(*QWIX)
@pytest.mark.level("interop")
def test_qt_gradients() -> None:
    """Gradients pass through fake quantisation (straight-through): near the float ones, and not the same."""
    import jax
    import jax.numpy as jnp
    import qwix
    from flax import nnx

    x, y = batch()
    model = nnx_model()
    quantised = qwix.quantize_model(model, qwix.QtProvider(rule(**INT8)), x)
    gradient = nnx.grad(lambda model: jnp.mean((model(x) - y) ** 2))
    both = nnx.jit(lambda one, other: (gradient(one), gradient(other)))(quantised, model)
    found, wanted = (jax.tree_util.tree_leaves(nnx.state(each, nnx.Param)) for each in both)
    errors = [relative_error(one, other) for one, other in zip(found, wanted, strict=True)]
    assert len(errors) == 4
    assert all(error < 0.1 for error in errors)
    assert max(errors) > 1e-4


@pytest.mark.uses(*QWIX, "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
def test_qt_nnx_trains(tmp_path: Path) -> None:
    """An nnx model answers and trains under int8 quantisation with nnx.Optimizer; its float state is checkpointed."""
    import jax.numpy as jnp
    import optax
    import qwix
    from flax import nnx

    x, y = batch()
    model = qwix.quantize_model(nnx_model(), qwix.QtProvider(rule(**INT8)), x)
    assert INT8_LOW < relative_error(model(x), float_output(x)) < INT8_HIGH
    optimizer = idioms.nnx_optimizer(model, optax.adam(2e-2))

    @nnx.jit
    def step(model: Any, optimizer: Any) -> Any:
        loss, gradients = nnx.value_and_grad(lambda model: jnp.mean((model(x) - y) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)
        return loss

    losses = [float(step(model, optimizer)) for _ in range(40)]
    assert losses[-1] < 0.1 * losses[0]
    assert_checkpoints(tmp_path / "ck", nnx.state(model, nnx.Param))


@pytest.mark.uses(*QWIX, "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
def test_qt_linen_trains(tmp_path: Path) -> None:
    """A linen model answers and trains under int8 quantisation in an optax loop; its parameters are checkpointed."""
    import jax
    import jax.numpy as jnp
    import optax
    import qwix

    x, y = batch()
    model, params = linen_model()
    quantised = qwix.quantize_model(model, qwix.QtProvider(rule(**INT8)))
    answer, wanted = (each.apply({"params": params}, x) for each in (quantised, model))
    assert INT8_LOW < relative_error(answer, wanted) < INT8_HIGH

    def loss(params: Any) -> Any:
        return jnp.mean((quantised.apply({"params": params}, x) - y) ** 2)

    losses, params = train_linen(loss, params, optax.adam(2e-2))
    assert losses[-1] < 0.1 * losses[0]
    assert set(dtypes(params)) == {"float32"}
    assert_checkpoints(tmp_path / "ck", jax.tree_util.tree_map(jnp.asarray, params))


def train_linen(loss: Callable[[Any], Any], params: Any, optimizer: Any, steps: int = 40) -> tuple[list[float], Any]:
    """The losses and the last parameters of a training loop."""
    import jax
    import numpy as np
    import optax

    def step(carry: Any, _: None) -> Any:
        params, state = carry
        value, gradients = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradients, state, params)
        return (optax.apply_updates(params, updates), state), value

    @jax.jit
    def train(params: Any) -> Any:
        (params, _), losses = jax.lax.scan(step, (params, optimizer.init(params)), None, length=steps)
        return losses, params

    losses, params = train(params)
    return [float(loss) for loss in np.asarray(losses)], params


# ---------------------------------------------------------------------------------------------------------------------
# Adapters
# ---------------------------------------------------------------------------------------------------------------------


def adapters(weight_qtype: str | None) -> Any:
    """A provider of rank-2 adapters, over float weights or over quantised ones.

    (Qwix tells the arrays of a layer apart by shape: no adapter and no batch may have the shape of a kernel.)
    """
    import qwix

    quantised = {} if weight_qtype is None else {"weight_qtype": weight_qtype, "tile_size": 8}
    return qwix.LoraProvider([qwix.LoraRule(module_path=".*", rank=2, alpha=4.0, **quantised)])


@pytest.mark.uses(*QWIX, "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
@pytest.mark.parametrize("weight_qtype", [None, "nf4"], ids=["lora", "qlora"])
def test_lora_nnx_trains(tmp_path: Path, weight_qtype: str | None) -> None:
    """Only the adapters of an nnx model move; the base weights stay, bit for bit; the adapters are checkpointed."""
    import jax.numpy as jnp
    import optax
    from flax import nnx

    x, y = batch()
    model = idioms.qwix_nnx_lora(nnx_model(), adapters(weight_qtype), x)
    frozen = nnx.filterlib.All(nnx.Param, nnx.filterlib.Not(nnx.LoRAParam))
    before, adapters_before = raw(nnx.state(model, frozen)), raw(nnx.state(model, nnx.LoRAParam))
    if weight_qtype:
        assert dtypes(nnx.state(model, frozen)).count("uint4") == 2
    optimizer = nnx.Optimizer(model, optax.adam(2e-2), wrt=nnx.LoRAParam)

    @nnx.jit
    def step(model: Any, optimizer: Any) -> Any:
        def loss(model: Any) -> Any:
            answer = model(x)
            return jnp.mean((answer - y) ** 2), answer

        differentiated = nnx.value_and_grad(loss, argnums=nnx.DiffState(0, nnx.LoRAParam), has_aux=True)
        (value, answer), gradients = differentiated(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)
        return value, answer

    values, answers = zip(*(step(model, optimizer) for _ in range(40)), strict=True)
    losses = [float(value) for value in values]
    # A new adapter adds nothing: its second factor starts at zero.
    assert relative_error(answers[0], float_output(x)) < (0.3 if weight_qtype else 1e-5)
    assert losses[-1] < 0.6 * losses[0]
    assert raw(nnx.state(model, frozen)) == before
    after = raw(nnx.state(model, nnx.LoRAParam))
    assert len(after) == 4
    assert all(one != other for one, other in zip(after, adapters_before, strict=True))
    assert_checkpoints(tmp_path / "ck", nnx.state(model, nnx.LoRAParam))


@pytest.mark.thorough
@pytest.mark.uses(*QWIX, "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
@pytest.mark.parametrize("weight_qtype", [None, "nf4"], ids=["lora", "qlora"])
def test_lora_linen_trains(tmp_path: Path, weight_qtype: str | None) -> None:
    """Only the adapters in a linen model's parameters move; the base weights stay, bit for bit."""
    import flax.traverse_util
    import jax
    import jax.numpy as jnp
    import optax
    import qwix

    x, y = batch()
    model = qwix.apply_lora_to_model(linen_model()[0], adapters(weight_qtype))
    params = flax.traverse_util.flatten_dict(model.init(jax.random.PRNGKey(1), x)["params"])
    small = {path: value for path, value in params.items() if "lora" in path[-1]}
    frozen = {path: value for path, value in params.items() if path not in small}
    assert len(small) == 4
    if weight_qtype:
        assert dtypes(frozen).count("uint4") == 2
    before = raw(frozen)

    def loss(small: Any) -> Any:
        params = flax.traverse_util.unflatten_dict({**frozen, **small})
        return jnp.mean((model.apply({"params": params}, x) - y) ** 2)

    losses, trained = train_linen(loss, small, optax.adam(2e-2))
    assert losses[-1] < 0.6 * losses[0]
    assert raw(frozen) == before
    assert all(one != other for one, other in zip(raw(trained), raw(small), strict=True))
    assert_checkpoints(tmp_path / "ck", flax.traverse_util.unflatten_dict(trained))
