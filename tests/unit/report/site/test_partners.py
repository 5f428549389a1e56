"""How the releases that go with one release are said."""

from __future__ import annotations

from stackcompat.report.site.partners import Partner, PartnerRelease, partner_groups


def test_where_a_third_component_can_be_at_fault_nothing_is_called_broken() -> None:
    sure = PartnerRelease(version="1.0", state="broken", level="import", why="sure")
    doubtful = PartnerRelease(version="1.1", state="broken", level="import", doubt=True, why="doubtful")
    inferred = PartnerRelease(version="1.2", state="inferred broken", level="import", doubt=True)
    groups = partner_groups(Partner("beta", (sure, doubtful, inferred)), ("1.0", "1.1", "1.2"))
    assert [(group.words, group.versions, group.why) for group in groups] == [
        ("✗ broken at import", "1.0", "sure"),
        ("? likely broken at import; a third component can be at fault", "1.1", "doubtful"),
        ("(✗) inferred to be broken at import; a third component can be at fault", "1.2", ""),
    ]
