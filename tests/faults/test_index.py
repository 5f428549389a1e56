"""Indexes that answer wrongly, slowly or at great length: each is one sentence, and never a verdict of a release."""

from __future__ import annotations

import itertools
import json
import signal
import time

import pytest

from support.commands import Commands
from support.odd_index import JSON, OddAnswer, page

FILE = {
    "filename": "alpha-1.0-py3-none-any.whl",
    "url": "/files/alpha-1.0-py3-none-any.whl",
    "hashes": {"sha256": "ab" * 32},
    "upload-time": "2026-01-05T10:00:00Z",
}

WRONG = {
    "an error of the server": OddAnswer(b"oh", "text/plain", 500),
    "the page of a hotel": OddAnswer(b"<html><body><a href='/in'>Please log in</a>", "text/html"),
    "HTML that says it is JSON": OddAnswer(b"<html><body>Please log in", JSON),
    "cut JSON": OddAnswer(b'{"meta": {"api-version": "1.1"}, "name": "alp', JSON),
    "less than was announced": page(FILE)._replace(length=10_000),
    "another version of the API": page(FILE, meta={"api-version": "9.0"}),
    "nothing": OddAnswer(b"", JSON),
    "a list": OddAnswer(b"[]", JSON),
    "null": OddAnswer(b"null", JSON),
    "brackets": OddAnswer(b"[" * 100_000, JSON),
    "a number of 5,000 digits": OddAnswer(b"7" * 5000, JSON),
    "files of no shape": page([], None, 7),
    "no time": page(FILE | {"upload-time": "at noon"}),
    "the year 1, east of Greenwich": page(FILE | {"upload-time": "0001-01-01T00:00:00+14:00"}),
    "the year 9999, west of it": page(FILE | {"upload-time": "9999-12-31T23:59:59-14:00"}),
    "an address that is none": page(FILE | {"url": "http://[x"}),
    "a circle": OddAnswer(status=302, location="/simple/alpha/"),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_answer_is_one_sentence(commands: Commands, answer: OddAnswer) -> None:
    commands.index.answers["/simple/alpha/"] = answer
    code, _, errors = commands.run("plan", "quick", limit=30)
    assert code == 3
    assert errors.count("\n") == 1
    assert errors.startswith("stackcompat: the package index")


def test_a_page_of_150_000_files_is_read(commands: Commands) -> None:
    files = [FILE | {"filename": f"alpha-1.{number}-py3-none-any.whl"} for number in range(150_000)]
    commands.index.answers["/simple/alpha/"] = page(*files)
    code, output, errors = commands.run("releases", "alpha", limit=60)
    assert code == 0, errors
    assert "1.149999" in output


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_who_waits_for_a_slow_index_stops_when_told(commands: Commands, told: signal.Signals) -> None:
    commands.index.answers["/simple/alpha/"] = OddAnswer(itertools.repeat(b" "), pause=0.5)
    _is_stopped(commands, told)


def test_who_waits_for_upload_times_stops_when_told(commands: Commands) -> None:
    """Such an index is asked again and again, with pauses."""
    without = {key: value for key, value in FILE.items() if key != "upload-time"}
    commands.index.answers["/simple/alpha/"] = page(without)
    _is_stopped(commands, signal.SIGTERM)


def test_who_locks_with_a_slow_index_stops_when_told(commands: Commands) -> None:
    """The index answers this tool, and then lets the resolver wait for a file."""
    slow = json.dumps({"meta": {"api-version": "1.1"}, "name": "alpha", "files": [FILE | {"core-metadata": True}]})
    commands.index.answers["/simple/alpha/"] = OddAnswer(slow.encode())
    commands.index.answers[f"{FILE['url']}.metadata"] = OddAnswer(itertools.repeat(b" "), pause=0.5)
    _is_stopped(commands, signal.SIGTERM, "try", "alpha==1.0", asked=f"{FILE['url']}.metadata")


def _is_stopped(
    commands: Commands,
    told: signal.Signals,
    *command: str,
    asked: str = "/simple/alpha/",
) -> None:
    process = commands.start(*(command or ("plan", "quick")))
    while asked not in commands.index.asked:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(told)
    output, errors = process.communicate(timeout=5)
    assert process.returncode == 130
    assert "Traceback" not in output + errors
    assert errors.strip().startswith("stackcompat: stopped")
