#!/usr/bin/env bash
# Keras's layer around a Flax module needs TensorFlow, also with the JAX backend.
#
# Versions: keras 3.15.1 with flax 0.12.12 and jax 0.12.0.1, beside keras 3.11.3 with the same; Python 3.12, CPU.
# Expected: keras.layers.FlaxLayer, with the JAX backend, builds and trains where there is no TensorFlow.
# Seen: with 3.15.1 and KERAS_BACKEND=jax the model cannot be built:
#     ImportError: This requires the tensorflow module. You can install it via `pip install tensorflow`
# With 3.11.3 it trains. A layer of Keras itself trains with both.
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
make new keras==3.15.1 flax==0.12.12 jax==0.12.0.1 jaxlib==0.12.0.1 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 \
  fsspec==2026.9.0 h5py==3.16.0 humanize==4.17.0 markdown-it-py==4.3.0 mdurl==0.1.2 ml-dtypes==0.6.0 msgpack==1.2.4 \
  namex==0.1.0 numpy==2.5.5 opt-einsum==3.4.0 optax==0.2.8 optree==0.20.0 orbax-checkpoint==0.12.8 packaging==26.4 \
  prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pygments==2.21.0 pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 \
  simplejson==4.3.0 tensorstore==0.1.86 treescope==0.1.10 typing-extensions==4.16.0 uvloop==0.23.0 zipp==4.1.2
make old keras==3.11.3 flax==0.12.12 jax==0.12.0.1 jaxlib==0.12.0.1 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 \
  fsspec==2026.9.0 h5py==3.16.0 humanize==4.17.0 markdown-it-py==4.3.0 mdurl==0.1.2 ml-dtypes==0.6.0 msgpack==1.2.4 \
  namex==0.1.0 numpy==2.5.5 opt-einsum==3.4.0 optax==0.2.8 optree==0.20.0 orbax-checkpoint==0.12.8 packaging==26.4 \
  prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pygments==2.21.0 pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 \
  simplejson==4.3.0 tensorstore==0.1.86 treescope==0.1.10 typing-extensions==4.16.0 uvloop==0.23.0 zipp==4.1.2

cat >train.py <<'PY'
import importlib.util
import sys

import keras
import numpy as np
from flax import linen as nn

assert keras.backend.backend() == "jax"
assert importlib.util.find_spec("tensorflow") is None


def trains(layer):
    x = np.linspace(-1, 1, 32, dtype=np.float32).reshape(16, 2)
    y = x @ np.array([[1.0], [-2.0]], np.float32)
    model = keras.Sequential([keras.Input((2,)), layer])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=20, verbose=0)
    return model.evaluate(x, y, verbose=0) < 0.5 * before


assert trains(keras.layers.Dense(1))
try:
    seen = "it trains" if trains(keras.layers.FlaxLayer(nn.Dense(1))) else "it does not train"
except ImportError as error:
    seen = str(error)
print(seen)
if sys.argv[1] == "new":
    assert seen.startswith("This requires the tensorflow module."), seen
else:
    assert seen == "it trains", seen
PY
for release in old new; do KERAS_BACKEND=jax "$release/bin/python" train.py "$release"; done
