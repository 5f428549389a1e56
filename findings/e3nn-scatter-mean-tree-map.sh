#!/usr/bin/env bash
# e3nn-jax cannot give the mean of a graph back to the nodes of the graph, since it calls jax.tree_map.
#
# Versions: e3nn-jax 0.21.0 with jax 0.12.0.1, beside the same e3nn-jax with jax 0.5.3; Python 3.12, CPU.
# Expected: scatter_mean with map_back=True gives each of five nodes the mean of its graph.
# Seen: with the newer jax
#     AttributeError: module 'jax' has no attribute 'tree_map'
# With jax 0.5.3 the means are [2.0, 2.0, 20.0, 20.0, 20.0]. scatter_mean without map_back and scatter_sum with it work
# with both. jax 0.6 removed jax.tree_map; e3nn-jax sets no upper bound on jax.
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
make new e3nn-jax==0.21.0 jax==0.12.0.1 jaxlib==0.12.0.1 attrs==26.1.0 ml-dtypes==0.6.0 mpmath==1.3.0 numpy==2.5.5 \
  opt-einsum==3.4.0 scipy==1.18.1 sympy==1.14.0
make old e3nn-jax==0.21.0 jax==0.5.3 jaxlib==0.5.3 attrs==26.1.0 ml-dtypes==0.6.0 mpmath==1.3.0 numpy==2.5.5 \
  opt-einsum==3.4.0 scipy==1.18.1 sympy==1.14.0

cat >means.py <<'PY'
import sys

import e3nn_jax as e3nn
import numpy as np

nodes = e3nn.IrrepsArray("0e", np.array([[1.0], [3.0], [10.0], [20.0], [30.0]], np.float32))
sizes = np.array([2, 3])
means = e3nn.scatter_mean(nodes, nel=sizes)
assert means.array.ravel().tolist() == [2.0, 20.0], means
sums = e3nn.scatter_sum(nodes, nel=sizes, map_back=True)
assert sums.array.ravel().tolist() == [4.0, 4.0, 60.0, 60.0, 60.0], sums
try:
    seen = str(e3nn.scatter_mean(nodes, nel=sizes, map_back=True).array.ravel().tolist())
except AttributeError as error:
    seen = str(error)
print(seen)
if sys.argv[1] == "new":
    assert seen == "module 'jax' has no attribute 'tree_map'", seen
else:
    assert seen == "[2.0, 2.0, 20.0, 20.0, 20.0]", seen
PY
for pair in old new; do "$pair/bin/python" means.py "$pair"; done
