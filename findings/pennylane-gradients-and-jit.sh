#!/usr/bin/env bash
# PennyLane beside the newest JAX is right when called, and fails under jit and with two of its three ways to gradients.
#
# Versions: pennylane 0.45.1 with jax 0.12.0.1, beside the same pennylane with jax 0.10.2; Python 3.12, CPU.
# Expected: a circuit that JAX calls, vectorises and differentiates can be compiled too.
# Seen: with the newer jax the call, vmap and the gradient by backpropagation are those of the closed form; the rest fails:
#     adjoint: ImportError: cannot import name 'concrete_or_error' from 'jax.core'
#     parameter-shift: ImportError: cannot import name 'concrete_or_error' from 'jax.core'
#     jit: AttributeError: module 'jax.core' has no attribute 'is_concrete'
# With jax 0.10.2 all of them are right. The metadata of PennyLane do not name jax, and it warns
# of nothing that has to do with the release of jax.
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
make new pennylane==0.45.1 jax==0.12.0.1 jaxlib==0.12.0.1 appdirs==1.4.4 autograd==1.8.0 autoray==0.8.4 \
  cachetools==8.0.2 certifi==2026.10.19.post1 charset-normalizer==3.5.3 diastatic-malt==2.15.3 gast==0.7.0 idna==3.20 \
  ml-dtypes==0.6.0 networkx==3.7 numpy==2.5.5 opt-einsum==3.4.0 packaging==26.4 pennylane-lightning==0.45.0 \
  requests==2.34.2 rustworkx==0.18.1 scipy==1.18.1 scipy-openblas32==0.3.34.481.3 termcolor==3.3.0 tomlkit==0.15.2 \
  typing-extensions==4.16.0 urllib3==2.8.0
make old pennylane==0.45.1 jax==0.10.2 jaxlib==0.10.2 appdirs==1.4.4 autograd==1.8.0 autoray==0.8.4 cachetools==8.0.2 \
  certifi==2026.10.19.post1 charset-normalizer==3.5.3 diastatic-malt==2.15.3 gast==0.7.0 idna==3.20 ml-dtypes==0.6.0 \
  networkx==3.7 numpy==2.5.5 opt-einsum==3.4.0 packaging==26.4 pennylane-lightning==0.45.0 requests==2.34.2 \
  rustworkx==0.18.1 scipy==1.18.1 scipy-openblas32==0.3.34.481.3 termcolor==3.3.0 tomlkit==0.15.2 \
  typing-extensions==4.16.0 urllib3==2.8.0

cat >circuits.py <<'PY'
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np

# jax warns that complex numbers are of single precision.
warnings.simplefilter("ignore")
import pennylane as qml


def circuit(method):
    """A circuit whose value is cos(x) * cos(y), differentiated by a method of PennyLane."""

    @qml.qnode(qml.device("default.qubit", wires=2), interface="jax", diff_method=method)
    def measured(x, y):
        qml.RX(x, wires=0)
        qml.RY(y, wires=1)
        qml.CNOT(wires=[0, 1])
        return qml.expval(qml.PauliZ(1))

    return measured


x, y = jnp.array(0.4), jnp.array(0.7)
value, slope = np.cos(0.4) * np.cos(0.7), -np.sin(0.4) * np.cos(0.7)
plain = circuit("backprop")
tried = {
    "call": (lambda: plain(x, y), value),
    "vmap": (lambda: jax.vmap(plain, (0, None))(jnp.array([0.4, 0.0]), y), [value, np.cos(0.7)]),
    "backprop": (lambda: jax.grad(plain)(x, y), slope),
    "adjoint": (lambda: jax.grad(circuit("adjoint"))(x, y), slope),
    "parameter-shift": (lambda: jax.grad(circuit("parameter-shift"))(x, y), slope),
    "jit": (lambda: jax.jit(plain)(x, y), value),
    "jit of a gradient": (lambda: jax.jit(jax.grad(plain))(x, y), slope),
}
seen = {}
for name, (function, expected) in tried.items():
    try:
        seen[name] = "right" if np.allclose(function(), expected, rtol=1e-4) else "wrong"
    except (AttributeError, ImportError) as error:
        seen[name] = f"{type(error).__name__}: {str(error).split(' (')[0]}"
    print(f"{name}: {seen[name]}")
if sys.argv[1] == "new":
    assert [name for name in seen if seen[name] == "right"] == ["call", "vmap", "backprop"], seen
    assert all("'concrete_or_error'" in seen[name] for name in ("adjoint", "parameter-shift")), seen
    assert all("'is_concrete'" in seen[name] for name in ("jit", "jit of a gradient")), seen
else:
    assert set(seen.values()) == {"right"}, seen
PY
for pair in old new; do "$pair/bin/python" circuits.py "$pair"; done
