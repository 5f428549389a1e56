"""Ways in which a distribution can reach a test that does not import it: each is seen, so that no result is reused.

Every way is a test and a made-up distribution that changes what the test sees. One cell runs all tests without any of
the distributions, each test in a process of its own. Then each distribution is added in a cell of its own.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.results import CellResult
from stackcompat.evidence.reuse import surface_id, why_not
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import CellLimits
from support.loopback_index import LoopbackIndex
from support.real_cells import CellRunner, made_up_cells, result_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux is watched")

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

#: What every test can use. The answer of a test is true if the distribution of its way has reached it.
HEADER = """
    import os, sys
    from pathlib import Path
    import pytest

    pytestmark = [pytest.mark.uses("alpha"), pytest.mark.alone]
    PREFIX = Path(sys.prefix)
    SITE = Path(next(path for path in sys.path if path.endswith("site-packages")))
"""

#: The files of alpha, which is in every cell.
ALPHA = {
    "alpha/__init__.py": "VALUE = 1\n",
    "alpha/core.py": "VALUE = 1\n",
    "alpha/text.txt": "1\n",
    "alpha/plugins/one.py": "",
}


class Way(NamedTuple):
    """A way: the body of the test, and the files of the distribution, a release of ``gamma``."""

    body: str
    files: dict[str, str]


ENTRY = "INFO.dist-info/entry_points.txt"

WAYS = {
    # entry points
    "entry_points_of_an_egg_without_a_name": Way(
        "import importlib.metadata as m; return list(m.entry_points(group='alpha.x'))",
        {"gamma.py": "", "odd.egg-info/entry_points.txt": "[alpha.x]\na = gamma\n"},
    ),
    # at the start
    "pth_from_data": Way(
        "return hasattr(sys, 'gamma')",
        {"INFO.data/data/lib/pythonPYTHON/site-packages/gamma.pth": "import sys; sys.gamma = 1\n"},
    ),
    # modules
    "optional_import_with_a_stand_in": Way(
        """
        try:
            import gamma
        except ImportError:
            import types
            sys.modules["gamma"] = gamma = types.ModuleType("gamma")
        return hasattr(gamma, "VALUE")
        """,
        {"gamma.py": "VALUE = 1\n"},
    ),
    "find_spec_of_a_folder_of_data": Way(
        "import importlib.util as u; return u.find_spec('gamma_data')", {"gamma_data/table.txt": ""}
    ),
    "import_of_a_namespace": Way(
        "try:\n    import gamma_space\nexcept ImportError:\n    return 0\nreturn 1", {"gamma_space/part.py": ""}
    ),
    "module_with_an_odd_name": Way(
        "import importlib.util as u; return u.find_spec('gamma-plugins')", {"gamma-plugins/__init__.py": ""}
    ),
    "path_finder": Way("import importlib.machinery as m; return m.PathFinder.find_spec('gamma')", {"gamma.py": ""}),
    "importer_of_a_folder": Way(
        "import pkgutil; return pkgutil.get_importer(str(SITE)).find_spec('gamma')", {"gamma.py": ""}
    ),
    "importer_of_a_folder_of_plugins": Way(
        "import pkgutil; return pkgutil.get_importer(str(SITE / 'alpha' / 'plugins')).find_spec('two')",
        {"alpha/plugins/two.py": ""},
    ),
    "folder_on_the_import_path": Way(
        """
        sys.path.append(str(SITE / "gamma" / "vendor"))
        try:
            import vendored
        except ImportError:
            return 0
        return 1
        """,
        {"gamma/__init__.py": "", "gamma/vendor/vendored.py": ""},
    ),
    "extended_path": Way(
        "import pkgutil, alpha; return len(pkgutil.extend_path(['x'], 'gamma')) - 1", {"gamma/__init__.py": ""}
    ),
    "package_that_hides_a_module": Way(
        "import alpha.core; return alpha.core.VALUE == 2", {"alpha/core/__init__.py": "VALUE = 2\n"}
    ),
    "module_in_another_package": Way(
        "import alpha; import importlib.util as u; return u.find_spec('alpha.extra')", {"alpha/extra.py": ""}
    ),
    "finders_taken_away": Way(
        """
        import importlib.machinery as m
        sys.meta_path[:] = [f for f in sys.meta_path if f in (m.BuiltinImporter, m.FrozenImporter, m.PathFinder)]
        try:
            import gamma
        except ImportError:
            return 0
        return 1
        """,
        {"gamma.py": ""},
    ),
    "another_interpreter": Way(
        """
        if sys.version_info >= (3, 13):
            import _interpreters as i
            return i.exec(i.create("legacy"), "import gamma") is None
        import _xxsubinterpreters as i
        try:
            i.run_string(i.create(), "import gamma")
        except Exception:
            return 0
        return 1
        """,
        {"gamma.py": ""},
    ),
    # metadata
    "metadata_finder": Way(
        """
        import importlib.metadata as m
        context = m.DistributionFinder.Context(name="gamma")
        return list(m.MetadataPathFinder.find_distributions(context))
        """,
        {"other.py": ""},
    ),
    # files
    "link_that_is_read": Way(
        """
        import errno
        try:
            os.readlink(SITE / 'gamma_data' / 'table.txt')
        except OSError as e:
            return e.errno == errno.EINVAL
        """,
        {"gamma_data/table.txt": ""},
    ),
    "list_of_a_folder": Way("return os.listdir(SITE / 'alpha')[5:]", {"alpha/more.txt": "", "alpha/even_more.txt": ""}),
    "list_by_descriptor": Way(
        "d = os.open(SITE, os.O_RDONLY); return [n for n in os.listdir(d) if n.startswith('gamma')]",
        {"gamma_data/table.txt": ""},
    ),
    "file_by_descriptor": Way(
        """
        d = os.open(SITE, os.O_RDONLY)
        try:
            os.stat("gamma_data", dir_fd=d)
        except OSError:
            return 0
        return 1
        """,
        {"gamma_data/table.txt": ""},
    ),
    "share": Way("return os.path.isdir(PREFIX / 'share' / 'gamma')", {"INFO.data/data/share/gamma/table.txt": ""}),
    "file_of_the_prefix": Way("return (PREFIX / 'loose.txt').exists()", {"INFO.data/data/loose.txt": ""}),
    "list_of_the_prefix": Way("return 'gamma' in os.listdir(PREFIX)", {"INFO.data/data/gamma/table.txt": ""}),
    "file_by_another_name_of_the_folder": Way(
        "return os.path.isfile(PREFIX / 'lib64' / SITE.relative_to(PREFIX / 'lib') / 'gamma_data' / 'table.txt')",
        {"gamma_data/table.txt": ""},
    ),
    "file_by_a_way_around": Way(
        "path = f'{PREFIX.parent}/no/../{PREFIX.name}/{SITE.relative_to(PREFIX)}/gamma_data/table.txt'\n"
        "path = path.replace('/no/..', '/./../' + PREFIX.parent.name)\n"
        "try:\n    open(path).close()\nexcept OSError:\n    return 0\nreturn 1",
        {"gamma_data/table.txt": ""},
    ),
    "database": Way(
        """
        import sqlite3
        try:
            sqlite3.connect(f"file:{SITE}/gamma_data/table.db?mode=ro", uri=True).execute("select 1")
        except sqlite3.OperationalError:
            return 0
        return 1
        """,
        {"gamma_data/table.db": ""},
    ),
    "archive_on_the_import_path": Way(
        """
        sys.path.append(str(SITE / "gamma" / "bundle.zip"))
        import zipimport
        try:
            zipimport.zipimporter(str(SITE / "gamma" / "bundle.zip"))
        except zipimport.ZipImportError as error:
            return "Zip file" in str(error) and (SITE / "gamma").exists()
        """,
        {"gamma/bundle.zip": ""},
    ),
    "link_to_all": Way(
        "d = Path(os.environ['TMPDIR'], 'link'); d.symlink_to(SITE); return (d / 'gamma_data').is_dir()",
        {"gamma_data/table.txt": ""},
    ),
    # processes and compiled code
    "program_of_the_system": Way(
        "import subprocess; return subprocess.run(['uname'], capture_output=True).stdout == b'gamma\\n'",
        {"INFO.data/scripts/uname": "#!/bin/sh\necho gamma\n"},
    ),
    "process_of_the_loader": Way(
        """
        import multiprocessing.util as u
        pid = u.spawnv_passfds(os.fsencode(sys.executable), [b"python", b"-c", b"import gamma"], [])
        return os.waitpid(pid, 0)[1] == 0
        """,
        {"gamma.py": ""},
    ),
    "function_of_c": Way(
        """
        import ctypes
        return ctypes.CDLL(None).access(os.fsencode(SITE / "gamma_data" / "table.txt"), 0) == 0
        """,
        {"gamma_data/table.txt": ""},
    ),
    "library_by_path": Way(
        """
        import ctypes
        try:
            ctypes.CDLL(str(SITE / 'gamma_libs' / 'libgamma.so'))
        except OSError as e:
            return 'too short' in str(e)
        """,
        {"gamma_libs/libgamma.so": ""},
    ),
    "time_zones": Way(
        "import zoneinfo; zoneinfo.reset_tzpath([]); return 'Gamma/Town' in zoneinfo.available_timezones()",
        {"tzdata/__init__.py": "", "tzdata/zones": "Gamma/Town\n"},
    ),
    "codec": Way(
        """
        import codecs
        try:
            codecs.lookup("gamma_codec")
        except LookupError:
            return 0
        return 1
        """,
        {
            "gamma.pth": "import codecs; codecs.register("
            "lambda name, found=codecs.lookup('utf-8'): found if name == 'gamma_codec' else None)\n"
        },
    ),
    "resources": Way(
        """
        import importlib.resources as r
        try:
            return list(r.files('gamma_data').iterdir())
        except ImportError:
            return 0
        """,
        {"gamma_data/table.txt": ""},
    ),
    "runpy": Way(
        "import runpy\ntry:\n    runpy.run_module('gamma')\nexcept ImportError:\n    return 0\nreturn 1",
        {"gamma.py": ""},
    ),
    "settings_of_logging": Way(
        """
        import logging.config
        try:
            logging.config.fileConfig(str(SITE / "gamma" / "log.ini"))
        except FileNotFoundError:
            return 0
        except Exception:
            return 1
        """,
        {"gamma/log.ini": ""},
    ),
}


VERSIONS = {name: f"1.{number}" for number, name in enumerate(WAYS)}


def suite_of(ways: dict[str, Way]) -> str:
    """The suite with a test for each way, which fails if the distribution has reached it."""
    text = textwrap.dedent(HEADER)
    for name, way in ways.items():
        body = textwrap.indent(textwrap.dedent(way.body).strip(), "        ").replace("VERSION", VERSIONS[name])
        text += f"\n\ndef test_{name}():\n    def reached():\n{body}\n    assert not reached()\n"
    return text


class Base(NamedTuple):
    """What the cell without any of the distributions has shown."""

    cells: CellRunner
    lock: Lock
    result: CellResult


SUITE = suite_of(WAYS)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    with LoopbackIndex() as index, pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_DEFAULT_INDEX", index.address)
        index.add("alpha", "1.0", files=ALPHA)
        for name, way in WAYS.items():
            version = VERSIONS[name]
            files = {
                path.replace("PYTHON", PYTHON).replace("INFO", f"gamma-{version}"): text
                for path, text in way.files.items()
            }
            index.add("gamma", version, files=files)
        cells = made_up_cells(tmp_path_factory.mktemp("ways"), PYTHON)
        result = cells.run(SUITE, PYTHON, ("alpha",), limits=CellLimits(seconds=400, memory_mb=1024))
        assert result.outcome == "ran", result.detail + result.log
        yield Base(cells, cells.lock_of(("alpha",), PYTHON), result)


def closure_of(result: CellResult, test: str) -> Closure:
    place = result_of(result, test).closure
    assert place is not None
    return result.closures[place]


def surfaces_of(result: CellResult, lock: Lock) -> dict[str, Surface]:
    return {surface_id(pin, lock): result.surfaces[pin.name] for pin in lock.pins if pin.name in result.surfaces}


@pytest.mark.parametrize("name", WAYS)
def test_no_result_is_reused(base: Base, name: str) -> None:
    test = f"test_{name}"
    assert result_of(base.result, test).outcome == "passed", result_of(base.result, test)
    requirements = ("alpha", f"gamma=={VERSIONS[name]}")
    result = base.cells.run(SUITE, PYTHON, requirements, tests=(f"test_suite.py::{test}",))
    assert result.outcome == "ran", result.detail + result.log
    found = result_of(result, test)
    assert found.failure is not None, "the distribution has not reached the test"
    assert found.failure.type == "AssertionError", found
    lock = base.cells.lock_of(requirements, PYTHON)
    surfaces = surfaces_of(base.result, base.lock) | surfaces_of(result, lock)
    reasons = (
        why_not(closure_of(base.result, test), base.lock, lock, surfaces),
        why_not(closure_of(result, test), lock, base.lock, surfaces),
    )
    assert all(reasons), reasons
