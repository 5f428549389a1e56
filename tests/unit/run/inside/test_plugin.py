"""The plugin inside a cell, run here with this interpreter's own pytest and made-up distributions."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.vocabulary import LEVELS
from stackcompat.run.inside import plugin as probe
from support.loopback_index import make_wheel

# --- messages ---


@pytest.mark.parametrize(
    ("message", "normal"),
    [
        ("object at 0x7f3a12bc>", "object at 0x…>"),
        ("no such file: /home/me/x/y.py", "no such file: …/y.py"),
        ("took 3.25 seconds, 12ms, 7 us", "took …s, …s, …s"),
        ("\n\n  second line \n third", "second line"),
        ("", ""),
        ("module 'alpha.experimental' has no attribute 'Box'", "module 'alpha.experimental' has no attribute 'Box'"),
        ("expected shape (3, 4), got (4, 3)", "expected shape (3, 4), got (4, 3)"),
        ("1.5 is not below 0.5", "1.5 is not below 0.5"),
    ],
)
def test_what_differs_from_run_to_run_is_taken_out(message: str, normal: str) -> None:
    assert probe.normalise_message(message) == normal


PARTS = ("0x1f", "/a/b/c.py", "'/a/b/c/d'", "id=7", "3.5 s", "12ms", "[1, 2]", "alpha.beta", "…")


@given(st.lists(st.sampled_from(PARTS) | st.text("ab(=/.:'\n")).map(" ".join))
def test_a_normal_message_stays_as_it_is(message: str) -> None:
    once = probe.normalise_message(message)
    assert probe.normalise_message(once) == once
    assert "\n" not in once
    assert len(once) <= probe.MESSAGE_CHARACTERS + 1


def test_levels_are_those_of_the_engine() -> None:
    assert probe.LEVELS == LEVELS


# --- made-up distributions, installed in a folder ---


def install(site: Path, name: str, version: str = "1.0", files: Mapping[str, str] | None = None) -> None:
    """Unpack a made-up distribution into `site`."""
    _, content, _ = make_wheel(name, version, files=files)
    zipfile.ZipFile(io.BytesIO(content)).extractall(site)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def caught(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:  # noqa: BLE001  (whatever it is, it is what the test is about)
        return error
    raise AssertionError("did not fail")


def test_the_deepest_package_is_named(site: Path) -> None:
    install(site, "outer-dist", files={"outer_mod.py": "import inner_mod\n\ndef go(f):\n    return inner_mod.go(f)\n"})
    install(site, "inner-dist", files={"inner_mod.py": "def go(f):\n    return f() + 1\n"})
    import outer_mod  # type: ignore[import-not-found]

    owners = probe.Owners()
    found = probe.describe_failure(caught(lambda: outer_mod.go(lambda: "x")), owners)
    assert found["type"] == "TypeError"
    assert (found["package"], found["packages"]) == ("inner-dist", ["outer-dist", "inner-dist"])
    assert found["where"] == "inner_mod:go"


def test_a_package_that_comes_back_is_the_deepest(site: Path) -> None:
    outer = "import inner_two\n\ndef go():\n    inner_two.call(fail)\n\ndef fail():\n    1 / 0\n"
    install(site, "outer-two", files={"outer_two.py": outer})
    install(site, "inner-two", files={"inner_two.py": "def call(f):\n    f()\n"})
    import outer_two  # type: ignore[import-not-found]

    found = probe.describe_failure(caught(outer_two.go), probe.Owners())
    assert (found["package"], found["packages"]) == ("outer-two", ["inner-two", "outer-two"])


def test_the_cause_identifies_what_is_wrapped() -> None:
    def wrapped() -> None:
        try:
            os.environ["THE_CAUSE"]
        except KeyError as error:
            raise RuntimeError("wrapped") from error

    def handled() -> None:
        try:
            os.environ["EXPECTED"]
        except KeyError:
            raise ValueError("the real one")  # noqa: B904  (the point)

    owners = probe.Owners()
    assert probe.describe_failure(caught(wrapped), owners)["type"] == "KeyError"
    assert probe.describe_failure(caught(handled), owners)["type"] == "ValueError"


def test_an_exception_that_cannot_speak_is_described() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    found = probe.describe_failure(MuteError(), probe.Owners())
    assert found["message"] == "cannot say why"


def test_the_outermost_modules_of_a_distribution(site: Path) -> None:
    packed = ("packed/__init__.py", "packed/sub.py", "packed/deep/__init__.py", "_private.py", "tests/__init__.py")
    spaced = ("ns/one/__init__.py", "ns/one/more.py", "ns/two.py")
    install(site, "plain", files={"plain_mod.py": ""})
    install(site, "packed", files=dict.fromkeys(packed, ""))
    install(site, "spaced", files=dict.fromkeys(spaced, ""))
    assert probe.outermost_modules("plain") == ["plain_mod"]
    assert probe.outermost_modules("packed") == ["packed"]
    assert probe.outermost_modules("spaced") == ["ns.one", "ns.two"]


def test_the_environment_is_every_distribution_outside_the_harness(site: Path, tmp_path: Path) -> None:
    install(site, "Some_Thing", "1.0")
    harness = tmp_path / "harness"
    harness.mkdir()
    install(harness, "borrowed", "1.0")
    sys.path.append(str(harness))
    try:
        found = probe.environment([entry for entry in sys.path if entry != str(harness)])
        assert found["some-thing"] == "1.0"
        assert "borrowed" not in found
        assert probe.environment(sys.path)["borrowed"] == "1.0"
    finally:
        sys.path.remove(str(harness))


def test_two_versions_of_one_distribution_are_both_told(site: Path) -> None:
    install(site, "twice", "1.0")
    install(site, "twice", "2.0")
    assert probe.environment(sys.path)["twice"] == "1.0 and 2.0"


# --- a whole run, as the cell starts it ---

SUITE = """
    import warnings
    import pytest

    @pytest.mark.level("import")
    @pytest.mark.uses("whole")
    def test_import_whole():
        import whole

    @pytest.mark.level("import")
    @pytest.mark.uses("torn")
    def test_import_torn():
        import torn

    @pytest.mark.uses("whole>=2")
    def test_for_another_release():
        raise AssertionError

    @pytest.mark.uses("absent")
    def test_for_something_absent():
        raise AssertionError

    @pytest.mark.uses("whole", "torn")
    def test_with_torn():
        raise AssertionError

    @pytest.mark.limit(5)
    @pytest.mark.uses("whole")
    def test_warns():
        import whole
        whole.warn_caller()
        whole.warn_caller()

    def test_skips():
        pytest.skip("has a reason")

    @pytest.fixture
    def falls_apart():
        yield
        raise OSError("in teardown")

    def test_teardown(falls_apart):
        pass

    @pytest.mark.level("exchange")
    def test_too_deep():
        raise AssertionError
