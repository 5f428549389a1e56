#!/usr/bin/env bash
# JAX comes with a language for kernels that cannot be imported where JAX is installed as its metadata says.
#
# Versions: jax 0.9.2 and jax 0.11.2, each with the jaxlib of the same number, Python 3.12, and nothing but what they declare.
# Expected: every public module of a release can be imported after `pip install jax`.
# Seen: with 0.9.2, jax.experimental.pallas can be imported and jax.experimental.pallas.tpu cannot:
#     ModuleNotFoundError: No module named 'absl'
# absl-py is not among the requirements of jax or jaxlib; most libraries above JAX bring it along, so that few people see
# this. With 0.11.2, both modules can be imported without it.
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

cat > modules.py <<'PYTHON'
import importlib

for name in ("jax.experimental.pallas", "jax.experimental.pallas.tpu"):
    try:
        importlib.import_module(name)
        print(name, "imported")
    except ModuleNotFoundError as error:
        print(name, error)
PYTHON

common=(ml-dtypes==0.5.4 numpy==2.4.2 opt-einsum==3.4.0 scipy==1.17.1)
make old jax==0.9.2 jaxlib==0.9.2 "${common[@]}"
make new jax==0.11.2 jaxlib==0.11.2 "${common[@]}"

old=$(old/bin/python modules.py)
new=$(new/bin/python modules.py)
printf 'jax 0.9.2:\n%s\njax 0.11.2:\n%s\n' "$old" "$new"
[[ $old == "jax.experimental.pallas imported
jax.experimental.pallas.tpu No module named 'absl'" ]]
[[ $new == "jax.experimental.pallas imported
jax.experimental.pallas.tpu imported" ]]
