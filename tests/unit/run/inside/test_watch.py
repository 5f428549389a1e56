"""What a test is seen to depend on: each way in which an installed distribution can reach it."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stackcompat.run.inside.watch import (
    absent_modules,
    distribution_asked_for,
    mapped_files,
    owners_of_path,
    source_of,
    undecided_modules,
)
from stackcompat.run.installed_files import owners_of
from support.plugin_runs import ends, imported, install, run_plugin

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux is watched")

DISTRIBUTIONS = {
    "alpha": {
        "alpha/__init__.py": "try:\n    import beta_fast\nexcept ImportError:\n    pass\n",
        "alpha/data.txt": "1",
    },
    "beta": {"beta/__init__.py": "", "beta/data.txt": "2"},
    "shared-one": {"shared/one/__init__.py": ""},
    "shared-two": {"shared/two/__init__.py": "", "shared/readme.txt": "3"},
}

LOOKED_THROUGH = "it looked through all installed distributions"


def seen(tmp_path: Path, body: str, **changes: object) -> dict[str, Any]:
    """The closure of one test with this body."""
    events = run_watched(tmp_path, f"def test_it():\n    import os, pathlib, sys\n    {body}\n", **changes)
    end = ends(events)["test_it"]
    assert end["outcome"] == "passed", end["failure"]
    return closure_of(events, end)


def run_watched(tmp_path: Path, suite: str, **changes: object) -> list[dict[str, Any]]:
    site = tmp_path / "site"
    for name, files in DISTRIBUTIONS.items():
        install(site, name, files=files)
    installed = {
        name: [*paths, f"{name.replace('-', '_')}-1.0.dist-info/METADATA"] for name, paths in DISTRIBUTIONS.items()
    }
    watch = {"prefix": str(site), "site": str(site), "owners": owners_of(installed, str(site)), "looks_for": {}}
    return run_plugin(tmp_path, suite, **{"watch": watch | changes.pop("watch", {}), **changes})  # type: ignore[operator]


def closure_of(events: list[dict[str, Any]], end: dict[str, Any]) -> dict[str, Any]:
    (closure,) = {
        str(e["seen"]): e["seen"] for e in events if e.get("closure") == end["closure"] and "seen" in e
    }.values()
    assert isinstance(closure, dict)
    return closure


def test_a_test_that_looks_at_nothing_depends_on_nothing(tmp_path: Path) -> None:
    closure = seen(tmp_path, "assert (os.path.exists('/'), pathlib.Path(__file__).read_text(), os.listdir('/'))")
    nothing: dict[str, Any] = {"whole": "", "distributions": [], "unknown": [], "entry_points": [], "listed": []}
    assert closure == nothing | {"absent": []}


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ("import alpha", "distributions", ["alpha"]),
        ("import alpha", "absent", ["beta_fast"]),
        ("import importlib.util as u; u.find_spec('gamma')", "absent", ["gamma"]),
        ("import importlib.util as u; u.find_spec('beta.gone')", "absent", ["beta.gone"]),
        ("import shared.one", "distributions", ["shared-one"]),
        ("open(next(p for p in sys.path if p.endswith('site')) + '/beta/data.txt').close()", "distributions", ["beta"]),
        ("assert (SITE / 'beta/data.txt').exists()", "distributions", ["beta"]),
        ("assert not (SITE / 'beta/gone.txt').exists()", "distributions", ["beta"]),
        ("assert not (SITE / 'gamma/data.txt').exists()", "absent", ["gamma"]),
        ("assert not (SITE / 'gamma/data.txt').exists()", "listed", ["gamma"]),
        ("assert not os.access(SITE / 'gamma.py', os.R_OK)", "absent", ["gamma"]),
        ("assert not (SITE / 'gamma-1.0.dist-info').exists()", "unknown", ["gamma"]),
        ("assert (SITE / 'shared/readme.txt').exists()", "distributions", ["shared-two"]),
        ("assert os.path.isdir(SITE / 'shared')", "listed", ["shared"]),
        ("assert os.listdir(SITE / 'shared')", "listed", ["shared"]),
        ("assert list(os.scandir(SITE / 'shared'))", "listed", ["shared"]),
        ("import importlib.metadata as m; assert m.version('Beta') == '1.0'", "distributions", ["beta"]),
        ("import importlib.metadata as m; list(m.distributions(name='gamma'))", "unknown", ["gamma"]),
        ("import importlib.metadata as m; m.entry_points(group='a.b')", "entry_points", ["a.b"]),
        ("import importlib.metadata as m; m.entry_points(group='a.b')", "distributions", []),
        ("import importlib.metadata as m; m.entry_points()", "entry_points", ["*"]),
        (
            "import importlib.metadata as m; list(m.distributions())",
            "whole",
            "it looked through all installed distributions",
        ),
        (
            "import importlib.metadata as m; m.packages_distributions()",
            "whole",
            "it looked through all installed distributions",
        ),
        ("import pkgutil; list(pkgutil.iter_modules())", "whole", "it listed the folder of all distributions"),
        ("assert os.listdir(SITE)", "whole", "it listed the folder of all distributions"),
        ("assert not (SITE / 'loose.txt').exists()", "whole", "it looked for loose.txt, which is in no package"),
        ("(SITE / 'made.txt').write_text('')", "whole", "it opened made.txt, which no distribution lists"),
        ("import subprocess; subprocess.run([sys.executable, '-c', ''], check=True)", "whole", "it started a process"),
        ("import subprocess; subprocess.run(['uname'], check=True)", "whole", ""),
        ("os.system('true')", "whole", "it started a process"),
        ("assert os.waitpid(os.fork() or os._exit(0), 0)", "whole", "it started a process"),
        (
            "import multiprocessing as m; p = m.get_context('spawn').Process(target=print); p.start(); p.join()",
            "whole",
            "it started a process",
        ),
        ("from multiprocessing import resource_tracker as r; r.ensure_running()", "whole", ""),
        ("import importlib.machinery as m; m.PathFinder.find_spec('gamma')", "absent", ["gamma"]),
        ("import importlib.machinery as m; m.PathFinder.find_spec('beta')", "absent", ["beta"]),
        ("import pkgutil; pkgutil.get_importer(str(SITE)).find_spec('gamma')", "absent", ["gamma"]),
        ("import pkgutil; pkgutil.get_importer(str(SITE / 'shared')).find_spec('gamma')", "absent", ["shared"]),
        (
            "sys.path.append(str(SITE / 'gamma' / 'inner')); __import__('importlib').util.find_spec('x')",
            "absent",
            ["gamma", "x"],
        ),
        ("sys.meta_path[:] = sys.meta_path[-1:]", "whole", "it took away what sees its imports"),
        (
            "__import__('_interpreters' if sys.version_info >= (3, 13) else '_xxsubinterpreters')",
            "whole",
            "it can start another interpreter",
        ),
        ("import shared", "absent", ["shared"]),
        ("import importlib.metadata as m; list(m.MetadataPathFinder.find_distributions(NAMED))", "unknown", ["gamma"]),
        ("import ctypes; ctypes.CDLL(None).access(b'/', 0)", "whole", "it called the function access of C"),
        (
            "import sqlite3; sqlite3.connect('file:' + str(SITE) + '/beta/data.txt?mode=ro', uri=True)",
            "distributions",
            ["beta"],
        ),
        ("os.open(SITE, os.O_RDONLY)", "whole", "it opened the folder of all distributions"),
        ("assert os.path.isdir(SITE)", "whole", ""),
        (
            "os.symlink(SITE, os.path.join(__import__('tempfile').mkdtemp(), 'link'))",
            "whole",
            "it opened the folder of all distributions",
        ),
        ("assert os.listdir(os.open(SITE / 'shared', os.O_RDONLY))", "listed", ["shared"]),
        ("os.statvfs(SITE / 'beta' / 'data.txt')", "distributions", ["beta"]),
        ("assert os.path.exists(str(SITE.parent) + '/none/../site/beta/data.txt') is False", "distributions", ["beta"]),
    ],
)
def test_every_way_in_is_seen(tmp_path: Path, body: str, field: str, value: object) -> None:
    body = body.replace("SITE", "pathlib.Path(next(p for p in sys.path if p.endswith('/site')))")
    closure = seen(tmp_path, body.replace("NAMED", "m.DistributionFinder.Context(name='gamma')"))
    assert closure[field] == value


def test_a_stand_in_for_a_missing_module_is_no_module(tmp_path: Path) -> None:
    body = "exec(\"try: import gamma\\nexcept ImportError: sys.modules['gamma'] = type(sys)('gamma')\"); import gamma"
    assert seen(tmp_path, body)["absent"] == ["gamma"]


def test_a_library_that_does_not_load_can_lack_another_one(tmp_path: Path) -> None:
    install(tmp_path / "site", "fast", files={"fast.so": "no library"})
    closure = seen(tmp_path, "exec('try: import fast\\nexcept ImportError: pass')")
    assert closure["whole"] == "it could not load the library of fast"


def test_a_shared_library_that_is_mapped_counts(tmp_path: Path) -> None:
    body = "import mmap; f = open(next(p for p in sys.path if p.endswith('/site')) + '/beta/data.txt');"
    body += " m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); f.close()"
    assert seen(tmp_path, body)["distributions"] == ["beta"]


def test_a_program_that_is_not_there_depends_on_who_installs_programs(tmp_path: Path) -> None:
    body = f"import shutil; assert shutil.which('gamma', path={str(tmp_path / 'bin')!r}) is None"
    assert "../bin" in seen(tmp_path, body, watch={"prefix": str(tmp_path)})["listed"]


def test_code_that_is_known_to_look_for_some_names_depends_on_these(tmp_path: Path) -> None:
    body = "import importlib.metadata as m; assert [d.metadata['Name'] for d in m.distributions()]"
    closure = seen(tmp_path, body, watch={"looks_for": {"test_suite": ["gamma-*"]}})
    assert (closure["whole"], closure["unknown"], closure["distributions"]) == ("", ["gamma-*"], [])


def test_a_test_depends_on_what_its_mark_names_and_not_on_what_the_harness_reads(tmp_path: Path) -> None:
    suite = """
        import pytest
        @pytest.mark.uses("beta")
        def test_it(): raise ValueError("no lid")
    """
    events = run_watched(tmp_path, suite)
    end = ends(events)["test_it"]
    assert end["failure"]["message"] == "no lid"
    assert closure_of(events, end) == {
        "whole": "", "distributions": ["beta"], "absent": [], "unknown": [], "entry_points": [], "listed": []
    }  # fmt: skip


def test_the_watcher_is_on_no_traceback_and_functions_of_os_are_as_they_were(tmp_path: Path) -> None:
    suite = """
        import inspect, os, shutil
        def test_fails(): os.stat("/nowhere")
        def test_is_as_it_was():
            assert os.stat in os.supports_dir_fd and os.stat in os.supports_follow_symlinks
            assert list(inspect.signature(os.stat).parameters) == ["path", "dir_fd", "follow_symlinks"]
            assert shutil.rmtree.avoids_symlink_attacks
            assert os.stat(0) and os.stat("..", dir_fd=os.open("/", os.O_RDONLY)) and os.access("/", os.R_OK)
    """
    found = ends(run_watched(tmp_path, suite))
    assert found["test_is_as_it_was"]["outcome"] == "passed", found["test_is_as_it_was"]["failure"]
    failure = found["test_fails"]["failure"]
    assert (failure["type"], failure["code"], failure["line"]) == ("FileNotFoundError", "ENOENT", "test_suite.py:3")
    assert failure["traceback"].endswith("FileNotFoundError: [Errno 2] No such file or directory: '/nowhere'\n")
    assert "watch.py" not in failure["traceback"]


def test_a_test_that_does_not_run_has_no_closure(tmp_path: Path) -> None:
    suite = """
        import pytest
        @pytest.mark.uses("gamma")
        def test_it(): pass
        def test_skips(): pytest.skip("no")
    """
    found = ends(run_watched(tmp_path, suite))
    assert (found["test_it"]["outcome"], found["test_it"]["closure"]) == ("not-applicable", None)
    assert (found["test_skips"]["outcome"], found["test_skips"]["closure"] is None) == ("not-applicable", False)


def test_tests_of_other_components_do_not_count(tmp_path: Path) -> None:
    suite = """
        import pytest
        many = pytest.mark.parametrize("number", range(5))
        @many
        @pytest.mark.uses("alpha")
        def test_alpha(number): import alpha
        @many
        @pytest.mark.uses("beta")
        def test_beta(number): import beta
        @pytest.mark.uses("beta", "alpha")
        def test_both(): import alpha, beta
        @many
        def test_none(number): pass
    """
    events = run_watched(tmp_path, suite, imports=[imported("alpha", "alpha"), imported("beta", "beta")])
    found = {name.removesuffix("[0]"): closure_of(events, end)["distributions"] for name, end in ends(events).items()}
    found = {name: names for name, names in found.items() if not name.endswith("]")}
    assert found == {
        "test_alpha": ["alpha"],
        "test_beta": ["beta"],
        "test_both": ["alpha", "beta"],
        "test_none": [],
    }


# ---------------------------------------------------------------------------------------------------------------------
# Pure parts
# ---------------------------------------------------------------------------------------------------------------------


def test_a_compiled_file_is_taken_for_its_source() -> None:
    assert source_of("/s/a/__pycache__/b.cpython-312.pyc") == "/s/a/b.py"
    assert source_of("/s/a/__pycache__/b.cpython-312.opt-1.pyc") == "/s/a/b.py"
    assert source_of("/s/a/b.so") == "/s/a/b.so"


def test_a_file_belongs_to_whom_the_nearest_entry_names() -> None:
    owners = {"/s/a": ["alpha"], "/s/a/b.py": ["alpha", "beta"]}
    assert owners_of_path("/s/a/c/d.txt", owners) == ["alpha"]
    assert owners_of_path("/s/a/__pycache__/b.cpython-312.pyc", owners) == ["alpha", "beta"]
    assert owners_of_path("/s/x", owners) == []


def test_mapped_files_are_told_by_the_beginning_of_their_path() -> None:
    maps = (
        b"7f00-7f01 r--p 00000000 fe:00 12                   /e/lib/a b.so\n"
        b"7f01-7f02 r-xp 00001000 fe:00 12                   /e/lib/a b.so\n"
        b"7f02-7f03 r--p 00000000 fe:00 13                   /real/e/data (deleted)\n"
        b"7f03-7f04 r--p 00000000 fe:00 14                   /other/e/lib/c.so\n"
        b"7f04-7f05 rw-p 00000000 00:00 0                    [heap]\n"
    )
    assert sorted(mapped_files(maps, ("/e/", "/real/e/"))) == ["/e/lib/a b.so", "/real/e/data (deleted)"]
    assert list(mapped_files(maps, ("/e/", "/e/"))) == ["/e/lib/a b.so"]
    assert list(mapped_files(b"", ("/e/",))) == []


def test_a_module_inside_one_that_is_absent_says_nothing_more() -> None:
    modules = {name: ModuleType(name) for name in ("a", "a.b")}
    for name, module in modules.items():
        module.__file__ = f"/{name}.py"
    sought = ["a", "a.b", "a.c", "x", "x.y"]
    assert sorted(absent_modules(sought, modules)) == ["a.c", "x"]
    # Once x is loaded, x.y can turn out to be absent; all else is decided.
    assert list(undecided_modules(sought, modules)) == ["x.y"]
    assert list(absent_modules(undecided_modules(sought, modules), modules | {"x": ModuleType("x")})) == ["x.y"]


def test_a_namespace_is_found_if_something_in_it_is_loaded() -> None:
    space, inner = ModuleType("space"), ModuleType("space.inner")
    space.__spec__ = ModuleSpec("space", None, is_package=True)
    assert list(absent_modules(["space"], {"space": space})) == ["space"]
    assert list(absent_modules(["space"], {"space": space, "space.inner": inner})) == ["space"]
    inner.__file__ = "/space/inner.py"
    assert list(absent_modules(["space"], {"space": space, "space.inner": inner})) == []


class Raising(ModuleType):
    """A stand-in that fails whatever it is asked."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)


def test_what_a_module_is_replaced_by_is_not_found() -> None:
    built_in, stand_in, made = ModuleType("a"), ModuleType("b"), ModuleType("c")
    built_in.__spec__ = ModuleSpec("a", None, origin="built-in")
    made.__spec__ = ModuleSpec("c", None)
    modules = {"a": built_in, "b": stand_in, "c": made, "d": Raising("d")}
    assert list(absent_modules(["a", "b", "c", "d"], modules)) == ["b", "c", "d"]


def test_metadata_is_told_by_the_name_of_its_folder() -> None:
    assert distribution_asked_for("Alpha_One-1.0.dist-info/METADATA") == "alpha-one"
    assert distribution_asked_for("alpha.egg-info") == "alpha"
    assert distribution_asked_for("alpha/x.py") is None
