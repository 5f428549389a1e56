"""The watcher: it sees what of the environment the code of this process looks at.

A closure (see :mod:`stackcompat.evidence.closure`) is what a process has looked at until now. Imports are seen by a
finder that finds nothing, files and processes by an audit hook, questions whether a file exists by functions in place
of those of :mod:`os`, and shared libraries by the memory map of the process. Files that compiled code opens by itself
are not seen. What the watcher can only see in part, such as a process or another interpreter, counts as a look at all.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.machinery
import importlib.metadata
import json
import os
import re
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from .distributions import canonical

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import ClosureSeen, WatchJob

    from .events import EventStream

__all__ = [
    "SYSTEM_PROGRAMS",
    "ClosureStream",
    "Watcher",
    "absent_modules",
    "distribution_asked_for",
    "mapped_files",
    "owners_of_path",
    "source_of",
    "undecided_modules",
]

_stat, _readlink = os.stat, os.readlink  # the watcher's own questions are not those of a test

#: The audit events of a process that starts another one or becomes another one.
_PROCESSES = frozenset(
    (
        *("subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty", "os.system", "os.spawn"),
        "os.startfile",
    )
)

#: The modules that start further interpreters in a process, by the Python. What these look at is in no event.
_INTERPRETERS = ("_interpreters", "_xxsubinterpreters")

#: The functions of C by which a test can look at files or start processes unseen, if it calls them by :mod:`ctypes`.
_OF_C = frozenset(
    (
        *("system", "popen", "fork", "vfork", "clone", "posix_spawn", "posix_spawnp", "execv", "execve", "execvp"),
        *("open", "open64", "openat", "fopen", "fopen64", "opendir", "scandir", "glob", "realpath", "readlink"),
        *("stat", "lstat", "stat64", "statx", "access", "faccessat", "dlopen", "syscall"),
    )
)

#: Frequent audit events whose texts are no paths, and those of searches, of which each listing is an event of its own.
_NO_PATHS = frozenset(
    (
        *("compile", "exec", "import", "marshal.loads", "object.__getattr__", "builtins.id", "sys._getframe"),
        *("glob.glob", "glob.glob/2", "pathlib.Path.glob", "pathlib.Path.rglob", "os.walk", "os.fwalk"),
    )
)

_LISTINGS = frozenset(("os.listdir", "os.scandir"))

#: The modules of the import system, which lists folders to find modules, and metadata to find a distribution by name.
_IMPORT_SYSTEM = frozenset(
    ("importlib._bootstrap_external", "_frozen_importlib_external", "importlib.metadata", "importlib_metadata")
)
_METADATA = frozenset(("importlib.metadata", "importlib_metadata"))

#: The outermost modules between the code that reads metadata and the system.
_READING = frozenset(("importlib", "importlib_metadata", "pathlib", "zipp", "email", "csv", "itertools", "functools"))

#: Programs of the system that tell of the machine. They see nothing of the environment.
SYSTEM_PROGRAMS = frozenset(("uname", "ldconfig", "lscpu", "gcc", "cc", "ld", "objdump", "getconf", "file"))

_COMPILED = re.compile(r"(.*/)__pycache__/([^/]+?)\.[\w-]+(?:\.opt-\w+)?\.pyc")


# ---------------------------------------------------------------------------------------------------------------------
# Pure parts
# ---------------------------------------------------------------------------------------------------------------------


def source_of(path: str) -> str:
    """The source of a compiled file in ``__pycache__``; any other path as it is."""
    match = _COMPILED.fullmatch(path)
    return f"{match[1]}{match[2]}.py" if match is not None else path


def mapped_files(maps: bytes, prefixes: Iterable[str]) -> Iterator[str]:
    """The mapped files whose paths begin with one of the prefixes.

    Args:
        maps: The memory map of a process, as Linux shows it: a line for each mapping, with the path at its end.
        prefixes: The beginnings of paths.
    """
    for prefix in set(prefixes):
        found = {rest.partition(b"\n")[0] for rest in maps.split(b" " + os.fsencode(prefix))[1:]}
        yield from (prefix + rest.decode("utf-8", "replace") for rest in found)


def owners_of_path(path: str, owners: dict[str, list[str]]) -> list[str]:
    """The distributions that a file belongs to: those that have it, or the one that has the folder around it.

    Args:
        path: The path, absolute and normalised.
        owners: The owners of files and folders.
    """
    path = source_of(path)
    while path:
        if path in owners:
            return owners[path]
        path = path.rpartition("/")[0]
    return []


def absent_modules(sought: Iterable[str], modules: dict[str, ModuleType]) -> Iterator[str]:
    """The modules that were looked for and are not there. Those inside a module that is absent itself are left out.

    What code has put in the place of a module was not found. A namespace without any loaded module in it counts as
    absent, too: which distributions have a part of it decides what it is.

    Args:
        sought: The dotted names.
        modules: The loaded modules, as in :data:`sys.modules`.
    """
    for name in sought:
        parent = name.rpartition(".")[0]
        if not _is_found(name, modules) and (not parent or modules.get(parent) is not None):
            yield name


def undecided_modules(sought: Iterable[str], modules: dict[str, ModuleType]) -> Iterator[str]:
    """The modules that lie inside an absent one: whether they are there can change once that is loaded.

    Args:
        sought: The dotted names.
        modules: The loaded modules, as in :data:`sys.modules`.
    """
    for name in sought:
        parent = name.rpartition(".")[0]
        if parent and modules.get(parent) is None:
            yield name


def _is_found(name: str, modules: dict[str, ModuleType]) -> bool:
    """Whether a loaded module was found, alone or by what is in it."""
    module = modules.get(name)
    if module is None:
        return False
    if _file_of(module):
        return True
    try:
        spec = module.__spec__
    except Exception:  # noqa: BLE001  (a stand-in can answer with anything)
        return False
    if not isinstance(spec, importlib.machinery.ModuleSpec):
        return False
    if spec.origin is not None or spec.submodule_search_locations is None:
        return spec.origin is not None
    return any(_file_of(one) for inside, one in tuple(modules.items()) if inside.startswith(f"{name}."))


def _file_of(module: object) -> str:
    """The file of a module; empty without one."""
    try:
        filename = getattr(module, "__file__", None)
    except Exception:  # noqa: BLE001  (a stand-in can answer with anything)
        return ""
    return filename if isinstance(filename, str) else ""


def distribution_asked_for(relative: str) -> str | None:
    """The distribution whose metadata is in a folder of site-packages; None if the path is in no such folder.

    Args:
        relative: The path, relative to site-packages.
    """
    name, _, ending = relative.partition("/")[0].rpartition(".")
    return canonical(name.partition("-")[0]) if ending in ("dist-info", "egg-info") else None


# ---------------------------------------------------------------------------------------------------------------------
# The watcher
# ---------------------------------------------------------------------------------------------------------------------


class Watcher:
    """Watches the process that it is made in, and those that are forked from it while it is :meth:`paused`.

    Args:
        job: The environment, and who owns what in it.
        installed: The names of the installed distributions.
    """

    def __init__(self, job: WatchJob, installed: Iterable[str]) -> None:
        self._prefix = f"{job['prefix']}/"
        # Libraries ask for real paths, too.
        self._real_prefix = f"{os.path.realpath(job['prefix'])}/"
        self._prefixes = (self._prefix, self._real_prefix)
        self._bare = (self._prefix[:-1], self._real_prefix[:-1])
        self._site = job["site"]
        self._owners = job["owners"]
        self._looks_for = job["looks_for"]
        self._installed = frozenset(installed)
        self._whole = ""
        self._lib64 = os.path.islink(f"{job['prefix']}/lib64")  # noqa: PTH114  (pathlib is slower)
        # These folders are there in every environment.
        around = (os.path.dirname(job["site"]), *(f"{self._prefix}{name}" for name in ("bin", "lib", "include")))  # noqa: PTH120
        self._always = frozenset((job["prefix"], *around))
        self._files: set[str] = set()
        self._opened: set[str] = set()
        self._sought: set[str] = set()
        self._asked: set[str] = set()
        self._groups: set[str] = set()
        self._listed: set[str] = set()
        self._missing: set[str] = set()
        self._distributions: set[str] = set()
        self._absent: set[str] = set()
        self._unknown: set[str] = set()
        self._patterns: set[str] = set()
        self._seen_modules: set[str] = set()
        self._seen_files: set[str] = set()
        self._seen_opened: set[str] = set()
        self._mapped: tuple[bytes, bytes] | None = None
        self._paused_in: int | None = None

    def start(self) -> None:
        """Begin to watch. An audit hook cannot be taken away again, so that this is for good."""
        sys.meta_path.insert(0, _Finder(self))
        for name in ("stat", "lstat", "access", "readlink", "statvfs"):
            _replace(name, self._note_probe)
        _watch_finders(self)
        _watch_loaders(self)
        sys.addaudithook(self._hook)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """For as long as this is open, what this thread looks at does not count. It is for the harness itself."""
        self._paused_in = threading.get_ident()
        try:
            yield
        finally:
            self._paused_in = None

    def _is_paused(self) -> bool:
        return self._paused_in is not None and self._paused_in == threading.get_ident()

    def note_sought(self, module: str) -> None:
        """Note that a module is looked for that is not loaded."""
        if not self._is_paused():
            self._sought.add(module)

    def note_asked(self, distribution: str | None) -> None:
        """Note that the metadata of a distribution is asked for; None for those of all distributions."""
        if self._is_paused():
            return
        if distribution is not None:
            self._asked.add(canonical(distribution))
        else:
            self._note_enumeration()

    def note_sought_in(self, folder: str, module: str) -> None:
        """Note that a module is looked for in a folder. If it is found and not loaded, nothing else tells of it.

        Args:
            folder: The folder.
            module: The dotted name by which it was looked for.
        """
        parent, _, name = module.rpartition(".")
        if folder == "/".join((self._site, *filter(None, parent.split(".")))):
            self.note_sought(module)
        elif folder.startswith(self._prefixes) and not self._is_paused():
            self._missing.add(f"{folder}/{name}.py")

    def note_whole(self, reason: str) -> None:
        """Note that the test can depend on everything that is installed."""
        if not self._is_paused():
            self._whole = self._whole or reason

    # The hook must be quick: it is called for every event of the interpreter.
    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            if self._is_paused():
                return
            path = arguments[0]
            if type(path) is not str or not path.startswith("/") or "/../" in path:
                self._note_file(path)
            elif path.startswith(self._bare) and not (
                ".dist-info/" in path and self._searcher(sys._getframe(1))  # noqa: SLF001
            ):
                self._opened.add(path)
        elif event in _NO_PATHS or self._is_paused():
            return
        elif event in _LISTINGS:
            self._note_listing(arguments[0])
        elif event in _PROCESSES:
            self._note_process(event, arguments)
        elif event == "ctypes.dlsym":
            if arguments[1] in _OF_C:
                self.note_whole(f"it called the function {arguments[1]} of C")
        else:
            for argument in arguments:
                if isinstance(argument, (str, bytes)):
                    self._note_path(os.fsdecode(argument))

    def _note_file(self, path: object) -> None:
        text = _absolute(path)
        if text.startswith(self._bare):
            self._opened.add(text)

    def _note_path(self, text: str) -> None:
        """Note a text of an event if it is the path of a file."""
        if text.startswith("file:"):
            text = text.removeprefix("file:").partition("?")[0]
        if text.startswith("/"):
            self._note_file(text)

    def _note_process(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and _is_of_system(arguments[0], arguments[1], self._prefixes):
            return
        self._whole = self._whole or "it started a process"

    def _note_listing(self, path: object) -> None:
        caller = sys._getframe(2)  # noqa: SLF001  (frames have no public access)
        if caller.f_globals.get("__name__") in _IMPORT_SYSTEM:
            return
        text = self._normal(_folder_of(path) if isinstance(path, int) else _absolute("." if path is None else path))
        if text == self._site:
            self._whole = self._whole or "it listed the folder of all distributions"
        elif f"{text}/".startswith(self._prefix):
            self._listed.add(text)

    def _note_probe(self, path: object, exists: bool) -> None:
        """Note that code asked whether a file is there."""
        if self._is_paused():
            return
        text = path if type(path) is str and path.startswith("/") and "/../" not in path else _absolute(path)
        if text.startswith(self._prefixes):
            (self._files if exists else self._missing).add(text)

    def _normal(self, path: str) -> str:
        """A path without ``..`` and with the prefix that the import path has."""
        path = os.path.normpath(path)
        if path.startswith(self._real_prefix):
            path = self._prefix + path.removeprefix(self._real_prefix)
        if self._lib64 and path.startswith(f"{self._prefix}lib64/"):
            path = f"{self._prefix}lib/" + path.removeprefix(f"{self._prefix}lib64/")
        return path

    def _note_enumeration(self) -> None:
        """Note that all distributions are looked through: for the entry points of a group, or for something else."""
        searcher = self._searcher(sys._getframe(3))  # noqa: SLF001
        if isinstance(searcher, FrameType):
            group = searcher.f_locals.get("params", {}).get("group")
            self._groups.add(group if isinstance(group, str) else "*")
        elif searcher is not None:
            self._patterns.update(searcher)
        else:
            self._whole = self._whole or "it looked through all installed distributions"

    def _searcher(self, frame: FrameType | None) -> FrameType | list[str] | None:
        """Who looks through all distributions: for entry points the frame of that function, else the names it is for.

        It is None if neither is known.
        """
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            if module in self._looks_for:
                return self._looks_for[module]
            if module in _METADATA and frame.f_code.co_name == "entry_points":
                return frame
            if module.partition(".")[0] not in _READING:
                return None
            frame = frame.f_back
        return None

    @property
    def whole(self) -> bool:
        """Whether this process depends on the whole lock by now."""
        return bool(self._whole)

    def closure(self, components: Iterable[str] = ()) -> ClosureSeen:
        """What this process depends on by now.

        Args:
            components: Distributions that count although nothing looked at them.
        """
        self._asked.update(components)
        if not self._whole:
            with self.paused():
                self._note_all()
        if self._whole:
            return _closure(whole=self._whole)
        return _closure(
            distributions=self._distributions,
            absent=self._absent,
            unknown=self._unknown,
            entry_points=tuple(self._groups),
            listed=[os.path.relpath(path, self._site) for path in tuple(self._listed)],
        )

    def _note_all(self) -> None:
        """Note whose the files are that were looked at since the last time."""
        self._note_loaded()
        if any(name in sys.modules for name in _INTERPRETERS):
            self._whole = self._whole or "it can start another interpreter"
        if not any(isinstance(finder, _Finder) for finder in tuple(sys.meta_path)):
            self._whole = self._whole or "it took away what sees its imports"
        self._files.update(_useless_entries(self._prefixes))
        new = self._files - self._seen_files
        self._seen_files |= new
        for path in new:
            self._note_owners(self._normal(path), opened=False)
        opened = self._opened - self._seen_opened
        self._seen_opened |= opened
        for path in opened:
            self._note_owners(self._normal(path), opened=True)
        missing, self._missing = self._missing, set()
        for path in missing:
            self._note_missing(self._normal(path))
        asked = set(self._asked)
        self._distributions |= asked & self._installed
        self._unknown |= asked - self._installed | self._patterns
        self._note_absent()

    def _note_absent(self) -> None:
        """Note the modules that were looked for in vain since the last time.

        A module that was found stays so, and one that is absent stays noted. Only what lies inside an absent module can
        become either. There are thousands of names, and this is asked after each test.
        """
        sought, self._sought = self._sought, set()
        self._absent.update(absent_modules(sought, sys.modules))
        self._sought.update(undecided_modules(sought, sys.modules))

    def _note_loaded(self) -> None:
        """Note the modules and the shared libraries that are loaded."""
        new = sys.modules.keys() - self._seen_modules
        self._seen_modules |= new
        for name in new:
            filename = _file_of(sys.modules.get(name))
            if filename.startswith(self._prefixes):
                self._files.add(filename)
        # The system writes the whole map anew for whoever reads it. With each mapping, sizes change that it just knows.
        sizes = _own_file("statm").split()
        mapped = (sizes[0], sizes[5]) if len(sizes) > 5 else None
        if mapped is None or mapped != self._mapped:
            self._mapped = mapped
            self._files.update(mapped_files(_own_file("maps"), self._prefixes))

    def _note_owners(self, path: str, *, opened: bool) -> None:
        """Note whose a file or folder is that was found, or opened."""
        if not f"{path}/".startswith(self._prefix):  # another folder, whose name begins in the same way
            return
        owners = owners_of_path(path, self._owners)
        self._distributions.update(owners)
        if owners:
            return
        if path == self._site:
            if opened:
                self._whole = self._whole or "it opened the folder of all distributions"
            return
        try:
            folder = stat.S_ISDIR(_stat(path).st_mode)
        except OSError:  # it was to be opened, and is not there
            self._missing.add(path)
            return
        relative = path.removeprefix(f"{self._site}/")
        if relative == path:  # what else lies outside of site-packages belongs to the interpreter
            if folder and (opened or path not in self._always):
                self._listed.add(path)
        elif folder:
            self._listed.add(path)
        else:
            self._whole = self._whole or f"it opened {relative}, which no distribution lists"

    def _note_missing(self, path: str) -> None:
        """Note by what a file would come that was looked for and is not there."""
        relative = path.removeprefix(f"{self._site}/")
        owners = owners_of_path(path, self._owners)
        self._distributions.update(owners)
        if owners:
            return
        if relative == path:  # such as a program that others can install
            self._listed.add(os.path.dirname(path))  # noqa: PTH120
            return
        name = distribution_asked_for(relative)
        outermost, _, rest = relative.partition("/")
        module, _, ending = outermost.partition(".")
        if name is not None:
            self._unknown.add(name)
        elif rest or not ending:
            self._absent.add(outermost)
            self._listed.add(f"{self._site}/{outermost}")
        elif ending.rpartition(".")[2] in ("py", "so"):
            self._absent.add(module)
        else:
            self._whole = self._whole or f"it looked for {relative}, which is in no package"


class ClosureStream:
    """Streams the closure of the tests whenever it changed.

    Args:
        watcher: The watcher of the process; None if it is not watched.
        stream: The stream of events.
    """

    def __init__(self, watcher: Watcher | None, stream: EventStream) -> None:
        self._watcher = watcher
        self._stream = stream
        self._last = ""

    def current(self, components: Iterable[str]) -> str | None:
        """Stream what this process depends on by now. Returns the name of this closure; None if nothing is watched.

        Args:
            components: The distributions that the last test uses. Whether it runs depends on their versions.
        """
        if self._watcher is None:
            return None
        seen = self._watcher.closure(components)
        name = hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]
        if name != self._last:
            self._last = name
            self._stream.emit({"event": "closure", "closure": name, "seen": seen})
        return name


class _Finder:
    """Finds nothing, and notes what is looked for."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Called for every module that is looked for and not loaded."""
        self._watcher.note_sought(fullname)

    def find_distributions(self, context: Any = None) -> tuple[()]:
        """Called for every distribution that metadata is asked for; without a name for all of them."""
        self._watcher.note_asked(getattr(context, "name", None))
        return ()

    def invalidate_caches(self) -> None:
        """Nothing is kept that could be out of date."""


