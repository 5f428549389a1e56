"""When links were made or removed, and what that explains."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from stackcompat.run import link_times
from stackcompat.run.link_times import Span, linking, read_spans, touched_since


def state(changed: int) -> os.stat_result:
    return os.stat_result((0,) * 10, {"st_ctime_ns": changed})


def test_a_span_begins_and_ends(tmp_path: Path) -> None:
    before = time.time_ns()
    with linking(tmp_path):
        (open_one,) = read_spans(tmp_path)
        assert before <= open_one.began <= open_one.ended <= time.time_ns()
    (span,) = read_spans(tmp_path)
    assert before <= span.began <= span.ended <= time.time_ns()
    assert read_spans(tmp_path / "nowhere") == ()


def test_a_process_that_was_killed_meanwhile_explains_nothing(tmp_path: Path) -> None:
    text = f"999999999-a began 5\n{os.getpid()}-b began 7\nnonsense\n1-c ended 9\n{os.getpid()}-d began 1\n"
    (tmp_path / "links.log").write_text(text + f"{os.getpid()}-d ended 3\n")
    spans = read_spans(tmp_path)
    assert spans[0] == Span(1, 3)
    assert [span.began for span in spans] == [1, 7]


def test_what_lies_in_no_span_and_is_later_was_touched() -> None:
    second = 10**9
    doubt = touched_since(10 * second, [Span(2 * second, 3 * second), Span(12 * second, 14 * second)])
    moments = {9: False, 10: False, 11: True, 12: False, 13: False, 14: False, 15: True}
    assert {moment: doubt(state(moment * second)) for moment in moments} == moments
    assert not doubt(state(12 * second - 10_000_000))  # the system's clock has ticks


def test_a_long_log_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_times, "_MOST_BYTES", 300)
    for _ in range(10):
        with linking(tmp_path):
            pass
    assert (tmp_path / "links.log").stat().st_size < 500
    assert len(read_spans(tmp_path)) >= 1


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    with linking(tmp_path / "gone"):
        pass
