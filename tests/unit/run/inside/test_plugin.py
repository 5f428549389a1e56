"""How the code inside a cell is started."""

from __future__ import annotations

import sys
from pathlib import Path

from stackcompat.run.inside.plugin import PACKAGE
from stackcompat.run.sandbox import INSIDE
from support.plugin_runs import ends, run_plugin

#: Runs inside. (The project itself is installed in the environment that runs these tests, and in no cell.)
LOOKS_AROUND = f"""
    import multiprocessing
    import sys
    from pathlib import Path

    import pytest

    def test_files():
        modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == {PACKAGE!r}]
        files = sorted(Path(module.__file__).name for module in modules)
        Path("loaded.txt").write_text(" ".join(files))

    @pytest.mark.parametrize("name", ["plugin", "events", "inside"])
    def test_cannot_be_imported(name):
        with pytest.raises(ModuleNotFoundError):
            __import__(name)

    @pytest.mark.parametrize("method", ["spawn", "forkserver"])
    def test_multiprocessing(method):
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.map(abs, [-1]) == [1]
"""


def test_its_modules_are_out_of_the_way_of_the_tests(tmp_path: Path) -> None:
    events = run_plugin(tmp_path, LOOKS_AROUND)
    failed = {name: end["failure"] for name, end in ends(events).items() if end["outcome"] != "passed"}
    assert failed == {}
    assert len(ends(events)) == 6
    # What was loaded lies in the one folder whose code is part of the key of evidence.
    loaded = set((tmp_path / "suite" / "loaded.txt").read_text().split())
    here = {path.name for path in INSIDE.glob("*.py")}
    assert loaded == here - {"fence.py", "plugin.py", "protocol.py"}


def test_importing_the_file_starts_nothing() -> None:
    assert PACKAGE not in sys.modules
