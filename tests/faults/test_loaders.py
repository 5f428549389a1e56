"""Every loader of what others wrote, given what nobody wrote: it is read, or refused by an error that its loader names.

The inputs are real files, altered at random places. STACKCOMPAT_FAULTS_EXAMPLES says how many each loader gets.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcompat.advice.advisory import load_links
from stackcompat.advice.document import Asked
from stackcompat.advice.environment_file import read_file
from stackcompat.core.dates import parse_date
from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.redact import masked, public
from stackcompat.core.requirements import parse_requirement
from stackcompat.core.text import printable
from stackcompat.ecosystem.components import load_components
from stackcompat.ecosystem.declared import declared_in, is_metadata_of
from stackcompat.ecosystem.index_client import Answer
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.ecosystem.sdist import unpack
from stackcompat.gate.loader import _metadata
from stackcompat.gate.policy import load_policy
from stackcompat.gate.waivers import load_waivers
from stackcompat.plan.cell import Cell
from stackcompat.plan.known_cases import load_cases
from stackcompat.plan.matrix import load_matrix
from stackcompat.report.read import read_table
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.uv_output import read_pylock
from stackcompat.resolve.uv_refusal import read_refusal
from support.loopback_index import make_sdist, make_wheel
from support.made_up import COMPONENTS, NOW, history
from support.odd_index import JSON

ROOT = Path(__file__).parents[2]

EXAMPLES = int(os.environ.get("STACKCOMPAT_FAULTS_EXAMPLES", "40"))

#: The seconds that one input may take: far more than any takes here.
PATIENCE = 10.0

#: What is put into files, and means something somewhere.
PIECES = [
    *(
        "\0",
        "\x1b[2J",
        "\u202e",
        "\ufeff",
        "\r",
        "\n",
        "\\",
        '"',
        "'",
        "'''",
        '"""',
        "#",
        "=",
        "==",
        " @ ",
        ";",
        ",",
        "-r ",
    ),
    *("[", "]", "{", "}", "[[", "]]", "[" * 300, "{a=" * 300, '{"a":' * 300, "- " * 300, "a." * 300, "&a [*a]", "*a"),
    *(
        "0",
        "-1",
        "1e999",
        "nan",
        "inf",
        "9" * 5000,
        "1" * 400,
        "1.0",
        "1!2.0+x",
        "3.12",
        ">=1,<0",
        "~=1",
        "true",
        "null",
    ),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "2026-02-30", "1969-12-31T00:00:00Z"),
    *(
        "../../x",
        "/etc/passwd",
        "file:///etc/passwd",
        "https://[x",
        "git+ext::sh",
        "a" * 3000,
        "é漢🙂",
        "*",
        "**",
        "$HOME",
    ),
    *('name = "x"\n', '[[package]]\nname = "x"\nversion = "zz"\n', 'python = ""\n', "[[policies]]\n", "[tool]\n"),
]

#: How a text is altered: where, how much is taken away, and what comes there.
EDIT = st.tuples(st.floats(0, 1), st.integers(0, 60), st.sampled_from(PIECES) | st.text(max_size=8))


def altered(text: str, edits: list[tuple[float, int, str]]) -> str:
    for place, taken, piece in edits:
        at = int(place * len(text))
        text = text[:at] + piece + text[at + taken :]
    return text


class Loader(NamedTuple):
    """A loader.

    Attributes:
        load: Gives it a text, as a file at a path where it wants one.
        errors: What it may raise.
        samples: Texts that it reads.
        name: The name of the file.
    """

    load: Callable[[Path, str], Any]
    errors: tuple[type[Exception], ...]
    samples: list[str]
    name: str = "odd.toml"


def of_file(load: Callable[[Path], Any]) -> Callable[[Path, str], Any]:
    def run(path: Path, text: str) -> Any:
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        return load(path)

    return run


def texts(*patterns: str) -> list[str]:
    found = [path.read_text() for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return [text if len(text) < 20_000 else text[:20_000].rpartition("\n\n")[0] for text in found]


@functools.cache
def table() -> str:
    from stackcompat.table.build import summarise

    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW).to_json()


def wheel(path: Path, text: str) -> Any:
    """A wheel with the text in it, whose bytes are altered, too, where the text is odd."""
    _, content, _ = make_wheel("alpha", "1.0", files={"alpha.py": "x = 1\n"})
    at = len(text) * 7919 % len(content)
    path.write_bytes(content[:at] + text.encode(errors="replace")[:40] + content[at + len(text) % 30 :])
    return _metadata(path)


