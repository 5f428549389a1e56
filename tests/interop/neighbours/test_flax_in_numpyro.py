"""flax modules in numpyro's models: as parts that are fitted, and as networks with priors on their weights.

Sources: pyro-ppl/numpyro#1990 (nnx modules), #2055 (flax 0.11), #1741 and #1991 (random_flax_module).
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.level("interop"), pytest.mark.uses("jax", "flax>=0.8", "numpyro>=0.15")]


def data() -> tuple[Any, Any]:
    """Inputs and outputs of y = 2 x - 1."""
    import numpy as np

    x = np.linspace(-1, 1, 16, dtype=np.float32)[:, None]
    return x, 2 * x[:, 0] - 1


def fit(model: Any, guide: Any, steps: int = 150) -> tuple[Any, float, float]:
    """The parameters after some steps of SVI, and the first and the last loss."""
    import jax
    import numpyro
    from numpyro.infer import SVI, Trace_ELBO

    svi = SVI(model, guide, numpyro.optim.Adam(0.1), Trace_ELBO())
    result = svi.run(jax.random.PRNGKey(0), steps, *data(), progress_bar=False)
    return result.params, float(result.losses[0]), float(result.losses[-1])


@pytest.mark.feature("numpyro.contrib.module.flax_module")
def test_flax_module() -> None:
    """A linen layer within a model is fitted: its kernel and bias are those of the line."""
    import numpy as np
    import numpyro
    import numpyro.distributions as dist
    from flax import linen as nn
    from numpyro.contrib.module import flax_module

    def model(x: Any, y: Any) -> None:
        layer = flax_module("layer", nn.Dense(1), input_shape=(1,))
        numpyro.sample("y", dist.Normal(layer(x)[:, 0], 0.1), obs=y)

    params, first, last = fit(model, lambda x, y: None)
    assert last < 0.2 * first
    found = params["layer$params"]
    np.testing.assert_allclose([found["kernel"][0, 0], found["bias"][0]], [2.0, -1.0], atol=0.1)


@pytest.mark.feature("numpyro.contrib.module.random_flax_module")
def test_random_flax_module() -> None:
    """A linen layer with priors on its weights: the guide's means are near the line's."""
    import numpy as np
    import numpyro
    import numpyro.distributions as dist
    from flax import linen as nn
    from numpyro.contrib.module import random_flax_module
    from numpyro.infer.autoguide import AutoNormal

    def model(x: Any, y: Any) -> None:
        layer = random_flax_module("layer", nn.Dense(1), prior=dist.Normal(0, 3), input_shape=(1,))
        numpyro.sample("y", dist.Normal(layer(x)[:, 0], 0.1), obs=y)

    params, first, last = fit(model, AutoNormal(model), 250)
    assert last < first
    assert params["layer/kernel_auto_loc"].shape == (1, 1)
    np.testing.assert_allclose(params["layer/kernel_auto_loc"][0, 0], 2.0, atol=0.3)


@pytest.mark.feature("numpyro.contrib.module.nnx_module")
@pytest.mark.uses("flax>=0.10.4", "numpyro>=0.18")
def test_nnx_module() -> None:
    """An nnx layer within a model is fitted in the same way."""
    import jax
    import numpy as np
    import numpyro
    import numpyro.distributions as dist
    from flax import nnx
    from numpyro.contrib.module import nnx_module

    linear = nnx.Linear(1, 1, rngs=nnx.Rngs(0))

    def model(x: Any, y: Any) -> None:
        layer = nnx_module("layer", linear)
        numpyro.sample("y", dist.Normal(layer(x)[:, 0], 0.1), obs=y)

    params, first, last = fit(model, lambda x, y: None)
    assert last < 0.2 * first
    found = sorted(float(leaf.ravel()[0]) for leaf in jax.tree_util.tree_leaves(params))
    np.testing.assert_allclose(found, [-1.0, 2.0], atol=0.1)
