#!/usr/bin/env bash
# safetensors reads bfloat16 arrays of JAX from a file, but not from the bytes of that file.
#
# Versions: safetensors 0.8.0 with jax 0.12.0.1; Python 3.12, CPU.
# Expected: safetensors.flax.load reads what safetensors.flax.save gives, as load_file reads what save_file wrote.
# Seen: save and save_file make the same bytes of bfloat16 and load_file reads them; load ends with
#     KeyError: 'BF16'
# float32, float16 and bool come back both ways.
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
make new safetensors==0.8.0 jax==0.12.0.1 jaxlib==0.12.0.1 ml-dtypes==0.6.0 numpy==2.5.5 opt-einsum==3.4.0 \
  scipy==1.18.1

new/bin/python - <<'PY'
import pathlib

import jax.numpy as jnp
from safetensors.flax import load, load_file, save, save_file

path = pathlib.Path("arrays.safetensors")
seen = {}
for name in ("float32", "float16", "bool", "bfloat16"):
    array = jnp.arange(3).astype(name)
    save_file({"a": array}, path)
    assert save({"a": array}) == path.read_bytes()
    of_file = load_file(path)["a"]
    assert of_file.dtype == array.dtype
    assert (of_file == array).all()
    try:
        of_bytes = load(path.read_bytes())["a"]
        seen[name] = str(of_bytes.dtype == array.dtype and bool((of_bytes == array).all()))
    except KeyError as error:
        seen[name] = f"KeyError: {error}"
print(seen)
assert seen == {"float32": "True", "float16": "True", "bool": "True", "bfloat16": "KeyError: 'BF16'"}, seen
PY
