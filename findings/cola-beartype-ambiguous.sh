#!/usr/bin/env bash
# A release of a type checker makes sums in a linear algebra library fail, although neither says that they do not fit.
#
# Versions: cola-ml 0.0.7 with its cola-plum-dispatch 0.1.4, jax 0.12.0.1, Python 3.12; beartype 0.22.9 and 0.23.1. CoLA's
# plum requires beartype without an upper bound, and asks it which of two types is the narrower one.
# Expected: adding two operators works with every beartype that the metadata allows.
# Seen: with beartype 0.22.9 the sum has the right values. With beartype 0.23.1 (0.23.0 does the same) it raises
#     AmbiguousLookupError: For function `add`, ... is ambiguous among the following
# since two of CoLA's functions for `add` fit, and neither counts as narrower. Importing CoLA works with both.
set -euo pipefail

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

cat > add.py <<'PYTHON'
import cola
import jax.numpy as jnp
from plum import resolver

dense = cola.ops.Dense(jnp.asarray([[2.0, 1.0], [-2.0, 1.5]], jnp.float32))
try:
    total = dense.T @ dense + 0.5 * cola.ops.I_like(dense)
    print("the sum is", total.to_dense().tolist())
except resolver.AmbiguousLookupError:
    print("AmbiguousLookupError")
PYTHON

common=(
  cola-ml==0.0.7 cola-plum-dispatch==0.1.4 jax==0.12.0.1 jaxlib==0.12.0.1 ml-dtypes==0.6.0 numpy==2.5.5 opt-einsum==3.4.0
  optree==0.20.0 scipy==1.18.1 tqdm==4.70.1 typing-extensions==4.16.0
)
make before "${common[@]}" beartype==0.22.9
make after "${common[@]}" beartype==0.23.1

before=$(before/bin/python add.py)
after=$(after/bin/python add.py)
echo "beartype 0.22.9: $before"
echo "beartype 0.23.1: $after"
[[ $before == "the sum is [[8.5, -1.0], [-1.0, 3.75]]" ]]
[[ $after == "AmbiguousLookupError" ]]
