"""How well the forecast of a frontier agrees with what was observed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from stackcompat.core.record import Record
from stackcompat.frontier.inference import Pair

__all__ = ["Accuracy", "measure_accuracy"]


class Accuracy(Record):
    """How often a forecast of breaks was right.

    Attributes:
        hits: Breaks that were predicted and observed.
        misses: Breaks that were observed and not predicted.
        false: Predicted breaks where the pair works.
    """

    hits: int
    misses: int
    false: int

    @property
    def precision(self) -> float | None:
        """The share of the predicted breaks that were observed; None when none was predicted."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None

    @property
    def recall(self) -> float | None:
        """The share of the observed breaks that were predicted; None when none was observed."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None


def measure_accuracy(predicted: Collection[Pair], observed: Mapping[Pair, bool]) -> Accuracy:
    """Compare a forecast with what was observed.

    Args:
        predicted: The pairs that were predicted to break.
        observed: Whether each observed pair works.
    """
    broken = {pair for pair, works in observed.items() if not works}
    tested = observed.keys() & set(predicted)
    return Accuracy(hits=len(tested & broken), misses=len(broken - tested), false=len(tested - broken))
