#!/usr/bin/env bash
# The standard deviation of CLU's metrics cannot be computed beside JAX 0.10 or newer; its other metrics can.
#
# Versions: clu 0.0.12 with jax 0.12.0.1, beside the same clu with jax 0.9.2; Python 3.12, CPU.
# Expected: clu 0.0.12, which sets no upper bound on jax, computes the standard deviation of four numbers.
# Seen: with the newer jax the metric is made and merged, and computing it ends with
#     TypeError: clip() got an unexpected keyword argument 'a_min'
# With jax 0.9.2 it is 1.8708, as numpy has it. metrics.Average works with both, so that a collection of metrics fails
# where its values are asked for, and only if there is a metrics.Std in it.
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
make new clu==0.0.12 jax==0.12.0.1 jaxlib==0.12.0.1 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 flax==0.12.12 \
  fsspec==2026.9.0 humanize==4.17.0 markdown-it-py==4.3.0 mdurl==0.1.2 ml-collections==1.1.0 ml-dtypes==0.6.0 \
  msgpack==1.2.4 numpy==2.5.5 opt-einsum==3.4.0 optax==0.2.8 orbax-checkpoint==0.12.8 packaging==26.4 \
  prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pygments==2.21.0 pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 \
  simplejson==4.3.0 tensorstore==0.1.86 treescope==0.1.10 typing-extensions==4.16.0 uvloop==0.23.0 wrapt==2.5.2 \
  zipp==4.1.2
make old clu==0.0.12 jax==0.9.2 jaxlib==0.9.2 absl-py==2.5.1 aiofiles==25.1.0 dataclasses-json==0.6.7 etils==1.15.0 \
  flax==0.12.6 fsspec==2026.9.0 humanize==4.17.0 jaxtyping==0.3.11 markdown-it-py==4.3.0 marshmallow==3.26.2 \
  mdurl==0.1.2 ml-collections==1.1.0 ml-dtypes==0.6.0 msgpack==1.2.4 mypy-extensions==1.2.0 numpy==2.5.5 \
  opt-einsum==3.4.0 optax==0.2.8 orbax-checkpoint==0.12.8 orbax-export==0.0.8 packaging==26.4 \
  prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pygments==2.21.0 pyyaml==6.0.4 rich==15.0.0 scipy==1.18.1 \
  simplejson==4.3.0 tensorstore==0.1.86 treescope==0.1.10 typing-extensions==4.16.0 typing-inspect==0.9.0 \
  uvloop==0.23.0 wadler-lindig==0.1.8 wrapt==2.5.2 zipp==4.1.2

cat >spread.py <<'PY'
import sys

import numpy as np
from clu import metrics

values = np.array([1.0, 2.0, 3.0, 6.0], np.float32)
first, second = values[:2], values[2:]
average = metrics.Average.from_model_output(first).merge(metrics.Average.from_model_output(second))
assert float(average.compute()) == 3.0, average
spread = metrics.Std.from_model_output(first).merge(metrics.Std.from_model_output(second))
try:
    seen = f"{float(spread.compute()):.4f}"
except TypeError as error:
    seen = str(error)
print(seen)
if sys.argv[1] == "new":
    assert seen == "clip() got an unexpected keyword argument 'a_min'", seen
else:
    assert seen == f"{values.std():.4f}" == "1.8708", seen
PY
for pair in old new; do "$pair/bin/python" spread.py "$pair"; done
