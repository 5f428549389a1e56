"""NumPyro: distributions, handlers, sampling, variational inference, and networks of other libraries in models."""

from __future__ import annotations

from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.uses("numpyro>=0.15", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def data() -> Any:
    import numpy as np

    return np.random.default_rng(0).normal(1.5, 1.0, 20).astype(np.float32)


def normal_model(data: Any = None) -> None:
    """The mean of a normal distribution, with a normal prior: the posterior is known."""
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(0.0, 2.0))
    with numpyro.plate("data", 20):
        numpyro.sample("observed", dist.Normal(mean, 1.0), obs=data)


def posterior() -> tuple[float, float]:
    """Mean and standard deviation of the posterior of `normal_model`."""
    precision = 1 / 4 + 20
    return float(data().sum()) / precision, precision**-0.5


@pytest.mark.uses("numpyro>=0.15", "jax", "scipy")
def test_distributions_against_scipy() -> None:
    """Densities, moments, gradients and draws of distributions, transformed and of several dimensions."""
    import jax
    import numpy as np
    import numpyro.distributions as dist
    from scipy import stats

    x = np.array([0.2, 0.7, 1.9], np.float32)
    close(jax.jit(dist.Gamma(2.0, 3.0).log_prob)(x), stats.gamma(2, scale=1 / 3).logpdf(x))
    close(jax.jit(dist.StudentT(4.0, 1.0, 2.0).log_prob)(x), stats.t(4, 1, 2).logpdf(x))
    close(dist.Binomial(5, probs=0.3).log_prob(np.arange(6)), stats.binom(5, 0.3).logpmf(np.arange(6)))
    # The density of a logarithmic normal distribution, by a transformation.
    log_normal = dist.TransformedDistribution(dist.Normal(0.5, 0.8), dist.transforms.ExpTransform())
    close(log_normal.log_prob(x), stats.lognorm(0.8, scale=np.exp(0.5)).logpdf(x))
    close(jax.grad(lambda scale: dist.Normal(0.0, scale).log_prob(2.0))(0.5), 2.0**2 / 0.5**3 - 1 / 0.5)

    covariance = np.array([[2.0, 0.6], [0.6, 1.0]], np.float32)
    multivariate = dist.MultivariateNormal(np.zeros(2, np.float32), covariance_matrix=covariance)
    at = np.array([0.3, -1.0], np.float32)
    close(multivariate.log_prob(at), stats.multivariate_normal(np.zeros(2), covariance).logpdf(at))
    draws = np.asarray(multivariate.sample(jax.random.PRNGKey(0), (4000,)))
    close(np.cov(draws.T), covariance, 0.15)
    # A distribution goes through vmap and jit as a tree.
    both = jax.jit(jax.vmap(lambda normal, x: normal.log_prob(x)))(dist.Normal(np.zeros(3), np.ones(3)), x)
    close(both, stats.norm.logpdf(x))


def test_sampling_a_known_posterior() -> None:
    """NUTS finds the posterior of a conjugate model in two vectorised chains, which agree with one another."""
    import jax
    import numpy as np
    from numpyro.diagnostics import summary
    from numpyro.infer import MCMC, NUTS

    mcmc = MCMC(
        NUTS(normal_model), num_warmup=200, num_samples=400, num_chains=2, chain_method="vectorized", progress_bar=False
    )
    mcmc.run(jax.random.PRNGKey(0), data=data())
    mean, deviation = posterior()
    draws = np.asarray(mcmc.get_samples()["mean"])
    assert draws.shape == (800,)
    assert abs(draws.mean() - mean) < 0.3 * deviation
    assert 0.75 * deviation < draws.std() < 1.25 * deviation
    told = summary(mcmc.get_samples(group_by_chain=True))["mean"]
    assert told["r_hat"] < 1.1
    assert told["n_eff"] > 50


