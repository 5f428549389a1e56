#!/usr/bin/env bash
# Reading a pickled bfloat16 array of another ml-dtypes takes bfloat16 away from jax until the process ends.
#
# Versions: ml-dtypes 0.5.1 on one side and 0.5.3 or 0.6.0 on the other, each with jax 0.12.0.1; Python 3.12, CPU.
# Expected: what numpy pickled with one release of ml-dtypes is read with another, or refused. Arrays that have nothing to
# do with the file are as before.
# Seen: it is read, with the right numbers and with a dtype that equals jnp.bfloat16. jax does not take the array, and from
# then on makes no array of bfloat16 at all:
#     jnp.asarray(loaded): Error interpreting argument to stage as a JAX value.
#     jnp.ones(2, jnp.bfloat16): JAX only supports number, bool, and string dtypes, got dtype ...
# This is so in both directions between 0.5.1 and the other two (there is no 0.5.2). Between 0.5.3 and 0.6.0, and within a
# release, all is well.
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
make 0.5.1 ml-dtypes==0.5.1 jax==0.12.0.1 jaxlib==0.12.0.1 numpy==2.5.5 opt-einsum==3.4.0 scipy==1.18.1
make 0.5.3 ml-dtypes==0.5.3 jax==0.12.0.1 jaxlib==0.12.0.1 numpy==2.5.5 opt-einsum==3.4.0 scipy==1.18.1
make 0.6.0 ml-dtypes==0.6.0 jax==0.12.0.1 jaxlib==0.12.0.1 numpy==2.5.5 opt-einsum==3.4.0 scipy==1.18.1

cat >write.py <<'PY'
import pathlib
import pickle
import sys

import ml_dtypes
import numpy as np

pathlib.Path(f"{sys.argv[1]}.pickle").write_bytes(pickle.dumps(np.arange(4).astype(ml_dtypes.bfloat16)))
PY
cat >read.py <<'PY'
import pathlib
import pickle
import sys

import jax.numpy as jnp
import numpy as np


def attempt(make):
    try:
        return str(make().tolist())
    except TypeError as error:
        return str(error).strip()


writer, reader = sys.argv[1:]
assert jnp.ones(2, jnp.bfloat16).tolist() == [1.0, 1.0]
loaded = pickle.loads(pathlib.Path(f"{writer}.pickle").read_bytes())
assert loaded.dtype == jnp.bfloat16
assert loaded.astype(np.float32).tolist() == [0.0, 1.0, 2.0, 3.0]
of_file, other = attempt(lambda: jnp.asarray(loaded)), attempt(lambda: jnp.ones(2, jnp.bfloat16))
print(f"{writer} read with {reader}: {of_file[:64]} | {other[:64]}")
if (writer == "0.5.1") == (reader == "0.5.1"):
    assert (of_file, other) == ("[0.0, 1.0, 2.0, 3.0]", "[1.0, 1.0]"), (of_file, other)
else:
    assert of_file.startswith("Error interpreting argument to stage as a JAX value."), of_file
    assert other.startswith("JAX only supports number, bool, and string dtypes, got dtype"), other
PY
for writer in 0.5.1 0.5.3 0.6.0; do "$writer/bin/python" write.py "$writer"; done
for writer in 0.5.1 0.5.3 0.6.0; do
  for reader in 0.5.1 0.5.3 0.6.0; do "$reader/bin/python" read.py "$writer" "$reader"; done
done
