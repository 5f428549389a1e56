"""NetKet: operators on spins, variational states of flax models, and their ground states."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("netket", "jax"), pytest.mark.level("interop")]

SITES, FIELD = 4, 0.7


def ising() -> tuple[Any, Any]:
    """The space and the Hamiltonian of the transverse-field Ising model on a ring, in its form for JAX."""
    import netket as nk

    hilbert = nk.hilbert.Spin(s=0.5, N=SITES)
    graph = nk.graph.Chain(length=SITES, pbc=True)
    return hilbert, nk.operator.IsingJax(hilbert=hilbert, graph=graph, h=FIELD)


def spectrum() -> Any:
    """The eigenvalues of the same Hamiltonian, made of Kronecker products."""
    import functools

    import numpy as np

    flip, sign, one = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0]), np.eye(2)

    def at(**places: Any) -> Any:
        return functools.reduce(np.kron, [places.get(f"s{site}", one) for site in range(SITES)])

    bonds = sum(at(**{f"s{site}": sign, f"s{(site + 1) % SITES}": sign}) for site in range(SITES))
    return np.linalg.eigvalsh(bonds - FIELD * sum(at(**{f"s{site}": flip}) for site in range(SITES)))


def test_an_operator_has_its_spectrum() -> None:
    """The Ising Hamiltonian as a dense matrix, and its lowest state by Lanczos, are those of Kronecker products."""
    import netket as nk
    import numpy as np

    _, hamiltonian = ising()
    np.testing.assert_allclose(np.linalg.eigvalsh(hamiltonian.to_dense()), spectrum(), atol=1e-5)
    np.testing.assert_allclose(nk.exact.lanczos_ed(hamiltonian, k=1)[0], spectrum()[0], atol=1e-5)


@pytest.mark.uses("netket", "jax", "flax")
def test_an_expectation_value_and_its_gradient() -> None:
    """The energy of a linen model of one's own is that of its state vector; sampled, it agrees within five errors."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import netket as nk
    import numpy as np

    class Product(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            fields = self.param("fields", nn.initializers.normal(0.3), (x.shape[-1],), jnp.float32)
            return (x * fields).sum(-1).astype(jnp.float32)

    hilbert, hamiltonian = ising()
    exact = nk.vqs.FullSumState(hilbert, Product(), seed=1)
    dense, vector = hamiltonian.to_dense(), exact.to_array()
    energy, gradient = exact.expect_and_grad(hamiltonian)
    np.testing.assert_allclose(energy.mean, vector @ dense @ vector, rtol=1e-4)

    def slope(site: int) -> float:
        energies = []
        for by in (0.01, -0.01):
            near = nk.vqs.FullSumState(hilbert, Product(), variables=exact.variables)
            fields = exact.parameters["fields"].at[site].add(by)
            near.parameters = {**exact.parameters, "fields": fields}
            energies.append(float(np.real(near.expect(hamiltonian).mean)))
        return (energies[0] - energies[1]) / 0.02

    # NetKet's gradient is that by the conjugate parameters: half of the slope for real ones, or all of it.
    np.testing.assert_allclose(gradient["fields"][2], slope(2), atol=1e-2)

    sampler = nk.sampler.MetropolisLocal(hilbert, n_chains=16)
    sampled = nk.vqs.MCState(sampler, Product(), n_samples=2048, seed=jax.random.PRNGKey(3))
    sampled.parameters = exact.parameters
    statistics = sampled.expect(hamiltonian)
    assert 0 < statistics.error_of_mean < 0.2
    assert abs(np.real(statistics.mean) - np.real(energy.mean)) < 5 * statistics.error_of_mean


@pytest.mark.uses("netket", "jax", "flax", "optax")
@pytest.mark.parametrize("natural", [True, False])
def test_a_ground_state_is_found(natural: bool) -> None:
    """VMC brings an RBM near the lowest eigenvalue, with stochastic reconfiguration, and by Adam of optax."""
    import netket as nk
    import numpy as np
    import optax

    hilbert, hamiltonian = ising()
    state = nk.vqs.FullSumState(hilbert, nk.models.RBM(alpha=2, param_dtype=float), seed=0)
    if natural:
        driver = nk.driver.VMC(
            hamiltonian,
            nk.optimizer.Sgd(learning_rate=0.1),
            variational_state=state,
            preconditioner=nk.optimizer.SR(diag_shift=0.01),
        )
    else:
        driver = nk.driver.VMC(hamiltonian, optax.adam(0.05), variational_state=state)
    start = float(np.real(state.expect(hamiltonian).mean))
    driver.run(n_iter=80, show_progress=False)
    lowest = spectrum()[0]
    found = float(np.real(state.expect(hamiltonian).mean))
    assert lowest - 1e-3 < found < lowest + 0.05 * (start - lowest)
