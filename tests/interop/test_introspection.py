"""Summaries of models and programs: what people read when they look for a fault, and what reports are made of.

Each test names the source of its claim: an issue, a pull request or an entry of a changelog.
"""

from __future__ import annotations

import re
from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.level("interop"), pytest.mark.thorough]


def plain(text: str) -> str:
    """A table without what a terminal needs to draw it."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def rows(text: str) -> list[list[str]]:
    """The rows of a table that was drawn with vertical lines, each as its cells."""
    lines = [line for line in plain(text).splitlines() if line.startswith(("│", "┃"))]
    return [[cell.strip() for cell in line.strip("│┃").split("│" if "│" in line else "┃")] for line in lines]


# ---------------------------------------------------------------------------------------------------------------------
# flax.linen
# ---------------------------------------------------------------------------------------------------------------------


def linen_network() -> Any:
    """A network of flax.linen with parameters and statistics."""
    from flax import linen as nn

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x: Any, train: bool = True) -> Any:
            x = nn.Dense(8, use_bias=False)(x)
            x = nn.BatchNorm(use_running_average=not train)(x)
            return nn.Dense(3, use_bias=False, name="head")(x)

    return Network()


@pytest.mark.feature("flax.linen.tabulate with compute_flops")
@pytest.mark.uses("jax", "jaxlib", "flax>=0.8")
def test_linen_tabulate_counts_operations() -> None:
    """The table tells the operations of each layer forward and backward: a product of matrices has 2 m n k of them.

    Source: jax's changelog, 0.4.38 (`cost_analysis` gives a dict in place of a list); google/flax#3721.
    """
    import jax
    import jax.numpy as jnp

    options = {"width": 200, "force_terminal": False}
    text = linen_network().tabulate(
        jax.random.PRNGKey(0), jnp.ones((2, 4)), compute_flops=True, compute_vjp_flops=True, console_kwargs=options
    )
    found = {row[0]: row for row in rows(text) if row[0]}
    flops, backward = found["path"].index("flops"), found["path"].index("vjp_flops")
    assert int(found["Dense_0"][flops]) == 2 * 2 * 4 * 8
    assert int(found["head"][flops]) == 2 * 2 * 8 * 3
    # Backward: the product itself, and one for the kernel, and (but for the first layer) one for the input.
    assert int(found["head"][backward]) >= 2 * 2 * 2 * 8 * 3
    assert "float32[4,8]" in found["Dense_0"][found["path"].index("params")]
    assert re.search(r"Total Parameters: 88 \(352 B\)", plain(text))


@pytest.mark.feature("flax.linen.tabulate with lifted layers")
@pytest.mark.uses("jax", "flax>=0.8")
def test_linen_tabulate_of_a_scanned_model() -> None:
    """Lifted layers (nn.scan over nn.remat) have one row, with the axis of the layers in front.

    Source: flax's changelog, 0.8.0 ("Added Enum support for tabulate"), and the guide "Module lifecycle".
    """
    import enum

    import jax
    import jax.numpy as jnp
    from flax import linen as nn

    class Kind(enum.Enum):
        GELU = "gelu"

    class Layer(nn.Module):
        kind: Kind = Kind.GELU

        @nn.compact
        def __call__(self, x: Any, kind: Any) -> Any:
            return nn.gelu(nn.Dense(4)(x)), None

    stack = nn.scan(
        nn.remat(Layer, static_argnums=(2,)), variable_axes={"params": 0}, split_rngs={"params": True}, length=5
    )
    table = nn.tabulate(stack(), jax.random.PRNGKey(0), console_kwargs={"width": 200, "force_terminal": False})
    text = plain(table(jnp.ones((2, 4)), None))
    assert "float32[5,4,4]" in text
    assert re.search(r"Total Parameters: 100 \(400 B\)", text)


@pytest.mark.feature("flax.linen.Module.module_paths or flax.linen.intercept_methods")
@pytest.mark.uses("jax", "flax>=0.8.1")
def test_linen_paths_and_interceptors() -> None:
    """module_paths, bind/unbind and intercept_methods see each submodule by its name.

    Source: flax's changelog, 0.8.1 ("Added Module.module_paths"), google/flax#3694.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import linen as nn

    network, x = linen_network(), jnp.ones((2, 4))
    assert set(network.module_paths(jax.random.PRNGKey(0), x)) == {"", "Dense_0", "BatchNorm_0", "head"}
    variables = network.init(jax.random.PRNGKey(0), x)
    called = []

    def interceptor(next_fun: Any, args: Any, kwargs: Any, context: Any) -> Any:
        out = next_fun(*args, **kwargs)
        if context.method_name == "__call__":
            called.append("/".join(context.module.path))
            if context.module.name == "head":
                return out * 0 + 7
        return out

    with nn.intercept_methods(interceptor):
        out = jax.jit(lambda v, x: network.apply(v, x, False))(variables, x)
    assert called == ["Dense_0", "BatchNorm_0", "head", ""]
    np.testing.assert_array_equal(out, np.full((2, 3), 7.0))
    _, captured = network.apply(variables, x, False, capture_intermediates=True, mutable=["intermediates"])
    np.testing.assert_allclose(
        captured["intermediates"]["Dense_0"]["__call__"][0], x @ variables["params"]["Dense_0"]["kernel"], rtol=1e-5
    )


