"""Evidence as a store keeps its outlines."""

from __future__ import annotations

from collections.abc import Iterable

from stackcompat.evidence.outline import Outlines, outline_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.store import EvidenceOutlines


def outlined(runs: Iterable[Evidence]) -> EvidenceOutlines:
    """The runs, each read from its outline, and how long their tests took."""
    made = [outline_of(run.to_json()) for run in runs]
    results = {address: text for outline in made for address, text in outline.results.items()}
    outlines = Outlines(lambda addresses: {address: results[address] for address in addresses})
    found: dict[str, tuple[Evidence, ...]] = {}
    for run in outlines.read(outline.record for outline in made):
        assert run is not None
        found[run.key] = (*found.get(run.key, ()), run)
    return EvidenceOutlines(found, outlines.longest)
