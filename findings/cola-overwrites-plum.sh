#!/usr/bin/env bash
# CoLA and plum-dispatch install files of the same names, and the one that is installed last decides which library works.
#
# Versions: cola-ml 0.0.7, which requires cola-plum-dispatch 0.1.4, and plum-dispatch 2.10.1; Python 3.12. No jax is needed.
# Expected: two environments with the same distributions in the same versions behave alike, or one cannot be made.
# Seen: both distributions of plum contain plum/__init__.py, plum/_version.py and plum/py.typed, and installing both is no
# error. With CoLA installed last, CoLA works, and plum is no longer that of plum-dispatch:
#     plum 0.1.4, cola 0.0.7, cannot import name 'Method' from 'plum'
# With plum-dispatch installed last it is the other way round:
#     plum 2.10.1, 'cond' is an invalid keyword argument for __call__(), plum.Method
# Names and versions of all distributions are the same in both, so that a freeze does not tell them apart.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# add FOLDER REQUIREMENT...: these packages into a virtual environment.
add() {
  local folder=$1
  shift
  if command -v uv >/dev/null; then
    uv pip install --quiet --python "$folder/bin/python" "$@"
  else
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  fi
}

# make FOLDER REQUIREMENT...: a virtual environment with these packages.
make() {
  local folder=$1 python=${PYTHON:-python3.12}
  shift
  if command -v uv >/dev/null; then
    uv venv --quiet --python "$python" "$folder"
  else
    "$python" -m venv "$folder"
  fi
  add "$folder" "$@"
}

common=(
  beartype==0.23.1 markdown-it-py==4.3.0 mdurl==0.1.2 numpy==2.5.5 optree==0.20.0 pygments==2.21.0 rich==15.0.0
  scipy==1.18.1 tqdm==4.70.1 typing-extensions==4.16.0
)
make cola-last "${common[@]}" plum-dispatch==2.10.1
add cola-last cola-plum-dispatch==0.1.4 cola-ml==0.0.7
make plum-last "${common[@]}" cola-plum-dispatch==0.1.4 cola-ml==0.0.7
add plum-last plum-dispatch==2.10.1

cat >look.py <<'PY'
import sys
from importlib.metadata import distribution, distributions

owners = [{str(path) for path in distribution(name).files} for name in ("plum-dispatch", "cola-plum-dispatch")]
both = {path for path in owners[0] & owners[1] if path.startswith("plum/") and "__pycache__" not in path}
assert both == {"plum/__init__.py", "plum/_version.py", "plum/py.typed"}, both

import plum

try:
    import cola

    found = f"cola {cola.__version__}"
except TypeError as error:
    found = str(error)
try:
    from plum import Method

    method = f"plum.{Method.__name__}"
except ImportError as error:
    method = str(error).split(" (")[0]
print(f"plum {plum.__version__}, {found}, {method}")
if sys.argv[1] == "cola-last":
    assert (plum.__version__, found) == ("0.1.4", "cola 0.0.7"), (plum.__version__, found)
    assert method == "cannot import name 'Method' from 'plum'", method
else:
    assert plum.__version__ == "2.10.1", plum.__version__
    assert found == "'cond' is an invalid keyword argument for __call__()", found
    assert method == "plum.Method", method
with open(f"{sys.argv[1]}.txt", "w") as freeze:
    freeze.writelines(sorted(f"{each.name}=={each.version}\n" for each in distributions()))
PY
for last in cola-last plum-last; do "$last/bin/python" look.py "$last"; done
cmp cola-last.txt plum-last.txt
