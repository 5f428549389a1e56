"""From a cell to a lock: the exact, hashed set of every distribution that the cell's requirements resolve to.

uv resolves; this module asks it, and turns its answer into data: a lock, or a conflict with the requirement and the
bound that exclude each other, or one of the infrastructure outcomes. A request for the newest that got something older
says who is held back, and by whose bound.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from stackcompat.interpreter import how_to_get
from stackcompat.plan import Cell
from stackcompat.record import Record, StackcompatError, digest

if TYPE_CHECKING:
    from stackcompat.releases import Catalog

__all__ = ["Conflict", "HeldBack", "Lock", "Pin", "Resolution", "Resolver", "excludes", "strip_addresses"]


class Pin(Record):
    """One distribution of a lock. `source` is a file address for what does not come from an index, else empty."""

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    source: str = ""

    def line(self, *, portable: bool = False) -> str:
        """The pin as a line of a requirements file, hashes included; a `portable` one names no file of this machine."""
        what = f"{self.name} @ {self.source}" if self.source and not portable else f"{self.name}=={self.version}"
        return " ".join([what, *(f"--hash={value}" for value in self.hashes)])


class Lock(Record):
    """Every distribution of an environment for one Python and platform, transitive ones too, in order of name."""

    python: str
    platform: str
    pins: tuple[Pin, ...]

    @property
    def id(self) -> str:
        """Content address: equal exactly when the same files are installed for the same Python and platform."""
        return digest(self.python, self.platform, [[p.name, p.version, sorted(p.hashes)] for p in self.pins])

    def versions(self) -> dict[str, str]:
        """Distribution to version."""
        return {pin.name: pin.version for pin in self.pins}

    def text(self, *, portable: bool = False) -> str:
        """The lock as a requirements file that ``uv pip sync --require-hashes`` and ``pip install`` take."""
        return "".join(pin.line(portable=portable) + "\n" for pin in self.pins)

    @classmethod
    def parse(cls, text: str, python: str, platform: str) -> Lock:
        """Read a requirements file of exact, hashed pins. Raises ValueError naming the first line that is not one."""
        pins = []
        for line in re.sub(r"\\\n\s*", " ", text).splitlines():
            words = line.split(" #")[0].split()
            if not words or words[0].startswith("#"):
                continue
            hashes = tuple(sorted(word.removeprefix("--hash=") for word in words if word.startswith("--hash=")))
            plain = " ".join(word for word in words if not word.startswith("--"))
            requirement = Requirement(plain.rstrip("; "))
            if requirement.url:
                version = _version_of_file(requirement.url)
                source = requirement.url
            else:
                exact = [s for s in requirement.specifier if s.operator in ("==", "===")]
                if len(exact) != 1 or "*" in exact[0].version:
                    raise ValueError(f'"{plain}" is not an exact pin such as "jax==0.11.2 --hash=sha256:..."')
                version, source = exact[0].version, ""
            pins.append(Pin(name=canonicalize_name(requirement.name), version=version, hashes=hashes, source=source))
        return cls(python=python, platform=platform, pins=tuple(sorted(pins, key=lambda pin: pin.name)))


def _version_of_file(address: str) -> str:
    name = address.split("#", maxsplit=1)[0].rsplit("/", 1)[-1]
    try:
        return str(parse_wheel_filename(name)[1])
    except InvalidWheelFilename:
        raise ValueError(f'"{name}" is not a wheel; a lock takes built wheels only') from None


class Conflict(Record):
    """Why a cell cannot be resolved: one sentence, the chain of bounds behind it, and the resolver's own words."""

    kind: Literal["bounds", "python", "no-wheel-for-python", "not-found"]
    sentence: str
    chain: tuple[str, ...] = ()
    words: str = ""


class HeldBack(Record):
    """`name` was asked for at its newest and came out older, because of `by` (a release, a request or a Python)."""

    name: str
    newest: str
    got: str
    by: str
    bound: str


class Resolution(Record):
    """What became of resolving a cell; `seconds` of wall clock. `detail` is one sentence where there is no lock."""

    outcome: Literal[
        "locked", "conflict", "no-wheel-for-platform", "index-unreachable", "interpreter-missing", "failed"
    ]
    lock: Lock | None = None
    conflict: Conflict | None = None
    held_back: tuple[HeldBack, ...] = ()
    detail: str = ""
    seconds: float = 0.0


