#!/usr/bin/env bash
# Two libraries of the JAX ecosystem install a folder of examples under the same name, and a project's own joins them.
#
# Versions: dm-haiku 0.0.17 beside saiunit 0.6.0; Python 3.12. No dependency is needed to see it.
# Expected: a library installs modules below its own name. "import examples.rnn" in a project with a folder "examples"
# that has no rnn.py fails.
# Seen: both wheels have a top-level folder "examples" without an __init__.py, and dm-haiku has "docs" as well. Python
# joins such folders to one package, with the project's own if that has no __init__.py either. So examples.rnn is found
# in dm-haiku and examples.matplotlib_plain_basics in saiunit, from within a project that has neither: a script that was
# renamed or is missing is replaced by one of a library, and no error tells it.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

python=${PYTHON:-python3.12}
if command -v uv >/dev/null; then
  uv venv --quiet --python "$python" both
  uv pip install --quiet --no-deps --python both/bin/python dm-haiku==0.0.17 saiunit==0.6.0
else
  "$python" -m venv both
  both/bin/python -m pip install --quiet --disable-pip-version-check --no-deps dm-haiku==0.0.17 saiunit==0.6.0
fi

mkdir -p project/examples
echo 'NAME = "the project"' >project/examples/train.py
cd project
../both/bin/python - <<'PYTHON'
from importlib.metadata import packages_distributions
from importlib.util import find_spec

owners = packages_distributions()
print("examples is installed by", sorted(set(owners["examples"])), "and docs by", sorted(set(owners["docs"])))
assert sorted(set(owners["examples"])) == ["dm-haiku", "saiunit"]
assert owners["docs"] == ["dm-haiku"]

import examples
import examples.train

assert examples.train.NAME == "the project"
assert len(list(examples.__path__)) == 2, list(examples.__path__)
for name in ("examples.rnn", "examples.matplotlib_plain_basics"):
    spec = find_spec(name)
    assert spec is not None and "site-packages" in spec.origin, name
    print(name, "is found, although the project has none")
PYTHON
