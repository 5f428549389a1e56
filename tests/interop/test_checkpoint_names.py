"""The names of leaves: how flax and optax name what they hold, how Orbax names it in a checkpoint, and gives it back.

Whoever reads a checkpoint without the code that wrote it, maps one model's names to another's or trains a part of a
model by its path relies on these names. Each test names the source of its claim.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.level("interop"), pytest.mark.thorough]


def paths(tree: Any) -> list[str]:
    """The path of each leaf, as jax writes it."""
    import jax

    return [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(tree)[0]]


def saved(folder: Path, tree: Any) -> Any:
    """What Orbax gives back of a tree that was saved, with nothing but the path; its metadata have the same names."""
    import orbax.checkpoint as ocp

    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(folder / "ck", tree)
        restored = checkpointer.restore(folder / "ck")
        assert paths(idioms.orbax_metadata_tree(checkpointer, folder / "ck")) == paths(restored)
    return restored


class Pair(NamedTuple):
    """A named tuple, as states of optax are."""

    left: Any
    right: Any


# ---------------------------------------------------------------------------------------------------------------------
# flax.linen
# ---------------------------------------------------------------------------------------------------------------------


def linen_variables() -> Any:
    """The variables of a network of flax.linen with layers that were named and others that were not."""
    import jax
    import numpy as np
    from flax import linen as nn

    class Block(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.BatchNorm(use_running_average=False)(nn.Dense(2)(x))

    class Network(nn.Module):
        def setup(self) -> None:
            self.blocks = [Block() for _ in range(2)]
            self.table = {"out": nn.Dense(1, use_bias=False)}

        def __call__(self, x: Any) -> Any:
            for block in self.blocks:
                x = block(x)
            return self.table["out"](x)

    return Network().init(jax.random.PRNGKey(0), np.ones((1, 2), np.float32))


LINEN_PARAMS = [
    *(f"['blocks_{i}']['{layer}']" for i in range(2) for layer in ("BatchNorm_0']['bias", "BatchNorm_0']['scale")),
    *(f"['blocks_{i}']['Dense_0']['{leaf}']" for i in range(2) for leaf in ("bias", "kernel")),
    "['table_out']['kernel']",
]


@pytest.mark.feature("naming of flax.linen submodules")
@pytest.mark.uses("jax", "flax>=0.8")
def test_linen_names() -> None:
    """Submodules are named after their class or their attribute, those in lists and dictionaries with their place.

    Source: flax's guide "Module lifecycle" and its changelog of 0.7.1 (plain dictionaries); google/flax#4563.
    """
    from flax import traverse_util

    variables = linen_variables()
    assert type(variables) is dict
    assert sorted(paths(variables["params"])) == sorted(LINEN_PARAMS)
    statistics = [f"['blocks_{i}']['BatchNorm_0']['{leaf}']" for i in range(2) for leaf in ("mean", "var")]
    assert paths(variables["batch_stats"]) == statistics
    flat = traverse_util.flatten_dict(variables["params"], sep="/")
    assert {name.replace("']['", "/")[2:-2] for name in LINEN_PARAMS} == set(flat)
    assert paths(traverse_util.unflatten_dict(flat, sep="/")) == paths(variables["params"])


@pytest.mark.feature("naming of layers lifted by flax.linen.scan, vmap or remat")
@pytest.mark.uses("jax", "flax>=0.8")
def test_linen_names_of_lifted_layers() -> None:
    """nn.scan, nn.vmap and nn.remat name layers as documented: with their own class in front, remat without.

    Source: flax's documentation of nn.remat, nn.scan and nn.vmap; google/flax, "fix nn.vmap's split_fn" (0.12.5).
    """
    import jax
    import numpy as np
    from flax import linen as nn

    class Cell(nn.Module):
        @nn.compact
        def __call__(self, carry: Any, x: Any) -> Any:
            return nn.Dense(2, use_bias=False)(carry), x

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            lift: dict[str, Any] = {"variable_axes": {"params": 0}, "split_rngs": {"params": True}}
            x, _ = nn.scan(Cell, **lift, length=3)()(x, None)
            x = nn.vmap(nn.Dense, **lift, in_axes=0, out_axes=0)(2)(x)
            return nn.remat(nn.Dense)(2)(x)

    params = Network().init(jax.random.PRNGKey(0), np.ones((2, 2), np.float32))["params"]
    assert set(params) == {"ScanCell_0", "VmapDense_0", "CheckpointDense_0"}
    assert params["ScanCell_0"]["Dense_0"]["kernel"].shape == (3, 2, 2)


@pytest.mark.feature("naming of flax.linen variables in Orbax checkpoints")
@pytest.mark.uses("jax", "jaxlib", "flax>=0.8", "orbax-checkpoint>=0.5.0")
def test_linen_names_on_disk(tmp_path: Path) -> None:
    """A checkpoint of linen variables has their names, and comes back as plain nested dictionaries.

    Source: google/orbax#1904 (a train state restored from two structures).
    """
    variables = linen_variables()
    assert paths(saved(tmp_path, variables)) == paths(variables)


# ---------------------------------------------------------------------------------------------------------------------
# flax.nnx
# ---------------------------------------------------------------------------------------------------------------------


def nnx_model() -> Any:
    """A network of flax.nnx with a layer by itself and layers in a list."""
    from flax import nnx

    class Network(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.first = nnx.Linear(2, 2, rngs=rngs)
            self.blocks = idioms.nnx_list([nnx.Linear(2, 2, use_bias=False, rngs=rngs) for _ in range(2)])

    return Network(nnx.Rngs(0))


NNX_PARAMS = ["['blocks'][0]['kernel']", "['blocks'][1]['kernel']", "['first']['bias']", "['first']['kernel']"]


@pytest.mark.feature("naming of leaves in flax.nnx.State")
@pytest.mark.uses("jax", "flax>=0.10.3")
def test_nnx_names() -> None:
    """The state of a model has the names of its attributes; places in lists are integers; each variable has `.value`.

    Source: google/flax#4860 (keys that are strings of digits), google/flax#5270; flax's guide "Checkpointing".
    """
    from flax import nnx

    state = nnx.state(nnx_model())
    assert paths(state) == [f"{name}.value" for name in NNX_PARAMS]
    assert paths(nnx.to_pure_dict(state)) == NNX_PARAMS
    flat = nnx.to_flat_state(state) if idioms.at_least("flax", "0.10.4") else state.flat_state()
    assert [path for path, _ in flat] == [
        *(("blocks", i, "kernel") for i in range(2)),
        *(("first", leaf) for leaf in ("bias", "kernel")),
    ]


@pytest.mark.feature("flax.nnx.replace_by_pure_dict with names of digits")
@pytest.mark.uses("jax", "flax>=0.10.4")
def test_nnx_names_that_are_digits() -> None:
    """A model whose own names are strings of digits takes a pure dictionary with these names.

    Source: google/flax#4860.
    """
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    state = nnx.State({"layers": {"0": nnx.Param(jnp.zeros(2)), "1": nnx.Param(jnp.ones(2))}})
    if not idioms.at_least("flax", "0.11"):
        state = nnx.State({"layers": {key: nnx.Param(jnp.zeros(2)).to_state() for key in ("0", "1")}})
    nnx.replace_by_pure_dict(state, {"layers": {"0": jnp.full(2, 3.0), "1": jnp.full(2, 4.0)}})
    pure = nnx.to_pure_dict(state)
    np.testing.assert_array_equal(pure["layers"]["1"], [4.0, 4.0])
    assert set(pure["layers"]) == {"0", "1"}


@pytest.mark.feature("naming of flax.nnx.State leaves in Orbax checkpoints")
@pytest.mark.uses("jax", "jaxlib", "flax>=0.10.3", "orbax-checkpoint>=0.5.0")
@pytest.mark.parametrize("pure", [True, False])
def test_nnx_names_on_disk(tmp_path: Path, pure: bool) -> None:
    """In a checkpoint places in lists are text, and variables have a further name `value`; a pure dictionary has not.

    Source: flax's guide "Checkpointing" (pure dictionaries), google/flax#4860.
    """
    from flax import nnx

    state = nnx.state(nnx_model())
    names = [name.replace("[0]", "['0']").replace("[1]", "['1']") for name in NNX_PARAMS]
    found = paths(saved(tmp_path, nnx.to_pure_dict(state) if pure else state))
    assert found == (names if pure else [f"{name}['value']" for name in names])


@pytest.mark.feature("naming of leaves in flax.nnx.Optimizer")
@pytest.mark.uses("jax", "flax>=0.11", "optax")
def test_nnx_optimizer_names() -> None:
    """The state of nnx.Optimizer has optax's names below `opt_state`, and below these the model's.

    Source: google/flax#4788 (nnx.OptState), release notes of 0.11.0 (the optimizer no longer holds the model).
    """
    import optax
    from flax import nnx

    optimizer = nnx.Optimizer(nnx_model(), optax.adam(0.1), wrt=nnx.Param)
    found = [name.removesuffix(".value") for name in paths(nnx.state(optimizer))]
    moments = [f"['opt_state'][0]['{name}']{leaf}" for name in ("mu", "nu") for leaf in NNX_PARAMS]
    assert found == ["['opt_state'][0]['count']", *moments, "['step']"]


@pytest.mark.feature("flax.nnx.Optimizer with optax.partition by paths")
@pytest.mark.uses("jax", "flax>=0.11", "optax>=0.2.5")
def test_paths_choose_what_is_trained() -> None:
    """Labels made from the paths of a model's state choose the rule of each leaf. Source: google/flax#5372."""
    import jax
    import numpy as np
    import optax
    from flax import nnx

    def labels(params: Any) -> Any:
        def label(path: Any, _: Any) -> str:
            return "train" if "first" in jax.tree_util.keystr(path) else "freeze"

        return jax.tree_util.tree_map_with_path(label, params)

    model = nnx_model()
    before = nnx.to_pure_dict(nnx.state(model))
    optimizer = nnx.Optimizer(
        model, optax.partition({"train": optax.sgd(1.0), "freeze": optax.set_to_zero()}, labels), wrt=nnx.Param
    )
    gradients = jax.tree_util.tree_map(lambda leaf: leaf * 0 + 1, nnx.state(model, nnx.Param))
    nnx.jit(lambda model, optimizer, gradients: optimizer.update(model, gradients))(model, optimizer, gradients)
    after = nnx.to_pure_dict(nnx.state(model))
    np.testing.assert_array_equal(after["blocks"][0]["kernel"], before["blocks"][0]["kernel"])
    np.testing.assert_allclose(after["first"]["kernel"], before["first"]["kernel"] - 1, rtol=1e-6)