"""
WHOLE = "import warnings\n\ndef warn_caller():\n    warnings.warn('old at 0x1234', DeprecationWarning, stacklevel=2)\n"


def run_probe(folder: Path, suite: str, **job: object) -> list[dict[str, Any]]:
    """The events of a run over `suite`, with the distributions in ``folder/site``."""
    tests = folder / "suite"
    tests.mkdir(exist_ok=True)
    (tests / "test_suite.py").write_text(textwrap.dedent(suite), encoding="utf-8")
    events = folder / "events.jsonl"
    told: dict[str, object] = {
        "events": str(events),
        "tests": [],
        "imports": [],
        "guesses": [],
        "level": "interop",
        "thorough": True,
        "files": ["test_suite.py"],
        "limits": {"whole": 7.0},
        "blocked": {},
    }
    told |= {"suite": str(tests), "harness": str(folder / "harness")} | job
    (folder / "job.json").write_text(json.dumps(told), encoding="utf-8")
    start = f"import sys, runpy; sys.path.insert(0, {str(folder / 'site')!r}); "
    start += f"sys.argv = ['probe', {str(folder / 'job.json')!r}]; "
    start += f"runpy.run_path({probe.__file__!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-I", "-c", start], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("probe")
    (folder / "site").mkdir()
    install(folder / "site", "whole", files={"whole.py": WHOLE})
    install(folder / "site", "torn", files={"torn.py": "raise ImportError('half is missing')"})
    return run_probe(folder, SUITE)


def end_of(events: list[dict[str, Any]], test: str) -> dict[str, Any]:
    (found,) = [e for e in events if e["event"] == "end" and e["test"].endswith(f"::{test}")]
    return found


def test_events_come_in_order(events: list[dict[str, Any]]) -> None:
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["environment", "collected"]
    assert kinds[-2:] == ["environment", "done"]
    assert kinds[2:-2] == ["start", "end"] * len(events[1]["tests"])
    assert [e["when"] for e in events if e["event"] == "environment"] == ["start", "end"]
    assert events[0]["distributions"]["whole"] == "1.0"


def test_shallow_levels_come_first_and_deeper_ones_than_wanted_not_at_all(events: list[dict[str, Any]]) -> None:
    levels = [test["level"] for test in events[1]["tests"]]
    assert levels == sorted(levels, key=probe.LEVELS.index)
    assert not [test for test in events[1]["tests"] if "too_deep" in test["test"]]
    assert {test["test"].split("::")[1]: test["limit"] for test in events[1]["tests"]}["test_warns"] == 5.0


def test_a_limit_is_the_tests_own_or_its_components(events: list[dict[str, Any]]) -> None:
    limits = {test["test"].split("::")[1]: test["limit"] for test in events[1]["tests"]}
    assert (limits["test_warns"], limits["test_import_whole"], limits["test_skips"]) == (5.0, 7.0, 60.0)


ALONE = """
    import pytest

    def test_together():
        pass

    @pytest.mark.alone
    def test_alone():
        pass

    @pytest.mark.uses("torn")
    def test_torn():
        pass
