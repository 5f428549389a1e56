#!/usr/bin/env bash
# No random key is an instance of jaxtyping's PRNGKeyArray, and a number of NumPy is one of Key[ArrayLike, ""].
#
# Versions: jaxtyping 0.3.11 with jax 0.12.0.1; Python 3.12, CPU. (Python 3.13.0 gives the same.)
# Expected: isinstance says of a key what one of the members of the union says of it, and refuses what is no key.
# Seen: PRNGKeyArray and Key[ArrayLike, ""] are unions of the typing module. isinstance asks these about the class of the
# value alone, and a type of jaxtyping counts no class as a part of it, so that all keys are refused, typed and raw ones:
#     Key[Array, ""]: True
#     PRNGKeyArray: False, its members one by one: True
# Key[Array, ""] | UInt32[Array, "2"], written with a bar, is another kind of union, and accepts the keys. The class
# numpy.number, a part of jax's ArrayLike, stays in the union whatever the dtype, so that a number is accepted:
#     Key[ArrayLike, ""]: key False, numpy.float32 True
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
make new jaxtyping==0.3.11 jax==0.12.0.1 jaxlib==0.12.0.1 ml-dtypes==0.6.0 numpy==2.5.5 opt-einsum==3.4.0 \
  scipy==1.18.1 wadler-lindig==0.1.8

new/bin/python - <<'PY'
import typing

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key, PRNGKeyArray, UInt32

typed, raw = jax.random.key(0), jax.random.PRNGKey(0)
members = typing.get_args(PRNGKeyArray)
like = Key[ArrayLike, ""]
print(f'Key[Array, ""]: {isinstance(typed, Key[Array, ""])}')
print(f"PRNGKeyArray: {isinstance(typed, PRNGKeyArray)}, its members one by one: {isinstance(typed, members)}")
print(f'Key[ArrayLike, ""]: key {isinstance(typed, like)}, numpy.float32 {isinstance(np.float32(1.0), like)}')
assert isinstance(typed, Key[Array, ""])
for key in (typed, raw):
    assert not isinstance(key, PRNGKeyArray), key
    assert isinstance(key, members), key
    assert isinstance(key, Key[Array, ""] | UInt32[Array, "2"]), key
assert not isinstance(typed, like)
assert not isinstance(1.0, like)
assert isinstance(np.float32(1.0), like)
assert isinstance(np.int8(1), Float[ArrayLike, ""])
PY