# ---------------------------------------------------------------------------------------------------------------------
# optax
# ---------------------------------------------------------------------------------------------------------------------


def optax_rules() -> dict[str, tuple[Callable[[], Any], list[str]]]:
    """Some rules, and the paths of the leaves of their states for parameters with one leaf `w`."""
    import optax

    schedule = optax.linear_schedule(0.1, 0.0, 3)
    adam = ["[0].count", "[0].mu['w']", "[0].nu['w']"]
    return {
        "adam": (lambda: optax.adam(0.1), adam),
        "adamw": (lambda: optax.adamw(schedule), [*adam, "[2].count"]),
        "sgd": (lambda: optax.sgd(0.1, momentum=0.9), ["[0].trace['w']"]),
        "chain": (lambda: optax.chain(optax.clip(1.0), optax.adam(0.1)), [f"[1]{leaf}" for leaf in adam]),
        "named_chain": (
            lambda: optax.named_chain(("clip", optax.clip(1.0)), ("rule", optax.trace(0.9))),
            ["['rule'].trace['w']"],
        ),
        "masked": (lambda: optax.masked(optax.trace(0.9), {"w": True}), [".inner_state.trace['w']"]),
        "multi_steps": (
            lambda: optax.MultiSteps(optax.trace(0.9), 2),
            [".mini_step", ".gradient_step", ".inner_opt_state.trace['w']", ".acc_grads['w']"],
        ),
        "lion": (lambda: optax.lion(0.1), ["[0].count", "[0].mu['w']"]),
        "rmsprop": (lambda: optax.rmsprop(0.1), ["[0].nu['w']"]),
    }


