from __future__ import annotations

import re

from stackcompat.ecosystem.components import Components
from stackcompat.report.html import html
from stackcompat.report.links import NOWHERE
from stackcompat.report.markdown import markdown
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from stackcompat.verdict.closed import ClosedCount
from support.islands_world import IslandsWorld
from support.made_up import (
    COMPONENTS,
    NEWEST,
    NOW,
    History,
    component,
    failed,
    history,
    make_cell,
    not_applicable,
    passed,
    unresolved,
)

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


def table(heading: str, summary: Summary = SUMMARY) -> list[str]:
    """The lines of the first table below `heading`."""
    below = markdown(summary).split(f"{heading}\n\n")[1].split("\n\n## ")[0]
    return [line for line in below.splitlines() if line.startswith("|")]


def test_the_headline_and_the_links() -> None:
    text = markdown(SUMMARY)
    assert SUMMARY.headline in text
    assert "(index.html)" in text
    assert "(compat.json)" in text


def test_where_there_is_no_page_nothing_leads_to_it() -> None:
    many = [group.model_copy(update={"id": f"f{number}"}) for number in range(20) for group in SUMMARY.failures[:1]]
    text = markdown(SUMMARY.model_copy(update={"failures": tuple(many)}), NOWHERE)
    assert "index.html" not in text
    assert "\n- and 5 more\n" in text


def test_runs_without_a_sandbox_are_told_with_their_python() -> None:
    row = SUMMARY.measured[0]
    in_one = row.model_copy(update={"closed": ClosedCount(sandbox=1)})
    assert "sandbox" not in markdown(SUMMARY.model_copy(update={"measured": (in_one,)}))
    closed = ClosedCount(network=1, sentence="1 of 1 run had no sandbox: more")
    opened = SUMMARY.model_copy(update={"measured": (row.model_copy(update={"closed": closed}),)})
    assert f"## Runs without a sandbox\n\n- Python {row.python}: {closed.sentence}." in markdown(opened)


def test_the_square_is_a_table_of_the_tested_components() -> None:
    rows = table("## The newest releases, two by two")
    assert len({row.count("|") for row in rows}) == 1
    assert len(rows) == 2 + len(SUMMARY.tested()) - 1 == 8  # one moves with another
    beta = next(row for row in rows if row.startswith("| **Beta** 2.4.1"))
    assert beta.count("✓ interop") == 4
    assert beta.count("?") == 1  # with epsilon, which no test uses together with it


