"""Lines as pip, uv and conda write them."""

from __future__ import annotations

import pytest

from stackcompat.advice.listing import Entry
from stackcompat.advice.requirement_lines import Included, of_conda, of_lines, of_match_spec, python_of_head


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("alpha==1.2.3", "alpha", "1.2.3"),
        ("Alpha == 1.2.3  # why", "Alpha", "1.2.3"),
        ("alpha[cuda]==1.2.3 --hash=sha256:aa --hash=sha256:bb", "alpha", "1.2.3"),
        ("alpha==1.2.3 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb", "alpha", "1.2.3"),
        ("alpha 1.2.3", "alpha", "1.2.3"),
        ("alpha 1.2.3 py312_0 conda-forge", "alpha", "1.2.3"),
        ("alpha 1.2.3 /home/me/alpha", "alpha", "1.2.3"),
        ("alpha=1.2.3=py312_0", "alpha", "1.2.3"),
        ("conda-forge::alpha=1.2.3", "alpha", "1.2.3"),
        ("alpha v1.2.3", "alpha", "1.2.3"),
        ("│   └── alpha[more] v1.2.3 (extra: more)", "alpha", "1.2.3"),
        ("├── alpha[more, other] v1.2.3", "alpha", "1.2.3"),
        ("alpha[more, other] == 1.2.3, != 1.2.4 ; python_version > '3'", "alpha", "1.2.3"),
        ("https://files.example/alpha-1.2.3-py3-none-any.whl --hash=sha256:aa", "alpha", "1.2.3"),
        ("alpha @ https://files.example/alpha-1.2.3.tar.gz#sha256=aa", "alpha", "1.2.3"),
        ("https://channel.example/noarch/alpha-1.2.3-py312_0.conda#00", "alpha", "1.2.3"),
        ("./wheels/alpha-1.2.3-py3-none-any.whl", "alpha", "1.2.3"),
        ("alpha @ file:///wheels/alpha-1.2.3-py3-none-any.whl", "alpha", "1.2.3"),
    ],
)
def test_a_line_that_pins(line: str, name: str, version: str) -> None:
    (entry,) = of_lines(line, "3.12", ())
    assert isinstance(entry, Entry)
    assert (entry.name, entry.version, entry.kind) == (name, version, None)


@pytest.mark.parametrize(
    ("line", "name", "kind"),
    [
        ("alpha>=1", "alpha", "loose"),
        ("alpha==0.11.*", "alpha", "loose"),
        ("alpha @ git+https://files.example/x.git@v1.2.3", "alpha", "loose"),
        ("alpha=1", "alpha", "loose"),
        ("alpha=1.2", "alpha", "loose"),
        ("-e git+https://files.example/x.git@abc#egg=alpha", "alpha", "project"),
        ("-e alpha[x] @ git+https://files.example/x.git", "alpha", "project"),
        ("git+https://files.example/x.git#egg=alpha", "alpha", "loose"),
        ("git+https://files.example/x.git@v1#egg=alpha[more]&subdirectory=y", "alpha", "loose"),
        ("-e git+https://files.example/x.git#egg=alpha==1.0", "alpha", "project"),
        ("-e .", "", "unread"),
        ("--editable=./here", "", "unread"),
        ("./here", "", "unread"),
        ("git+https://files.example/x.git", "", "unread"),
        ("what is this", "", "unread"),
        ("--index-url https://files.example/simple", "", "option"),
        ("-f https://files.example", "", "option"),
        ("--pre", "", "option"),
        ("@EXPLICIT", "", "option"),
    ],
)
def test_a_line_that_pins_nothing_says_why(line: str, name: str, kind: str) -> None:
    (entry,) = of_lines(line, "3.12", ())
    assert isinstance(entry, Entry)
    assert (entry.name, entry.version, entry.kind) == (name, "", kind)
    assert entry.text == line
    assert entry.why


@pytest.mark.parametrize(
    ("line", "path", "constraint"),
    [
        ("-r more.txt", "more.txt", False),
        ("-rmore.txt", "more.txt", False),
        ("--requirement=more.txt  # why", "more.txt", False),
        ("-c 'more.txt'", "more.txt", True),
        ("--constraint more.txt", "more.txt", True),
    ],
)
def test_a_line_that_names_another_file(line: str, path: str, constraint: bool) -> None:
    (included,) = of_lines(line, None, ())
    assert isinstance(included, Included)
    assert (included.path, included.constraint) == (path, constraint)


def test_comments_blank_lines_and_heads_of_tables_say_nothing() -> None:
    text = "# made\n\nPackage    Version\n---------- -------\nalpha 1.0\n  # via beta\n"
    assert [entry.text for entry in of_lines(text, None, ())] == ["alpha 1.0"]


def test_a_comment_does_not_go_on() -> None:
    text = "# in C:\\\nalpha==1.0 \\\n  --hash=sha256:aa\n  # via \\\nbeta==2.0 \\"
    assert [entry.text for entry in of_lines(text, None, ())] == ["alpha==1.0 --hash=sha256:aa", "beta==2.0"]


@pytest.mark.parametrize(
    ("text", "version", "bounds"),
    [
        ("alpha", "", ""),
        ("alpha=1.2.3", "1.2.3", ""),
        ("alpha =1.2.3", "1.2.3", ""),
        ("alpha==1.2", "1.2", ""),
        ("alpha == 1.2", "1.2", ""),
        ("alpha 1.2", "1.2", ""),
        ("alpha 1.2.3 py_0", "1.2.3", ""),
        ("alpha=1.2.3=py_0", "1.2.3", ""),
        ("alpha==1.2.3=*cuda*", "1.2.3", ""),
        ("conda-forge/linux-64::alpha==1.2.3", "1.2.3", ""),
        ("alpha=1.2", "", "==1.2.*"),
        ("alpha=1.2.*", "", "==1.2.*"),
        ("alpha 1.2.*", "", "==1.2.*"),
        ("alpha >=1.2, <2", "", "<2,>=1.2"),
        ("alpha>=1.2,<2", "", "<2,>=1.2"),
        ("alpha *", "", ""),
        ("alpha=*", "", ""),
        ("alpha=1.2|1.3", "", ""),
        ("alpha >=1|<0.5", "", ""),
        ("alpha[version='>=1', build=py_0]", "", ""),
    ],
)
def test_a_requirement_of_conda(text: str, version: str, bounds: str) -> None:
    entry = of_match_spec(text, None)
    assert (entry.text, entry.name, entry.version) == (text, "alpha", version)
    assert (entry.kind, ",".join(sorted(entry.bounds.split(",")))) == (None if version else "loose", bounds)


def test_a_requirement_of_conda_without_a_name_is_named() -> None:
    assert of_match_spec(">=1", None).kind == "unread"


def test_what_is_not_condas_is_left_to_others() -> None:
    assert [of_conda(text) for text in ("alpha", "alpha==1.0", "alpha>=1", "a b=1", "alpha=1=2=3")] == [None] * 5


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("# This file is autogenerated by pip-compile with Python 3.12\nalpha==1.0", "3.12"),
        ("# made\n#    uv pip compile --python-version 3.11 in.txt\n", "3.11"),
        ("# newest, Python 3.13: worked on 2026-11-26 (cell x)\nalpha==1.0", "3.13"),
        ("# cell x: broken on Python 3.12, linux-x86_64\n", "3.12"),
        ("alpha==1.0\n# Python 3.12\n", ""),
        ("# python-dateutil\n", ""),
        ("", ""),
    ],
)
def test_the_python_that_the_head_of_a_file_names(text: str, python: str) -> None:
    assert python_of_head(text) == python
