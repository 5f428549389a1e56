"""The only code of ours that runs inside a cell: a pytest plugin that streams what happens as JSON lines.

It is started by path with the cell's own interpreter (``python -I probe.py job.json``) and uses nothing but the
standard library and pytest (with the ``packaging`` that pytest itself depends on). pytest comes from a *harness*
folder outside the environment, so the environment holds exactly what was locked; once pytest is loaded the harness is
hidden again, so that a component which forgot to declare a dependency cannot borrow it from pytest.

Events, one JSON object a line, in the order in which they happen:

``environment``  name and version of every distribution found, at the start and at the end (``when``)
``collected``    the tests, each with its level, components, limit in seconds, and whether it wants a process of its own
``start``        a test begins (the parent process enforces its limit and notices if no ``end`` follows)
``end``          a test ended: outcome, seconds, peak memory in MB, failure, warnings
``done``         nothing more will come; modules that were loaded from outside the environment, if any
"""

from __future__ import annotations

import fnmatch
import importlib.metadata
import json
import os
import re
import resource
import sys
import time
import traceback
import types
import warnings
from pathlib import Path

# Only true inside the cell, where this file is the main script; the engine imports it for its constants and for tests.
_INSIDE = __name__ == "__main__"

LEVELS = ("reserved", "resolve", "install", "import", "lower", "compile", "run", "interop", "exchange", "upstream")
DEFAULT_LIMIT = 60.0
MESSAGE_CHARACTERS = 500
_NOT_LIBRARY = ("test", "tests", "testing", "docs", "doc", "examples", "example", "benchmarks", "scripts", "setup")
_HARNESS_PACKAGES = ("packaging", "pygments", "iniconfig", "exceptiongroup", "tomli", "typing_extensions")


def normalise_message(message: str) -> str:
    """First line of `message` without what differs from run to run: addresses, paths, object ids, durations."""
    line = next((part.strip() for part in message.splitlines() if part.strip()), "")
    line = re.sub(r"0x[0-9a-fA-F]+", "0x…", line)
    line = re.sub(r"\bid=\d+", "id=…", line)
    line = re.sub(r"\b\d+(\.\d+)?\s?(ms|us|µs|seconds|s)\b", "…s", line)
    line = re.sub(r"(?<![\w.])(/[\w.+@~-]+){2,}/([\w.+@~-]+)", r"…/\2", line)
    return line if len(line) <= MESSAGE_CHARACTERS else line[:MESSAGE_CHARACTERS] + "…"


