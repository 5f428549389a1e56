#!/usr/bin/env bash
# An Equinox layer within a Flax nnx module is not trained, and nothing says so.
#
# Versions: flax 0.12.12 and equinox 0.13.8 with jax 0.12.0.1; Python 3.12, CPU.
# Expected: nnx.Optimizer trains all weights of the model, or refuses arrays that it takes for no parameters.
# Seen: the arrays of the Equinox layer are in the state of the model but not among its nnx.Param, so that gradients and
# updates leave them out. The other layer trains, and the loss falls, which hides it:
#     own layer changed: True, equinox layer changed: False
# The gradient of jax.grad for that layer is not zero; that of nnx.grad does not contain it. Kept as an nnx.Param of the
# layer's arrays, and combined with the rest in the call, the same weights train.
set -euo pipefail
export JAX_PLATFORMS=cpu

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# make FOLDER REQUIREMENT...: a virtual environment with these packages.
make() {
  local folder=$1 python=${PYTHON:-python3.12}
  shift
  if command -v uv >/dev/null; then
    uv venv --quiet --python "$python" "$folder"
    uv pip install --quiet --python "$folder/bin/python" "$@"
  else
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  fi
}
make new flax==0.12.12 equinox==0.13.8 jax==0.12.0.1 jaxlib==0.12.0.1 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 \
  fsspec==2026.9.0 humanize==4.17.0 jaxtyping==0.3.11 markdown-it-py==4.3.0 mdurl==0.1.2 ml-dtypes==0.6.0 \
  msgpack==1.2.4 numpy==2.5.5 opt-einsum==3.4.0 optax==0.2.8 orbax-checkpoint==0.12.8 prometheus-client==0.26.0 \
  protobuf==7.36.2 psutil==7.2.2 pygments==2.21.0 pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 simplejson==4.3.0 \
  tensorstore==0.1.86 treescope==0.1.10 typing-extensions==4.16.0 uvloop==0.23.0 wadler-lindig==0.1.8 zipp==4.1.2

new/bin/python - <<'PY'
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from flax import nnx

x, y = jnp.array([3.0, 4.0]), jnp.array([1.0])


class Model(nnx.Module):
    def __init__(self):
        self.own = nnx.Linear(2, 2, rngs=nnx.Rngs(0))
        self.other = nnx.data(eqx.nn.Linear(2, 1, key=jax.random.key(0)))

    def __call__(self, x):
        return self.other(self.own(x))


class Wrapped(nnx.Module):
    def __init__(self, model):
        self.own = model.own
        arrays, self.rest = eqx.partition(model.other, eqx.is_inexact_array)
        self.other = nnx.Param(arrays)

    def __call__(self, x):
        return eqx.combine(self.other.get_value(), self.rest)(self.own(x))


def loss(model):
    return ((model(x) - y) ** 2).sum()


def train(model):
    """Take five steps; the losses before, between and after them, and the last gradients."""
    optimizer = nnx.Optimizer(model, optax.sgd(0.01), wrt=nnx.Param)
    losses = []
    for _ in range(5):
        value, gradients = nnx.value_and_grad(loss)(model)
        optimizer.update(model, gradients)
        losses.append(float(value))
    return [*losses, float(loss(model))], gradients


model = Model()
assert "other" in nnx.state(model)
assert "other" not in nnx.state(model, nnx.Param)
own, other = model.own.kernel[...], model.other.weight
slope = jax.grad(lambda layer: ((layer(model.own(x)) - y) ** 2).sum())(model.other)
assert abs(slope.weight).max() > 0.1, slope.weight
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    losses, gradients = train(model)
own_changed, other_changed = bool((model.own.kernel[...] != own).all()), bool((model.other.weight != other).any())
print(f"own layer changed: {own_changed}, equinox layer changed: {other_changed}")
assert own_changed
assert not other_changed
assert "other" not in gradients, gradients
assert losses[-1] < losses[0], losses
assert not [warning for warning in caught if "param" in str(warning.message).lower()], caught

wrapped = Wrapped(Model())
train(wrapped)
assert (wrapped.other.get_value().weight != other).all()
PY
