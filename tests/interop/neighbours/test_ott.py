"""OTT-JAX: optimal transport that is compiled and differentiated, compared with SciPy and numpy."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("ott-jax", "jax"), pytest.mark.level("interop")]


def clouds() -> tuple[Any, Any]:
    """Two clouds of eight points of the plane."""
    import numpy as np

    random = np.random.default_rng(0)
    return random.normal(size=(8, 2)).astype(np.float32), (random.normal(size=(8, 2)) + 1).astype(np.float32)


def solved(x: Any, y: Any, epsilon: float, **options: Any) -> Any:
    """What Sinkhorn's algorithm finds for two clouds with equal weights."""
    from ott.geometry import pointcloud
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn

    problem = linear_problem.LinearProblem(pointcloud.PointCloud(x, y, epsilon=epsilon, **options))
    return sinkhorn.Sinkhorn(max_iterations=10000)(problem)


@pytest.mark.uses("ott-jax", "jax", "scipy")
def test_a_sharp_plan_is_the_best_assignment() -> None:
    """With little regularisation the plan is a permutation, and it is the one that SciPy finds."""
    import jax
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    x, y = clouds()
    found = jax.jit(lambda x, y: solved(x, y, 3e-2))(x, y)
    assert found.converged
    costs = ((x[:, None] - y[None]) ** 2).sum(-1)
    rows, columns = linear_sum_assignment(costs)
    plan = np.asarray(found.matrix)
    np.testing.assert_allclose(plan.sum(0), 1 / 8, rtol=2e-2)
    np.testing.assert_allclose(plan.sum(1), 1 / 8, rtol=2e-2)
    np.testing.assert_allclose((plan * costs).sum(), costs[rows, columns].mean(), rtol=5e-2)


def test_the_cost_is_differentiated() -> None:
    """The derivative of the regularised cost by a point is the mean displacement that the plan gives to it."""
    import jax
    import numpy as np

    x, y = clouds()
    cost, slope = jax.jit(jax.value_and_grad(lambda x: solved(x, y, 0.5).reg_ot_cost))(x)
    plan = np.asarray(solved(x, y, 0.5).matrix, np.float64)
    expected = 2 * (plan[..., None] * (x[:, None] - y[None])).sum(1)
    np.testing.assert_allclose(slope, expected, rtol=2e-2, atol=2e-3)
    assert cost > 0


@pytest.mark.feature("ott.geometry.pointcloud.PointCloud with batch_size")
def test_costs_by_batches() -> None:
    """Costs that are computed by batches, and not kept, give the plan and the cost of those that are kept.

    Source: ott-jax/ott#700, theislab/moscot#842 (`is_vmappable` of jax, which jax 0.9 removed).
    """
    import jax
    import numpy as np

    x, y = clouds()
    kept, online = (jax.jit(lambda x, y, size=size: solved(x, y, 0.5, batch_size=size))(x, y) for size in (None, 3))
    assert online.converged
    np.testing.assert_allclose(online.reg_ot_cost, kept.reg_ot_cost, rtol=1e-4)
    np.testing.assert_allclose(online.apply(y.T, axis=1), np.asarray(kept.matrix @ y).T, rtol=1e-3, atol=1e-4)


@pytest.mark.uses("ott-jax>=0.5", "jax", "scipy")
def test_transport_on_a_line() -> None:
    """In one dimension the distance is that of SciPy."""
    import jax
    import numpy as np
    import scipy.stats
    from ott.geometry import costs, pointcloud
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import univariate

    x, y = clouds()

    @jax.jit
    def distance(x: jax.Array, y: jax.Array) -> Any:
        geometry = pointcloud.PointCloud(x[:, :1], y[:, :1], cost_fn=costs.PNormP(1))
        return univariate.uniform_solver(linear_problem.LinearProblem(geometry)).ot_costs

    np.testing.assert_allclose(distance(x, y)[0], scipy.stats.wasserstein_distance(x[:, 0], y[:, 0]), rtol=1e-4)


def test_soft_sorting() -> None:
    """With little regularisation rows are sorted and ranked, many at once; with much, they move to their mean."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from ott.tools import soft_sort

    x = jnp.array([[0.3, -1.0, 2.0, 0.9], [5.0, 6.0, 4.0, 7.0]])
    ordered, ranks = jax.jit(jax.vmap(lambda x: (soft_sort.sort(x, epsilon=1e-3), soft_sort.ranks(x, epsilon=1e-3))))(x)
    np.testing.assert_allclose(ordered, np.sort(x), atol=0.05)
    np.testing.assert_allclose(ranks, np.argsort(np.argsort(x)), atol=0.1)
    blurred = np.asarray(soft_sort.sort(x[0], epsilon=10.0))
    np.testing.assert_allclose(blurred, x[0].mean(), atol=0.2)


@pytest.mark.uses("ott-jax", "jax", "optax")
def test_a_cloud_moves_onto_another() -> None:
    """Adam of Optax moves a cloud until its cost to the other one is a small part of what it was."""
    import jax
    import jax.numpy as jnp
    import optax

    start, goal = clouds()
    optimizer = optax.adam(0.1)

    def cost(x: jax.Array) -> jax.Array:
        return solved(x, goal, 0.05).reg_ot_cost

    def step(carry: Any, _: None) -> tuple[Any, jax.Array]:
        x, state = carry
        value, slope = jax.value_and_grad(cost)(x)
        updates, state = optimizer.update(slope, state)
        return (optax.apply_updates(x, updates), state), value

    _, costs = jax.jit(lambda x: jax.lax.scan(step, (x, optimizer.init(x)), length=50))(jnp.asarray(start))
    assert costs[-1] < costs[0] / 4