def test_handlers_see_through_a_model() -> None:
    """Traces, conditions and densities of a model, under jit; predictions from given parameters; changed variables."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import numpyro
    import numpyro.distributions as dist
    from numpyro import handlers
    from numpyro.infer import Predictive
    from numpyro.infer.reparam import LocScaleReparam
    from numpyro.infer.util import log_density

    trace = handlers.trace(handlers.seed(normal_model, jax.random.PRNGKey(0))).get_trace()
    assert [site["type"] for site in trace.values()] == ["sample", "plate", "sample"]
    assert trace["observed"]["value"].shape == (20,)

    def density(mean: Any) -> Any:
        return log_density(normal_model, (data(),), {}, {"mean": mean})[0]

    by_hand = -0.5 * (0.7 / 2) ** 2 - np.log(2) - 0.5 * ((data() - 0.7) ** 2).sum() - 21 * np.log(2 * np.pi) / 2
    value, gradient = jax.jit(jax.value_and_grad(density))(0.7)
    close(value, by_hand, 1e-3)
    close(gradient, -0.7 / 4 + (data() - 0.7).sum(), 1e-3)

    predictive = Predictive(normal_model, posterior_samples={"mean": jnp.array([0.0, 100.0])})
    drawn = predictive(jax.random.PRNGKey(1))["observed"]
    assert drawn.shape == (2, 20)
    assert np.all(np.abs(np.asarray(drawn[1]) - 100) < 10)

    @handlers.reparam(config={"x": LocScaleReparam(0.0)})
    def changed() -> Any:
        return numpyro.sample("x", dist.Normal(3.0, 2.0))

    with handlers.seed(rng_seed=0), handlers.trace() as sites:
        x = changed()
    close(x, 3.0 + 2.0 * np.asarray(sites["x_decentered"]["value"]))


@pytest.mark.uses("numpyro>=0.15", "jax", "optax")
def test_variational_inference_by_optax() -> None:
    """A rule of optax fits an automatic guide to the posterior of a conjugate model."""
    import jax
    import numpy as np
    import optax
    from numpyro.infer import SVI, Trace_ELBO
    from numpyro.infer.autoguide import AutoNormal

    guide = AutoNormal(normal_model)
    svi = SVI(normal_model, guide, optax.adam(0.05), Trace_ELBO(num_particles=4))
    result = svi.run(jax.random.PRNGKey(0), 400, data=data(), progress_bar=False)
    mean, deviation = posterior()
    assert np.mean(result.losses[-20:]) < np.mean(result.losses[:5]) - 1
    close(guide.median(result.params)["mean"], mean, 0.15)
    low, high = guide.quantiles(result.params, np.array([0.1587, 0.8413]))["mean"]
    assert 0.5 * deviation < (high - low) / 2 < 2 * deviation


@pytest.mark.feature("numpyro.infer.TraceGraph_ELBO")
def test_variational_inference_by_the_graph_of_a_model() -> None:
    """An objective that looks at what depends on what fits a guide to a model that holds its data by itself.

    Source: pyro-ppl/numpyro#2244, #2154, infer-actively/pymdp#447.
    """
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import SVI, TraceGraph_ELBO
    from numpyro.optim import Adam

    observed = jnp.asarray(data())

    def guide() -> None:
        center = numpyro.param("center", 0.0)
        scale = numpyro.param("scale", 1.0, constraint=dist.constraints.positive)
        numpyro.sample("mean", dist.Normal(center, scale))

    svi = SVI(lambda: normal_model(observed), guide, Adam(0.05), TraceGraph_ELBO(num_particles=4))
    result = svi.run(jax.random.PRNGKey(0), 400, progress_bar=False)
    mean, deviation = posterior()
    close(result.params["center"], mean, 0.15)
    assert 0.5 * deviation < float(result.params["scale"]) < 2 * deviation


@pytest.mark.feature("numpyro.infer.inspect.get_model_relations")
def test_relations_of_a_model() -> None:
    """What depends on what in a model is told, also where a mask hides observations; `render_model` draws it.

    Source: pyro-ppl/numpyro#2254.
    """
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer.inspect import get_model_relations

    def model(observed: Any, mask: Any) -> None:
        slope = numpyro.sample("slope", dist.Normal(0.0, 1.0))
        scale = numpyro.sample("scale", dist.HalfNormal(1.0))
        numpyro.sample("unused", dist.Normal(0.0, 1.0))
        line = dist.Normal(slope * jnp.arange(4.0), scale)
        numpyro.sample("observed", line.mask(mask), obs=observed)

    told = get_model_relations(model, (jnp.zeros(4), jnp.array([True, False, True, True])))
    assert {name: set(parents) for name, parents in told["sample_sample"].items()} == {
        "slope": set(),
        "scale": set(),
        "unused": set(),
        "observed": {"slope", "scale"},
    }
    assert told["observed"] == ["observed"]


@pytest.mark.feature("numpyro.contrib.funsor.infer_discrete")
@pytest.mark.uses("numpyro>=0.15", "jax", "funsor")
@pytest.mark.parametrize("temperature", [0, 1])
def test_discrete_values_are_inferred(temperature: int) -> None:
    """From which of two clusters, far from one another, each observation is: the best choice and a draw agree.

    Source: pyro-ppl/funsor#611, pyro-ppl/numpyro#2173.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    import numpyro
    import numpyro.distributions as dist
    from numpyro import handlers
    from numpyro.contrib.funsor import config_enumerate, infer_discrete

    of_the_second = np.arange(12) % 3 == 0

    @config_enumerate
    def model() -> None:
        with numpyro.plate("data", 12):
            cluster = numpyro.sample("cluster", dist.Bernoulli(0.3))
            numpyro.sample("x", dist.Normal(8.0 * cluster - 4.0, 0.5), obs=jnp.where(of_the_second, 4.0, -4.0))

    inferred = infer_discrete(model, temperature=temperature, rng_key=jax.random.PRNGKey(0))
    with handlers.trace() as sites, handlers.seed(rng_seed=0):
        inferred()
    np.testing.assert_array_equal(sites["cluster"]["value"], of_the_second)


