"""What good guesses get wrong, as a page."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from stackcompat.ecosystem.suite import Suite
from stackcompat.ecosystem.suite_file import SurprisingTest
from stackcompat.plan.known_cases import KnownCase, load_cases
from stackcompat.report.surprises import surprises_page, surprising

PROJECT = Path(__file__).parents[3]


def test_cases_and_tests_that_say_what_is_expected_have_a_row() -> None:
    case = KnownCase(
        id="two-lids",
        python="3.12",
        requirements=("alpha==1.0", "beta==2.*"),
        exclude_newer=dt.date(2026, 2, 1),
        verdict="broken",
        expected="a lid fits",
        happens="it | leaks",
    )
    plain = case.model_copy(update={"id": "other", "expected": "", "happens": ""})
    test = SurprisingTest(name="test_lid", expected="it closes", happens="It opens.", uses=("alpha>=2",))
    page = surprises_page(surprising([plain, case], [("test_box.py", test)]))
    assert page.splitlines()[-2:] == [
        r"| a lid fits | it \| leaks | alpha==1.0, beta==2.\*, Python 3.12, as of 2026-02-01 | case two-lids |",
        r"| it closes | It opens. | alpha\>=2 | test\_box.py::test\_lid |",
    ]


def test_the_page_of_the_project_says_what_its_cases_and_tests_say() -> None:
    cases = load_cases(PROJECT / "matrices" / "known-cases.toml")
    page = surprises_page(surprising(cases, Suite(PROJECT / "tests" / "interop", b"").surprises()))
    written = (PROJECT / "docs" / "surprises.md").read_text(encoding="utf-8")
    assert written == page, "write it again: stackcompat surprises --output docs/surprises.md"