"""


FEATURES = """
    import pytest

    @pytest.mark.feature("boxes in boxes")
    def test_boxes(): assert not "a box"

    def test_rest(): pass
"""


def test_what_tests_a_single_feature_says_so(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    events = run_probe(tmp_path, FEATURES)
    (collected,) = [event for event in events if event["event"] == "collected"]
    assert [test["feature"] for test in collected["tests"]] == ["boxes in boxes", ""]
    assert (end_of(events, "test_boxes")["feature"], end_of(events, "test_rest")["feature"]) == ("boxes in boxes", "")


def test_what_needs_a_process_of_its_own_is_told_and_left_to_be_asked_for_alone(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "torn")
    both = run_probe(tmp_path, ALONE, blocked={"torn": "test_import.py::test_import[torn]"})
    assert {t["test"].split("::")[1]: t["alone"] for t in both[1]["tests"]}["test_alone"]
    assert {e["test"].split("::")[1] for e in both if e["event"] == "start"} == {"test_together", "test_torn"}
    assert end_of(both, "test_torn")["outcome"] == "blocked"
    (tmp_path / "again").mkdir()
    one = run_probe(tmp_path / "again", ALONE, tests=["test_suite.py::test_alone"])
    assert end_of(one, "test_alone")["outcome"] == "passed"


@pytest.mark.parametrize(
    ("test", "outcome", "reason"),
    [
        ("test_import_whole", "passed", ""),
        ("test_for_another_release", "not-applicable", "whole 1.0 is outside >=2"),
        ("test_for_something_absent", "not-applicable", "absent is not installed"),
        ("test_with_torn", "blocked", "torn cannot be imported (test_suite.py::test_import_torn)"),
        ("test_skips", "not-applicable", "has a reason"),
    ],
)
def test_outcome_and_reason(events: list[dict[str, Any]], test: str, outcome: str, reason: str) -> None:
    found = end_of(events, test)
    assert (found["outcome"], found["reason"], found["failure"]) == (outcome, reason, None)


def test_a_failed_import_is_the_distributions_own(events: list[dict[str, Any]]) -> None:
    found = end_of(events, "test_import_torn")
    assert found["outcome"] == "failed"
    assert (found["failure"]["type"], found["failure"]["package"]) == ("ImportError", "torn")
    assert found["failure"]["phase"] == "call"


def test_a_failure_in_teardown_is_a_failure(events: list[dict[str, Any]]) -> None:
    found = end_of(events, "test_teardown")
    assert (found["outcome"], found["failure"]["phase"]) == ("failed", "teardown")


def test_warnings_know_who_raised_and_who_triggered_them(events: list[dict[str, Any]]) -> None:
    (warning,) = end_of(events, "test_warns")["warnings"]
    assert warning == {
        "category": "DeprecationWarning",
        "raised_by": "whole",
        "triggered_by": "",
        "message": "old at 0x…",
        "count": 2,
    }


def test_chosen_tests_only(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    suite = "def test_a(): pass\n\ndef test_b(): pass\n"
    found = run_probe(tmp_path, suite, tests=["test_suite.py::test_b"])
    assert [event["test"] for event in found if event["event"] == "end"] == ["test_suite.py::test_b"]


def test_a_suite_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    tests = "import nothing_of_that_name\n"
    with pytest.raises(AssertionError, match="nothing_of_that_name"):
        run_probe(tmp_path, tests)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    (broken,) = [event for event in events if event["event"] == "broken-suite"]
    assert "nothing_of_that_name" in broken["message"]


def test_what_stands_above_the_suite_takes_no_part(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "conftest.py").write_text("import nothing_of_that_name\n")
    found = run_probe(tmp_path, "def test_a(): pass\n")
    assert [event["outcome"] for event in found if event["event"] == "end"] == ["passed"]


def test_a_set_up_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "conftest.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(AssertionError, match="nothing_of_that_name"):
        run_probe(tmp_path, "def test_a(): pass\n")
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    (broken,) = [event for event in events if event["event"] == "broken-suite"]
    assert "before it had found any test" in broken["message"]


def test_what_follows_a_test_that_does_not_apply_is_set_up_afresh(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    suite = """
        import pytest

        class TestFirst:
            def test_runs(self): pass

            @pytest.mark.uses("absent")
            def test_does_not_apply(self): pass

        class TestSecond:
            def test_runs_too(self): pass
    """
    ends = [event for event in run_probe(tmp_path, suite) if event["event"] == "end"]
    assert [event["outcome"] for event in ends] == ["passed", "not-applicable", "passed"]


EXCHANGE = """
    import pytest

    class Changed(AssertionError):
        stackcompat_changed = True

    @pytest.mark.writes("box")
    def test_write(request):
        assert request.config.stackcompat_exchange["folder"] == "somewhere"

    @pytest.mark.writes("crate")
    def test_write_crate(): pass

    @pytest.mark.reads("box")
    def test_read(): raise Changed("other values")

    @pytest.mark.reads("box")
    def test_read_again(): raise AssertionError("no such leaf")

    @pytest.mark.reads("crate")
    def test_read_crate(): pass

    def test_ordinary(): pass
