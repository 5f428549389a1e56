"""PennyLane's interface to JAX: circuits are evaluated, differentiated, vectorised, compiled and trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.uses("pennylane>=0.37", "jax"),
    pytest.mark.level("interop"),
    # It says with which releases of JAX it was tried; whether it works with others is what these tests are for.
    pytest.mark.filterwarnings("ignore:PennyLane is not yet compatible with JAX:RuntimeWarning"),
]


def correlated(**options: Any) -> Callable[..., Any]:
    """Two qubits, turned by x and y and entangled: what is measured of the second one is cos(x) * cos(y)."""
    import pennylane as qml

    @qml.qnode(qml.device("default.qubit", wires=2), interface="jax", **options)
    def circuit(x: Any, y: Any) -> Any:
        qml.RX(x, wires=0)
        qml.RY(y, wires=1)
        qml.CNOT(wires=[0, 1])
        return qml.expval(qml.PauliZ(1))

    return circuit


def test_circuits_are_evaluated_and_vectorised() -> None:
    """A circuit that JAX calls or vectorises gives the expectation of its closed form."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    circuit = correlated()
    np.testing.assert_allclose(circuit(jnp.array(0.4), jnp.array(0.7)), np.cos(0.4) * np.cos(0.7), rtol=1e-5)
    xs = jnp.array([0.1, 0.2, 2.0])
    np.testing.assert_allclose(
        jax.vmap(circuit, in_axes=(0, None))(xs, jnp.array(0.7)), np.cos(xs) * np.cos(0.7), rtol=1e-5
    )


@pytest.mark.parametrize("method", ["backprop", "adjoint", "parameter-shift"])
def test_circuits_are_differentiated(method: str) -> None:
    """Each way to differentiate a circuit gives the derivatives of the closed form to JAX."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    slopes = jax.grad(correlated(diff_method=method), argnums=(0, 1))(jnp.array(0.4), jnp.array(0.7))
    expected = [-np.sin(0.4) * np.cos(0.7), -np.cos(0.4) * np.sin(0.7)]
    np.testing.assert_allclose(slopes, expected, rtol=1e-4)


def test_circuits_are_compiled() -> None:
    """A circuit compiles as one program, alone, with its derivatives, and with the Hessian."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    x, y = jnp.array(0.4), jnp.array(0.7)
    circuit = correlated()
    np.testing.assert_allclose(jax.jit(circuit)(x, y), np.cos(0.4) * np.cos(0.7), rtol=1e-5)
    np.testing.assert_allclose(jax.jit(jax.grad(circuit))(x, y), -np.sin(0.4) * np.cos(0.7), rtol=1e-4)
    np.testing.assert_allclose(jax.jit(jax.hessian(circuit))(x, y), -np.cos(0.4) * np.cos(0.7), rtol=1e-4)
    shifted = correlated(diff_method="parameter-shift")
    np.testing.assert_allclose(jax.jit(jax.grad(shifted, argnums=1))(x, y), -np.cos(0.4) * np.sin(0.7), rtol=1e-4)


@pytest.mark.uses("pennylane>=0.37", "jax", "optax")
def test_a_circuit_is_trained() -> None:
    """Adam of Optax finds the angles at which the measured value is least; each step is compiled."""
    import jax
    import jax.numpy as jnp
    import optax

    circuit = correlated()
    optimizer = optax.adam(0.3)

    def cost(angles: jax.Array) -> jax.Array:
        return circuit(angles[0], angles[1])

    @jax.jit
    def step(angles: jax.Array, state: Any) -> tuple[jax.Array, Any, jax.Array]:
        value, slope = jax.value_and_grad(cost)(angles)
        updates, state = optimizer.update(slope, state)
        return optax.apply_updates(angles, updates), state, value

    angles = jnp.array([0.5, 0.1])
    state = optimizer.init(angles)
    values = []
    for _ in range(40):
        angles, state, value = step(angles, state)
        values.append(float(value))
    assert values[0] > 0.8
    assert -1 - 1e-5 <= values[-1] < -0.95


@pytest.mark.uses("pennylane>=0.42", "jax")
@pytest.mark.feature("pennylane.sample under jax.jit")
def test_samples_under_jit() -> None:
    """A device that draws its samples from a key of JAX draws the same for the same key, in a compiled program."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import pennylane as qml

    def mean(key: jax.Array, angle: jax.Array) -> Any:
        device = qml.device("default.qubit", wires=1, seed=key)

        @qml.qnode(device, interface="jax", diff_method=None)
        def circuit() -> Any:
            qml.RX(angle, wires=0)
            return qml.sample(wires=0)

        samples = qml.set_shots(circuit, shots=400)
        return jnp.mean(samples())

    compiled = jax.jit(mean)
    first, again, other = (compiled(jax.random.PRNGKey(seed), jnp.array(1.0)) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    # The one is measured with probability sin(1/2)^2 = 0.23.
    np.testing.assert_allclose([first, other], np.sin(0.5) ** 2, atol=0.08)
