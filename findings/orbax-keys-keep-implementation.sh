#!/usr/bin/env bash
# Orbax restores typed keys with the implementation they were saved with, whatever the abstract target asks for.
#
# Versions: orbax-checkpoint 0.12.8 with jax 0.12.0.1; Python 3.12, CPU.
# Expected: a target of the type key<fry> gives key<fry>, or an error. For an ordinary array the type in the target decides.
# Seen: keys of rbg restored into an abstract target of threefry2x32 come back as rbg, and nothing is said:
#     asked for key<fry>, got key<rbg>
# An array of float32 restored into float16 by the same call is cast, so the type in the target does count there. Into
# concrete keys of threefry2x32 the same checkpoint is refused, for the shape of the data behind the keys.
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
make new orbax-checkpoint==0.12.8 jax==0.12.0.1 jaxlib==0.12.0.1 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 \
  fsspec==2026.9.0 humanize==4.17.0 ml-dtypes==0.6.0 msgpack==1.2.4 numpy==2.5.5 opt-einsum==3.4.0 \
  prometheus-client==0.26.0 protobuf==7.36.2 psutil==7.2.2 pyyaml==6.0.4 scipy==1.18.1 simplejson==4.3.0 \
  tensorstore==0.1.86 typing-extensions==4.16.0 uvloop==0.23.0 zipp==4.1.2

new/bin/python - <<'PY'
import pathlib
import warnings

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp

path = pathlib.Path("checkpoint").resolve()
saved = {"key": jax.random.key(0, impl="rbg"), "x": jnp.ones(2, jnp.float32)}
wanted = {"key": jax.random.key(0, impl="threefry2x32"), "x": jnp.ones(2, jnp.float16)}
target = jax.eval_shape(lambda: wanted)
with ocp.StandardCheckpointer() as checkpointer, warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    checkpointer.save(path, saved)
    checkpointer.wait_until_finished()
    found = checkpointer.restore(path, target)
    try:
        checkpointer.restore(path, wanted)
    except ValueError as error:
        refused = str(error)
print(f"asked for {target['key'].dtype}, got {found['key'].dtype}")
print("into concrete keys: refused for the stored shape" if "not compatible with the stored shape" in refused else refused)
assert "is not compatible with the stored shape" in refused, refused
assert found["x"].dtype == jnp.float16, found["x"].dtype
assert target["key"].dtype == wanted["key"].dtype != saved["key"].dtype
assert found["key"].dtype == saved["key"].dtype, found["key"].dtype
assert (jax.random.key_data(found["key"]) == jax.random.key_data(saved["key"])).all()
assert not [w for w in caught if "key" in str(w.message).lower() or "impl" in str(w.message).lower()], caught
PY
