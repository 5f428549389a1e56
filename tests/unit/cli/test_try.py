"""The command that tries one combination."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stackcompat.cli import try_
from stackcompat.evidence.greens import GreenRelease
from stackcompat.evidence.results import Evidence
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import HeldBack, Resolution
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.verdict import CellVerdict, judge
from support.answers_page import documented_fields
from support.command_line import BLAMED, Run
from support.loopback_index import LoopbackIndex
from support.made_up import COMPONENTS, NEWEST, failed, limited, make_cell, passed, planned, run_of, unresolved


def _verdict(monkeypatch: pytest.MonkeyPatch, cell: Any, evidence: tuple[Evidence, ...]) -> None:
    monkeypatch.setattr(try_, "try_cell", lambda *_, **__: (judge(cell, evidence, COMPONENTS), evidence))
    monkeypatch.setattr(try_, "find_interpreters", lambda _=None: {})


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("works", 0),
        ("broken", 1),
        ("unresolvable", 1),
        ("uninstallable", 1),
        ("flaky", 3),
        ("invalid", 3),
        ("infra-error", 3),
        ("untested", 3),
        ("not-applicable", 3),
    ],
)
def test_every_verdict_has_its_exit_code(run: Run, monkeypatch: pytest.MonkeyPatch, verdict: Any, code: int) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    judged = judge(cell, (), COMPONENTS).model_copy(update={"verdict": verdict})
    monkeypatch.setattr(try_, "try_cell", lambda *_, **__: (judged, ()))
    monkeypatch.setattr(try_, "find_interpreters", lambda _=None: {})
    got, output, _ = run("try", "alpha", "--python", "3.12")
    assert got == code
    assert verdict in output


def test_blame_is_told_and_in_the_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    red = failed("t.py::test_x", "alpha", packages=("alpha",))
    _verdict(monkeypatch, cell, (run_of(cell, red), run_of(cell, red, attempt=1)))
    monkeypatch.setattr(try_, "find_culprit", lambda *_: BLAMED)
    code, output, _ = run("try", "alpha", "--python", "3.12", "--blame", "--json", "-")
    answer = json.loads(output)
    assert code == 1
    of_blame = documented_fields("`--json FILE`", "blame.md")
    assert set(answer) == of_blame | documented_fields("`try --json FILE`", "usage.md")
    assert [entry["name"] for entry in answer["culprit"]] == ["alpha", "beta", "gamma"]
    assert (
        answer["culprit"][0] | {"version": "1.3.0", "last_good": "1.2.0", "first_bad": "1.3.0"} == answer["culprit"][0]
    )
    assert answer["culprit"][1]["fixed_in"] == "2.5.0"
    assert answer["culprit"][0]["moved_by"] == "alpha 1.3.0 behaves differently from 1.2.0"
    assert (answer["probes"], answer["linear"]) == (7, 90)
    _, output, _ = run("try", "alpha", "--python", "3.12", "--blame")
    for sentence in (
        "culprit: alpha 1.3.0 with beta 2.4.1 with gamma 1.0.2",
        "alpha 1.2.0 was the last good, 1.3.0 the first bad; nothing newer was seen to pass",
        "no release of beta before 2.4.1 was seen to pass; it passes again from 2.5.0 on",
        "gamma 1.0.2 calls it",
        "alpha 1.3.0 behaves differently from 1.2.0",
        "not certain: the budget was spent",
        "another failure with alpha 1.0.0: E: other [alpha]",
        "7 probes; release by release it would have been 90",
    ):
        assert sentence in output


def test_what_works_is_not_blamed_on_anybody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    _verdict(monkeypatch, cell, (run_of(cell, passed("t.py::test_x", "alpha")),))
    monkeypatch.setattr(try_, "find_culprit", lambda *_: pytest.fail("there is nobody to blame"))
    code, output, _ = run("try", "alpha", "--python", "3.12", "--blame", "--json", "-")
    assert code == 0
    assert "culprit" not in json.loads(output)


LIMIT = "alpha.export needs glue, which alpha 1.3.0 does not declare: install glue"


def test_a_limit_with_a_known_cure_is_told_and_blamed_on_nobody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    limit = failed("t.py::test_import[alpha.export]", "alpha", level="import", type="ModuleNotFoundError")
    assert limit.failure is not None
    failure = limit.failure.model_copy(update={"undeclared": "glue"})
    limit = limit.model_copy(update={"feature": "alpha.export", "reason": LIMIT, "failure": failure})
    green = passed("t.py::test_x", "alpha")
    _verdict(monkeypatch, cell, (run_of(cell, green, limit), run_of(cell, limit, attempt=1)))
    monkeypatch.setattr(try_, "find_culprit", lambda *_: pytest.fail("the cure is known"))
    code, output, _ = run("try", "alpha", "--python", "3.12", "--blame")
    assert code == 0
    assert "alpha up to interop, 1 test, all but alpha.export" in output
    assert f"alpha.export does not work: {LIMIT}" in output
    _, output, _ = run("try", "alpha", "--python", "3.12", "--json", "-")
    (feature,) = json.loads(output)["broken_features"]
    assert (feature["feature"], feature["why"]) == ("alpha.export", LIMIT)


def test_a_limit_that_several_tests_show_is_told_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    limits = [limited(f"t.py::test_{name}", "alpha") for name in ("one", "two")]
    _verdict(monkeypatch, cell, (run_of(cell, *limits), run_of(cell, *limits, attempt=1)))
    _, output, _ = run("try", "alpha", "--python", "3.12")
    assert output.count("saving small numbers does not work") == 1


def test_the_json_of_try_has_what_a_program_needs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta 2", bound="beta 2 depends on alpha<1.3")
    cell = planned(make_cell(NEWEST), NEWEST, (held,))
    red = failed("t.py::test_x", "alpha", type="TypeError", message="m [not markup]", packages=("alpha",))
    evidence = (run_of(cell, passed("t.py::a"), red), run_of(cell, red, attempt=1))
    _verdict(monkeypatch, cell, evidence)
    code, output, error = run("try", "alpha", "--python", "3.12", "--json", "-")
    answer = json.loads(output)
    assert (code, error) == (1, "")
    assert set(answer) == documented_fields("`try --json FILE`", "usage.md")
    assert answer["verdict"] == "broken"
    assert answer["level"] == "interop"
    assert answer["python"] == "3.12"
    assert answer["installed"]["alpha"] == "1.3.0"
    assert answer["conflict"] is None
    assert answer["evidence"] == [entry.id for entry in evidence]
    (failure,) = answer["failures"]
    assert {"test", "level", "components", "signature", "type", "message"} <= failure.keys()
    assert failure["signature"] == "TypeError: m [not markup] [alpha]"
    assert answer["held_back"][0]["by"] == "beta 2"
    assert isinstance(answer["warnings"], list)


def test_try_in_words_takes_brackets_as_they_are(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta[x]", bound="beta[x] depends on alpha<1.3")
    cell = planned(make_cell(NEWEST), NEWEST, (held,))
    red = failed("t.py::test_x[1, two]", "alpha", message="m [bold]")
    _verdict(monkeypatch, cell, (run_of(cell, red), run_of(cell, red, attempt=1)))
    code, output, _ = run("try", "alpha", "--python", "3.12", "-v")
    assert code == 1
    assert output.splitlines()[0].startswith("✗ broken at interop on Python 3.12: t.py::test_x[1, two]: ")
    assert "m [bold]" in output
    assert "alpha 1.3.0 is the newest, but 1.2.0 was chosen: held back by beta[x]" in output
    assert "\x1b[" not in output


def test_try_unresolvable_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = unresolved(make_cell(NEWEST), "beta depends on alpha<1, but alpha==1.3.0 is requested")
    _verdict(monkeypatch, cell, ())
    code, output, _ = run("try", "alpha", "--python", "3.12")
    assert code == 1
    assert output == (
        "⊘ unresolvable at resolve on Python 3.12: beta depends on alpha<1, but alpha==1.3.0 is requested\n"
    )


def test_a_slip_of_a_finger_is_warned_of(run: Run, index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add("alphaa", "1.0")
    cell = planned(make_cell(NEWEST), NEWEST)
    _verdict(monkeypatch, cell, (run_of(cell, passed("t.py::test_x", "alpha")),))
    code, _, error = run("try", "alphaa", "alpha", "quite-different", "--python", "3.12")
    assert code == 0
    assert error == '"alphaa" is no component, but alpha is; did you mean that? "alphaa" is tried.\n'


def test_a_python_older_than_the_tests_is_refused_in_one_sentence(run: Run) -> None:
    code, output, error = run("try", "alpha", "--python", "3.9")
    assert (code, output) == (2, "")
    assert error.strip().endswith(
        "--python: the smoke tests need Python 3.10 or newer, so nothing can be run on Python 3.9; "
        "`stackcompat try --level resolve` says what would be installed"
    )


class _Resolves:
    """A resolver that has one answer."""

    def __init__(self, resolution: Resolution) -> None:
        self._resolution = resolution

    def resolve(self, _: object, __: object, *, stand_in: bool) -> Resolution:
        assert stand_in
        return self._resolution


def test_what_only_resolves_is_untested(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="Python 3.9", bound="alpha 1.3.0 requires >=3.10")
    resolution = planned(make_cell({"alpha": "1.2.0"}), {"alpha": "1.2.0"}, (held,)).resolution
    runner = SimpleNamespace(resolver=_Resolves(resolution), catalog=None, components=COMPONENTS)
    monkeypatch.setattr(try_, "make_runner", lambda *_, **__: runner)
    code, output, _ = run("try", "alpha", "--python", "3.9", "--level", "resolve")
    assert code == 0
    first, second, third = output.splitlines()
    assert first.endswith("untested up to resolve on Python 3.9: it resolves; nothing was installed or tried")
    assert "held back by Python 3.9" in second
    assert third.strip() == "alpha 1.2.0"
    runner.resolver = _Resolves(unresolved(make_cell(NEWEST), "no").resolution)
    code, output, _ = run("try", "alpha", "--python", "3.9", "--level", "resolve", "--json", "-")
    assert (code, json.loads(output)["verdict"]) == (1, "unresolvable")


SHALLOW = (
    passed("test_import.py::test_import[alpha]", "alpha", level="import"),
    passed("test_import.py::test_import[zeta]", "zeta", level="import"),
    passed("test_beta.py::test_apply", "alpha", "beta"),
)


def _shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"alpha": "1.3.0", "beta": "2.4.1", "zeta": "0.9.4"}
    cell = planned(make_cell(versions), versions)
    _verdict(monkeypatch, cell, (run_of(cell, *SHALLOW),))


def test_try_says_first_what_was_tried_least(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _shallow(monkeypatch)
    code, output, _ = run("try", "alpha", "beta", "zeta", "--python", "3.12")
    assert code == 0
    assert " ".join(output.split()).startswith(
        "✓ works up to import on Python 3.12: zeta was imported, nothing else of it was tried; "
        "alpha and beta up to interop, 2 tests"
    )
    _, output, _ = run("try", "alpha", "beta", "zeta", "--python", "3.12", "-v")
    assert "beta: up to interop, 1 test, together with alpha" in output


def test_try_can_tell_only_what_is_as_deep_as_required(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _shallow(monkeypatch)
    code, output, _ = run("try", "alpha", "beta", "zeta", "--python", "3.12", "--require", "interop")
    assert code == 3
    words = " ".join(output.split())
    assert "zeta does not reach interop: up to import, 1 test, because no deeper test of it applies here" in words
    assert "or ask for --require import" in words
    assert "alpha does not reach" not in words
    assert run("try", "alpha", "beta", "zeta", "--python", "3.12", "--require", "import")[0] == 0
    code, output, _ = run("try", "alpha", "beta", "zeta", "--python", "3.12", "--require", "interop", "--json", "-")
    answer = json.loads(output)
    assert (code, answer["required"], answer["reached"], answer["level"]) == (3, "interop", "import", "import")
    assert answer["short_of_required"] == ["zeta"]
    assert answer["components"]["beta"] == {"level": "interop", "tests": 1, "together_with": ["alpha"]}
    assert answer["components"]["zeta"] == {"level": "import", "tests": 1, "together_with": []}


def test_what_is_required_cannot_be_deeper_than_what_is_run(run: Run) -> None:
    code, _, error = run("try", "alpha", "--level", "import", "--require", "interop")
    assert code == 2
    assert "--require: interop is deeper than --level import; give --level interop or deeper" in error


def test_what_is_also_installed_does_not_count(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def try_cell(cell: Cell, *_: Any, **__: Any) -> tuple[CellVerdict, tuple[Evidence, ...]]:
        asked.append(cell)
        return judge(planned(make_cell(NEWEST), NEWEST), (), COMPONENTS), ()

    monkeypatch.setattr(try_, "try_cell", try_cell)
    monkeypatch.setattr(try_, "find_interpreters", lambda _=None: {})
    run("try", "alpha", "--also", "zeta<2", "--also", "Beta", "--python", "3.12")
    assert (asked[0].requirements, asked[0].accompanying) == (("alpha", "beta", "zeta<2"), ("beta", "zeta"))
    assert asked[0].newest == ("alpha",)
    code, _, error = run("try", "alpha", "--also", "zeta @ https://zeta.example/zeta.whl", "--python", "3.12")
    assert code == 2
    assert '--also: "zeta@ https://zeta.example/zeta.whl" has an address' in error.replace("zeta @", "zeta@")


def test_a_lock_is_about_the_components_in_it(run: Run, monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    asked = []

    def try_cell(cell: Cell, *_: Any, **__: Any) -> tuple[CellVerdict, tuple[Evidence, ...]]:
        asked.append(cell)
        return judge(planned(make_cell(NEWEST), NEWEST), (), COMPONENTS), ()

    monkeypatch.setattr(try_, "try_cell", try_cell)
    monkeypatch.setattr(try_, "find_interpreters", lambda _=None: {})
    lines = [f"{name}==1.0 --hash=sha256:{'0' * 64}" for name in ("alpha", "numbers")]
    (checkout / "lock.txt").write_text("\n".join(lines) + "\n")
    run("try", "--lock", "lock.txt", "--python", "3.12")
    assert asked[0].requirements == ("alpha==1.0", "numbers==1.0")
    assert asked[0].accompanying == ("numbers",)


def test_the_json_of_try_names_the_tests_that_are_not_judged(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    red = failed("t.py::keys", "alpha", "beta")
    evidence = (run_of(cell, passed("t.py::a", "alpha"), red), run_of(cell, red, attempt=1))
    judged = judge(cell, evidence, COMPONENTS, greens=Greens([GreenRelease("t.py::a", "alpha", "1.0.0")]))
    monkeypatch.setattr(try_, "try_cell", lambda *_, **__: (judged, evidence))
    monkeypatch.setattr(try_, "find_interpreters", lambda _=None: {})
    code, output, _ = run("try", "alpha", "--python", "3.12", "--json", "-")
    answer = json.loads(output)
    assert (code, answer["verdict"]) == (0, "works")
    assert answer["not_judged"] == {"t.py::keys": "our test never passed with beta 2.4.1"}