def strip_addresses(text: str) -> str:
    """`text` without hosts, addresses and credentials, fit for a log that others read."""
    text = re.sub(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)`,]+", "<address>", text, flags=re.IGNORECASE)
    return text.replace(str(Path.home()), "~")


#: What a resolver may be told by the environment: where packages are and how to reach them, never what to prefer.
_PASSED_ON = re.compile(
    r"(UV_(DEFAULT_INDEX|INDEX(_URL|_STRATEGY|_.*_(USERNAME|PASSWORD))?|EXTRA_INDEX_URL|FIND_LINKS"
    r"|NATIVE_TLS|SYSTEM_CERTS|HTTP_TIMEOUT|HTTP_RETRIES|INSECURE_HOST|KEYRING_PROVIDER|CONFIG_FILE|OFFLINE"
    r"|CONCURRENT_\w+)"
    r"|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|HOME|USERPROFILE|PATH|LANG|LC_\w+|TMPDIR|NETRC"
    r"|XDG_CONFIG_\w+)"
)


def uv_environment(cache: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which uv runs: the user's addresses and certificates, our cache, none of their preferences."""
    kept = {name: value for name, value in environ.items() if _PASSED_ON.fullmatch(name)}
    if "PIP_INDEX_URL" in environ and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environ.keys():
        kept["UV_DEFAULT_INDEX"] = environ["PIP_INDEX_URL"]
    return kept | {"UV_CACHE_DIR": str(cache), "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}


def extra_index(variable: str) -> list[str]:
    """What tells uv to look in the index whose address the environment variable holds, too; nothing for no variable."""
    address = os.environ.get(variable, "").strip() if variable else ""
    return ["--index", address, "--index-strategy", "unsafe-best-match"] if address else []


def local_source(name: str, given: str) -> str:
    """The file or source that `given` is, or that the environment variable holds that it names after a ``$``."""
    if not given.startswith("$"):
        return given
    source = os.environ.get(given[1:], "").strip()
    if not source:
        allowed = "a wheel, a source folder or git+ADDRESS@REVISION"
        raise StackcompatError(f"the environment variable {given[1:]} does not say where {name} is: {allowed}")
    return source


_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[\w,-]+\])?"
_BOUND = r"(?:[<>]=?|[=!~]==?)[\w.+!*-]*[\w*]"
_REQUIREMENT = rf"{_NAME}(?:{_BOUND}(?:,{_BOUND})*)?"
_FACT = re.compile(rf"({_REQUIREMENT}) depends? on ({_REQUIREMENT})")
_REQUIRED = re.compile(rf"you require ({_REQUIREMENT})(?: and ({_REQUIREMENT}))?")
_NO_WHEEL = re.compile(rf"({_REQUIREMENT}) has no wheels with a matching (Python|platform)[\w\s]*tag")
_WRONG_PYTHON = re.compile(rf"does not satisfy (Python[^\s]+) and ({_REQUIREMENT}) depends on \1")
_ABSENT = re.compile(
    rf"there (?:is no version|are no versions) of ({_REQUIREMENT})"
    rf"|({_REQUIREMENT}) was not found in the package registry"
)
_CONCLUSION = re.compile(r",? we can conclude that .*?\.(?=\s|$)")


def _bound(requirement: str) -> tuple[str, SpecifierSet]:
    """What a requirement is about, and its bounds; none where it cannot be read."""
    try:
        return _name(requirement), Requirement(requirement).specifier
    except InvalidRequirement:
        return _name(requirement), SpecifierSet()


def _name(requirement: str) -> str:
    return canonicalize_name(re.split(r"[\[<>=!~@ ]", requirement)[0])


def excludes(first: str, second: str) -> bool:
    """Whether no version of the one distribution that both requirements are about satisfies both."""
    (name, bounds), (other, more) = _bound(first), _bound(second)
    if name != other:
        return False
    both = bounds & more
    # Ranges that meet do so at the lowest version, at one that is named, or right above it.
    named = [specifier.version.removesuffix(".*") for specifier in both if specifier.operator != "==="]
    tried = ["0", *named, *(f"{Version(version).base_version}.0.0.1" for version in named)]
    return not any(both.contains(version, prereleases=True) for version in tried)


def parse_conflict(words: str, cell: Cell) -> Conflict:
    """Turn the resolver's account of why nothing fits into a sentence and the chain of bounds it rests on."""
    text = " ".join(words.replace("`", "").split())
    python = cell.python
    # Only premises are facts: what the resolver concludes from them has the same form.
    premises = _CONCLUSION.sub(".", text)
    facts = list(dict.fromkeys(_FACT.findall(premises)))
    asked = [_bound(text) for text in cell.requirements]
    mentioned = (name for pair in _REQUIRED.findall(premises) for name in pair if name)
    required = [name for name in dict.fromkeys(mentioned) if _bound(name) in asked]
    chain = tuple([f"{a} depends on {b}" for a, b in facts] + [f"{text} is requested" for text in required])

    def conflict(kind: Literal["bounds", "python", "no-wheel-for-python", "not-found"], sentence: str) -> Conflict:
        return Conflict(kind=kind, sentence=sentence, chain=chain, words=text[:3000])

    if wrong := _WRONG_PYTHON.search(text):
        bound = wrong[1].removeprefix("Python")
        return conflict("python", f"{wrong[2]} requires Python {bound}, and this cell has Python {python}")
    if absent := _NO_WHEEL.search(text):
        tags = re.search(r"ABI tags?: ([^\n]*?)(?:\.|$)", text)
        has = f" (it has {tags[1].strip()})" if tags else ""
        return conflict("no-wheel-for-python", f"{absent[1]} has no wheel for Python {python}{has}")
    bounds = [(subject, dependency) for subject, dependency in facts if not dependency.startswith("Python")]
    for subject, dependency in bounds:
        for request in required:
            if excludes(request, dependency):
                return conflict("bounds", f"{subject} depends on {dependency}, but {request} is requested")
    for subject, dependency in bounds:
        for other, bound in bounds:
            if excludes(bound, dependency) and _name(other) != _name(subject):
                return conflict("bounds", f"{subject} depends on {dependency}, but {other} depends on {bound}")
    if missing := _ABSENT.search(text):
        return conflict("not-found", f"the index has no {missing[1] or missing[2]} that this cell may take")
    return conflict("bounds", premises.split("hint:")[0].strip()[:400])


