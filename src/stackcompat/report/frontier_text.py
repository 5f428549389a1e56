"""Frontiers in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from stackcompat.core.text import and_list, counted
from stackcompat.core.vocabulary import Level
from stackcompat.frontier.inference_accuracy import inference_accuracy
from stackcompat.table.frontiers import FrontierEdge, FrontierNews, FrontierRow

__all__ = ["frontier_words", "interval_words", "working_partners"]


def frontier_words(row: FrontierRow) -> str:
    """What a frontier rests on: ``340 installable pairs: 126 tested, 210 inferred, 4 without a verdict. ...``."""
    counts = [f"{row.pairs_answered - row.pairs_inferred} tested", f"{row.pairs_inferred} inferred"]
    if row.pairs_answered < len(row.pairs):
        counts.append(f"{len(row.pairs) - row.pairs_answered} without a verdict")
    sentences = [f"{counted(len(row.pairs), 'installable pair')}: {', '.join(counts)}, from {counted(row.runs, 'run')}"]
    if row.pairs_shallow:
        known = "is known to work" if row.pairs_shallow == 1 else "are known to work"
        sentences.append(f"{row.pairs_shallow} of them {known} up to a shallower level only")
    if row.checks:
        wrong = sum(check.inferred != check.observed for check in row.checks)
        outcome = f"{wrong} of them wrong" if wrong else "all right"
        sentences.append(f"{len(row.checks)} inferred pairs were tested afterwards: {outcome}")
    accuracy = inference_accuracy(row.checks)
    if accuracy is not None:
        sentences.append(str(accuracy))
    shares = {"precision": row.precision, "recall": row.recall}
    measured = [f"{name} {share:.0%}" for name, share in shares.items() if share is not None]
    if measured:
        sentences.append(f"Forecast from source: {', '.join(measured)}")
    if not row.complete:
        sentences.append("Not complete yet")
    if row.newer is not None:
        sentences.append(_news(row.newer))
    return ". ".join(sentences)


def _news(newer: FrontierNews) -> str:
    """What a newer search knows so far."""
    releases = and_list([f"{name} {version}" for name, versions in newer.releases.items() for version in versions])
    progress = f"{newer.pairs_answered} of its {newer.pairs} pairs have a verdict"
    return f"A newer search with {releases} is not complete yet ({newer.seen:%Y-%m-%d}): {progress}"


def working_partners(row: FrontierRow, component: str, edge: FrontierEdge) -> str:
    """The releases that work with one release of a component: ``1.2 - 1.4; 1.1 only up to import; not tested yet (3)``.

    It is ``none`` only if every pair of the release is broken.

    Args:
        row: The frontier.
        component: The component.
        edge: Its release, with the intervals of the other component that work.
    """
    verdicts = [pair.verdict for pair in row.pairs if pair.versions[component] == edge.version]
    untested = verdicts.count("untested")
    undecided = sum(verdict not in ("works", "broken", "untested") for verdict in verdicts)
    parts = [interval_words(edge.works)] if edge.works else []
    shallow: dict[Level, list[tuple[str, str]]] = {}
    for interval in edge.intervals:
        if interval.level != row.level:
            shallow.setdefault(interval.level, []).append((interval.first, interval.last))
    parts += [f"{interval_words(works)} only up to {level}" for level, works in shallow.items()]
    if not parts and "broken" in verdicts and untested + undecided:
        parts.append(f"none of the {verdicts.count('broken')} that were tested or inferred")
    if untested:
        parts.append(f"not tested yet ({untested})")
    if undecided:
        parts.append(f"no verdict ({undecided})")
    if not verdicts:
        return "none: their metadata excludes it"
    return "; ".join(parts) or "none"


def interval_words(works: Iterable[tuple[str, str]]) -> str:
    """``1.2 - 1.4, 1.6`` (with an en dash) from the first and last release of each interval; ``none``."""
    return ", ".join(low if low == high else f"{low} \N{EN DASH} {high}" for low, high in works) or "none"