def _watch_finders(watcher: Watcher) -> None:
    """Let those finders note what they are asked for that code can ask without the others."""
    find_spec = importlib.machinery.FileFinder.find_spec
    found = vars(importlib.metadata.MetadataPathFinder)["find_distributions"].__func__

    def noted(finder: Any, fullname: str, target: Any = None) -> Any:
        watcher.note_sought_in(finder.path, fullname)
        return find_spec(finder, fullname, target)

    def asked(finder: Any, context: Any = importlib.metadata.DistributionFinder.Context()) -> Any:  # noqa: B008  (as it was)
        watcher.note_asked(getattr(context, "name", None))
        return found(finder, context)

    importlib.machinery.FileFinder.find_spec = noted  # type: ignore[assignment, method-assign]
    importlib.metadata.MetadataPathFinder.find_distributions = classmethod(asked)  # type: ignore[assignment, method-assign]


def _watch_loaders(watcher: Watcher) -> None:
    """Note what starts a process without an event, and what can depend on a library that is not there."""
    import _imp  # noqa: PLC0415  (it is no part of Python on all systems)
    import _posixsubprocess  # noqa: PLC0415

    create, fork = _imp.create_dynamic, _posixsubprocess.fork_exec

    @functools.wraps(create)
    def create_dynamic(spec: Any, *more: Any) -> Any:
        try:
            return create(spec, *more)
        except ModuleNotFoundError:  # it was looked for by a finder
            raise
        except ImportError:
            watcher.note_whole(f"it could not load the library of {spec.name}")
            raise

    @functools.wraps(fork)
    def fork_exec(arguments: Any, *more: Any) -> Any:
        if not any(b"multiprocessing.resource_tracker" in os.fsencode(word) for word in arguments):  # it loads nothing
            watcher.note_whole("it started a process")
        return fork(arguments, *more)

    _imp.create_dynamic = create_dynamic
    _posixsubprocess.fork_exec = fork_exec