#: An index that answers in its older format for a moment gives no upload dates. uv then leaves those files out, with a
#: warning, and a day of the past resolves to something that was never there; so it is asked again, after these seconds.
_UNDATED = re.compile(r"(\S+) is missing an upload date")
_WAITS = (2.0, 5.0, 15.0, 30.0)


class Resolver:
    """Asks uv. `cache` is the tool's own package cache; `interpreters` maps a Python to its executable's path.

    uv runs in an empty folder and with an environment of its own, so that neither a project's nor a person's
    preferences (other than where packages come from) sway a resolution. `wheel` gives the wheel for a local source (a
    wheel, a folder, a git address) built with an interpreter. `in_use` is held while uv works with the cache.
    """

    def __init__(
        self,
        cache: Path,
        interpreters: Mapping[str, Path],
        uv: str,
        wheel: Callable[[str, Path], Path],
        in_use: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._cache = cache
        self._interpreters = interpreters
        self._uv = uv
        self._wheel = wheel
        self._in_use = in_use

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        """The lock of `cell`, or why there is none. With a `catalog`, also who is held back and by whose bound."""
        began = time.monotonic()
        if cell.python not in self._interpreters:
            return Resolution(outcome="interpreter-missing", detail=how_to_get(cell.python))
        try:
            sources = {name: local_source(name, given) for name, given in cell.local.items()}
            wheels = {name: self._wheel(source, self._interpreters[cell.python]) for name, source in sources.items()}
        except StackcompatError as error:
            return Resolution(outcome="failed", detail=str(error))
        built = cell.model_copy(update={"local": {name: wheel.as_uri() for name, wheel in wheels.items()}})
        resolution = self._ask(built)
        if resolution.lock is not None and catalog is not None:
            held = tuple(self._held_back(built, resolution.lock, catalog))
            resolution = resolution.model_copy(update={"held_back": held})
        return resolution.model_copy(update={"seconds": round(time.monotonic() - began, 3)})

    def _ask(self, cell: Cell, *extra: str) -> Resolution:
        command = [self._uv, "pip", "compile", "requirements.in", "--python", str(self._interpreters[cell.python])]
        command += ["--format", "pylock.toml", "--no-header", "--no-sources"]
        # Said aloud, since a person's configuration file may prefer otherwise.
        command += ["--resolution", "highest", "--prerelease", "if-necessary"]
        if cell.exclude_newer is not None:
            command += ["--exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
            for name in cell.admitted:
                command += ["--exclude-newer-package", f"{name}=false"]
        # A request that names a pre-release means it, as it does to pip; uv alone would still prefer what is stable.
        for requirement in map(Requirement, cell.requirements):
            if requirement.specifier.prereleases:
                command += ["--prerelease-package", f"{requirement.name}=allow"]
        if cell.index and not os.environ.get(cell.index, "").strip():
            detail = f"the environment variable {cell.index} does not hold the address of the extra index"
            return Resolution(outcome="index-unreachable", detail=detail)
        command += extra_index(cell.index)
        with tempfile.TemporaryDirectory(prefix="stackcompat-lock-") as folder:
            lines = [self._local(text, cell) for text in (*cell.requirements, *extra)]
            Path(folder, "requirements.in").write_text("\n".join(lines) + "\n", encoding="utf-8")
            if cell.overrides:
                Path(folder, "overrides.txt").write_text("\n".join(cell.overrides) + "\n", encoding="utf-8")
                command += ["--overrides", "overrides.txt"]
            if cell.constraints:
                Path(folder, "constraints.txt").write_text("\n".join(cell.constraints) + "\n", encoding="utf-8")
                command += ["--constraints", "constraints.txt"]
            for wait in (*_WAITS, None):
                with self._in_use():
                    done = subprocess.run(
                        command,
                        cwd=folder,
                        env=uv_environment(self._cache),
                        capture_output=True,
                        text=True,
                        check=False,
                        stdin=subprocess.DEVNULL,
                    )
                undated = _UNDATED.search(done.stderr)
                if undated is None:
                    break
                if wait is None:
                    detail = f"the package index gave no upload date for {undated[1]}, so no day can be gone back to"
                    return Resolution(outcome="index-unreachable", detail=detail)
                time.sleep(wait)
                command = [*command, "--refresh"]
        if done.returncode == 0:
            return Resolution(outcome="locked", lock=_read_pylock(done.stdout, cell))
        return _read_refusal(done.stderr, cell)

    @staticmethod
    def _local(requirement: str, cell: Cell) -> str:
        name = canonicalize_name(Requirement(requirement).name)
        return f"{name} @ {cell.local[name]}" if name in cell.local else requirement

    def _held_back(self, cell: Cell, lock: Lock, catalog: Catalog) -> list[HeldBack]:
        found = []
        versions = lock.versions()
        for name in cell.newest:
            if name in cell.local or name not in versions:
                continue
            newest = catalog.project(name).newest(before=cell.exclude_newer)
            got = versions[name]
            if newest is None or newest.parsed <= Version(got):
                continue
            by, bound = self._holder(cell, name, newest.version, lock)
            found.append(HeldBack(name=name, newest=newest.version, got=got, by=by, bound=bound))
        return found

    def _holder(self, cell: Cell, name: str, newest: str, lock: Lock) -> tuple[str, str]:
        """Who keeps `name` from being `newest`: asked by demanding it and reading the refusal."""
        demanded = self._ask(cell, f"{name}=={newest}")
        if demanded.conflict is not None:
            conflict = demanded.conflict
            if conflict.kind in ("python", "no-wheel-for-python"):
                return f"Python {cell.python}", conflict.sentence
            for link in conflict.chain:
                subject, _, dependency = link.partition(" depends on ")
                if dependency and _name(dependency) == name and _name(subject) != name:
                    return subject, link
            requests = [text for text in conflict.chain if text.endswith(" is requested")]
            others = [text for text in requests if _name(text) != name]
            if others:
                return others[0].removesuffix(" is requested"), conflict.sentence
            return "its bounds", conflict.sentence
        if demanded.lock is not None:
            versions = demanded.lock.versions()
            older = [
                f"{other} {versions[other]}"
                for other, version in lock.versions().items()
                if other in versions and Version(versions[other]) < Version(version)
            ]
            return "the resolver's choice", f"{name} {newest} resolves as well, with {', '.join(older[:3])}"
        return "an unknown bound", demanded.detail


def _read_pylock(text: str, cell: Cell) -> Lock:
    """Name, version and hashes of a pylock document that uv wrote for one interpreter; wheels before sdists."""
    pins = []
    for package in tomllib.loads(text).get("packages", []):
        name = canonicalize_name(package["name"])
        archive = package.get("archive")
        source = Path(archive["path"]).as_uri() if archive else ""
        files = [archive] if archive else package.get("wheels") or [package.get("sdist") or {}]
        hashes = sorted({f"{kind}:{value}" for file in files for kind, value in file.get("hashes", {}).items()})
        version = package.get("version") or _version_of_file(source)
        pins.append(Pin(name=name, version=version, hashes=tuple(hashes), source=source))
    return Lock(python=cell.python, platform=cell.platform, pins=tuple(sorted(pins, key=lambda pin: pin.name)))


def _read_refusal(stderr: str, cell: Cell) -> Resolution:
    """Tell a conflict from a failing index, a full disk and a platform without wheels."""
    words = strip_addresses(stderr)
    if "No solution found" in words and "network connectivity is disabled" not in words:
        cause = words.split("cause:", 1)[-1]
        absent = re.search(rf"({_REQUIREMENT}) has no wheels with a matching platform", cause)
        if absent:
            return Resolution(outcome="no-wheel-for-platform", detail=f"{absent[1]} has no wheel for {cell.platform}")
        return Resolution(outcome="conflict", conflict=parse_conflict(cause, cell))
    detail = " ".join(words.split())[:600]
    if re.search(r"Failed to fetch|error sending request|Could not connect|dns error|timed out|network", words):
        return Resolution(outcome="index-unreachable", detail=f"the package index did not answer: {detail}")
    return Resolution(outcome="failed", detail=detail)