# ---------------------------------------------------------------------------------------------------------------------
# flax.nnx
# ---------------------------------------------------------------------------------------------------------------------


def nnx_network() -> Any:
    """A network of flax.nnx with parameters, statistics and random streams."""
    from flax import nnx

    class Network(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.first = nnx.Linear(4, 8, rngs=rngs)
            self.norm = nnx.BatchNorm(8, rngs=rngs)
            self.drop = nnx.Dropout(0.5, rngs=rngs)
            self.head = nnx.Linear(8, 3, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.head(self.drop(self.norm(self.first(x))))

    return Network(nnx.Rngs(0))


def nnx_table(model: Any, *inputs: Any, **options: Any) -> str:
    """nnx.tabulate without colours."""
    from flax import nnx

    return plain(nnx.tabulate(model, *inputs, console_kwargs={"width": 200, "force_terminal": False}, **options))


@pytest.mark.feature("flax.nnx.tabulate")
@pytest.mark.uses("jax", "flax>=0.10.6")
def test_nnx_tabulate_of_all_kinds_of_state() -> None:
    """Each submodule has its row, each type of variable its column, and the totals add up; the model is untouched.

    Source: google/flax#5008 (metadata of variables stop the table).
    """
    import jax.numpy as jnp
    import numpy as np

    model = nnx_network()
    text = nnx_table(model, jnp.ones((2, 4)))
    found = {row[0]: row for row in rows(text) if row[0]}
    assert {"path", "first", "norm", "drop", "head"} <= set(found)
    for column in ("BatchStat", "Param"):
        assert column in found["path"]
    assert "float32[2,8]" in found["first"]
    assert "16 (64 B)" in text
    param = found["path"].index("Param")
    assert {row[param] for row in rows(text) if "(" in row[param]} >= {"40 (160 B)", "27 (108 B)", "83 (332 B)"}
    np.testing.assert_array_equal(idioms.nnx_value(model.norm.mean), np.zeros(8))


@pytest.mark.feature("flax.nnx.tabulate with empty inputs")
@pytest.mark.uses("jax", "flax>=0.10.6")
def test_nnx_tabulate_with_empty_inputs() -> None:
    """Inputs and outputs that are empty containers or None are shown like others. Source: google/flax#4889."""
    import jax.numpy as jnp
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.inner = nnx.Linear(3, 2, rngs=rngs)

        def __call__(self, x: Any, extra: Any, more: Any) -> Any:
            return {"y": self.inner(x), "aux": {}, "nothing": None}

    text = nnx_table(Model(nnx.Rngs(0)), jnp.ones((1, 3)), {}, None)
    assert re.search(r"Total Parameters: 8 \(32 B\)", text)


@pytest.mark.feature("flax.nnx.tabulate with callable metadata")
@pytest.mark.uses("jax", "flax>=0.10.6")
def test_nnx_tabulate_with_metadata() -> None:
    """Variables with metadata that are functions (hooks, initialisers) are shown. Source: google/flax#5008."""
    import jax.numpy as jnp
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.inner = nnx.Linear(
                3, 2, rngs=rngs, kernel_init=nnx.with_metadata(nnx.initializers.ones_init(), tag=jnp.tanh, name="k")
            )

        def __call__(self, x: Any) -> Any:
            return self.inner(x)

    assert re.search(r"Total Parameters: 8 \(32 B\)", nnx_table(Model(nnx.Rngs(0)), jnp.ones((1, 3))))


# A table that fails leaves flax in a state in which later ones of the same process miss rows.
@pytest.mark.alone
@pytest.mark.feature("flax.nnx.tabulate with arguments that are not arrays")
@pytest.mark.uses("jax", "flax>=0.10.6")
def test_nnx_tabulate_with_static_arguments() -> None:
    """Submodules that are called with a flag, a name or a size get rows like others.

    Source: google/flax#5067 (0.12.1 and 0.12.2 trace every argument of every submodule).
    """
    import jax.numpy as jnp
    from flax import nnx

    class Repeated(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.inner = nnx.Linear(3, 2, rngs=rngs)

        def __call__(self, x: Any, times: int, kind: str) -> Any:
            return jnp.tile(self.inner(x), (times, 1)) if kind == "tile" else x

    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.repeated = Repeated(rngs)
            self.drop = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.drop(self.repeated(x, 3, kind="tile"), deterministic=True)

    found = {row[0]: row for row in rows(nnx_table(Model(nnx.Rngs(0)), jnp.ones((2, 3)))) if row[0]}
    outputs = found["path"].index("outputs")
    assert {name: found[name][outputs] for name in ("repeated", "repeated/inner", "drop")} == {
        "repeated": "float32[6,2]",
        "repeated/inner": "float32[2,2]",
        "drop": "float32[6,2]",
    }


@pytest.mark.feature("flax.nnx.tabulate with compute_flops")
@pytest.mark.uses("jax", "jaxlib", "flax>=0.12.1")
def test_nnx_tabulate_counts_operations() -> None:
    """With compute_flops the table tells the operations of each layer.

    Source: flax's commit 27ed2531, in 0.12.1; jax's changelog of 0.4.38.
    """
    import jax.numpy as jnp
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.inner = nnx.Linear(4, 8, use_bias=False, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.inner(x)

    text = nnx_table(Model(nnx.Rngs(0)), jnp.ones((2, 4)), compute_flops=True, compute_vjp_flops=True)
    found = {row[0]: row for row in rows(text) if row[0]}
    assert int(found["inner"][found["path"].index("flops")]) == 2 * 2 * 4 * 8
    assert int(found["inner"][found["path"].index("vjp_flops")]) >= 2 * 2 * 4 * 8


@pytest.mark.feature("treescope rendering of flax.nnx models")
@pytest.mark.uses("jax", "flax>=0.10", "treescope")
def test_nnx_display() -> None:
    """A model, its state and its graph are rendered by treescope, with the names of all variables.

    Source: google/flax#5004 (models are shown without their attributes), #5022.
    """
    import treescope
    from flax import nnx

    model = nnx_network()
    text = treescope.render_to_text(model)
    for name in ("first", "norm", "head", "kernel", "bias", "Param", "BatchStat"):
        assert name in text
    assert "treescope" in treescope.render_to_html(model)
    assert "mean" in treescope.render_to_text(nnx.state(model))


@pytest.mark.feature("repr of flax.nnx models")
@pytest.mark.uses("jax", "flax>=0.10.3")
def test_nnx_repr() -> None:
    """The text of a model names each variable with its shape and counts what it holds, under jit as well.

    Source: flax's release notes of 0.10.3 (sizes in the text); google/flax#5004.
    """
    from flax import nnx

    model = nnx_network()
    text = plain(repr(model))
    assert "Param: 83 (332 B)" in text
    assert "BatchStat: 16 (64 B)" in text
    assert re.search(r"kernel=Param\( # 32 \(128 B\)\n\s+value=Array\(shape=\(4, 8\)", text)
    inside = []
    nnx.jit(lambda model: inside.append(plain(repr(model))))(model)
    assert "Param: 83 (332 B)" in inside[0]
    assert "ShapeDtypeStruct" in plain(repr(nnx.eval_shape(nnx_network)))


@pytest.mark.feature("flax.nnx.iter_modules or flax.nnx.iter_graph")
@pytest.mark.uses("jax", "flax>=0.10")
def test_nnx_graph_walks() -> None:
    """iter_modules and iter_graph visit each module once, with its path; shared ones once as well.

    Source: flax's release notes of 0.12.1 (Module.iter_modules gives way to nnx.iter_modules), google/flax#4894.
    """
    from flax import nnx

    class Shared(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.one = nnx.Linear(2, 2, rngs=rngs)
            self.two = self.one

    walk = nnx.iter_modules if idioms.at_least("flax", "0.12") else nnx.Module.iter_modules
    paths = {path for path, _ in walk(nnx_network())}
    assert {(), ("first",), ("norm",), ("head",)} <= paths
    assert {path for path, _ in walk(Shared(nnx.Rngs(0)))} == {(), ("one",)}
    variables = [(path, node) for path, node in nnx.iter_graph(nnx_network()) if isinstance(node, nnx.Param)]
    names = {".".join(map(str, path)).removesuffix(".raw_value") for path, _ in variables}
    assert names == {"first.kernel", "first.bias", "norm.scale", "norm.bias", "head.kernel", "head.bias"}


@pytest.mark.feature("flax.nnx.Module.sow with flax.nnx.pop")
@pytest.mark.uses("jax", "flax>=0.10")
def test_nnx_sow_and_pop() -> None:
    """Intermediates that a model sows, also under nnx.jit, are popped with their path and are gone then.

    Source: google/flax, "Make popping after sowing actually remove the key" (0.12.3); #5073.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.inner = nnx.Linear(3, 2, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            y = self.inner(x)
            self.sow(nnx.Intermediate, "activations", y)
            return y

    model = Model(nnx.Rngs(0))
    for _ in range(2):
        y = nnx.jit(lambda model, x: model(x))(model, jnp.ones((1, 3)))
        popped = nnx.pop(model, nnx.Intermediate)
        (sown,) = jax.tree_util.tree_leaves(popped["activations"])
        np.testing.assert_allclose(sown, y)
        assert not jax.tree_util.tree_leaves(nnx.state(model, nnx.Intermediate))


# ---------------------------------------------------------------------------------------------------------------------
# optax
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("optax.tree.get or optax.tree.set")
@pytest.mark.uses("jax", "optax>=0.2.5")
def test_optax_values_in_a_state() -> None:
    """tree.get finds a hyperparameter or a moment by its name in nested states, and tree.set replaces it, under jit.

    Source: optax's release notes of 0.2.5 (optax.tree), and its commit 1e52e8cd (types of hyperparameters, 0.2.8).
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.inject_hyperparams(optax.adam)(learning_rate=0.5))
    params = {"w": jnp.array([3.0, -4.0])}
    state = tx.init(params)
    assert float(optax.tree.get(state, "learning_rate")) == 0.5
    _, state = jax.jit(tx.update)(params, state, params)
    np.testing.assert_allclose(optax.tree.get(state, "mu")["w"], [0.06, -0.08], rtol=1e-5)
    changed = optax.tree.set(state, learning_rate=jnp.float32(0.0))
    updates, _ = jax.jit(tx.update)(params, changed, params)
    np.testing.assert_array_equal(updates["w"], [0.0, 0.0])
    bf16 = optax.inject_hyperparams(optax.sgd)(learning_rate=0.5)
    updates, _ = jax.jit(bf16.update)({"w": jnp.ones(2, jnp.bfloat16)}, bf16.init({"w": jnp.ones(2, jnp.bfloat16)}))
    assert updates["w"].dtype == jnp.bfloat16


# ---------------------------------------------------------------------------------------------------------------------
# Programs
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("jax.stages.Compiled.cost_analysis or memory_analysis")
@pytest.mark.level("run")
@pytest.mark.uses("jax>=0.5.0", "jaxlib")
def test_costs_of_a_compiled_program() -> None:
    """The cost and the memory of a compiled program: a dict with 2 m n k operations, and the bytes of its arguments.

    Source: jax's changelog, 0.4.38 (a dict in place of a list of one; in fact since 0.5.0).
    """
    import jax
    import numpy as np

    a, b = np.ones((8, 16), np.float32), np.ones((16, 4), np.float32)
    lowered = jax.jit(lambda a, b: a @ b).lower(a, b)
    compiled = lowered.compile()
    assert compiled.cost_analysis()["flops"] == 2 * 8 * 16 * 4
    assert compiled.memory_analysis().argument_size_in_bytes == a.nbytes + b.nbytes
    assert compiled.memory_analysis().output_size_in_bytes == 8 * 4 * 4
    assert "stablehlo.dot_general" in lowered.as_text()
    assert "dot" in compiled.as_text()
    np.testing.assert_array_equal(compiled(a, b), a @ b)


@pytest.mark.feature("jax.stages.Traced.out_info or jax.stages.Lowered.out_info")
@pytest.mark.level("run")
@pytest.mark.uses("jax>=0.4.35", "jaxlib")
def test_stages_tell_shapes() -> None:
    """trace, lower and compile tell the shapes and types that come out, as trees like the function's own.

    Source: jax's changelog, 0.7.0 (OutInfo is replaced by ShapeDtypeStruct).
    """
    import jax
    import numpy as np

    def function(x: Any, count: int) -> Any:
        return {"sum": x.sum(0), "many": [x] * count}

    traced = jax.jit(function, static_argnums=1).trace(np.ones((2, 3), np.float32), 2)
    wanted = {"sum": ((3,), "float32"), "many": [((2, 3), "float32")] * 2}
    for stage in (traced, traced.lower()):
        found = jax.tree_util.tree_map(lambda leaf: (tuple(leaf.shape), str(leaf.dtype)), stage.out_info)
        assert found == wanted
    assert traced.lower().compile().out_tree == jax.tree_util.tree_structure({"sum": 0, "many": [0, 0]})
    text = str(traced.jaxpr)
    assert "reduce_sum" in text
    assert "f32[2,3]" in text


@pytest.mark.feature("jax.ad_checkpoint.print_saved_residuals")
@pytest.mark.level("run")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
def test_saved_residuals(capsys: pytest.CaptureFixture[str]) -> None:
    """print_saved_residuals tells what the backward pass keeps: named values that the policy saves, and no others.

    Source: jax's changelog, 0.7.0 (direct linearization), and the guide "Gradient checkpointing".
    """
    import jax
    import jax.ad_checkpoint
    import jax.numpy as jnp

    def function(x: Any) -> Any:
        y = jax.ad_checkpoint.checkpoint_name(jnp.sin(x), "kept")
        return jnp.sin(jnp.cos(y) * x)

    policy = jax.checkpoint_policies.save_only_these_names("kept")
    jax.ad_checkpoint.print_saved_residuals(jax.checkpoint(function, policy=policy), jnp.ones((7,)))
    lines = capsys.readouterr().out.splitlines()
    # Releases before jax 0.10 name the primitive that stands for the name.
    kept = re.compile(r"f32\[7\] (named 'kept'|output of reduce_precision) from")
    assert [bool(kept.match(line)) for line in lines] == [False, True]
    assert lines[0].startswith("f32[7] from the argument")
    jax.ad_checkpoint.print_saved_residuals(function, jnp.ones((7,)))
    assert len(capsys.readouterr().out.splitlines()) > len(lines)


@pytest.mark.feature("jax.debug.visualize_array_sharding")
@pytest.mark.level("run")
@pytest.mark.uses("jax>=0.4.30", "jaxlib", "rich")
def test_visualised_sharding(capsys: pytest.CaptureFixture[str]) -> None:
    """The picture of a sharded array names each device once. Source: jax's changelog, 0.10.0 (names of CPU devices)."""
    import jax
    import numpy as np

    mesh = idioms.mesh((4, 2), ("x", "y"))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x", "y"))
    array = jax.device_put(np.zeros((8, 8), np.float32), sharding)
    seen = []
    jax.debug.visualize_array_sharding(array)
    text = plain(capsys.readouterr().out)
    for device in range(8):
        assert len(re.findall(rf"(?<![0-9]){device}(?![0-9])", text)) == 1
    jax.jit(lambda x: [jax.debug.inspect_array_sharding(x, callback=seen.append), x * 2][1])(array).block_until_ready()
    jax.effects_barrier()
    assert len(seen) == 1
    assert seen[0].is_equivalent_to(sharding, 2)


@pytest.mark.feature("jax.extend.core in a jaxpr interpreter")
@pytest.mark.level("run")
@pytest.mark.uses("jax>=0.4.36", "jaxlib")
def test_programs_as_data() -> None:
    """An interpreter over a jaxpr, as the guide has it, with the names of jax.extend.core.

    Source: jax's changelog, 0.4.36 and 0.10.0 (names move from jax.core to jax.extend.core), 0.7.0 (pjit becomes jit).
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.extend import core

    def function(x: Any) -> Any:
        return jnp.exp(jnp.tanh(x)) * 2

    def run(jaxpr: Any, consts: Any, x: Any) -> Any:
        values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, x], strict=True))
        for equation in jaxpr.eqns:
            given = [v.val if isinstance(v, core.Literal) else values[v] for v in equation.invars]
            out = equation.primitive.bind(*given, **equation.params)
            values |= zip(equation.outvars, out if equation.primitive.multiple_results else [out], strict=True)
        return values[jaxpr.outvars[0]]

    closed = jax.make_jaxpr(function)(np.float32(0.5))
    assert [equation.primitive.name for equation in closed.jaxpr.eqns] == ["tanh", "exp", "mul"]
    np.testing.assert_allclose(run(closed.jaxpr, closed.consts, np.float32(0.5)), function(0.5), rtol=1e-6)
    np.testing.assert_allclose(core.jaxpr_as_fun(closed)(np.float32(0.5))[0], function(0.5), rtol=1e-6)
    assert closed.jaxpr.eqns[0].primitive is core.primitives.tanh_p


@pytest.mark.feature("jax.errors traceback to the user's function")
@pytest.mark.level("run")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
def test_errors_name_the_line() -> None:
    """Typical mistakes under jit end with jax's documented errors, and the traceback names the user's function.

    Source: jax's changelog, 0.4.36 (hashing of tracers is a TypeError) and the page "JAX errors".
    """
    import traceback

    import jax
    import jax.numpy as jnp
    import numpy as np

    leaked: list[Any] = []

    def branches(x: Any) -> Any:
        return x if x > 0 else -x

    def sized(x: Any) -> Any:
        return jnp.zeros((x,))

    def masked(x: Any) -> Any:
        return x[x > 0]

    def leaking(x: Any) -> Any:
        leaked.append(x)
        return leaked[0] + x

    def as_number(x: Any) -> Any:
        return float(x)

    jax.jit(leaking)(1.0)
    for function, value, error in [
        (branches, 1.0, jax.errors.TracerBoolConversionError),
        (sized, 3, TypeError),
        (masked, np.arange(3), jax.errors.NonConcreteBooleanIndexError),
        (leaking, 2, jax.errors.UnexpectedTracerError),
        (as_number, 1.0, jax.errors.ConcretizationTypeError),
    ]:
        with pytest.raises(error) as caught:
            jax.jit(function)(value)
        assert function.__name__ in "".join(traceback.format_exception(caught.value))
    with pytest.raises(TypeError, match="unhashable"):
        jax.jit(lambda x: {x: 1}[x])(1.0)