"""


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        (None, {"test_ordinary": ""}),
        ({"mode": "write", "artifacts": []}, {"test_write": "box", "test_write_crate": "crate"}),
        ({"mode": "write", "artifacts": ["box"]}, {"test_write": "box"}),
        ({"mode": "read", "artifacts": ["crate"]}, {"test_read_crate": "crate"}),
    ],
)
def test_writers_and_readers_have_their_turn(
    tmp_path: Path, exchange: dict[str, Any] | None, expected: dict[str, str]
) -> None:
    (tmp_path / "site").mkdir()
    told = exchange and exchange | {"folder": "somewhere"}
    events = run_probe(tmp_path, EXCHANGE, exchange=told)
    collected = {test["test"].split("::")[1]: test["artifact"] for test in events[1]["tests"]}
    ended = {event["test"].split("::")[1]: event["artifact"] for event in events if event["event"] == "end"}
    assert collected == ended == expected
    assert {event["outcome"] for event in events if event["event"] == "end"} == {"passed"}


def test_a_test_says_that_values_changed(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    told = {"mode": "read", "artifacts": ["box"], "folder": "somewhere"}
    events = run_probe(tmp_path, EXCHANGE, exchange=told)
    failures = {event["failure"]["message"]: event["failure"]["changed"] for event in events if event["event"] == "end"}
    assert failures == {"other values": True, "no such leaf": False}


@pytest.mark.parametrize(("allowed", "foreign"), [(True, []), (False, ["generated from temporary"])])
def test_what_was_made_in_the_temporary_folder_is_no_stranger(
    tmp_path: Path, allowed: bool, foreign: list[str]
) -> None:
    (tmp_path / "site").mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (temporary / "generated.py").write_text("")
    suite = f"import sys\nsys.path.append({str(temporary)!r})\n\ndef test_it(): import generated\n"
    events = run_probe(tmp_path, suite, temporary=[str(temporary)] if allowed else [])
    assert events[-1] == {"event": "done", "foreign": foreign}


def test_helpers_can_be_imported_and_are_no_strangers(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    (helpers / "idioms_of_mine.py").write_text("WAY = 1\n")
    suite = "import idioms_of_mine\n\ndef test_it(): assert idioms_of_mine.WAY == 1\n"
    events = run_probe(tmp_path, suite, helpers=[str(helpers)])
    assert end_of(events, "test_it")["outcome"] == "passed"
    assert events[-1] == {"event": "done", "foreign": []}


# --- the tests that a release ships ---

NETS_TEST = """
import unittest

