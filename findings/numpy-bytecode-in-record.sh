#!/usr/bin/env bash
# A fresh installation of NumPy 2.4.0 by pip does not match its own RECORD: the wheel lists bytecode, which pip replaces.
#
# Versions: numpy 2.4.0 on Python 3.11, installed by pip 26.1 and by uv 0.13.9. The wheels of 1.26.4, 2.0.2, 2.1.3, 2.2.6
# and 2.3.5 for Python 3.11 are the same in this; those of 1.25.2 and 2.4.6 have no bytecode. Needs uv.
# Expected: right after an installation, each file has the SHA-256 that RECORD gives, so that an integrity check of an
# environment finds nothing.
# Seen: the wheel has numpy/distutils/__pycache__/conv_template.cpython-311.pyc, which its build left behind; it names a
# source below /project. pip compiles all modules and puts its own bytecode there, and so does uv with --compile-bytecode;
# RECORD keeps the digest of the old file. Installed by uv without that option all files match, until the module is
# imported for the first time. Whoever compares environments with RECORD has to leave bytecode out.
set -euo pipefail
unset PYTHONDONTWRITEBYTECODE

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

cat >check.py <<'PYTHON'
"""Print the files of numpy whose SHA-256 is not that of RECORD."""
import base64
import hashlib
from importlib.metadata import distribution

for file in distribution("numpy").files:
    if file.hash is not None and file.hash.mode == "sha256":
        digest = hashlib.sha256(file.locate().read_bytes()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            print(file)
PYTHON

python=${PYTHON:-python3.11}
for way in pip uv uv-compiled; do
  uv venv --quiet --python "$python" "$way"
done
uv pip install --quiet --python pip/bin/python pip==26.1
pip/bin/python -m pip install --quiet --disable-pip-version-check --no-deps numpy==2.4.0
uv pip install --quiet --python uv/bin/python --no-deps numpy==2.4.0
uv pip install --quiet --python uv-compiled/bin/python --no-deps --compile-bytecode numpy==2.4.0

stale=numpy/distutils/__pycache__/conv_template.cpython-311.pyc
for way in pip uv-compiled; do
  found=$("$way/bin/python" check.py)
  echo "$way: ${found:-every file matches}"
  [ "$found" = "$stale" ]
done
found=$(uv/bin/python check.py)
echo "uv: ${found:-every file matches}"
[ -z "$found" ]
