from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.components import ComponentRow, ReservedName, component_row
from stackcompat.table.exchange import PassedRead
from stackcompat.table.judged import judge_cells
from support.made_up import (
    COMPONENTS,
    NEWEST,
    NOW,
    History,
    component,
    failed,
    history,
    make_cell,
    passed,
    planned,
    run_of,
    unresolved,
)


def rows(
    made: History, components: Components = COMPONENTS, reserved: Mapping[str, ReservedName] | None = None
) -> dict[str, ComponentRow]:
    cases = judge_cells(components, (made.record(),), made.evidence)
    return {one.name: component_row(one, components, cases, reserved or {}, NOW) for one in components.components}


def test_a_component_at_its_newest_with_the_newest_of_the_others() -> None:
    row = rows(history())["beta"]
    assert (row.newest, row.verdict, row.level, row.deepest_level) == ("2.4.1", "works", "interop", "interop")
    assert row.pythons == {"3.13": "works", "3.12": "works", "3.11": "works"}
    assert row.releases == ("2.0.0", "2.1.3", "2.2.0", "2.3.0", "2.4.0", "2.4.1", "2.5.0rc1")
    assert (row.blocker, row.age) == ("", 0)


def test_a_component_without_tests_says_why() -> None:
    found = rows(history())
    assert (found["eta"].verdict, found["eta"].blocker) == (
        "untested",
        "wants an accelerator; nothing of it runs without one",
    )
    assert found["theta"].newest == ""
    assert found["theta"].age is None


def test_an_import_alone_is_no_test_of_a_component() -> None:
    made = History()
    made.add(make_cell(NEWEST | {"eta": "0.1"}, policy="newest"), NEWEST | {"eta": "0.1"})
    row = rows(made)["eta"]
    assert (row.verdict, row.deepest_level, row.newest) == ("untested", "import", "0.1")


def test_a_reserved_name_has_its_own_level_until_there_is_a_release() -> None:
    day = NOW - dt.timedelta(days=2)
    row = rows(history(), reserved={"zeta": ReservedName("0.0.0", day), "eta": ReservedName("0.0.0", day)})["eta"]
    assert (row.verdict, row.level, row.deepest_level) == ("untested", "reserved", "reserved")
    assert row.blocker == "the index has only eta 0.0.0, which reserves the name"
    assert (row.seen, row.age, row.newest) == (day, 2, "")
    made = History()
    made.add(make_cell(NEWEST | {"eta": "0.1"}, policy="newest"), NEWEST | {"eta": "0.1"})
    assert rows(made, reserved={"eta": ReservedName("0.0.0", day)})["eta"].deepest_level == "import"


def test_nothing_tried_and_no_reason_given() -> None:
    plain = Components(components=(component("alpha"), component("omega", published="git only")))
    found = rows(History(), plain)
    assert found["alpha"].blocker == "no cell has both this component and a test that uses it"
    assert found["omega"].blocker == "git only"


def test_what_is_on_no_index_is_shown_from_its_source() -> None:
    components = Components(components=(component("alpha"), component("beta", published="git only")))
    made = History()
    versions = {"alpha": "1.3.0", "beta": "2.4.1"}
    asked = make_cell({"alpha": "", "beta": ""}, policy="local", local={"beta": "$BETA_SOURCE"}, overrides=("alpha",))
    made.add(asked, versions)
    found = rows(made, components)
    row = found["beta"]
    assert (row.verdict, row.deepest_level, row.newest) == ("works", "interop", "2.4.1")
    assert (row.published, row.releases, row.pythons) == ("git only", ("2.4.1",), {"3.12": "works"})
    assert found["alpha"].verdict == "untested"

    # If there is a release on the index, users have that one.
    made.add(make_cell({"alpha": "1.3.0", "beta": "2.4.0"}), {"alpha": "1.3.0", "beta": "2.4.0"})
    row = rows(made, components)["beta"]
    assert (row.newest, row.published, row.releases) == ("2.4.0", "index", ("2.4.0",))


def test_held_back() -> None:
    made = History()
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta 2.4.1", bound="alpha<1.3")
    versions = NEWEST | {"alpha": "1.2.0"}
    made.add(make_cell(dict.fromkeys(NEWEST, ""), policy="newest"), versions, (held,))
    row = rows(made)["alpha"]
    assert (row.newest, row.newest_known, row.verdict) == ("1.2.0", "1.3.0", "works")
    assert row.blocker == "held back at 1.2.0 (1.3.0 is the newest) by beta 2.4.1: alpha<1.3"
    # A reason that holds everywhere comes first.
    deep = component("alpha", blocker="Its kernels refuse a CPU.")
    row = rows(made, Components(components=(deep, *COMPONENTS.components[1:])))["alpha"]
    assert row.blocker == "Its kernels refuse a CPU; held back at 1.2.0 (1.3.0 is the newest) by beta 2.4.1: alpha<1.3"
    # If it is at its newest release on another Python, nothing holds it back.
    made.add(make_cell(dict.fromkeys(NEWEST, ""), "3.13", "newest"), NEWEST)
    assert rows(made)["alpha"].blocker == ""