import pytest

import beta

class Nets(unittest.TestCase):
    def test_good(self):
        self.assertEqual(beta.two(), 2)

    def test_bad(self):
        self.assertEqual(beta.two(), 3)

    def test_skip(self):
        self.skipTest("not today")

    @unittest.expectedFailure
    def test_expected(self):
        raise AssertionError

@pytest.mark.level("import")
@pytest.mark.parametrize("number", [1, 2])
def test_number(number):
    beta.fail(number)

def test_left_out():
    raise AssertionError

def test_itself():
    pytest.neighbour_dropped_it()

def test_calls_back():
    beta.call(lambda: pytest.neighbour_dropped_it())

def test_does_not_raise():
    with pytest.raises(ValueError):
        beta.two()
"""
SHIPPED = {
    "beta/__init__.py": """
def two():
    return 2

def fail(number):
    1 / (number - 1)

def call(function):
    function()
""",
    "beta/torn.py": "import absent\n",
    "beta/nets_test.py": NETS_TEST,
    "beta/deep/torn_test.py": "import beta.torn\n",
    "beta/deep/stale_test.py": "import absent\n",
    "beta/deep/skip_test.py": "import pytest\n\npytest.importorskip('absent')\n",
    "beta/deep/unchosen_test.py": "def test_it(): ...\n",
}


def run_own(folder: Path, tests: tuple[str, ...] = (), shipped: str = "wheel", **more: object) -> dict[str, Any]:
    """How beta's own tests ended, by the end of their names; from its wheel, or unpacked outside the environment."""
    (folder / "site").mkdir()
    (folder / "own" / "beta").mkdir(parents=True)
    held = {name: text for name, text in SHIPPED.items() if shipped == "wheel" or not name.endswith("_test.py")}
    install(folder / "site", "beta", files=held)
    (folder / "own" / "beta" / "nets_test.py").write_text(NETS_TEST, encoding="utf-8")
    own: dict[str, object] = {
        "distribution": "beta",
        "folder": "" if shipped == "wheel" else str(folder / "own"),
        "files": ["beta/nets_test.py", "beta/deep/[st]*_test.py"],
        "without": ["*::test_left_out"],
        "lost": [],
        "until": time.time() + 60,
    }
    asked = [f"upstream/beta/{test}" for test in tests]
    job: dict[str, object] = {"level": "upstream", "limits": {"beta": 9.0}, "temporary": [str(folder / "site")]}
    events = run_probe(folder, "", tests=asked, upstream=own | more, **job)
    assert events[-1] == {"event": "done", "foreign": []}
    ends = [event for event in events if event["event"] == "end"]
    assert all((event["level"], event["components"]) == ("upstream", ["beta"]) for event in ends)
    starts = [event for event in events if event["event"] == "start"]
    assert {event["limit"] for event in starts} <= {9.0}
    assert [event["test"] for event in starts] == [event["test"] for event in ends]
    return {event["test"].removeprefix("upstream/beta/"): event for event in ends}