def canonical(name: str) -> str:
    """The normalised form of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Owners:
    """Which distribution a source file belongs to, read from the installed RECORD files when first asked.

    `tests` are installed files that count as nobody's.
    """

    def __init__(self, tests: list[str] | None = None) -> None:
        self._tests = {os.path.normpath(path) for path in tests or ()}
        self._by_path: dict[str, str] | None = None

    def owner(self, filename: str) -> str | None:
        """The distribution that installed `filename`; None for the standard library and the tests themselves."""
        if self._by_path is None:
            self._by_path = {}
            for distribution in importlib.metadata.distributions():
                name = canonical(distribution.metadata["Name"])
                for path in distribution.files or ():
                    if path.suffix in (".py", ".so"):
                        self._by_path[os.path.normpath(str(distribution.locate_file(path)))] = name
        source = os.path.normpath(filename)
        return None if source in self._tests else self._by_path.get(source)


def describe_failure(error: BaseException, owners: Owners) -> dict[str, object]:
    """Type, message, normalised message and the distributions on the way down to `error`, deepest last.

    The original of a chain counts: libraries wrap what they catch, the cause is what identifies a break.
    """
    root, seen = error, {id(error)}
    while True:
        inner = root.__cause__ or (None if root.__suppress_context__ else root.__context__)
        if inner is None or id(inner) in seen or not isinstance(inner, Exception):
            break
        # A handler that goes on to fail differently is the failure; only a re-raise or a wrapper points further down.
        if root.__cause__ is None and type(inner) is not type(root):
            break
        root = inner
        seen.add(id(root))
    packages: list[str] = []
    deepest = ""
    for cause in (error, root) if root is not error else (error,):
        for frame, _ in traceback.walk_tb(cause.__traceback__):
            package = owners.owner(frame.f_code.co_filename)
            if package is None:
                continue
            if not packages or packages[-1] != package:
                packages.append(package)
            deepest = f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}"
    kind = type(root)
    name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    return {
        "type": name,
        "message": normalise_message(_words(root)),
        "packages": list(dict.fromkeys(reversed(packages)))[::-1],
        "package": packages[-1] if packages else "",
        "where": deepest,
        "changed": getattr(root, "stackcompat_changed", False),
        "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__))[-6000:],
    }


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  (it is the library's own code that fails here)
        return "cannot say why"


def environment(path: list[str]) -> dict[str, str]:
    """Every distribution that lies on `path`: normalised name to version.

    One that is there in several versions has them all, joined by "and".
    """
    found: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions(path=path):
        if distribution.metadata["Name"]:
            found.setdefault(canonical(distribution.metadata["Name"]), set()).add(distribution.version or "unknown")
    return {name: " and ".join(sorted(versions)) for name, versions in found.items()}


def outermost_modules(distribution: str) -> list[str]:
    """The outermost packages and modules that `distribution` installs, private ones left out."""
    modules = set()
    for path in importlib.metadata.distribution(distribution).files or ():
        parts = path.parts
        if path.suffix == ".py" and all(part.isidentifier() for part in parts[:-1]):
            name = ".".join(parts[:-1]) if path.name == "__init__.py" else ".".join([*parts[:-1], path.stem])
            if name and not any(part.startswith("_") or part in _NOT_LIBRARY for part in name.split(".")):
                modules.add(name)
    packages = [m for m in modules if not any(m.startswith(other + ".") for other in modules)]
    shortest = min((m.count(".") for m in packages), default=0)
    return sorted(m for m in packages if m.count(".") == shortest)


def foreign_modules(allowed: list[str]) -> list[str]:
    """Loaded top-level modules whose file lies outside `allowed` folders: the environment was not what ran."""
    roots = [os.path.realpath(root) + os.sep for root in allowed]
    found = []
    for name, module in sorted(sys.modules.items()):
        filename = getattr(module, "__file__", None)
        if "." in name or not filename or filename.startswith("<"):
            continue
        if not any(os.path.realpath(filename).startswith(root) for root in roots):
            found.append(f"{name} from {os.path.basename(os.path.dirname(filename))}")
    return found


def hide(harness: str) -> None:
    """Take the harness off the import path, and what only it provides out of reach of the components."""
    sys.path[:] = [entry for entry in sys.path if entry != harness]
    for name in list(sys.modules):
        if name.split(".")[0] in _HARNESS_PACKAGES:
            filename = getattr(sys.modules[name], "__file__", None) or ""
            if filename.startswith(harness + os.sep):
                del sys.modules[name]
    importlib.invalidate_caches()


class Probe:
    """The plugin. `job` holds: events, tests (ids to run, or none for all), files, imports, level, suite, harness.

    `exchange` is there where artifacts are written or read: mode, folder of the artifacts, which of them (none: all).
    """

    def __init__(self, job: dict) -> None:
        from packaging.requirements import Requirement

        self.job = job
        self.root = job["suite"]
        self._requirement = Requirement
        self._stream = open(job["events"], "a", encoding="utf-8")  # noqa: SIM115  (open for the life of the process)
        self._owners = Owners()
        # As it is before any test: a library that then puts the copies it carries on the import path installs nothing.
        self._path = [entry for entry in sys.path if entry != job["harness"]]
        self._versions = environment(self._path)
        self._blocked: dict[str, str] = dict(job["blocked"])
        self._failure: dict[str, object] | None = None
        self._skip = ""
        #: Whether pytest got as far as to know the tests.
        self.collected = False
        self._emit(event="environment", when="start", distributions=self._versions)

    def files(self) -> list[str]:
        """What pytest is to collect."""
        if any(self.job["tests"]):
            return sorted({test.split("::")[0] for test in self.job["tests"]})
        return list(self.job["files"])

    def imports(self) -> list[tuple[str, str, bool]]:
        """(distribution, module, declared) for all that this cell must be able to import.

        What the matrix does not know is guessed from the installed files: the outermost packages and modules.
        """
        declared = [(distribution, module, True) for distribution, module in self.job["imports"]]
        guessed = [(name, module, False) for name in self.job["guesses"] for module in outermost_modules(name)]
        return declared + guessed

    def _emit(self, **event: object) -> None:
        # A lone surrogate in a message is text that no other program could read.
        self._stream.write(json.dumps(event, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n")
        self._stream.flush()

    def refuse(self, why: str) -> None:
        """Say that the suite itself is at fault."""
        self._emit(event="broken-suite", where="the suite", message=why)

    def pytest_configure(self, config) -> None:
        config.addinivalue_line("markers", "uses(*requirements): the distributions a test exercises, with specifiers")
        config.addinivalue_line("markers", "level(name): how deep a failure of this test lies, import to exchange")
        config.addinivalue_line("markers", "thorough: not among the essential tests, which many cells run alone")
        config.addinivalue_line("markers", "alone: needs a process of its own")
        config.addinivalue_line("markers", "limit(seconds): time limit of this test, in place of its components'")
        config.addinivalue_line("markers", "feature(name): tests this alone, without which the rest may well work")
        config.addinivalue_line("markers", "writes(artifact): leaves this artifact for other environments")
        config.addinivalue_line("markers", "reads(artifact): reads what another left; see `changed` in evidence.py")
        config.stackcompat_imports = self.imports()
        config.stackcompat_exchange = self.job.get("exchange")

    def _test(self, item) -> str:
        """The name by which `item` is told of."""
        return str(item.nodeid)

    def _level(self, item) -> str:
        marker = item.get_closest_marker("level")
        return marker.args[0] if marker else "interop"

    def _uses(self, item) -> list:
        given = [r for m in reversed(list(item.iter_markers("uses"))) for r in m.args]
        if "distribution" in getattr(item, "callspec", item).__dict__.get("params", {}):
            given.insert(0, item.callspec.params["distribution"])
        return [self._requirement(r) for r in given]

    def _limit(self, item) -> float:
        marker = item.get_closest_marker("limit")
        if marker:
            return float(marker.args[0])
        limits = self.job["limits"]
        return max((limits.get(canonical(r.name), DEFAULT_LIMIT) for r in self._uses(item)), default=DEFAULT_LIMIT)

    def _feature(self, item) -> str:
        """The one thing that `item` tests and that others do without; empty for an ordinary test."""
        marker = item.get_closest_marker("feature")
        return marker.args[0] if marker else ""

    def _artifact(self, item) -> str:
        """What `item` writes or reads; empty for an ordinary test."""
        marker = item.get_closest_marker("writes") or item.get_closest_marker("reads")
        return marker.args[0] if marker else ""

    def _in_turn(self, item) -> bool:
        """Whether it is the turn of `item`: writers when artifacts are written, readers when they are read."""
        exchange = self.job.get("exchange")
        if exchange is None:
            return not self._artifact(item)
        if item.get_closest_marker(f"{exchange['mode']}s") is None:
            return False
        return not exchange["artifacts"] or self._artifact(item) in exchange["artifacts"]

    def _chosen(self, items) -> list:
        """Shallow levels first, so that a component that cannot be imported is not tried further."""
        self.collected = True
        wanted = set(self.job.get("tests") or ())
        deepest = LEVELS.index(self.job["level"])
        return sorted(
            (
                item
                for item in items
                if (not wanted or item.nodeid in wanted)
                and self._in_turn(item)
                and LEVELS.index(self._level(item)) <= deepest
                and (self.job["thorough"] or item.get_closest_marker("thorough") is None)
            ),
            key=lambda item: LEVELS.index(self._level(item)),
        )

    def pytest_collection_modifyitems(self, session, config, items) -> None:
        items[:] = self._chosen(items)
        self._emit(
            event="collected",
            tests=[
                {
                    "test": self._test(item),
                    "level": self._level(item),
                    "components": [canonical(r.name) for r in self._uses(item)],
                    "artifact": self._artifact(item),
                    "feature": self._feature(item),
                    "limit": self._limit(item),
                    "alone": item.get_closest_marker("alone") is not None,
                }
                for item in items
            ],
        )
        if len(items) > 1:  # who asked will ask again for each of the others
            items[:] = [item for item in items if item.get_closest_marker("alone") is None]

    def pytest_collectreport(self, report) -> None:
        if report.failed:
            self._emit(event="broken-suite", where=report.nodeid, message=str(report.longrepr)[-3000:])

    def _inapplicable(self, item) -> tuple[str, str] | None:
        """Outcome and reason when `item` is not to be run in this environment."""
        for requirement in self._uses(item):
            name = canonical(requirement.name)
            version = self._versions.get(name)
            if version is None:
                return "not-applicable", f"{name} is not installed"
            if not requirement.specifier.contains(version, prereleases=True):
                return "not-applicable", f"{name} {version} is outside {requirement.specifier}"
        for requirement in self._uses(item):
            name = canonical(requirement.name)
            if self._level(item) != "import" and name in self._blocked:
                return "blocked", f"{name} cannot be imported ({self._blocked[name]})"
        return None

    def pytest_runtest_protocol(self, item, nextitem):
        """Run one test ourselves, so that start and end are streamed whatever happens in between."""
        from _pytest.outcomes import Exit
        from _pytest.runner import runtestprotocol

        self._emit(event="start", test=self._test(item), limit=self._limit(item))
        began = time.perf_counter()
        caught: dict[tuple[str, str, str, str], int] = {}
        verdict = self._inapplicable(item)
        self._failure, self._skip, outcome = None, "", "passed"
        if verdict:
            outcome, self._skip = verdict
            # Nothing runs, yet what the next test does not share must come down, or pytest refuses to set that one up.
            item.session._setupstate.teardown_exact(nextitem)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.showwarning = self._catcher(caught)
                try:
                    runtestprotocol(item, nextitem=nextitem, log=False)
                except (KeyboardInterrupt, Exit) as error:
                    # pytest takes these as a wish to stop everything; here they are what this test did.
                    self._failure = describe_failure(error, self._owners)
                    item.session._setupstate.teardown_exact(nextitem)
            if self._failed():
                outcome = "failed"
                if self._level(item) == "import":
                    for requirement in self._uses(item):
                        self._blocked.setdefault(canonical(requirement.name), item.nodeid)
            elif self._skip:
                outcome = "not-applicable"
        self._end(self._test(item), item, outcome, began, caught)
        return True

    def _end(self, test: str, item, outcome: str, began: float, caught: dict[tuple[str, str, str, str], int]) -> None:
        """Tell of the end of `test`; `item` is what of pytest's it is."""
        self._emit(
            event="end",
            test=test,
            level=self._level(item),
            components=[canonical(r.name) for r in self._uses(item)],
            artifact=self._artifact(item),
            feature=self._feature(item),
            outcome=outcome,
            reason=self._skip,
            seconds=round(time.perf_counter() - began, 4),
            memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            failure=self._failure,
            warnings=[
                {"category": c, "raised_by": r, "triggered_by": t, "message": m, "count": n}
                for (c, r, t, m), n in sorted(caught.items())
            ],
        )

    def pytest_runtest_makereport(self, item, call) -> None:
        """Keep the first failure of a test, in whichever phase it came; remember a skip's reason."""
        if call.excinfo is None:
            return
        error = call.excinfo.value
        if type(error).__name__ == "Skipped":
            self._skip = str(error)
        elif self._failure is None:
            self._failure = describe_failure(error, self._owners) | {"phase": call.when}

    def _failed(self) -> bool:
        return self._failure is not None

    def _catcher(self, caught: dict[tuple[str, str, str, str], int]):
        """Attribute each warning to the package that raised it and to the package whose code triggered it."""

        def showwarning(message, category, filename, *_) -> None:
            frame: types.FrameType | None = sys._getframe(1)
            while frame is not None and frame.f_globals.get("__name__") == "warnings":
                frame = frame.f_back
            raised = self._owners.owner(frame.f_code.co_filename) if frame is not None else None
            key = (
                category.__name__,
                raised or "",
                self._owners.owner(filename) or "",
                normalise_message(str(message)),
            )
            caught[key] = caught.get(key, 0) + 1

        return showwarning

    def pytest_sessionfinish(self, session, exitstatus) -> None:
        self._emit(event="environment", when="end", distributions=environment(self._path))
        outside = foreign_modules(
            [sys.prefix, sys.base_prefix, self.job["harness"], self.root, str(Path(__file__).parent)]
            + self.job.get("helpers", [])
            # What is in the cell's own temporary folder was made there: code that a library generates as it runs.
            + self.job.get("temporary", [])
            + [entry for entry in sys.path if "lib-dynload" in entry]
        )
        self._emit(event="done", foreign=outside)


