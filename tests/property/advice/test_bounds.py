"""Whatever a frontier tells, a proposed bound keeps out what is broken and lets in what works."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcompat.advice.advisories import advisories
from stackcompat.advice.bounds import bound_findings
from stackcompat.advice.repair import repaired
from stackcompat.frontier.frontier import StoredFinding, StoredFrontier
from stackcompat.frontier.space import Side
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW
from support.world import World

ALPHAS = tuple(f"1.{minor}.{micro}" for minor in range(4) for micro in range(2))
MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

#: Of each release of alpha with beta 1.0: whether it works (None: nobody knows), is inferred, may be another's fault.
known = st.lists(
    st.tuples(st.sampled_from([True, False, None]), st.booleans(), st.booleans()),
    min_size=len(ALPHAS),
    max_size=len(ALPHAS),
)
declared = st.builds(
    lambda *parts: ",".join(part for part in parts if part),
    st.sampled_from(["", ">=1.0.1", ">1.1.0", "~=1.1"]),
    st.sampled_from(["", "<1.3", "<=1.2.1"]),
    st.sampled_from(["", "!=1.1.1"]),
)


def chart(verdicts: list[tuple[bool | None, bool, bool]]) -> StoredFrontier:
    findings = []
    for column, (works, inferred, doubtful) in enumerate(verdicts):
        signature = "E: words [beta]" if works is False and not inferred else ""
        one = StoredFinding(
            pair=(0, column),
            verdict="untested" if works is None else "works" if works else "broken",
            level="import",
            inferred=inferred and works is not None,
            sentence=signature and f"t: {signature}",
            signature=signature,
            doubt="a third one had a part" if signature and doubtful else "",
            evidence=() if inferred else ("run",),
        )
        findings.append(one)
    return StoredFrontier(
        first=Side(name="beta", versions=("1.0",), uploaded=(MOMENT,)),
        second=Side(name="alpha", versions=ALPHAS, uploaded=(MOMENT,) * len(ALPHAS)),
        python="3.12",
        platform="linux-x86_64",
        level="import",
        seen=MOMENT,
        findings=tuple(findings),
    )


@given(verdicts=known, bound=declared)
def test_a_proposal_lets_in_what_is_not_known_to_be_broken_up_to_the_lines_that_it_draws(
    verdicts: list[tuple[bool | None, bool, bool]], bound: str
) -> None:
    catalog = World(
        {
            "alpha": dict.fromkeys(ALPHAS, "2026-01-01"),
            "beta": {"1.0": {"uploaded": "2026-01-01", "requires": [f"alpha{bound}"]}},
        }
    )
    summary = summarise(COMPONENTS, (), {}, NOW, frontiers=[chart(verdicts)])
    inside = SpecifierSet(bound)
    works = {v for v, (good, _, _) in zip(ALPHAS, verdicts, strict=True) if good and v in inside}
    broken = {v for v, (good, _, _) in zip(ALPHAS, verdicts, strict=True) if good is False and v in inside}
    sure = {
        v for v, (good, guess, doubt) in zip(ALPHAS, verdicts, strict=True) if good is False and not (guess or doubt)
    }
    found = bound_findings(summary, advisories(summary), catalog)
    assert bool(found) == bool(sure & broken)
    for finding in found:
        assert (set(finding.works), set(finding.broken)) == (works, broken)
        assert bool(finding.proposed) == bool(works)
        if finding.proposed:
            admitted = {version for version in ALPHAS if version in SpecifierSet(finding.proposed)}
            assert works <= admitted
            assert not broken & admitted
            # An unknown release stays, unless a broken one stands between it and all that work: it is beyond a line.
            for version in {version for version in ALPHAS if version in inside} - works - broken - admitted:
                key = Version(version)
                lowest, highest = min(map(Version, works)), max(map(Version, works))
                assert any(key < Version(red) < lowest or highest < Version(red) < key for red in broken)
            edges = {part.version for part in SpecifierSet(finding.proposed)} - {part.version for part in inside}
            assert edges <= works | broken
            (entry,) = repaired(found, catalog)
            assert entry["requires-dist"] == [f"alpha{finding.proposed}"]