def test_islands_and_who_keeps_the_others_out() -> None:
    assert "installed together" not in markdown(SUMMARY)
    found = IslandsWorld(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find()
    other = found.model_copy(update={"python": "3.11"})
    summary = SUMMARY.model_copy(update={"islands": (found, other)})
    assert table("## Which newest releases can be installed together", summary) == [
        "|  | island 1<br>Python 3.12 and 3.11 | island 2<br>Python 3.12 and 3.11 |",
        "| :-- | :-: | :-: |",
        "| Alpha | 1 |  |",
        "| Beta | 1 | 1 |",
        "| Gamma |  | 1 |",
        "| old | 0.5 ▼ | 0.5 ▼ |",
    ]
    text = markdown(summary)
    assert "whether it works is another question" in text
    assert "Take the island with the package that you need: island 1 has Alpha 1; island 2 has Gamma 1." in text
    assert text.count("alpha, gamma exclude each other") == 1
    assert "- Gamma 1 is not on island 1, and Alpha 1 is not on island 2: alpha, gamma exclude each other\n" in text


def test_red_in_the_square_says_where() -> None:
    pairs = [
        pair.model_copy(update={"verdict": "broken", "level": "import", "pythons": {"3.12": "works", "3.13": "broken"}})
        if (pair.first, pair.second) == ("alpha", "beta")
        else pair
        for pair in SUMMARY.pairs
    ]
    text = markdown(SUMMARY.model_copy(update={"pairs": tuple(pairs)}))
    assert text.count("✗ import, on Python 3.13") == 2


def test_the_breaks_are_few_and_lead_to_the_page() -> None:
    text = markdown(SUMMARY)
    broken = [line for line in text.splitlines() if line.startswith("- ✗")]
    assert broken[0].startswith("- ✗ Beta 2.1.3 fails with Alpha 1.3.0 at import because ")
    assert "; use Beta 2.2.0 with Alpha 1.3.0, or use Alpha 1.1.0 with Beta 2.1.3 (" in broken[0]
    assert re.search(r"\[9 cells\]\(index\.html#failure-[0-9a-f]{8}\)", broken[0])
    many = [SUMMARY.failures[0].model_copy(update={"id": f"{n:08x}"}) for n in range(20)]
    text = markdown(SUMMARY.model_copy(update={"failures": tuple(many)}))
    assert text.count("- ✗") == 15
    assert "[and 5 more](index.html#broken)" in text


def test_breaks_of_today_come_first() -> None:
    last = SUMMARY.failures[2].model_copy(update={"today": True})
    failures = (*SUMMARY.failures[:2], last, *SUMMARY.failures[3:])
    text = markdown(SUMMARY.model_copy(update={"failures": failures}))
    first = next(line for line in text.splitlines() if line.startswith("- ✗"))
    assert last.id in first
    assert "**in the newest releases**" in first


def test_every_component_has_a_line_with_its_depth_and_what_stopped_it() -> None:
    deep = [component("alpha", blocker="its kernels\nrefuse a | CPU"), *COMPONENTS.components[1:]]
    summary = summarise(Components(components=tuple(deep)), (MADE.record(),), MADE.evidence, NOW)
    head, _, *lines = table("## How deep each component was tested", summary)
    assert head == "| Component | Newest tested | 3.13 | 3.12 | 3.11 | Deepest | What stopped it |"
    assert len(lines) == sum(bool(row.newest) for row in summary.components)
    assert lines[0] == r"| Alpha | 1.3.0 | ✓ | ✓ | ✓ | interop | its kernels refuse a \| CPU |"
    assert "| Beta | 2.4.1 | ✓ | ✓ | ✓ | interop | – |" in lines
    assert not any(line.startswith("| Theta ") for line in lines)  # no cell has it


def test_what_a_metapackage_pins_and_what_moved() -> None:
    made = History()
    pins = {"alpha": "1.1.0", "beta": "2.2.0"}
    label = "zeta 0.9.4"
    whole = pins | {"zeta": "0.9.4"}
    made.add(make_cell(whole, policy="metapackage", label=label), whole)
    made.add(make_cell(whole, "3.13", policy="metapackage", label=label), whole)
    moved = make_cell(pins | {"alpha": ""}, policy="metapackage", label=f"{label} with the newest alpha")
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta 2.2.0", bound="alpha<1.3")
    made.add(moved.model_copy(update={"newest": ("alpha",)}), pins | {"alpha": "1.2.0"}, (held,))
    other = make_cell(whole, policy="metapackage", label="zeta 0.9.40")  # another release's set
    made.add(other.model_copy(update={"exclude_newer": NOW}), whole)
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    assert [one.name for one in summary.pinned] == ["zeta 0.9.4", "zeta 0.9.40"]
    assert summary.pinned[0].pins == {"alpha": "1.1.0", "beta": "2.2.0"}
    assert table("## The pins of zeta 0.9.4, as they are and with one moved", summary) == [
        "|  | Python 3.13 | Python 3.12 |",
        "| :-- | :-: | :-: |",
        "| as it is pinned | ✓ interop | ✓ interop |",
        "| with the newest alpha |  | ✓ interop (1.2.0 ▼) |",
    ]
    assert r"- ▼ alpha 1.2.0 is not its newest release; it is held back by beta 2.2.0: alpha\<1.3" in markdown(summary)
    page = html(summary)
    assert "The pins of zeta 0.9.4, as they are and with one moved" in page
    assert "to interop · 1.2.0 ▼" in page


def test_what_drives_accelerators_level_by_level() -> None:
    known = Components(components=(*COMPONENTS.components[:-1], component("zeta", hardware=("GPU",))))
    known = Components(components=tuple(c for c in known.components if c.hardware == ("GPU",) or c.name != "zeta"))
    made = History()
    lowers = passed("test_zeta.py::test_lower", "alpha", "zeta", level="lower")
    red = failed("test_zeta.py::test_lower", "alpha", "zeta", packages=("zeta",), level="lower")
    skipped = not_applicable("test_zeta.py::test_old", "alpha", "zeta").model_copy(update={"level": "compile"})
    absent = not_applicable("test_zeta.py::test_with_beta", "beta", "zeta").model_copy(update={"level": "lower"})
    new, old = {"alpha": "1.3.0", "zeta": "0.9.4"}, {"alpha": "1.2.0", "zeta": "0.9.4"}
    made.add(make_cell(new), new, tests=(lowers, skipped, absent))
    made.add(make_cell(old), old, tests=(red,))
    made.cells.append(unresolved(make_cell({"alpha": "1.1.0", "zeta": "0.9.3"}), "zeta 0.9.3 wants alpha 1.0"))
    made.add(make_cell({"alpha": "1.3.0"}), {"alpha": "1.3.0"})  # without it: in no line
    summary = summarise(known, (made.record(),), made.evidence, NOW)
    assert table("## Accelerator plugins, level by level", summary) == [
        "| Python | Alpha | Alpha native | Zeta | resolve | install | import | lower | compile |",
        "| :-- | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: |",
        "| 3.12 | 1.3.0 | 1.3.0 | 0.9.4 | ✓ | ✓ | ? | ✓ | – 1 |",
        "| 3.12 | 1.2.0 | 1.2.0 | 0.9.4 | ✓ | ✓ | ? | ✗ 2 | ? |",
        "| 3.12 | 1.1.0 |  | 0.9.3 | ⊘ 3 | ? | ? | ? | ? |",
    ]
    assert "3. zeta 0.9.3 wants alpha 1.0" in markdown(summary)
    page = html(summary)
    assert "zeta 0.9.3 wants alpha 1.0</small>" in page
    # Something that a machine without an accelerator runs is none.
    assert not summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW).accelerators


