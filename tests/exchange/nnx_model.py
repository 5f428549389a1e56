"""The nnx model of the tests of nnx states. Imports flax: not for the top of a test module."""

from __future__ import annotations

from typing import Any

from flax import nnx


class Model(nnx.Module):
    """Parameters, batch statistics, and the random state of dropout."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(4, 8, rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.second = nnx.Linear(8, 1, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.second(self.dropout(nnx.relu(self.norm(self.first(x)))))
