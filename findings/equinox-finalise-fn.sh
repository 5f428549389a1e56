#!/usr/bin/env bash
# A patch release of JAX takes away what Equinox's exports rest on, while everything else of Equinox goes on.
#
# Versions: equinox 0.13.5 and 0.13.7 with jax 0.9.1 and 0.9.2, Python 3.12. equinox 0.13.5 declares jax>=0.4.38 and not an
# upper bound.
# Expected: equinox.internal.finalise_fn, which rewrites a function for exporters to other formats, works with each JAX
# that the metadata allows, as jit, grad and vmap of Equinox do.
# Seen: with jax 0.9.1 it does. With jax 0.9.2 each function, even a single sine, ends in
#     ValueError: not enough values to unpack (expected 2, got 1)
# because a method of JAX's primitives (get_bind_params) gives a dict where it gave a pair, and the names of the parameters
# in it are taken for the pair. equinox 0.13.7 takes both. Jitted gradients work in all three.
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

cat > finalise.py <<'PYTHON'
import equinox as eqx
import jax
import jax.numpy as jnp

gradient = eqx.filter_jit(eqx.filter_grad(lambda x: jnp.sin(x) ** 2))(jnp.float32(0.5))
print("gradient", round(float(gradient), 4))
try:
    print("finalised", round(float(eqx.internal.finalise_fn(jnp.sin)(0.5)), 4))
except ValueError as error:
    print("finalised", error)
PYTHON

common=(jaxtyping==0.3.9 ml-dtypes==0.5.4 numpy==2.4.2 opt-einsum==3.4.0 scipy==1.17.1 typing-extensions==4.15.0)
make old equinox==0.13.5 jax==0.9.1 jaxlib==0.9.1 "${common[@]}"
make broken equinox==0.13.5 jax==0.9.2 jaxlib==0.9.2 "${common[@]}"
make mended equinox==0.13.7 jax==0.9.2 jaxlib==0.9.2 "${common[@]}"

for name in old broken mended; do
  "$name/bin/python" finalise.py > "$name.txt"
  echo "$name:"
  cat "$name.txt"
done
grep -q "^gradient 0.8415" old.txt
grep -q "^gradient 0.8415" broken.txt
grep -q "^gradient 0.8415" mended.txt
grep -q "^finalised 0.4794" old.txt
grep -q "^finalised .*to unpack (expected 2" broken.txt
grep -q "^finalised 0.4794" mended.txt
