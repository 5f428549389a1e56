#!/usr/bin/env bash
# A Flax linen layer under nn.scan that prints with jax.debug.print cannot be initialised.
#
# Versions: flax 0.12.12 with jax 0.12.0.1, beside flax 0.12.8 with jax 0.11.0; Python 3.12, CPU.
# Expected: jax.debug.print may stand in a scanned function; jax.lax.scan itself accepts it.
# Seen: with the newer pair init fails, and the message speaks of a broadcast variable although the module has none:
#     ValueError: broadcasted variable has a data dependency on the scan body.
# The older pair prints and initialises: "x 2.0", "x 4.0", "x 8.0".
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
make new flax==0.12.12 jax==0.12.0.1 jaxlib==0.12.0.1 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 fsspec==2026.9.0 \
  humanize==4.17.0 markdown-it-py==4.3.0 mdurl==0.1.2 ml-dtypes==0.6.0 msgpack==1.2.4 numpy==2.5.5 opt-einsum==3.4.0 \
  optax==0.2.8 orbax-checkpoint==0.12.8 prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pygments==2.21.0 \
  pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 simplejson==4.3.0 tensorstore==0.1.86 treescope==0.1.10 \
  typing-extensions==4.16.0 uvloop==0.23.0 zipp==4.1.2
make old flax==0.12.8 jax==0.11.0 jaxlib==0.11.0 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 fsspec==2026.9.0 \
  humanize==4.17.0 markdown-it-py==4.3.0 mdurl==0.1.2 ml-dtypes==0.6.0 msgpack==1.2.4 numpy==2.5.5 opt-einsum==3.4.0 \
  optax==0.2.8 orbax-checkpoint==0.12.8 prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pygments==2.21.0 \
  pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 simplejson==4.3.0 tensorstore==0.1.86 treescope==0.1.10 \
  typing-extensions==4.16.0 uvloop==0.23.0 zipp==4.1.2

cat >scan.py <<'PY'
import contextlib
import io
import sys

import jax
import jax.numpy as jnp
from flax import linen as nn


class Layer(nn.Module):
    talks: bool

    @nn.compact
    def __call__(self, x, _):
        x = x * self.param("scale", nn.initializers.constant(2.0), ())
        if self.talks:
            jax.debug.print("x {}", x)
        return x, None


def initialise(talks):
    layers = nn.scan(Layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
    return layers(talks=talks).init(jax.random.PRNGKey(0), jnp.float32(1.0), None)


assert initialise(talks=False)["params"]["scale"].tolist() == [2.0, 2.0, 2.0]
printed = io.StringIO()
try:
    with contextlib.redirect_stdout(printed):
        initialise(talks=True)
        jax.effects_barrier()
    seen = printed.getvalue().split("\n")[:-1]
except ValueError as error:
    seen = str(error)
print(seen)
if sys.argv[1] == "new":
    assert seen == "broadcasted variable has a data dependency on the scan body.", seen
else:
    assert {"x 2.0", "x 4.0", "x 8.0"} <= set(seen), seen
PY
for pair in old new; do "$pair/bin/python" scan.py "$pair"; done