def sdist(path: Path, text: str) -> Any:
    content = make_sdist({"alpha-1.0/tests/test_a.py": text[:5000], "alpha-1.0/../../evil.py": "x", "/abs.py": "y"})
    at = len(text) * 7919 % len(content)
    cut = content if len(text) % 2 else content[:at] + b"x" + content[at + 1 :]
    found = unpack(cut, ["*"], path.parent / "sdist")
    assert all((path.parent / "sdist" / name).resolve().is_relative_to(path.parent.resolve()) for name in found)
    return found


def released(text: str) -> Any:
    return declared_in(text), is_metadata_of(text, "alpha", "1.0")


CELL = Cell(python="3.12", platform="linux-x86_64", requirements=("alpha==1.0",))
ASKED = Asked("3.12", ("x",), ("dev",))
PAGE = (
    '{"meta": {"api-version": "1.1"}, "name": "alpha", "versions": ["1.0"], "files": [{"filename": '
    '"alpha-1.0-py3-none-any.whl", "url": "/files/a", "hashes": {"sha256": "ab"}, "requires-python": '
    '">=3.9", "size": 9, '
    '"upload-time": "2026-01-05T10:00:00Z", "yanked": false, "core-metadata": {"sha256": "cd"}}]}'
)
METADATA = "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\nRequires-Dist: beta>=1; python_version < '3.13'\n\nText\n"
REFUSAL = (
    "error: No solution found when resolving dependencies\n  cause: Because alpha==1.0 depends on beta>=2 and you "
    "require beta<2, we can conclude that alpha==1.0 cannot be used.\n And because you require alpha==1.0, we can "
    "conclude that your requirements are unsatisfiable.\n"
)
PYLOCK = (
    'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "alpha"\nversion = "1.0"\nmarker '
    "= \"os_name == 'a'\"\n"
    'wheels = [{ name = "alpha-1.0-py3-none-any.whl", url = "https://x/alpha-1.0-py3-none-any.whl", '
    "hashes = { sha256 = "
    '"ab" } }]\n'
)
UV_LOCK = (
    'version = 1\nrequires-python = ">=3.12"\n[manifest]\nmembers = ["app"]\n[[package]]\nname = '
    '"app"\nversion = "0.1"\n'
    'source = { virtual = "." }\ndependencies = [{ name = "alpha", marker = "python_full_version < \'3.13\'" }]\n'
    '[package.optional-dependencies]\nx = [{ name = "beta" }]\n[[package]]\nname = "alpha"\nversion = "1.0"\n'
    'source = { registry = "x" }\n[[package]]\nname = "beta"\nversion = "2.0"\n'
)
POETRY = (
    '[[package]]\nname = "alpha"\nversion = "1.0"\ngroups = ["main"]\noptional = false\nmarkers = "os_name == \'x\'"\n'
    '[extras]\nx = ["alpha"]\n[metadata]\nlock-version = "2.1"\npython-versions = ">=3.12"\ncontent-hash = "ab"\n'
)
PYPROJECT = (
    '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.12"\ndependencies = ["alpha==1.0", "beta>=2"]\n'
    '[project.optional-dependencies]\nx = ["gamma[y]==1.0"]\n[dependency-groups]\ndev = ["delta", '
    '{include-group = "x"}]\n'
    '[tool.poetry.dependencies]\npython = "^3.12"\nalpha = { version = "1.0", extras = ["a"] }\n'
)
PIPFILE = (
    '{"_meta": {"requires": {"python_version": "3.12"}}, "default": {"alpha": {"version": "==1.0"}}, "develop": {}}'
)
SBOM = (
    '{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"type": "library", "bom-ref": '
    '"a", "name": "alpha", '
    '"version": "1.0", "purl": "pkg:pypi/alpha@1.0"}], "dependencies": [{"ref": "a", "dependsOn": ["b"]}]}'
)
SPDX = (
    '{"spdxVersion": "SPDX-2.3", "packages": [{"SPDXID": "SPDXRef-a", "name": "alpha", '
    '"versionInfo": "1.0", "externalRefs": '
    '[{"referenceType": "purl", "referenceLocator": "pkg:pypi/alpha@1.0"}]}], "relationships": []}'
)
CONDA = (
    "name: x\ndependencies:\n  - python=3.12\n  - alpha=1.0.0=py_0\n  - pip:\n      - beta==2.0\n      - -r more.txt\n"
)
PIXI = (
    "version: 6\nenvironments:\n  default:\n    packages:\n      linux-64:\n      - conda: "
    "https://x/alpha-1.0-py_0.conda\n"
    "      - pypi: https://x/beta-2.0-py3-none-any.whl\npackages:\n- pypi: "
    "https://x/beta-2.0-py3-none-any.whl\n  name: beta\n"
)
LINKS = '[[links]]\nid = "SC-0123456789"\nurl = "https://x.example/1"\n'
LINES = (
    "# Python 3.12\nalpha==1.0 \\\n  --hash=sha256:ab\n-r more.txt\n-e git+https://x/y#egg=z\n beta>=2; os_name=='x'\n"
)