def test_a_conflict_of_the_newest_cell_counts_for_the_components_that_it_names() -> None:
    made = History()
    older = NEWEST | {"beta": "2.3.0"}
    made.add(make_cell(older, policy="metapackage"), older)
    made.cells.append(unresolved(make_cell(NEWEST, policy="newest"), "beta 2.4.1 requires alpha<1.3"))
    found = rows(made)
    assert found["beta"].verdict == "unresolvable"
    assert found["beta"].newest_known == "2.4.1"
    assert found["gamma"].verdict == "untested"


def test_red_on_one_python_is_red_and_an_unknown_one_hides_nothing() -> None:
    made = History()
    made.add(make_cell(NEWEST, "3.12", "newest"), NEWEST)
    lost = planned(make_cell(NEWEST, "3.13", "newest"), NEWEST)
    made.cells.append(lost)
    made.evidence[lost.key] = (run_of(lost, outcome="timeout", detail="the cell's limit was reached"),)
    row = rows(made)["alpha"]
    assert (row.verdict, row.pythons) == ("works", {"3.13": "infra-error", "3.12": "works"})
    red: Any = failed("t", "alpha")
    made.evidence[lost.key] = (run_of(lost, red), run_of(lost, red, attempt=1))
    row = rows(made)["alpha"]
    assert (row.verdict, row.cell) == ("broken", lost.cell.id)
    assert "AssertionError" in row.blocker


def test_without_a_newest_cell_the_newest_release_of_the_component_decides() -> None:
    made = History()
    for version in ("1.2.0", "1.3.0"):
        cell = planned(make_cell({"alpha": version}, policy="pins"), {"alpha": version})
        made.cells.append(cell)
        made.evidence[cell.key] = (run_of(cell, passed("t", "alpha", level="run")),)
    row = rows(made)["alpha"]
    assert (row.newest, row.verdict, row.level) == ("1.3.0", "works", "run")


def test_a_prerelease_is_the_newest_only_if_there_is_no_final_release() -> None:
    made = History()
    early = {"alpha": "1.3.0", "beta": "2.5.0rc1"}
    made.add(make_cell(early, policy="prerelease"), early)
    assert rows(made)["beta"].newest == "2.5.0rc1"
    final = {"alpha": "1.3.0", "beta": "2.4.1"}
    made.add(make_cell(final, policy="pins"), final)
    assert rows(made)["beta"].newest == "2.4.1"


def test_tests_of_the_leader_exercise_the_component_that_moves_with_it() -> None:
    row = rows(history())["alpha-native"]
    assert (row.newest, row.verdict, row.deepest_level, row.moves_with) == ("1.3.0", "works", "interop", "alpha")


def test_a_part_of_another_distribution_is_not_held_back_in_its_place() -> None:
    part = component("kernels", "alpha.kernels", distributions=("alpha",), untested="wants an accelerator")
    made = History()
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta 2.4.1", bound="alpha<1.3")
    made.add(make_cell(NEWEST, policy="newest"), NEWEST | {"alpha": "1.2.0"}, (held,))
    row = rows(made, Components(components=(*COMPONENTS.components, part)))["kernels"]
    assert (row.newest, row.newest_known, row.verdict, row.blocker) == ("", "", "untested", "wants an accelerator")


def kernels(**more: Any) -> Components:
    """A component that is a part of the distribution alpha. Its tests have "kernel" in their names."""
    part = component("kernels", "alpha.kernels", distributions=("alpha",), tests=("*kernel*",), **more)
    return Components(components=(*COMPONENTS.components, part))


def test_a_part_is_judged_by_its_tests_at_the_release_of_the_whole() -> None:
    made = History()
    made.add(
        make_cell(NEWEST, policy="newest"),
        NEWEST,
        tests=(passed("test_kernels.py::test_run", "alpha", level="run"), passed("test_alpha.py::test_grad", "alpha")),
    )
    row = rows(made, kernels(blocker="what is lowered runs elsewhere"))["kernels"]
    assert (row.newest, row.verdict, row.level, row.deepest_level) == ("1.3.0", "works", "run", "run")
    assert (row.part_of, row.blocker) == ("alpha", "what is lowered runs elsewhere")


