"""JAX MD: energies in a periodic box, their forces, neighbour lists, minimisation and dynamics."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("jax-md", "jax"), pytest.mark.level("interop")]

BOX = 4.0


def positions() -> Any:
    import numpy as np

    return np.random.default_rng(0).uniform(0, BOX, size=(24, 2)).astype(np.float32)


def energy(positions: Any) -> float:
    """Soft spheres in a periodic box: (1 - r)^2 / 2 for each pair that is nearer than 1."""
    import numpy as np

    apart = positions[:, None] - positions[None]
    apart -= BOX * np.round(apart / BOX)
    distance = np.sqrt((apart**2).sum(-1))[np.triu_indices(len(positions), 1)]
    return float((np.maximum(1 - distance, 0) ** 2 / 2).sum())


def test_an_energy_and_its_forces() -> None:
    """The energy of soft spheres is the sum over pairs; forces are its slope, the same by a neighbour list."""
    import jax
    import numpy as np
    from jax_md import energy as energies
    from jax_md import quantity, space

    start = positions()
    displacement, _ = space.periodic(BOX)
    function = energies.soft_sphere_pair(displacement)
    assert energy(start) > 0.1
    np.testing.assert_allclose(jax.jit(function)(start), energy(start), rtol=1e-4)

    forces = jax.jit(quantity.force(function))(start)
    moved = np.zeros_like(start)
    moved[3, 0] = 1e-2
    slope = (energy(start + moved) - energy(start - moved)) / 2e-2
    np.testing.assert_allclose(forces[3, 0], -slope, atol=1e-2)
    np.testing.assert_allclose(np.sum(forces, 0), 0.0, atol=1e-4)

    neighbour_fn, by_list = energies.soft_sphere_neighbor_list(displacement, BOX)
    neighbours = neighbour_fn.allocate(start)
    shifted = np.mod(start + np.array([1.5, 0.5], np.float32), BOX)

    @jax.jit
    def listed(at: Any, neighbours: Any) -> Any:
        neighbours = neighbours.update(at)
        return by_list(at, neighbor=neighbours), neighbours.did_buffer_overflow

    # All spheres move together: other cells of the list, the same energy.
    for at in (start, shifted):
        found, overflow = listed(at, neighbours)
        assert not overflow
        np.testing.assert_allclose(found, energy(start), rtol=1e-3)


def test_a_minimum_is_found() -> None:
    """FIRE descends, in a compiled loop, to less than a hundredth of the energy."""
    import jax
    from jax_md import energy as energies
    from jax_md import minimize, space

    displacement, shift = space.periodic(BOX)
    init, apply = minimize.fire_descent(energies.soft_sphere_pair(displacement), shift)

    @jax.jit
    def descend(start: Any) -> Any:
        return jax.lax.fori_loop(0, 200, lambda _, state: apply(state), init(start)).position

    start = positions()[:12]
    assert energy(start) > 0.01
    assert energy(jax.device_get(descend(start))) < 0.01 * energy(start)


def test_dynamics_conserve_energy() -> None:
    """Newton's dynamics conserve kinetic and potential energy while both change; Nose and Hoover's their invariant."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax_md import energy as energies
    from jax_md import quantity, simulate, space

    displacement, shift = space.periodic(BOX)
    function = energies.soft_sphere_pair(displacement)
    start, key, temperature = positions(), jax.random.PRNGKey(0), 0.1
    newton = simulate.nve(function, shift, dt=5e-3)
    thermostat = simulate.nvt_nose_hoover(function, shift, dt=5e-3, kT=temperature)

    @jax.jit
    def run(start: Any) -> Any:
        def step(states: Any, _: Any) -> Any:
            moved, kept = newton[1](states[0]), thermostat[1](states[1])
            potential = function(moved.position)
            kinetic = quantity.kinetic_energy(momentum=moved.momentum, mass=moved.mass)
            invariant = simulate.nvt_nose_hoover_invariant(function, kept, temperature)
            return (moved, kept), jnp.stack([potential, kinetic, invariant])

        states = newton[0](key, start, kT=temperature), thermostat[0](key, start)
        return jax.lax.scan(step, states, None, length=200)[1]

    potential, kinetic, invariant = np.asarray(run(start)).T
    total = potential + kinetic
    assert np.ptp(potential) > 0.05
    assert np.ptp(total) < 0.02 * np.ptp(potential)
    assert np.ptp(invariant) < 0.02 * np.ptp(potential)
