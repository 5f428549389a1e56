"""The lines that show a failure without the tool are run in a shell, and show it: real environments, a small index."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache
from support.command_environment import command_environment
from support.loopback_index import LONG_AGO, LoopbackIndex

UPSTREAM = """
[[components.upstream]]
archive = "wheel"
tests = ["pallets/*_test.py"]
requires = ["trolleys"]
"""
COMPONENTS = "".join(
    f"""
[[components]]
name = "{name}"
title = "{name.title()}"
summary = "One of three."
group = "core"
distributions = ["{name}"]
modules = [{{ name = "{name}"{', environment = { TAGS = "two words" }' if name == "hampers" else ""} }}]
documentation = "https://{name}.example"
{more}"""
    for name, more in (
        ("hampers", ""),
        (
            "pallets",
            '[[components.upstream]]\narchive = "wheel"\ntests = ["pallets/*_test.py"]\nrequires = ["trolleys"]\n',
        ),
        ("trolleys", ""),
    )
)
SMOKE = {
    "parts.py": """
        def number_of(module):
            return module.number
    """,
    "conftest.py": """
        import os
        os.environ["LOADS"] = "3"
    """,
    "test_import.py": """
        import importlib
        import pytest

        def pytest_generate_tests(metafunc):
            imports = metafunc.config.stackcompat_imports
            metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

        @pytest.mark.level("import")
        def test_import(distribution, module, declared):
            importlib.import_module(module)
    """,
    "test_stack.py": """
        import os
        import pytest
        from parts import number_of

        @pytest.mark.uses("pallets", "trolleys")
        @pytest.mark.parametrize("load", ["light one", "heavy one"])
        def test_together(load):
            import pallets, trolleys
            trolleys.carry(number_of(pallets), load, loads=int(os.environ["LOADS"]))
    """,
}
EXCHANGE = {
    "conftest.py": """
        from pathlib import Path
        import pytest

        @pytest.fixture
        def folder(request):
            exchange = request.config.stackcompat_exchange
            path = Path(exchange["folder"]) / "label"
            assert path.is_absolute()
            if exchange["mode"] == "write":
                path.mkdir(parents=True, exist_ok=True)
            return path
    """,
    "test_label.py": """
        import pytest
        from parts import number_of

        pytestmark = pytest.mark.uses("trolleys")

        @pytest.mark.writes("label")
        def test_write(folder):
            import trolleys
            (folder / "label.txt").write_text(trolleys.label)

        @pytest.mark.reads("label")
        def test_read(folder):
            import trolleys
            assert number_of(trolleys) == 1
            trolleys.read((folder / "label.txt").read_text())
    """,
}
HAMPERS = """
import os
raise ImportError("no lid for " + os.environ["TAGS"])
"""
TROLLEYS = """
number, label = 1, {label!r}

def carry(number, load, loads):
    if load == "heavy one" and not number:
        raise TypeError(f"cannot carry {{loads}} of {{load}}")

def read(text):
    if text != label:
        raise ValueError(f"cannot read a label of {{text}}")
"""
OWN_TEST = """
import trolleys

def test_label():
    assert trolleys.label == "1.0", f"a trolley is labelled {trolleys.label}"
"""
MATRIX = """
title = "Labels"
components = ["trolleys"]
pythons = ["{python}"]
level = "exchange"

