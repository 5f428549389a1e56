"""Whether a test runs in an environment at all."""

from __future__ import annotations

import time

import pytest
from packaging.requirements import Requirement

from stackcompat.run.inside.applicability import Conditions, NotRun, why_not_run
from stackcompat.run.inside.distributions import canonical
from stackcompat.run.inside.interface import DescribedTest
from stackcompat.run.inside.protocol import UnimportableModule

VERSIONS = {"alpha": "1.0", "beta-two": "2.0rc1", "gamma-cpu": "3.1"}


def using(*uses: str, level: str = "interop") -> DescribedTest:
    """A test that uses these requirements. The distribution `gamma-cpu` stands in for `gamma`."""
    requirements = tuple(Requirement(requirement) for requirement in uses)
    names = [canonical(requirement.name) for requirement in requirements]
    return DescribedTest(
        test="test_box.py::test_lid",
        level=level,
        uses=requirements,
        components=["gamma-cpu" if name == "gamma" else name for name in names],
        artifact="",
        feature="",
        limit=5.0,
        alone=False,
    )


def unimportable(name: str, module: str, *, main: bool = True, limit: str = "") -> UnimportableModule:
    test = f"test_import.py::test_import[{module}]"
    return {"distributions": [name], "module": module, "main": main, "test": test, "limit": limit}


def reason(described: DescribedTest, *broken: UnimportableModule, imports: tuple[str, ...] = ()) -> NotRun | None:
    """Why a test is not run that imports these modules."""
    return why_not_run(described, Conditions(VERSIONS, list(broken), None), lambda: imports)


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ((), None),
        (("alpha", "Beta_Two"), None),
        (("alpha>=1", "beta-two>=2.0rc1"), None),
        (("alpha[extra]>=1",), None),
        (("alpha", "absent"), ("not-applicable", "absent is not installed")),
        (("alpha>=2",), ("not-applicable", "alpha 1.0 is outside >=2")),
        # A pre-release is a release like any other, and 2.0rc1 comes before 2.0.
        (("beta-two>=1",), None),
        (("beta-two>=2",), ("not-applicable", "beta-two 2.0rc1 is outside >=2")),
        # The version of what is really installed counts.
        (("gamma>=3",), None),
        (("gamma<3",), ("not-applicable", "gamma-cpu 3.1, installed as gamma, is outside <3")),
    ],
)
def test_a_test_applies_to_the_releases_that_it_is_fit_for(
    uses: tuple[str, ...], expected: tuple[str, str] | None
) -> None:
    assert reason(using(*uses)) == expected


def test_a_test_of_what_cannot_be_imported_is_blocked() -> None:
    broken = unimportable("beta-two", "beta")
    blocked = ("blocked", "beta-two cannot be imported (test_import.py::test_import[beta])")
    assert reason(using("alpha", "Beta.Two"), broken) == blocked
    assert reason(using("alpha"), broken) is None
    assert reason(using("beta-two", level="import"), broken) is None
    # A test that does not apply anyway is not blocked.
    assert reason(using("beta-two", "absent"), broken) == ("not-applicable", "absent is not installed")


def test_a_stand_in_that_cannot_be_imported_blocks_the_tests_of_what_it_stands_in_for() -> None:
    blocked = ("blocked", "gamma-cpu cannot be imported (test_import.py::test_import[gamma])")
    assert reason(using("gamma"), unimportable("gamma-cpu", "gamma")) == blocked


@pytest.mark.parametrize(
    ("imports", "needed"),
    [
        ((), False),
        (("alpha", "alpha.core"), False),
        (("alpha.export",), True),
        (("alpha", "alpha.export.symbolic_shape"), True),
        (("alpha.exporters", "other.alpha.export"), False),
    ],
)
def test_a_module_that_cannot_be_imported_blocks_only_the_tests_that_import_it(
    imports: tuple[str, ...], needed: bool
) -> None:
    broken = unimportable("alpha", "alpha.export", main=False)
    expected = ("blocked", "alpha.export cannot be imported (test_import.py::test_import[alpha.export])")
    assert reason(using("alpha"), broken, imports=imports) == (expected if needed else None)
    limit = unimportable("alpha", "alpha.export", main=False, limit="install crates")
    assert reason(using("alpha"), limit, imports=imports) == (("not-applicable", "install crates") if needed else None)


def test_no_test_begins_after_the_time_box() -> None:
    over, open_still = (Conditions(VERSIONS, [], time.time() + seconds) for seconds in (-1, 60))
    assert why_not_run(using("absent"), over, tuple) == ("not-applicable", "did not begin within the time box")
    assert why_not_run(using("alpha"), open_still, tuple) is None