def test_a_part_is_red_by_its_own_tests_alone() -> None:
    made = History()
    cell = make_cell(NEWEST, policy="newest")
    broken = failed("test_kernels.py::test_run", "alpha", packages=("alpha",), level="run")
    fine = passed("test_alpha.py::test_grad", "alpha")
    made.add(cell, NEWEST, tests=(broken, fine))
    assert rows(made, kernels())["kernels"].verdict == "broken"
    made = History()
    broken = failed("test_alpha.py::test_grad", "alpha", packages=("alpha",))
    made.add(cell, NEWEST, tests=(broken, passed("test_kernels.py::test_run", "alpha", level="run")))
    found = rows(made, kernels())
    assert (found["alpha"].verdict, found["kernels"].verdict) == ("broken", "works")


def test_a_part_of_which_no_test_says_anything_is_untested() -> None:
    assert rows(history(), kernels())["kernels"].verdict == "untested"


def test_without_a_newest_cell_cells_with_older_neighbours_do_not_count() -> None:
    """A plugin that no newest cell holds is judged in the cells with the newest releases of its neighbours."""
    made = History()
    broken = failed("test_zeta.py::test_load", "alpha", "zeta", packages=("zeta",))
    fine = passed("test_zeta.py::test_load", "alpha", "zeta")
    matching, older = {"alpha": "1.3.0", "zeta": "0.9.4"}, {"alpha": "1.2.0", "zeta": "0.9.4"}
    made.add(make_cell(older), older, tests=(broken,))
    assert rows(made)["zeta"].verdict == "broken"
    made.add(make_cell(matching), matching, tests=(fine,))
    assert rows(made)["zeta"].verdict == "works"


def test_a_cell_that_is_red_by_own_tests_only_does_not_decide() -> None:
    made = History()
    own = failed("upstream/beta/test_x.py::test_x", "beta", packages=("beta",), level="upstream")
    made.add(make_cell(NEWEST | {"zeta": ""}, policy="newest"), NEWEST, tests=(passed("t", "beta"), own))
    made.add(make_cell(NEWEST, policy="newest"), NEWEST | {"alpha": "1.3.1"}, tests=(passed("t", "beta"),))
    row = rows(made)["beta"]
    assert (row.verdict, row.level) == ("works", "interop")


GRAD = passed("test_alpha.py::test_grad", "alpha")


def test_a_metapackage_is_as_deep_as_its_set() -> None:
    alone = passed("test_import.py::test_import[zeta]", "zeta", level="import")
    joint = passed("test_beta.py::test_apply", "alpha", "beta")
    pins = {"alpha": "1.1.0", "beta": "2.1.3", "zeta": "0.9.4"}

    def row(policy: str, *tests: TestResult) -> ComponentRow:
        made = History()
        accompanying = ("zeta",) if policy == "metapackage" else ()
        cell = make_cell(pins, policy=policy, label="zeta 0.9.4", accompanying=accompanying)
        made.add(cell, pins, tests=tests)
        return rows(made)["zeta"]

    found = row("metapackage", alone, joint)
    assert (found.verdict, found.level, found.deepest_level) == ("works", "interop", "interop")
    shallow = row("metapackage", alone, passed("test_import.py::test_import[beta]", "beta", level="import"), GRAD)
    assert (shallow.level, shallow.deepest_level) == ("import", "import")  # not as deep as its deepest pin
    red = failed("test_beta.py::test_apply", "alpha", "beta", packages=("beta",))
    assert (row("metapackage", alone, red).verdict, row("metapackage", alone, red).level) == ("broken", "interop")
    # The same set in a cell of another policy says nothing of the metapackage, since no test uses it.
    assert (row("pins", alone, joint).level, row("pins", alone, joint).deepest_level) == ("import", "import")


def test_an_artifact_read_by_another_environment_is_deeper_than_interop() -> None:
    made = history()
    read = passed("test_box.py::test_read", "beta", level="exchange")
    newest, older = {"alpha": "1.3.0", "beta": "2.4.1"}, {"alpha": "1.2.0", "beta": "2.4.0"}
    cases = judge_cells(COMPONENTS, (made.record(),), made.evidence)

    def deepest(name: str, *found: PassedRead) -> str | None:
        return component_row(COMPONENTS[name], COMPONENTS, cases, {}, NOW, found).deepest_level

    assert deepest("beta", PassedRead(read, newest, newest)) == "exchange"
    assert deepest("alpha", PassedRead(read, newest, newest)) == "interop"  # the test does not use it
    assert deepest("beta", PassedRead(read, older, newest)) == "interop"
    assert deepest("beta", PassedRead(read, newest, older)) == "interop"
    assert deepest("beta") == "interop"
