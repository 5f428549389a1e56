"""Steps of grain pipelines that worker processes must be able to import.

Not for the top of a test module: it imports grain, which may be missing or broken in the cell.
"""

from __future__ import annotations

from typing import Any

import idioms


class Scale(idioms.grain_object("Map")):
    """Twice the record, as a small array."""

    def map(self, element: Any) -> Any:
        import numpy as np

        return np.asarray(element, np.float32) * 2


class OnlyEven(idioms.grain_object("Filter")):
    """Keep even records."""

    def filter(self, element: Any) -> bool:
        return element % 2 == 0


class AddNoise(idioms.grain_object("RandomMap")):
    """Add what the record's own generator draws."""

    def random_map(self, element: Any, rng: Any) -> Any:
        return element + rng.uniform()


def square(element: Any) -> Any:
    """The square of a record; a plain function, which worker processes get by its name."""
    return element * element
