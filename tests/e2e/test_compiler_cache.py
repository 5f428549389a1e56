"""A compiler's cache in real cells: a made-up compiler, good, miscompiling, or with a cache that fails."""

from __future__ import annotations

import hashlib
import textwrap

import pytest

from stackcompat.ecosystem.components import CompilerCache
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.evidence.results import CellResult
from stackcompat.resolve.lock import Lock, Pin
from support.loopback_index import make_wheel
from support.real_cells import CellRunner, result_of

#: A compiler with a cache. It counts what it compiles. `MAKE` says what it makes of a sum, `LOAD` what it reads.
KERNEL = """
import os
from pathlib import Path

compiled = 0

def run(program):
    return eval(load(program))

def load(program):
    global compiled
    folder = os.environ.get("KERNEL_CACHE")
    kept = Path(folder, program.replace(" ", "")) if folder else None
    if kept is not None and kept.exists():
        text = kept.read_text()
        return LOAD
    compiled += 1
    text = MAKE
    if kept is not None:
        kept.write_text(text)
    return text
"""
SUITE = """
    import os
    import pytest
    pytestmark = pytest.mark.uses("kernel")

    def test_sum():
        import kernel
        assert kernel.run("2 + 3") == 5

    def test_says_how_much_was_compiled(capsys):
        import kernel
        with capsys.disabled():
            print(f"compiled {kernel.compiled}", flush=True)
"""
GOOD, BAD, FAILING = ("program", "text"), ("program.replace('+', '-')", "text"), ("program", "text + ' + 1'")
CACHE = CompilerCache(keyed_by=("kernel",), environment={"KERNEL_CACHE": "{folder}"})


class Cells:
    """Runs cells with one of the compilers."""

    def __init__(self, runner: CellRunner, python: str) -> None:
        self.runner, self.python = runner, python

    def run(self, compiler: tuple[str, str], suite: str = SUITE, trusted: bool = True, **more: object) -> CellResult:
        """Run `suite` with a compiler. The hash of its wheel follows from what it does."""
        make, load = compiler
        # Each test of this module has a compiler of its own, since they share one package cache.
        code = KERNEL.replace("MAKE", make).replace("LOAD", load) + f"# {self.runner.folder}\n"
        name, content, _ = make_wheel("kernel", "1.0", files={"kernel.py": code})
        sha = hashlib.sha256(content).hexdigest()
        wheel = self.runner.folder / sha / name
        wheel.parent.mkdir(exist_ok=True)
        wheel.write_bytes(content)
        pin = Pin(name="kernel", version="1.0", hashes=(f"sha256:{sha}",), source=wheel.as_uri())
        lock = Lock(python=self.python, platform=this_platform(), pins=(pin,))
        fields = {"lock": lock, "compilers": {"kernel": CACHE}, "leaves_programs": trusted}
        return self.runner.run(suite, self.python, ("kernel",), **(fields | more))


@pytest.fixture
def cells(runner: CellRunner, python: str) -> Cells:
    return Cells(runner, python)


def seen(result: CellResult) -> tuple[str, bool, int, int]:
    """The outcome of the sum, whether it was compiled, and how many programs were found and added."""
    assert result.outcome == "ran", result.detail
    (use,) = result.compiler_caches
    return result_of(result, "test_sum").outcome, "compiled 1" in result.log, use.found, use.added


def test_a_program_is_compiled_once_for_each_compiler(cells: Cells) -> None:
    assert seen(cells.run(GOOD)) == ("passed", True, 0, 1)
    assert seen(cells.run(GOOD)) == ("passed", False, 1, 0)
    off = cells.run(GOOD, compilers={})
    assert (off.compiler_caches, "compiled 1" in off.log) == ((), True)


def test_a_miscompile_is_seen_with_a_warm_cache_and_stays_where_it_is(cells: Cells) -> None:
    """The compiler has the same name and version as the good one, and another hash."""
    assert seen(cells.run(GOOD)) == ("passed", True, 0, 1)
    assert seen(cells.run(BAD)) == ("failed", True, 0, 0)
    assert seen(cells.run(BAD)) == ("failed", True, 0, 0)
    assert seen(cells.run(GOOD)) == ("passed", False, 1, 0)


def test_what_a_cell_makes_that_is_not_trusted_reaches_no_other(cells: Cells) -> None:
    """Here a test of the cell writes a wrong program under the name of another one, and all tests pass."""
    poison = SUITE + textwrap.indent(
        textwrap.dedent(
            """
            def test_writes_a_wrong_program():
                open(os.path.join(os.environ["KERNEL_CACHE"], "4+4"), "w").write("9")
            """
        ),
        "    ",
    )
    asks = SUITE.replace("2 + 3", "4 + 4").replace("== 5", "== 8")
    assert seen(cells.run(GOOD, poison, trusted=False))[0] == "passed"
    failing = poison + "\n    def test_fails(): assert False\n"
    assert seen(cells.run(GOOD, failing)) == ("passed", True, 0, 0)
    assert seen(cells.run(GOOD, asks)) == ("passed", True, 0, 1)


def test_a_cache_that_fails_is_told_and_done_without(cells: Cells) -> None:
    """The compiler reads its programs wrongly. A confirming run finds that out."""
    test = "test_suite.py::test_sum"
    assert seen(cells.run(FAILING)) == ("passed", True, 0, 1)
    assert seen(cells.run(FAILING)) == ("failed", False, 1, 0)
    confirming = cells.run(FAILING, tests=(test,), doubted=(test,))
    assert (confirming.outcome, confirming.compiler_caches) == ("ran", ())
    assert result_of(confirming, "test_sum").outcome == "passed"
    (again,) = confirming.failed_with_caches
    assert (again.test, again.outcome) == (test, "failed")
    after = cells.run(FAILING)
    assert (after.compiler_caches, result_of(after, "test_sum").outcome) == ((), "passed")


def test_a_test_that_wavers_is_not_blamed_on_the_cache(cells: Cells) -> None:
    test = "test_suite.py::test_sum"
    cells.run(GOOD)
    confirming = cells.run(GOOD, tests=(test,), doubted=(test,))
    assert (confirming.compiler_caches, confirming.failed_with_caches) == ((), ())
    assert seen(cells.run(GOOD)) == ("passed", False, 1, 0)