def fitted_network(model: Any, x: Any, y: Any) -> float:
    """By how much of the start, at the end, a network inside a model is wrong."""
    import jax
    import numpy as np
    from numpyro.infer import SVI, Trace_ELBO
    from numpyro.optim import Adam

    svi = SVI(model, lambda x, y: None, Adam(0.05), Trace_ELBO())
    result = svi.run(jax.random.PRNGKey(0), 150, x, y, progress_bar=False)
    losses = np.asarray(result.losses)
    # The loss of a perfect fit is that of the noise alone.
    floor = y.size * (np.log(0.1) + np.log(2 * np.pi) / 2)
    return float((losses[-1] - floor) / (losses[0] - floor))


def line() -> tuple[Any, Any]:
    import numpy as np

    x = np.linspace(-1, 1, 8, dtype=np.float32)[:, None]
    return x, 2 * x - 1


@pytest.mark.feature("numpyro.contrib.module.eqx_module")
@pytest.mark.uses("numpyro>=0.20", "jax", "equinox")
def test_an_equinox_network_in_a_model() -> None:
    """The arrays of an equinox module are parameters of the model, and are fitted with it."""
    import equinox as eqx
    import jax
    import numpyro
    import numpyro.distributions as dist
    from numpyro.contrib.module import eqx_module

    linear = eqx.nn.Linear(1, 1, key=jax.random.PRNGKey(0))

    def model(x: Any, y: Any) -> None:
        network = eqx_module("network", linear)
        numpyro.sample("y", dist.Normal(jax.vmap(network)(x), 0.1), obs=y)

    assert fitted_network(model, *line()) < 0.02


@pytest.mark.feature("numpyro.contrib.module.haiku_module")
@pytest.mark.uses("numpyro>=0.15", "jax", "dm-haiku")
def test_a_haiku_network_in_a_model() -> None:
    """The parameters of a transformed haiku function are parameters of the model, and are fitted with it."""
    if idioms.at_least("numpyro", "0.20"):
        pytest.skip("numpyro.contrib.module.haiku_module is in numpyro until 0.19")
    import haiku as hk
    import numpyro
    import numpyro.distributions as dist
    from numpyro.contrib.module import haiku_module

    def linear(x: Any) -> Any:
        return hk.Linear(1)(x)

    def model(x: Any, y: Any) -> None:
        network = haiku_module("network", hk.transform(linear), input_shape=(1,))
        numpyro.sample("y", dist.Normal(network(x), 0.1), obs=y)

    assert fitted_network(model, *line()) < 0.02