def test_what_is_untested_says_why() -> None:
    assert "- Theta: is on no index" in markdown(SUMMARY)


def test_components_that_are_untested_for_one_reason_share_a_line() -> None:
    known = Components(components=(*COMPONENTS.components[:3], component("psi"), component("omega")))
    made = History()
    versions = {"alpha": "1.3.0", "beta": "2.4.1"}
    made.add(make_cell(versions, policy="newest"), versions)
    text = markdown(summarise(known, (made.record(),), made.evidence, NOW)).split("## What is untested")[1]
    assert "- Psi and Omega: no cell has both this component and a test that uses it" in text


def test_what_is_in_no_pair_says_what_is_true() -> None:
    part = component("kernels", "alpha.kernels", distributions=("alpha",), tests=("*test_grad*",))
    local = component("omega", published="git only", distributions=("gamma",))
    known = Components(components=(*COMPONENTS.components[:3], part, local))
    made = History()
    versions = {"alpha": "1.3.0", "beta": "2.4.1", "gamma": "1.0.2"}
    made.add(make_cell(NEWEST, policy="newest"), {"alpha": "1.3.0", "beta": "2.4.1"})
    made.add(make_cell(versions, policy="local", local={"gamma": "$GAMMA_SOURCE"}), versions)
    text = markdown(summarise(known, (made.record(),), made.evidence, NOW)).split("## What is untested")[1]
    assert "Kernels" not in text  # a part has no pairs of its own
    assert (
        "- Omega with others: it was installed from its source, which counts for no pair; it was tested with Alpha"
        in text
    )
    assert "no test uses it" not in text


def test_nothing_was_run() -> None:
    text = markdown(summarise(COMPONENTS, (History().record(),), {}, NOW))
    assert "What is broken" not in text
    assert "no cell with them was run" in text


def test_markup_in_data_stays_text() -> None:
    nasty = SUMMARY.failures[0].model_copy(update={"message": "`a` | b\nc", "suspects": ()})
    text = markdown(SUMMARY.model_copy(update={"failures": (nasty,), "headline": "a *b* <c>"}))
    assert r'because "\`a\` \| b c"' in text
    assert r"**a \*b\* \<c\>**" in text


def test_components_that_never_met_are_untested_together() -> None:
    made = History()
    for name in ("beta", "gamma"):
        versions = {"alpha": "1.3.0", name: NEWEST[name]}
        made.add(make_cell(versions, policy="pins"), versions)
    known = Components(components=tuple(COMPONENTS[name] for name in ("alpha", "beta", "gamma")))
    text = markdown(summarise(known, (made.record(),), made.evidence, NOW))
    assert "| **Gamma** 1.0.2 | ✓ interop | ? |  |" in text
    assert "What is untested" not in text


def test_what_is_not_judged_is_named_with_the_release() -> None:
    assert "## What is not judged" not in markdown(SUMMARY)
    reasons = {
        "t.py::keys": "our test never passed with beta 2.4.1",
        "t.py::more": "our test never passed with beta 2.4.1",
    }
    cells = [cell.model_copy(update={"not_judged": reasons}) for cell in SUMMARY.cells]
    text = markdown(SUMMARY.model_copy(update={"cells": tuple(cells)}))
    assert "- our test never passed with beta 2.4.1: 2 (`t.py::keys`, `t.py::more`)" in text