class OwnTests(Probe):
    """The plugin where the tests are those that a release ships. Each of their files is a test too: it can be loaded.

    The job's `upstream` holds: distribution, folder (empty: they are installed), files (patterns), without (patterns),
    lost (files that took the process with them when they were loaded), until (the end of the time box).
    """

    def __init__(self, job: dict) -> None:
        super().__init__(job)
        self._own = own = job["upstream"]
        self._prefix = f"upstream/{own['distribution']}/"
        self._began = 0.0
        self.root, there = own["folder"], []
        if self.root:
            there = sorted(os.path.relpath(path, self.root) for path in Path(self.root).rglob("*.py"))
        else:
            distribution = importlib.metadata.distribution(own["distribution"])
            self.root = os.path.normpath(str(distribution.locate_file("")))
            there = sorted(str(path) for path in distribution.files or ())
        # In the order of the patterns: what is named first begins before the time box is empty.
        fit = [path for pattern in own["files"] for path in fnmatch.filter(there, pattern) if path.endswith(".py")]
        self._files = list(dict.fromkeys(fit))
        self._paths = {os.path.join(self.root, path) for path in self._files}
        self._owners = Owners(list(self._paths))

    def files(self) -> list[str]:
        wanted = {test.split("::")[0] for test in self.job["tests"]} or {self._prefix + path for path in self._files}
        wanted -= set(self._own["lost"])
        return [os.path.join(self.root, path) for path in self._files if self._prefix + path in wanted]

    def _test(self, item) -> str:
        return f"{self._prefix}{item.nodeid}"

    # Marks there mean what they mean to their authors.
    def _level(self, item) -> str:
        return "upstream"

    def _uses(self, item) -> list:
        return [self._requirement(self._own["distribution"])]

    def _limit(self, item) -> float:
        return float(self.job["limits"].get(self._own["distribution"], DEFAULT_LIMIT))

    def _artifact(self, item) -> str:
        return ""

    def _feature(self, item) -> str:
        return ""

    def _chosen(self, items) -> list:
        wanted = set(self.job["tests"])
        return [
            item
            for item in items
            if (not wanted or self._test(item) in wanted)
            and not any(fnmatch.fnmatchcase(item.nodeid, pattern) for pattern in self._own["without"])
        ]

    def _inapplicable(self, item) -> tuple[str, str] | None:
        if time.time() > self._own["until"]:
            return "not-applicable", "did not begin within the time box"
        return super()._inapplicable(item)

    def pytest_collectstart(self, collector) -> None:
        from _pytest.python import Module

        if isinstance(collector, Module):
            self._failure, self._skip, self._began = None, "", time.perf_counter()
            self._emit(event="start", test=self._test(collector), limit=self._limit(collector))

    def pytest_exception_interact(self, node, call, report) -> None:
        if report.when == "collect":
            error = call.excinfo.value.__cause__ or call.excinfo.value
            self._failure = describe_failure(error, self._owners) | {"phase": "collect"}
            self._excuse(error)

    def pytest_runtest_makereport(self, item, call) -> None:
        first = self._failure is None
        super().pytest_runtest_makereport(item, call)
        if first and self._failure is not None:
            self._excuse(call.excinfo.value)

    def _excuse(self, error: BaseException) -> None:
        """Where a test itself uses what a neighbour does not have any more, the release that it tests is not to blame.

        So it is when no code of the release is below the last frame of the test, unless the test found something wrong.
        """
        if isinstance(error, AssertionError) or type(error).__name__ == "Failed":
            return
        below = False
        for frame, _ in traceback.walk_tb(error.__traceback__):
            filename = os.path.normpath(frame.f_code.co_filename)
            if filename in self._paths:
                below = False
            elif self._owners.owner(filename) == self._own["distribution"]:
                below = True
        if not below and self._failure is not None:
            self._skip = f"the test itself fails: {self._failure['type']}: {self._failure['message']}"
            self._failure = None

    def pytest_collectreport(self, report) -> None:
        path, _, inner = report.nodeid.partition("::")
        if not path.endswith(".py") or (inner and not report.failed):
            return
        if report.skipped:
            self._skip = str(report.longrepr[2])
        outcome = "failed" if self._failed() else "not-applicable" if self._skip else "passed"
        self._end(self._prefix + path, None, outcome, self._began, {})


