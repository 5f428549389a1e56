#!/usr/bin/env bash
# Orbax does not name the leaf that a checkpoint lacks; it speaks of truth values.
#
# Versions: orbax-checkpoint 0.12.8, with jax 0.12.0.1, beside 0.11.21 with jax 0.7.2; Python 3.12, CPU.
# Expected: restoring into a target with one array more than the checkpoint has is refused, and the error names the array.
# Seen: 0.11.21 names it ("... tree structures do not match: {'extra': Diff(...)}"); 0.12.8 says, for an array of
# several numbers,
#     ValueError: The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()
# and nothing about the tree, so that a user looks for the fault in the wrong place.
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
make old orbax-checkpoint==0.11.21 jax==0.7.2 jaxlib==0.7.2 absl-py==2.5.1 aiofiles==25.1.0 etils==1.15.0 \
  fsspec==2026.9.0 humanize==4.17.0 ml-dtypes==0.6.0 msgpack==1.2.4 nest-asyncio==1.6.0 numpy==2.5.5 opt-einsum==3.4.0 \
  protobuf==7.36.2 pyyaml==6.0.4 scipy==1.18.1 simplejson==4.3.0 tensorstore==0.1.86 typing-extensions==4.16.0 \
  zipp==4.1.2

cat >restore.py <<'PY'
import pathlib
import sys

import numpy as np
import orbax.checkpoint as ocp

path = pathlib.Path(f"checkpoint-{sys.argv[1]}").resolve()
with ocp.StandardCheckpointer() as checkpointer:
    checkpointer.save(path, {"weight": np.ones(3, np.float32)})
    checkpointer.wait_until_finished()
    try:
        checkpointer.restore(path, {"weight": np.ones(3, np.float32), "extra": np.ones(3, np.float32)})
    except ValueError as error:
        seen = str(error)
print(seen.split("\n")[0][:120])
if sys.argv[1] == "new":
    assert "truth value of an array" in seen, seen
    assert "extra" not in seen, seen
else:
    assert "extra" in seen and "truth value" not in seen, seen
PY
for release in old new; do "$release/bin/python" restore.py "$release"; done
