"""Values that cross from one environment to another: kept beside an artifact, and compared with what was read of it.

They are kept as JSON, types by name and bits as hexadecimal digits, so that no library under test has a say in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Changed(AssertionError):
    """Everything works, but what was computed anew from the same seed has other values than the writer's."""

    stackcompat_changed = True


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree as numpy arrays; four-bit integers as bytes, since releases pack them differently."""
    import jax
    import numpy as np

    found = [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(tree)]
    return [leaf.astype(np.int8) if str(leaf.dtype) in ("int4", "uint4") else leaf for leaf in found]


def keep(folder: Path, name: str, tree: Any) -> None:
    """Keep the values of `tree` in `folder`, as `name`."""
    rows = [
        {"dtype": str(leaf.dtype), "shape": list(leaf.shape), "bits": leaf.tobytes().hex()} for leaf in leaves(tree)
    ]
    (folder / f"{name}.json").write_text(json.dumps(rows))


def kept(folder: Path, name: str) -> list[Any]:
    """The leaves that were kept as `name`, as numpy arrays."""
    import ml_dtypes
    import numpy as np

    def dtype(text: str) -> Any:
        return np.dtype(getattr(ml_dtypes, text)) if hasattr(ml_dtypes, text) else np.dtype(text)

    rows = json.loads((folder / f"{name}.json").read_text())
    return [np.frombuffer(bytes.fromhex(r["bits"]), dtype(r["dtype"])).reshape(r["shape"]) for r in rows]


def assert_kept(tree: Any, folder: Path, name: str) -> None:
    """Every leaf of `tree` is what was kept as `name`, in type, shape and bits."""
    found, wanted = leaves(tree), kept(folder, name)
    assert [(str(leaf.dtype), leaf.shape) for leaf in found] == [(str(leaf.dtype), leaf.shape) for leaf in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.tobytes() == other.tobytes()


def assert_near(tree: Any, folder: Path, name: str, tolerance: float) -> None:
    """Every leaf of `tree` is within `tolerance`, relative to the largest value, of what was kept as `name`."""
    import numpy as np

    found, wanted = leaves(tree), kept(folder, name)
    assert [leaf.shape for leaf in found] == [leaf.shape for leaf in wanted]
    for one, other in zip(found, wanted, strict=True):
        left, right = one.astype(np.float64), other.astype(np.float64)
        scale = max(float(np.abs(right).max(initial=0.0)), 1e-6)
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance * scale)


#: How far floating-point results of one formula may lie apart when two releases of a compiler order its steps
#: differently: some roundings of float32, far less than what another random draw or another default would show.
ROUNDING = 2e-5


def assert_unchanged(tree: Any, folder: Path, name: str) -> None:
    """What was computed anew is what was kept as `name`: integers exactly, others up to rounding. Raises Changed."""
    import numpy as np

    found, wanted = leaves(tree), kept(folder, name)
    forms = [[(str(leaf.dtype), leaf.shape) for leaf in side] for side in (found, wanted)]
    if forms[0] != forms[1]:
        raise Changed(f"{name}: other types or shapes than the writer's: {forms[0]}, not {forms[1]}")
    for one, other in zip(found, wanted, strict=True):
        if np.issubdtype(one.dtype, np.integer) or one.dtype == bool:
            differ = one != other
        else:
            left, right = one.astype(np.float64), other.astype(np.float64)
            scale = max(float(np.abs(right).max(initial=0.0)), 1e-6)
            differ = ~np.isclose(left, right, rtol=ROUNDING, atol=ROUNDING * scale)
        if differ.any():
            raise Changed(f"{name}: other values than the writer's: {int(differ.sum())} of {differ.size} differ")