def main() -> int:
    """Run the suite as the job file says. Exit code: 0 whenever every event was written."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.path[:0] = job.get("helpers", [])
    sys.path.append(job["harness"])
    import pytest

    probe = OwnTests(job) if job.get("upstream") else Probe(job)
    options = ["-q", "--color=no", "-p", "no:cacheprovider", "-p", "no:warnings", "-p", "no:faulthandler"]
    # Nothing above the suite takes part: a checkout has other tests there, with a set-up of their own.
    options += ["-o", "addopts=", "--rootdir", probe.root, "--confcutdir", probe.root, "-c", os.devnull]
    if job.get("upstream"):  # an installed test is a module of its package, not one of a folder on the import path
        options += ["--import-mode=importlib", "-o", "consider_namespace_packages=true"]
        options += ["--continue-on-collection-errors"]
    # What was loaded keeps working: submodules are found through their package.
    hide_later = type("Hide", (), {"pytest_sessionstart": staticmethod(lambda: hide(job["harness"]))})()
    if not job.get("upstream") or job["upstream"]["folder"]:  # else what tests leave would lie in the environment
        os.chdir(probe.root)
    code = pytest.main([*options, *(probe.files() or ["--ignore-glob=*"])], plugins=[probe, hide_later])
    if code in (0, 1, 5):
        return 0
    if not probe.collected:  # a set-up that cannot be loaded keeps every test from running, and none from having passed
        probe.refuse(f"pytest ended with code {int(code)} before it had found any test; see the log")
    return int(code)


if _INSIDE:
    code = main()
    # Everything is written. A library whose threads outlive a failed test must not turn a clear red into a time-out.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