def _useless_entries(prefixes: tuple[str, ...]) -> list[str]:
    """The entries of the import path in an environment that no finder has taken, since nothing fit is there."""
    cache = tuple(sys.path_importer_cache.items())
    return [entry for entry, finder in cache if finder is None and entry.startswith(prefixes)]


def _own_file(name: str) -> bytes:
    """What Linux tells of this process in a file; empty on other systems."""
    try:
        with open(f"/proc/self/{name}", "rb", buffering=0) as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


def _folder_of(descriptor: int) -> str:
    """The path of the folder that a descriptor stands for; empty if that is not known."""
    try:
        return _readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


def _replace(name: str, note: Callable[..., None]) -> None:
    """Put a function in the place of one of :mod:`os` that asks for a file. It does the same and notes the answer."""
    original = getattr(os, name)

    @functools.wraps(original)
    def asked(path: Any, *arguments: Any, **named: Any) -> Any:
        try:
            answer = original(path, *arguments, **named)
        except OSError:
            if not isinstance(path, int) and not named.get("dir_fd"):
                note(path, False)
            raise
        if not isinstance(path, int) and not named.get("dir_fd"):
            note(path, answer is not False)
        return answer

    setattr(os, name, asked)
    for supporting in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
        if original in supporting:
            supporting.add(asked)


