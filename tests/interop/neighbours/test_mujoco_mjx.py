"""MuJoCo MJX: physics of MuJoCo as JAX programs, compared with MuJoCo itself."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("mujoco-mjx", "mujoco", "jax"), pytest.mark.level("interop")]

PENDULUM = """
<mujoco>
  <option timestep="0.01"/>
  <worldbody>
    <body pos="0 0 2">
      <joint name="hinge" type="hinge" axis="0 1 0" damping="0.1"/>
      <geom type="capsule" fromto="0 0 0 0.5 0 0" size="0.05" mass="1"/>
    </body>
  </worldbody>
  <actuator><motor joint="hinge" gear="2"/></actuator>
</mujoco>
"""

BALL = """
<mujoco>
  <option timestep="0.005"/>
  <worldbody>
    <geom type="plane" size="5 5 1"/>
    <body pos="0 0 0.11"><freejoint/><geom type="sphere" size="0.1" mass="1"/></body>
  </worldbody>
</mujoco>
"""


def pendulum_by_mujoco(angle: float, push: float, steps: int) -> tuple[float, float]:
    """Angle and speed after some steps of MuJoCo, which computes in double precision."""
    import mujoco

    model = mujoco.MjModel.from_xml_string(PENDULUM)
    data = mujoco.MjData(model)
    data.qpos[0], data.ctrl[0] = angle, push
    mujoco.mj_step(model, data, steps)
    return float(data.qpos[0]), float(data.qvel[0])


def test_a_batch_of_pendulums() -> None:
    """Steps that are compiled and vectorised over states move each pendulum as MuJoCo does."""
    import jax
    import jax.numpy as jnp
    import mujoco
    import numpy as np
    from mujoco import mjx

    model = mjx.put_model(mujoco.MjModel.from_xml_string(PENDULUM))
    angles, pushes = jnp.array([0.0, 1.0, -2.0]), jnp.array([0.5, -1.0, 0.0])

    def start(angle: jax.Array, push: jax.Array) -> Any:
        return mjx.make_data(model).replace(qpos=angle[None], ctrl=push[None])

    step = jax.jit(jax.vmap(mjx.step, in_axes=(None, 0)))
    data = jax.vmap(start)(angles, pushes)
    for _ in range(5):
        data = step(model, data)
    expected = [pendulum_by_mujoco(float(a), float(p), 5) for a, p in zip(angles, pushes, strict=True)]
    np.testing.assert_allclose(np.stack([data.qpos[:, 0], data.qvel[:, 0]], axis=1), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(data.time, [0.05] * 3, rtol=1e-5)


def test_a_ball_comes_to_rest_on_the_floor() -> None:
    """State goes from MuJoCo to the device and back; contacts carry a ball as they do there."""
    import jax
    import mujoco
    import numpy as np
    from mujoco import mjx

    model = mujoco.MjModel.from_xml_string(BALL)
    data = mujoco.MjData(model)
    data.qvel[0] = 0.5
    on_device = mjx.put_model(model)

    def run(state: Any) -> Any:
        return jax.lax.scan(lambda state, _: (mjx.step(on_device, state), None), state, length=40)[0]

    back = mjx.get_data(model, jax.jit(run)(mjx.put_data(model, data)))
    mujoco.mj_step(model, data, 40)
    assert back.ncon == data.ncon == 1
    np.testing.assert_allclose(back.qpos, data.qpos, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(back.qvel, data.qvel, rtol=1e-2, atol=2e-3)
    # It rolls: without friction it would not turn.
    assert data.qvel[4] > 1


@pytest.mark.thorough
def test_a_step_is_differentiated() -> None:
    """The derivative of the speed after a step, by the torque, is that of MuJoCo's finite differences."""
    import jax
    import jax.numpy as jnp
    import mujoco
    import numpy as np
    from mujoco import mjx

    model = mjx.put_model(mujoco.MjModel.from_xml_string(PENDULUM))

    def speed(push: jax.Array) -> jax.Array:
        return mjx.step(model, mjx.make_data(model).replace(ctrl=push[None])).qvel[0]

    value, slope = jax.jit(jax.value_and_grad(speed))(jnp.array(0.5))
    expected = (pendulum_by_mujoco(0, 0.6, 1)[1] - pendulum_by_mujoco(0, 0.4, 1)[1]) / 0.2
    np.testing.assert_allclose(value, pendulum_by_mujoco(0, 0.5, 1)[1], rtol=1e-3)
    np.testing.assert_allclose(slope, expected, rtol=1e-3)
