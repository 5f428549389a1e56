#!/usr/bin/env bash
# Flax cannot write the state of Optax's private and noisy rules, which holds a typed random key.
#
# Versions: optax 0.2.8 with flax 0.12.12 and jax 0.12.0.1, beside optax 0.2.4 with the same; Python 3.12, CPU.
# Expected: flax.serialization.to_bytes takes these states as it takes that of Adam.
# Seen: with 0.2.8, for contrib.differentially_private_aggregate and for add_noise, given the integer 0 as key,
#     TypeError: JAX array with PRNGKey dtype cannot be converted to a NumPy array. Use jax.random.key_data(arr) ...
# With 0.2.4, given the integer 0 as seed, the states hold the two numbers of a raw key, and come back bit for bit. A script
# that keeps its training state this way stops at its first checkpoint after an upgrade of Optax.
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
make new optax==0.2.8 flax==0.12.12 jax==0.12.0.1 jaxlib==0.12.0.1 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 \
  fsspec==2026.9.0 humanize==4.17.0 markdown-it-py==4.3.0 mdurl==0.1.2 ml-dtypes==0.6.0 msgpack==1.2.4 numpy==2.5.5 \
  opt-einsum==3.4.0 orbax-checkpoint==0.12.8 prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pygments==2.21.0 \
  pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 simplejson==4.3.0 tensorstore==0.1.86 treescope==0.1.10 \
  typing-extensions==4.16.0 uvloop==0.23.0 zipp==4.1.2
make old optax==0.2.4 flax==0.12.12 jax==0.12.0.1 jaxlib==0.12.0.1 absl-py==2.5.1 aiofiles==25.1.0 chex==0.1.92 \
  etils==1.15.0 fsspec==2026.9.0 humanize==4.17.0 markdown-it-py==4.3.0 mdurl==0.1.2 ml-dtypes==0.6.0 msgpack==1.2.4 \
  numpy==2.5.5 opt-einsum==3.4.0 orbax-checkpoint==0.12.8 prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 \
  pygments==2.21.0 pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 simplejson==4.3.0 tensorstore==0.1.86 toolz==1.2.0 \
  treescope==0.1.10 typing-extensions==4.16.0 uvloop==0.23.0 zipp==4.1.2

cat >state.py <<'PY'
import inspect
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from flax import serialization

params = {"w": jnp.ones(3)}


def kept(rule):
    """Whether the first state of a rule comes back from flax, or what flax says instead."""
    state = rule.init(params)
    try:
        restored = serialization.from_bytes(state, serialization.to_bytes(state))
    except TypeError as error:
        return str(error)
    pairs = zip(jax.tree.leaves(restored), jax.tree.leaves(state), strict=True)
    return str(all(np.array_equal(one, other) for one, other in pairs))


def zero(function):
    """The integer 0 under the name that the rule has for it."""
    return {"key" if "key" in inspect.signature(function).parameters else "seed": 0}


private, noisy = optax.contrib.differentially_private_aggregate, optax.add_noise
seen = {
    "adam": kept(optax.adam(0.1)),
    "private": kept(private(1.0, 0.1, **zero(private))),
    "noisy": kept(noisy(0.1, 0.5, **zero(noisy))),
}
print(seen)
assert seen["adam"] == "True", seen
for name in ("private", "noisy"):
    if sys.argv[1] == "new":
        assert seen[name].startswith("JAX array with PRNGKey dtype cannot be converted to a NumPy array."), seen
    else:
        assert seen[name] == "True", seen
PY
for release in old new; do "$release/bin/python" state.py "$release"; done
