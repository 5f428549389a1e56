"""The lines of a shell that show a failure without the tool."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import Any

import pytest

from stackcompat.ecosystem.components import Components, Module, Upstream
from stackcompat.evidence.results import TestResult
from stackcompat.plan.places import USUAL_PLACES, Places
from stackcompat.table.plain_lines import CrossingSide, crossing_lines, plain_lines
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, component, failed, make_cell, passed, planned, run_of, unresolved

BAD = {"alpha": "1.3.0", "beta": "2.0.0"}
INSTALL = [
    "uv venv --clear --python 3.12 .red",
    "uv pip install --python .red --no-deps --require-hashes -r l.txt",
]
PYTEST = "uv pip install --python .red -c l.txt pytest"
OPTIONS = ["-q", "-c", "/dev/null", "-p", "no:cacheprovider", "-p", "no:warnings"]


def red(*tests: TestResult, **more: Any) -> CellVerdict:
    cell = planned(make_cell(BAD, **more), BAD)
    return judge(cell, (run_of(cell, *tests), run_of(cell, *tests, attempt=1)), COMPONENTS)


def lines(verdict: CellVerdict, components: Components = COMPONENTS, test: TestResult | None = None) -> list[str]:
    return list(plain_lines(verdict, "l.txt", components, Places(tests="our tests"), test))


def test_an_import_is_one_statement() -> None:
    """The failure at the level of the verdict counts, not the first one."""
    verdict = red(failed("t.py::x", "beta"), failed("t.py::test_import[beta.nets]", "beta", level="import"))
    assert lines(verdict) == [*INSTALL, ".red/bin/python -c 'import beta.nets'"]


def test_an_import_has_its_variables_where_their_requirements_are_installed() -> None:
    module = {"environment": {"ENGINE": "a b"}, "requires": ("alpha",)}
    modules = (
        Module.model_validate({"name": "beta", "requires": ("absent",), "environment": {"ENGINE": "c"}}),
        Module.model_validate({"name": "beta", **module}),
    )
    known = Components(components=(component("alpha"), component("beta").model_copy(update={"modules": modules})))
    verdict = red(failed("t.py::test_import[beta]", "beta", level="import"))
    assert lines(verdict, known)[-1] == "ENGINE='a b' .red/bin/python -c 'import beta'"


@pytest.mark.parametrize("name", ["test_a.py::test_x[1, two]", "deep/test_a.py::test_x"])
def test_a_smoke_test_runs_with_no_settings_of_the_folder(name: str) -> None:
    *install, last = lines(red(failed(name, "beta")))
    assert install == [*INSTALL, PYTEST]
    assert shlex.split(last) == [".red/bin/pytest", *OPTIONS, "--rootdir", "our tests", f"our tests/{name}"]


def test_a_parameter_that_is_no_module_is_not_imported() -> None:
    verdict = red(failed("t.py::test_modes[a b]", "beta", level="import"))
    assert lines(verdict)[-1].endswith("'our tests/t.py::test_modes[a b]'")


def test_a_test_in_a_wheel_runs_where_it_is_installed() -> None:
    own = failed("upstream/beta/beta/tests/x_test.py::A::test_x", "beta", level="upstream")
    last = shlex.split(lines(red(passed("t.py::x", "beta"), own))[-1])
    site = ".red/lib/python3.12/site-packages"
    assert last[-3:] == ["--rootdir", site, f"{site}/beta/tests/x_test.py::A::test_x"]
    assert "--import-mode=importlib" in last


def test_a_test_in_an_sdist_runs_in_the_unpacked_archive() -> None:
    beta = component("beta").model_copy(update={"upstream": (Upstream(archive="sdist", tests=("tests/*.py",)),)})
    own = failed("upstream/beta/tests/test_x.py::test_x", "beta", level="upstream")
    found = lines(red(passed("t.py::x", "beta"), own), Components(components=(component("alpha"), beta)))
    assert found[:3] == [*INSTALL, PYTEST]
    get, unpack, last = found[3:]
    assert get == "uvx pip download --no-deps --no-binary :all: -d .red-sdist beta==2.0.0"
    assert unpack == "tar -xzf .red-sdist/*.tar.gz --strip-components 1 -C .red-sdist"
    assert last.startswith("(cd .red-sdist && ../.red/bin/pytest ")
    assert last.endswith(" --rootdir . tests/test_x.py::test_x)")


def test_a_test_can_be_named_also_where_the_cell_is_not_red() -> None:
    own = failed("upstream/beta/beta/x_test.py::test_x", "beta", level="upstream")
    cell = planned(make_cell(BAD), BAD)
    works = judge(cell, (run_of(cell, passed("t.py::x", "alpha", "beta")),), COMPONENTS)
    assert lines(works) == []
    assert lines(works, test=own)[-1].endswith("/beta/x_test.py::test_x")


def test_what_does_not_install_needs_no_test() -> None:
    cell = planned(make_cell(BAD, index="EXTRA"), BAD)
    runs = tuple(run_of(cell, attempt=n, outcome="uninstallable", detail="error: no") for n in range(2))
    verdict = judge(cell, runs, COMPONENTS)
    assert verdict.verdict == "uninstallable"
    assert lines(verdict) == [INSTALL[0], f'{INSTALL[1]} --index "$EXTRA" --index-strategy unsafe-best-match']


def test_what_cannot_be_resolved_is_asked_of_the_installer() -> None:
    until = dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC)
    more: dict[str, Any] = {"exclude_newer": until, "overrides": ("numbers<3", "gamma"), "constraints": ("delta==1",)}
    files = "--override .red-overrides.txt --constraint .red-constraints.txt"
    verdict = judge(unresolved(make_cell({"alpha": "", "beta": "2.0.0"}, **more), "no"), (), COMPONENTS)
    assert list(plain_lines(verdict, "", COMPONENTS, USUAL_PLACES)) == [
        INSTALL[0],
        "printf '%s\\n' 'numbers<3' gamma > .red-overrides.txt",
        "printf '%s\\n' delta==1 > .red-constraints.txt",
        f"uv pip install --dry-run --python .red alpha beta==2.0.0 --exclude-newer 2026-09-20T23:59:59Z {files}",
    ]


def test_without_a_lock_there_is_nothing_to_show() -> None:
    assert plain_lines(red(failed("t.py::x", "beta")), "", COMPONENTS, USUAL_PLACES) == ()


WRITER = CrossingSide(make_cell(BAD, "3.11"), "w.txt", ("test_box.py::test_write",))
READER = CrossingSide(make_cell(BAD), "r.txt", ("test_box.py::test_a", "test_box.py::test_b"))


def test_an_artifact_is_written_and_then_read() -> None:
    found = crossing_lines("box", WRITER, READER, USUAL_PLACES)
    assert found[0] == "uv venv --clear --python 3.11 .red-writer"
    assert [line.split(" -c ")[0] for line in found if line.startswith("PYTHONPATH")] == [
        "PYTHONPATH=tests/interop .red-writer/bin/python",
        "PYTHONPATH=tests/interop .red-reader/bin/python",
    ]
    words = shlex.split(found[-1])
    assert words[-2:] == ["tests/exchange/test_box.py::test_a", "tests/exchange/test_box.py::test_b"]
    script = words[3]
    compile(script, "script", "exec")
    assert "'mode': 'read', 'artifacts': ['box']" in script


def test_a_writer_that_fails_needs_no_reader() -> None:
    found = crossing_lines("box", WRITER, READER._replace(tests=(), lock=""), USUAL_PLACES)
    assert len(found) == 4
    assert not any("reader" in line for line in found)


@pytest.mark.parametrize("missing", [{"lock": ""}, {"tests": ()}])
def test_without_a_lock_or_a_test_of_the_writer_nothing_is_written(missing: dict[str, Any]) -> None:
    assert crossing_lines("box", WRITER._replace(**missing), READER, USUAL_PLACES) == ()
