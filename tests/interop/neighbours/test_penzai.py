"""Penzai: named arrays, models that are edited as data, and their training by optax."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("penzai", "jax"), pytest.mark.level("interop")]


def mlp() -> Any:
    import jax
    from penzai.models import simple_mlp

    return simple_mlp.MLP.from_config(name="mlp", init_base_rng=jax.random.key(0), feature_sizes=[3, 8, 2])


def test_named_arrays_are_vectorised_by_name() -> None:
    """A function is mapped over the axes that have names, compiled and differentiated, as einsum would do it."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from penzai import pz

    left, right = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)

    @jax.jit
    def product(left: Any, right: Any) -> Any:
        rows = pz.nx.wrap(left).tag("row", "inner")
        columns = pz.nx.wrap(right).tag("inner", "column")
        dot = pz.nx.nmap(jnp.dot)(rows.untag("inner"), columns.untag("inner"))
        assert dict(dot.named_shape) == {"row": 2, "column": 4}
        return dot

    np.testing.assert_allclose(product(left, right).unwrap("column", "row"), (left @ right).T)
    gradient = jax.grad(lambda left: product(left, right).unwrap("row", "column").sum())(left)
    np.testing.assert_allclose(gradient, np.broadcast_to(right.sum(1), (2, 3)))


def test_a_model_is_edited_as_data() -> None:
    """A layer that is inserted behind the nonlinearity collects what NumPy computes from the same parameters."""
    import jax.numpy as jnp
    import numpy as np
    from penzai import pz

    @pz.pytree_dataclass
    class Collect(pz.nn.Layer):
        saved: pz.StateVariable[list[Any]]

        def __call__(self, x: Any, **_: Any) -> Any:
            self.saved.value = [*self.saved.value, x]
            return x

    model, seen = mlp(), pz.StateVariable(value=[], label="seen")
    inputs = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(4, 3)
    named = pz.nx.wrap(jnp.asarray(inputs)).tag("batch", "features")
    edited = pz.select(model).at_instances_of(pz.nn.Elementwise).insert_after(Collect(seen))
    out = edited(named)

    _, parameters = pz.unbind_params(model)
    values = {parameter.label: parameter.value for parameter in parameters}
    kernels = [
        np.asarray(values[f"mlp/Affine_{layer}/Linear.weights"].unwrap("features", "features_out")) for layer in (0, 1)
    ]
    hidden = np.maximum(inputs @ kernels[0], 0)
    (collected,) = seen.value
    np.testing.assert_allclose(collected.unwrap("batch", "features"), hidden, atol=1e-5)
    np.testing.assert_allclose(out.unwrap("batch", "features"), hidden @ kernels[1], atol=1e-5)


@pytest.mark.uses("penzai", "jax", "optax")
def test_the_basic_trainer_fits() -> None:
    """The trainer of the toolshed brings the loss of a regression below a tenth, and leaves frozen parameters alone."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from penzai import pz
    from penzai.toolshed import basic_training

    inputs = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
    targets = np.stack([inputs[:, 0] - inputs[:, 1], inputs[:, 2]], axis=1)
    model = mlp()

    def loss(model: Any, state: Any, rng: Any, inputs: Any, targets: Any) -> Any:
        found = model(pz.nx.wrap(inputs).tag("batch", "features")).unwrap("batch", "features")
        value = jnp.mean((found - targets) ** 2)
        return value, state, {"loss": value}

    trainer = basic_training.StatefulTrainer.build(
        root_rng=jax.random.key(1), model=model, optimizer_def=optax.adam(0.02), loss_fn=loss
    )
    losses = [float(trainer.step(inputs=inputs, targets=targets)["loss"]) for _ in range(120)]
    assert losses[-1] < 0.1 * losses[0]
    # The trainer changes the model that it was given.
    assert float(loss(model, None, None, inputs, targets)[0]) < 0.1 * losses[0]


def test_a_transformer_is_causal() -> None:
    """A small Llama-like model, compiled: a later token changes no earlier logits, and does change its own."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from penzai import pz
    from penzai.models.transformer.variants import llamalike_common

    config = llamalike_common.LlamalikeTransformerConfig(
        num_kv_heads=1,
        query_head_multiplier=2,
        embedding_dim=8,
        projection_dim=4,
        mlp_hidden_dim=16,
        num_decoder_blocks=1,
        vocab_size=11,
        mlp_variant="swiglu",
        tie_embedder_and_logits=False,
    )
    model = llamalike_common.build_llamalike_transformer(config, jax.random.key(0))

    @jax.jit
    def logits(model: Any, tokens: Any) -> Any:
        return model(pz.nx.wrap(tokens).tag("seq")).unwrap("seq", "vocabulary")

    frozen = pz.freeze_params(model)
    first = logits(frozen, jnp.array([1, 2, 3, 4, 5]))
    second = logits(frozen, jnp.array([1, 2, 3, 9, 5]))
    assert first.shape == (5, 11)
    np.testing.assert_allclose(first[:3], second[:3], atol=1e-5)
    assert (np.abs(first[3:] - second[3:]).max(axis=1) > 1e-3).all()


def test_a_model_is_shown_as_text() -> None:
    """Treescope shows a model in a compiled function and outside of it: names of layers, axes and parameters."""
    import jax
    import treescope

    shown: list[str] = []
    model = mlp()
    shown.append(treescope.render_to_text(model))

    from penzai import pz

    @jax.jit
    def look(model: Any) -> Any:
        shown.append(treescope.render_to_text(model))
        return 0

    look(pz.freeze_params(model))
    for text in shown:
        assert "mlp/Affine_1/Linear.weights" in text
        assert "features_out" in text