NETS = "beta/nets_test.py"
OUTCOMES = {
    f"{NETS}::Nets::test_good": "passed",
    f"{NETS}::Nets::test_bad": "failed",
    f"{NETS}::Nets::test_skip": "not-applicable",
    f"{NETS}::Nets::test_expected": "not-applicable",
    f"{NETS}::test_number[1]": "failed",
    f"{NETS}::test_number[2]": "passed",
    f"{NETS}::test_itself": "not-applicable",
    f"{NETS}::test_calls_back": "not-applicable",
    f"{NETS}::test_does_not_raise": "failed",
}


def test_the_tests_of_a_wheel_run_where_they_are_installed(tmp_path: Path) -> None:
    ended = run_own(tmp_path)
    deep = {"torn": "failed", "skip": "not-applicable", "stale": "not-applicable"}
    files = {NETS: "passed"} | {f"beta/deep/{name}_test.py": outcome for name, outcome in deep.items()}
    assert {test: event["outcome"] for test, event in ended.items()} == OUTCOMES | files
    # Their files are told of as they are loaded, in the order of the patterns.
    assert list(ended)[:4] == [NETS, *(f"beta/deep/{name}_test.py" for name in ("skip", "stale", "torn"))]
    torn = ended["beta/deep/torn_test.py"]["failure"]
    assert (torn["type"], torn["phase"], torn["package"]) == ("ModuleNotFoundError", "collect", "beta")
    # The package is named where it fails, and not where its tests do.
    assert ended[f"{NETS}::test_number[1]"]["failure"]["package"] == "beta"
    assert ended[f"{NETS}::Nets::test_bad"]["failure"]["package"] == ""
    # A test that itself uses what a neighbour dropped says nothing of the release that it tests.
    reasons = [ended[test]["reason"] for test in (f"{NETS}::test_itself", f"{NETS}::test_calls_back")]
    assert all(reason.startswith("the test itself fails: AttributeError: ") for reason in reasons)
    assert ended["beta/deep/stale_test.py"]["reason"].startswith("the test itself fails: ModuleNotFoundError: ")


def test_the_tests_of_an_sdist_run_outside_the_environment(tmp_path: Path) -> None:
    ended = run_own(tmp_path, shipped="sdist")
    assert {test: event["outcome"] for test, event in ended.items()} == OUTCOMES | {NETS: "passed"}


def test_only_those_that_are_asked_for_are_run(tmp_path: Path) -> None:
    ended = run_own(tmp_path, (f"{NETS}::Nets::test_bad", "beta/deep/torn_test.py"))
    assert list(ended) == [NETS, "beta/deep/torn_test.py", f"{NETS}::Nets::test_bad"]


def test_a_file_that_took_a_process_with_it_is_not_loaded_again(tmp_path: Path) -> None:
    ended = run_own(tmp_path, lost=[f"upstream/beta/{NETS}"])
    assert list(ended) == [f"beta/deep/{name}_test.py" for name in ("skip", "stale", "torn")]


def test_what_did_not_begin_within_the_time_box_did_not_apply(tmp_path: Path) -> None:
    ended = run_own(tmp_path, until=time.time() - 1)
    tests = {test: event for test, event in ended.items() if "::" in test}
    assert tests.keys() == OUTCOMES.keys()
    assert {event["outcome"] for event in tests.values()} == {"not-applicable"}
    assert {event["reason"] for event in tests.values()} == {"did not begin within the time box"}