[[policies]]
policy = "series"
label = "Releases of trolleys"
component = "trolleys"
releases = {{ last = 2 }}
"""
# Settings of the folder's own that no lines may depend on.
SETTINGS = """
[tool.pytest.ini_options]
addopts = ["--strict-markers"]
filterwarnings = ["error"]
"""


@dataclass
class Ecosystem:
    """An ecosystem in a folder of its own, the command line in it, and a shell in it without the tool."""

    folder: Path
    index: LoopbackIndex
    cache_root: Path
    interpreter: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stackcompat", *arguments],
            cwd=self.folder,
            env=command_environment(self.index, self.cache_root),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def shell(self, lines: str) -> subprocess.CompletedProcess[str]:
        """Run the lines; all but the last must succeed. pytest comes from the real index."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STACKCOMPAT_"))}
        folders = (str(Path(uv.find_uv_bin()).parent), str(self.interpreter.parent), kept.get("PATH", ""))
        ours = {"UV_INDEX": self.index.address, "PATH": os.pathsep.join(folders)}
        return subprocess.run(
            ["sh", "-e", "-c", lines],
            cwd=self.folder,
            env=kept | ours | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def plain_lines(output: str) -> list[str]:
    """The lines in the output of a command that need no stackcompat."""
    found = re.search(r"^without stackcompat, .*:\n((?:  .*\n?)+)", output, re.MULTILINE)
    assert found is not None, output
    return textwrap.dedent(found[1]).splitlines()


@pytest.fixture
def ecosystem(
    tmp_path: Path, cache: PackageCache, cache_root: Path, interpreters: dict[str, Interpreter], python: str
) -> Iterator[Ecosystem]:
    install_harness(cache, python, interpreters[python].path)  # from the real index
    texts = {"pyproject.toml": SETTINGS, "matrices/components.toml": COMPONENTS}
    texts |= {f"tests/interop/{name}": text for name, text in SMOKE.items()}
    texts |= {f"tests/exchange/{name}": text for name, text in EXCHANGE.items()}
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    with LoopbackIndex() as index:
        # The package cache of a session is shared, so no other test has releases of these names.
        index.add("hampers", "1.0", files={"hampers/__init__.py": HAMPERS})
        for version, number in (("1.0", 1), ("2.0", 0)):
            later = LONG_AGO + dt.timedelta(days=30 * (1 - number))
            files = {"pallets/__init__.py": f"number = {number}\n", "pallets/number_test.py": OWN_TEST}
            index.add("pallets", version, files=files, uploaded=later)
            files = {"trolleys/__init__.py": TROLLEYS.format(label=version)}
            index.add("trolleys", version, files=files, uploaded=later)
        yield Ecosystem(tmp_path, index, cache_root, interpreters[python].path)


def test_a_failing_import_is_shown(ecosystem: Ecosystem, python: str) -> None:
    tried = ecosystem.run("try", "hampers==1.0", "--python", python, "-v")
    assert tried.returncode == 1, tried.stdout + tried.stderr
    lines = plain_lines(tried.stdout)
    assert len(lines) == 3
    assert not any("stackcompat try" in line for line in lines)
    shown = ecosystem.shell("\n".join(lines))
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "ImportError: no lid for two words" in shown.stderr


def test_a_failing_smoke_test_is_shown(ecosystem: Ecosystem, python: str) -> None:
    tried = ecosystem.run("try", "pallets==2.0", "trolleys==1.0", "--python", python, "-v")
    assert tried.returncode == 1, tried.stdout + tried.stderr
    lines = plain_lines(tried.stdout)
    assert len(lines) == 4
    shown = ecosystem.shell("\n".join(lines))
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "TypeError: cannot carry 3 of heavy one" in shown.stdout
    assert "1 failed" in shown.stdout
    assert "warning" not in shown.stdout

    # The other way, with the same lock.
    again = re.search(r"^reproduce: stackcompat (.*)$", tried.stdout, re.MULTILINE)
    assert again is not None
    tried = ecosystem.run(*again[1].split())
    assert tried.returncode == 1, tried.stdout + tried.stderr
    assert "cannot carry 3 of heavy one" in tried.stdout


def test_a_failing_test_of_a_release_is_shown(ecosystem: Ecosystem, python: str) -> None:
    arguments = ("pallets==1.0", "trolleys==2.0", "--level", "upstream", "--python", python, "-v")
    tried = ecosystem.run("try", *arguments)
    assert tried.returncode == 1, tried.stdout + tried.stderr
    shown = ecosystem.shell("\n".join(plain_lines(tried.stdout)))
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "AssertionError: a trolley is labelled 2.0" in shown.stdout


def test_an_artifact_that_is_not_read_is_shown(ecosystem: Ecosystem, python: str) -> None:
    matrix = ecosystem.folder / "matrices" / "labels.toml"
    matrix.write_text(MATRIX.format(python=python), encoding="utf-8")
    done = ecosystem.run("run", "labels", "--publish")
    assert done.returncode == 0, done.stdout + done.stderr
    table = json.loads((ecosystem.folder / "reports" / "compat.json").read_text(encoding="utf-8"))
    crossings = [crossing for square in table["exchanges"] for crossing in square["crossings"]]
    red = [crossing for crossing in crossings if crossing["verdict"] == "broken"]
    assert red, crossings
    shown = ecosystem.shell("\n".join(red[0]["plain"]))
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "ValueError: cannot read a label of" in shown.stdout


def test_what_cannot_be_installed_together_is_shown(ecosystem: Ecosystem, python: str) -> None:
    ecosystem.index.add("lids", "1.0", requires=["pallets<2"])
    tried = ecosystem.run("try", "lids==1.0", "pallets==2.0", "--python", python, "-v")
    assert tried.returncode == 1, tried.stdout + tried.stderr
    shown = ecosystem.shell("\n".join(plain_lines(tried.stdout)))
    assert shown.returncode == 1, shown.stdout + shown.stderr
    said = " ".join(shown.stderr.split())
    assert "because you require pallets==2.0, we can conclude that your requirements are unsatisfiable" in said