def _absolute(path: object) -> str:
    """A path as absolute text; empty if it is none."""
    try:
        text = os.fsdecode(os.fspath(path))  # type: ignore[call-overload]
    except TypeError:
        return ""
    return os.path.abspath(text) if text else ""  # noqa: PTH100  (pathlib is slower)


def _is_of_system(executable: object, arguments: object, prefixes: tuple[str, ...]) -> bool:
    """Whether a program only tells of the machine: it is one of the system, and no argument is in the environment."""
    words = [arguments] if isinstance(arguments, (str, bytes)) else list(arguments or ())  # type: ignore[call-overload]
    texts = [os.fsdecode(word) for word in (executable, *words) if isinstance(word, (str, bytes, os.PathLike))]
    return (
        bool(texts)
        and os.path.basename(texts[0]) in SYSTEM_PROGRAMS  # noqa: PTH119
        and not any(prefix in text for text in texts for prefix in prefixes)
    )


def _closure(
    *,
    whole: str = "",
    distributions: Iterable[str] = (),
    absent: Iterable[str] = (),
    unknown: Iterable[str] = (),
    entry_points: Iterable[str] = (),
    listed: Iterable[str] = (),
) -> ClosureSeen:
    return {
        "whole": whole,
        "distributions": sorted(distributions),
        "absent": sorted(absent),
        "unknown": sorted(unknown),
        "entry_points": sorted(entry_points),
        "listed": sorted(listed),
    }