@pytest.mark.feature("naming of leaves in optax states")
@pytest.mark.uses("jax", "optax>=0.2.2")
@pytest.mark.parametrize(
    "name", ["adam", "adamw", "sgd", "chain", "named_chain", "masked", "multi_steps", "lion", "rmsprop"]
)
def test_optax_names(name: str) -> None:
    """The leaves of a state have the names of its named tuples and places, and keep them under jit.

    Source: optax's commit 74c68567 (named_chain keeps its order through jit, 0.2.6); google-deepmind/optax#1148.
    """
    import jax
    import numpy as np

    make, wanted = optax_rules()[name]
    params = {"w": np.ones(2, np.float32)}
    tx = make()
    state = tx.init(params)
    assert [path.removesuffix(".count") if name == "rmsprop" else path for path in paths(state)] == wanted
    _, after = jax.jit(tx.update)(params, state, params)
    assert paths(after) == paths(state)
    assert jax.tree_util.tree_structure(after) == jax.tree_util.tree_structure(state)


@pytest.mark.feature("naming of optax states in Orbax checkpoints")
@pytest.mark.uses("jax", "jaxlib", "optax>=0.2.2", "orbax-checkpoint>=0.5.0")
def test_optax_names_on_disk(tmp_path: Path) -> None:
    """A state restored without a target: fields of named tuples are keys, tuples are lists, and what is empty is None.

    Source: google/orbax, changelog of 0.11.30 (a changed form of metadata broke readers and is rolled back).
    """
    import optax

    state = optax.chain(optax.clip(1.0), optax.adam(0.1)).init({"w": filled(2.0)})
    found = saved(tmp_path, {"opt_state": state, "pair": Pair(filled(1.0), None)})
    assert paths(found) == [
        "['opt_state'][1][0]['count']",
        *(f"['opt_state'][1][0]['{name}']['w']" for name in ("mu", "nu")),
        "['pair']['left']",
    ]
    assert found["opt_state"][0] is None
    assert found["pair"]["right"] is None