WAIVER = (
    '[[waivers]]\nowner = "o"\nreason = "r"\nuntil = 2026-12-01\ntest = "t.py::*"\nversions = { alpha = "==1.0" }\n'
)
FILES = [UV_LOCK, POETRY, PYPROJECT, PYLOCK, PIPFILE, SBOM, SPDX, CONDA, PIXI, LINES]
USAGE = (UsageError,)

LOADERS = {
    "check of lines": Loader(of_file(lambda path: read_file(path, ASKED)), USAGE, [LINES], "odd.txt"),
    "check of any form": Loader(of_file(lambda path: read_file(path, ASKED)), USAGE, FILES, "odd.lock"),
    "check of TOML": Loader(of_file(lambda path: read_file(path, ASKED)), USAGE, FILES[:4], "odd.toml"),
    "check of JSON": Loader(of_file(lambda path: read_file(path, ASKED)), USAGE, FILES[4:7], "odd.json"),
    "check of YAML": Loader(of_file(lambda path: read_file(path, ASKED)), USAGE, FILES[7:9], "odd.yml"),
    "components": Loader(
        of_file(load_components), USAGE, texts("examples/*/matrices/components.toml", "matrices/comp*.toml")
    ),
    "matrix": Loader(
        of_file(lambda path: load_matrix(path, load_components(ROOT / "matrices" / "components.toml"))),
        USAGE,
        texts("matrices/q*.toml", "matrices/nightly.toml", "matrices/e*.toml", "matrices/history.toml"),
    ),
    "known cases": Loader(of_file(load_cases), USAGE, texts("matrices/known-cases.toml")),
    "links of advisories": Loader(of_file(load_links), USAGE, [LINKS]),
    "policy of the gate": Loader(
        of_file(lambda path: load_policy(path, load_components(ROOT / "matrices" / "components.toml"))),
        USAGE,
        texts("matrices/gate.toml"),
    ),
    "waivers": Loader(
        of_file(lambda path: load_waivers(path, COMPONENTS)), USAGE, [*texts("matrices/waivers.toml"), WAIVER]
    ),
    "table": Loader(
        lambda path, text: (of_file(lambda _: None)(path, text), read_table(path.parent)),
        USAGE,
        [table()],
        "compat.json",
    ),
    "lock": Loader(lambda _, text: Lock.parse(text, "3.12", "linux-x86_64"), (ValueError,), [LINES.partition("-r")[0]]),
    "lock of the resolver": Loader(lambda _, text: read_pylock(text, CELL), (), [PYLOCK]),
    "refusal of the resolver": Loader(lambda _, text: read_refusal(text, CELL), (), [REFUSAL]),
    "answer of an index": Loader(
        lambda _, text: Answer("alpha", text.encode(errors="replace"), "http://x/", JSON).files(),
        (IndexUnreachable,),
        [PAGE],
    ),
    "old answer of an index": Loader(
        lambda _, text: Answer("alpha", text.encode(errors="replace"), "http://x/", "text/html; charset=x").files(),
        (IndexUnreachable,),
        ['<html><a href="/a#sha256=ab" data-requires-python=">=3">alpha-1.0-py3-none-any.whl</a>'],
    ),
    "metadata": Loader(lambda _, text: released(text), (), [METADATA]),
    "wheel": Loader(wheel, USAGE, [METADATA], "alpha-1.0-py3-none-any.whl"),
    "sdist": Loader(sdist, (StackcompatError,), [METADATA]),
    "day": Loader(lambda _, text: parse_date(text), (ValueError,), ["2026-01-05", "2026-01-05T10:00:00+02:00"]),
    "requirement": Loader(lambda _, text: parse_requirement(text), (ValueError,), ["alpha[x]>=1,<2; os_name == 'a'"]),
    "text": Loader(lambda _, text: public(masked(printable(text))).encode(), (), [LINES, REFUSAL]),
}


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS.keys())
def test_what_nobody_wrote_is_read_or_refused(loader: Loader, tmp_path: Path) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.sampled_from(loader.samples), st.lists(EDIT, max_size=4))
    def try_one(sample: str, edits: list[tuple[float, int, str]]) -> None:
        text = altered(sample, edits)
        began = time.monotonic()
        refused = ""
        try:
            loader.load(tmp_path / loader.name, text)
        except loader.errors as error:
            refused = f"{error}"
        refused.encode(errors="surrogatepass")
        assert time.monotonic() - began < PATIENCE

    (tmp_path / "more.txt").write_text("gamma==1.0\n")
    assert loader.samples
    for sample in loader.samples if loader.load is not wheel else ():
        loader.load(tmp_path / loader.name, sample)
    try_one()
