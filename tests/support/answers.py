"""The answers about files with made-up content."""

from __future__ import annotations

from pathlib import Path

from stackcompat.advice.advisories import advisories
from stackcompat.advice.check import check
from stackcompat.advice.document import Asked
from stackcompat.advice.environment_file import read_file
from stackcompat.advice.proposal import propose
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.report.check_findings import Answered
from stackcompat.table.summary import Summary

__all__ = ["answer"]


def answer(summary: Summary, text: str, path: str = "pins.txt") -> Answered:
    """The answer about a file with this content on Python 3.12; without a path it is standard input."""
    listed = read_file(Path(path or "standard input"), Asked("3.12"), text.encode())
    knowledge, known = SetKnowledge(summary, "3.12"), advisories(summary)
    checked = check(listed, knowledge, known)
    return Answered(path or "standard input", path, text, checked, propose(checked, listed, knowledge, known))