def filled(value: float) -> Any:
    """A small jax array."""
    import jax
    import numpy as np

    return jax.device_put(np.full(2, value, np.float32))


@pytest.mark.feature("Orbax checkpointing of empty containers and odd keys")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.7.0")
@pytest.mark.parametrize("target", [True, False])
def test_containers_on_disk(tmp_path: Path, target: bool) -> None:
    """Empty containers, None, tuples, integers as keys and odd names: as saved into a target, else in a known form.

    Source: google/orbax, changelog of 0.7.0 ("Support empty tuple values"), "Fix partial restore handling for empty
    containers" (0.11.23); its guide "Checkpointing PyTrees".
    """
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    tree = {
        "empty": {"dict": {}, "list": [], "tuple": (), "none": None},
        "tuple": (filled(1.0), [filled(2.0)]),
        "numbers": {0: filled(3.0), 10: filled(4.0)},
        "odd a.b/c": filled(5.0),
        "pair": Pair(filled(6.0), 7),
    }
    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", tree)
        idioms.orbax_wait(checkpointer)
        found = checkpointer.restore(tmp_path / "ck", *([tree] if target else []))
    assert found["empty"] == tree["empty"]
    np.testing.assert_array_equal(found["odd a.b/c"], tree["odd a.b/c"])
    if target:
        assert jax.tree_util.tree_structure(found) == jax.tree_util.tree_structure(tree)
        assert found["pair"].right == 7
        return
    assert isinstance(found["tuple"], list)
    assert list(found["numbers"]) == ["0", "10"]
    assert found["pair"]["right"] == 7
