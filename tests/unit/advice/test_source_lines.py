"""The line of a file that names a distribution."""

from __future__ import annotations

import pytest

from stackcompat.advice.source_lines import line_of

UV_LOCK = """\
version = 1

[[package]]
name = "mine"
version = "0.1"
dependencies = [
    { name = "alpha" },
]

[[package]]
name = "alpha"
version = "1.2.0"

[[package]]
name = "alpha"
version = "1.3.0"
"""


@pytest.mark.parametrize(
    ("text", "name", "version", "line"),
    [
        ("# alpha\nalpha-more==1.3.0\nalpha==1.3.0\n", "alpha", "1.3.0", 3),
        ("alpha[cpu] == 1.3.0 ; python_version > '3'\n", "alpha", "1.3.0", 1),
        ("beta==2\n    # via alpha\nAlpha_X==1.3.0 \\\n", "alpha-x", "1.3.0", 3),
        ("alpha==1.3.0.1\nalpha==1.3.0\n", "alpha", "1.3.0", 2),
        ("beta==1\nalpha>=1\n", "alpha", "", 2),
        ("beta>=1\nalpha>=1\n", "alpha", "1.3.0", 2),
        ("Package Version\n------- -------\nalpha   1.3.0\n", "alpha", "1.3.0", 3),
        ("mine v0.1\n├── beta v2\n└── alpha v1.3.0\n", "alpha", "1.3.0", 3),
        ("alpha=1.3.0=py_0\n", "alpha", "1.3.0", 1),
        ("dependencies:\n  - beta=2\n  - alpha=1.3.0\n", "alpha", "1.3.0", 3),
        ('[project]\nname = "mine"\ndependencies = ["beta==2", "alpha==1.3.0"]\n', "alpha", "1.3.0", 3),
        ('[tool.poetry.dependencies]\nalpha = "1.3.0"\n', "alpha", "1.3.0", 2),
        (UV_LOCK, "alpha", "1.3.0", 15),
        (UV_LOCK, "alpha", "1.2.0", 11),
        (UV_LOCK, "alpha", "", 11),
        ('{"default": {\n"beta": {},\n"alpha": {\n"version": "==1.3.0"}}}', "alpha", "1.3.0", 3),
        ('[\n{"name": "beta"},\n{\n"name": "alpha",\n"version": "1.3.0"\n}]', "alpha", "1.3.0", 4),
        ("packages:\n- pypi: ./a/beta-2.whl\n- pypi: ./a/alpha-1.3.0-py3-none-any.whl\n", "alpha", "1.3.0", 3),
        ("- name: alpha\n  version: 1.2.0\n- name: alpha\n  version: 1.3.0\n", "alpha", "1.3.0", 3),
        ("-r base.txt\n", "alpha", "1.3.0", 0),
        ("", "alpha", "", 0),
    ],
)
def test_the_line(text: str, name: str, version: str, line: int) -> None:
    assert line_of(text, name, version) == line
