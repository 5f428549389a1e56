"""FlowJAX: distributions, bijections and normalising flows, which optax trains."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("flowjax", "jax"), pytest.mark.level("interop")]


@pytest.mark.uses("flowjax", "jax", "scipy")
def test_distributions_have_the_densities_of_scipy() -> None:
    """Densities, compiled and mapped, are those of SciPy; samples have the mean and covariance that were given."""
    import flowjax.distributions as dist
    import jax
    import jax.numpy as jnp
    import numpy as np
    from scipy import stats

    at = np.array([0.2, 0.7, 1.9], np.float32)
    expected = {
        "normal": (dist.Normal(1.0, 0.5), stats.norm(1.0, 0.5)),
        "student": (dist.StudentT(4.0, 0.5, 2.0), stats.t(4.0, 0.5, 2.0)),
        "gumbel": (dist.Gumbel(0.3, 1.5), stats.gumbel_r(0.3, 1.5)),
        "log-normal": (dist.LogNormal(0.1, 0.4), stats.lognorm(0.4, scale=np.exp(0.1))),
    }
    densities = jax.jit(lambda x: {name: jax.vmap(ours.log_prob)(x) for name, (ours, _) in expected.items()})(at)
    for name, (_, theirs) in expected.items():
        np.testing.assert_allclose(densities[name], theirs.logpdf(at), rtol=1e-4, err_msg=name)

    many = dist.MultivariateNormal(jnp.array([1.0, -1.0]), jnp.array([[2.0, 0.6], [0.6, 0.5]]))
    samples = np.asarray(many.sample(jax.random.key(0), (4000,)))
    np.testing.assert_allclose(samples.mean(0), [1.0, -1.0], atol=0.15)
    np.testing.assert_allclose(np.cov(samples.T), [[2.0, 0.6], [0.6, 0.5]], atol=0.2)


def test_a_flow_is_inverted_and_has_its_jacobian() -> None:
    """A coupling flow of splines is undone by its inverse, and its log-determinant is that of JAX's Jacobian."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flowjax.bijections import RationalQuadraticSpline
    from flowjax.distributions import Normal
    from flowjax.flows import coupling_flow

    flow = coupling_flow(
        jax.random.key(0),
        base_dist=Normal(jnp.zeros(3)),
        transformer=RationalQuadraticSpline(knots=4, interval=3),
        flow_layers=1,
        nn_width=8,
    )
    point = jnp.array([0.5, -0.3, 0.9])

    @jax.jit
    def both(point: Any) -> Any:
        there, log_det = flow.bijection.transform_and_log_det(point)
        jacobian = jax.jacfwd(flow.bijection.transform)(point)
        return there, log_det, jacobian, flow.bijection.inverse(there), flow.log_prob(there)

    there, log_det, jacobian, back, density = both(point)
    np.testing.assert_allclose(back, point, atol=1e-4)
    assert np.abs(np.asarray(there) - point).max() > 1e-3
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=1e-4)
    base = -0.5 * (point**2).sum() - 1.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(density, base - log_det, atol=1e-4)


@pytest.mark.uses("flowjax", "jax", "optax")
def test_a_flow_is_fitted_to_data() -> None:
    """A masked autoregressive flow, trained by optax, comes near the density of a normal distribution far from 0."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flowjax.distributions import Normal
    from flowjax.flows import masked_autoregressive_flow
    from flowjax.train import fit_to_data

    x = np.random.default_rng(0).normal([2.0, -1.0], [0.5, 2.0], size=(400, 2)).astype(np.float32)
    flow = masked_autoregressive_flow(jax.random.key(0), base_dist=Normal(jnp.zeros(2)), flow_layers=1, nn_width=8)
    fitted, losses = fit_to_data(
        jax.random.key(1), flow, x, optimizer=optax.adam(4e-2), max_epochs=15, max_patience=15, show_progress=False
    )
    entropy = 2 * 0.5 * np.log(2 * np.pi * np.e) + np.log(0.5 * 2.0)
    before, after = -flow.log_prob(x).mean(), -fitted.log_prob(x).mean()
    assert before > entropy + 1
    assert after < entropy + 0.2
    assert losses["val"][-1] < losses["val"][0] - 1


@pytest.mark.uses("flowjax>=17", "jax", "optax")
def test_a_distribution_is_fitted_to_a_density() -> None:
    """Variational fitting by the evidence bound brings a normal distribution to the mean and spread of its target."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flowjax.distributions import Normal
    from flowjax.train import fit_to_key_based_loss
    from flowjax.train.losses import ElboLoss

    target = Normal(jnp.array([1.0, -0.5]), jnp.array([0.3, 0.8]))
    fitted, losses = fit_to_key_based_loss(
        jax.random.key(0),
        Normal(jnp.zeros(2)),
        loss_fn=ElboLoss(target.log_prob, num_samples=128),
        steps=150,
        learning_rate=0.05,
        show_progress=False,
    )
    samples = np.asarray(fitted.sample(jax.random.key(2), (2000,)))
    np.testing.assert_allclose(samples.mean(0), [1.0, -0.5], atol=0.1)
    np.testing.assert_allclose(samples.std(0), [0.3, 0.8], atol=0.12)
    # The bound is the divergence, which is 0 at the target.
    assert losses[0] > 0.3
    assert abs(float(losses[-1])) < 0.05
