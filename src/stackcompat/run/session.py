"""The run of one cell: its lock is installed and its tests are run. A nox session calls it (see noxfile.py).

The environment must hold exactly the lock. It is compared with the lock and with the requirements before the first test
and after the last one. Any difference makes the run ``invalid``.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from packaging.version import InvalidVersion, Version

from stackcompat.core.errors import StackcompatError
from stackcompat.core.redact import strip_addresses
from stackcompat.core.requirements import marker_environment, name_of, parse_requirement
from stackcompat.core.text import counted
from stackcompat.evidence.results import NO_NETWORK, CellOutcome, CellResult, Environment, TestResult
from stackcompat.evidence.sweep import fold_sweeps
from stackcompat.resolve.uv_refusal import refused_hosts, without_wheel
from stackcompat.run.altered_files import first_alteration, keep_times, look
from stackcompat.run.build_sandbox import BuildSandbox, build_sandbox
from stackcompat.run.bytecode import FreshWheel
from stackcompat.run.compiler_cache import may_be_shared, open_caches, with_caches
from stackcompat.run.doing import tell
from stackcompat.run.harness import install_harness
from stackcompat.run.installed_files import InstalledFiles, read_installed_files
from stackcompat.run.isolation import Means, Sandbox, find_means, interpreter_folders, level_of, open_sandbox
from stackcompat.run.job import Job
from stackcompat.run.manifest import files_of, is_unchanged
from stackcompat.run.package_cache import PackageCache
from stackcompat.run.supervisor import LOG_CHARACTERS, CellObservations, supervise
from stackcompat.run.watchdog import adopt_orphans

__all__ = ["ENGINE", "difference", "run"]

#: The variable by which a session knows the process that asked for it. A person who starts one does not set it.
ENGINE = "STACKCOMPAT_ENGINE"


def run(job: Job, env_python: Path) -> CellResult:
    """Install the lock of a job into an environment, run the tests there, and judge the run.

    Args:
        job: The job.
        env_python: The Python executable of the environment, which is empty.
    """
    started, began = dt.datetime.now(dt.UTC), time.monotonic()
    parent = os.getppid()
    if os.environ.get(ENGINE, str(parent)) != str(parent):
        raise StackcompatError("the process that asked for this cell has ended")
    cache = PackageCache(job.cache, job.uv)
    means = find_means(job.folder)
    closed = level_of(job.isolation, means, accelerated=job.hardware.accelerated) == "bubblewrap"
    interpreter = interpreter_folders(env_python)
    tell(job.folder, f"installing {counted(len(job.lock.pins), 'package')}")
    builds = build_sandbox(means, cache.packages) if job.build and job.isolation in ("auto", "strict") else None
    copied = closed and not means.layers
    installation, fresh = _install(job, env_python, cache, builds, copied=copied)
    failure = _install_failure(installation, fresh, job.lock.python)
    if failure is not None:
        outcome, detail, log = failure
        return CellResult(outcome=outcome, detail=detail, started=started, seconds=_since(began), log=log)
    install_seconds = _since(began)
    tell(job.folder, "collecting tests")
    installed = read_installed_files(env_python)
    if (copied or builds is not None) and installed.site is not None:
        keep_times(installed.site, fresh)
    if installed.overwritten:
        return CellResult(
            outcome="invalid",
            detail=installed.overwritten,
            started=started,
            seconds=_since(began),
            install_seconds=install_seconds,
        )
    harness = job.harness or install_harness(cache, job.lock.python, job.interpreter)
    adopt_orphans()
    if job.exchange is not None:
        job.exchange.open(job.artifacts)
    job = job.settled(installed.surfaces)
    caches = open_caches(job, env_python) if not job.doubted else ()
    sandbox = open_sandbox(job, env_python, interpreter, harness, means) if closed else None
    layer = sandbox.layer if sandbox is not None else None
    before = look(installed.site, env_python.parent.parent, layer) if installed.site is not None else None
    observations = supervise(with_caches(job, caches), env_python, harness, installed, sandbox, parent)
    altered = first_alteration(before, fresh) if before is not None else None
    outcome, detail = _outcome(job, observations, env_python, sandbox)
    changed = str(altered) if altered is not None else ""
    if sandbox is None:  # from a sandbox, tests reach neither the cache nor pytest
        changed = _changed_outside(job, cache, fresh, harness, whole=altered is not None) or changed
    if changed:
        outcome, detail = "invalid", changed
    tests, closures = fold_sweeps(observations.in_order(), tuple(observations.closures.values()), job.tests)
    keep = job.leaves_programs and outcome == "ran" and may_be_shared(tests)
    uses = tuple(cache.close(keep=keep) for cache in caches)
    if outcome == "ran" and job.exchange is not None:
        job.exchange.close(job.artifacts, observations.results.values())
    return CellResult(
        outcome=outcome,
        detail=detail,
        started=started,
        seconds=_since(began),
        install_seconds=install_seconds,
        observed=_environment(outcome, observations),
        tests=tests,
        closures=closures,
        isolation=observations.isolation,
        log=strip_addresses(observations.log),
        surfaces=installed.surfaces,
        skipped=tuple(test for test in observations.collected if test in observations.skip),
        compiler_caches=uses,
        failed_with_caches=(
            _fail_with_caches(job, observations, env_python, interpreter, harness, installed, means if closed else None)
            if outcome == "ran"
            else ()
        ),
    )


def _fail_with_caches(
    job: Job,
    observations: CellObservations,
    env_python: Path,
    interpreter: list[Path],
    harness: Path,
    installed: InstalledFiles,
    means: Means | None,
) -> tuple[TestResult, ...]:
    """Run the doubted tests that passed once more, with the compilers' caches, which are given up if one fails again.

    Args:
        job: The job.
        observations: The observations of the tests without the caches.
        env_python: The Python executable of the environment.
        interpreter: The folders of its interpreter.
        harness: The folder with pytest.
        installed: The installed files.
        means: What this machine has for a sandbox; None if the cell has none.

    Returns:
        The results of the tests that failed again.
    """
    seen = observations.results
    due = tuple(test for test in job.doubted if test in seen and seen[test].outcome == "passed")
    again = job.model_copy(update={"folder": job.folder / "again", "tests": due})
    caches = open_caches(again, env_python) if due else ()
    if not caches:
        return ()
    sandbox = open_sandbox(again, env_python, interpreter, harness, means) if means is not None else None
    results = supervise(with_caches(again, caches), env_python, harness, installed, sandbox).results
    failed = tuple(result for test, result in results.items() if test in due and result.outcome != "passed")
    for cache in caches:
        cache.close(keep=False)
        if failed:
            cache.give_up(f"{failed[0].test} fails with the compiler cache of {cache.distribution} and passes without")
    return failed


def _since(began: float) -> float:
    """The seconds since `began`, a time of :func:`time.monotonic`."""
    return round(time.monotonic() - began, 3)


def _install(
    job: Job, env_python: Path, cache: PackageCache, builds: BuildSandbox | None = None, *, copied: bool = False
) -> tuple[subprocess.CompletedProcess[str], tuple[FreshWheel, ...]]:
    """Fill the environment of `env_python` with the job's lock and bytecode.

    Args:
        job: The job.
        env_python: The Python executable of the environment.
        cache: The package cache.
        builds: The sandbox in which sources are built; None: they are built outside, or not at all.
        copied: Whether the files are copied from the cache. By default they are linked.

    Returns:
        The last run of uv, and what the wheels looked like that it installed.
    """
    lock_file = job.folder / "lock.txt"
    lock_file.write_text(job.lock.text(), encoding="utf-8")
    done, fresh = _install_once(job, lock_file, env_python, cache, builds, copied=copied)
    if done.returncode == 0 and any(wheel.files == "" for wheel in fresh):
        cache.renew(env_python, job.interpreter)
        return _install_once(job, lock_file, env_python, cache, builds, copied=copied)
    return done, fresh


def _install_once(
    job: Job, lock_file: Path, env_python: Path, cache: PackageCache, builds: BuildSandbox | None, *, copied: bool
) -> tuple[subprocess.CompletedProcess[str], tuple[FreshWheel, ...]]:
    """Fill the environment, after all that is damaged has been removed from the cache. See :func:`_install`."""
    cache.heal(job.lock)
    sync = partial(
        cache.sync,
        lock_file,
        env_python,
        job.index,
        copied=copied,
        build=job.build,
        closed=builds,
        sources=[pin.source for pin in job.lock.pins],
    )
    with cache.in_use():
        before = cache.with_bytecode(job.lock)
        done = sync()
        if done.returncode == 0 and cache.compile(job.lock, job.interpreter, before):
            # The environment was linked before the bytecode was there. One that is made again has it.
            cache.renew(env_python, job.interpreter)
            done = sync()
        # Nobody removes a wheel before this is known, so that no removal stays unnoticed.
        return done, cache.wheels(job.lock)


#: A file is not the one that was locked, or it is cut off or damaged.
_DAMAGED = re.compile(
    r"Hash mismatch|Failed to extract archive|Failed to read from zip file|[Ii]nvalid (?:zip|gzip header)|Bad CRC"
    r"|Bad (?:un)?compressed size|(?:CRC|checksum) mismatch|corrupt deflate stream|unexpected end of file"
)


def _install_failure(
    installation: subprocess.CompletedProcess[str], fresh: Iterable[FreshWheel], python: str
) -> tuple[CellOutcome, str, str] | None:
    """The outcome of an installation that failed, why, and the log of it; None if it did not fail.

    Args:
        installation: The last run of uv.
        fresh: What the wheels looked like that it installed.
        python: The Python of the lock.
    """
    if installation.returncode != 0:
        outcome, detail = _install_outcome(installation.stderr, python)
        return outcome, detail, strip_addresses(installation.stderr)[-LOG_CHARACTERS:]
    damaged = next((wheel.name for wheel in fresh if wheel.files == ""), "")
    if damaged:
        detail = f"the files of {damaged} in the package cache are not those of its RECORD, twice in other ways"
        return "damaged-download", detail, ""
    return None


def _install_outcome(stderr: str, python: str = "") -> tuple[CellOutcome, str]:
    """The outcome of a failed installation, and uv's words. It can be the fault of the lock, the machine or the index.

    Args:
        stderr: What uv wrote.
        python: The Python of the lock.
    """
    only_sources = re.search(
        r"`?([\w.-]+==[\w.+!-]+)`? .*(?:no usable wheels|building from source is disabled)", stderr
    )
    if only_sources is not None:
        return "no-wheel-for-platform", without_wheel(only_sources[1], python)
    if refused := refused_hosts(stderr):
        return "index-unreachable", refused
    error = re.search(r"^error: ", stderr, re.MULTILINE)  # uv tells what it did before it failed, too
    words = " ".join(strip_addresses(stderr[error.start() if error else 0 :]).split())[:600]
    # The whole log is searched, since the reason can stand in the middle of a long one.
    if re.search(NO_NETWORK, stderr, re.IGNORECASE):
        return "index-unreachable", f"a host from which a build fetches something is out of reach: {words}"
    if "No space left on device" in stderr:
        return "disk-full", words
    if re.search(r"error sending request|dns error|timed out|connect error|response body|HTTP status", words):
        return "index-unreachable", words
    if re.search(r"archive-v\d+/.*No such file or directory", words):
        return "crashed", f"packages vanished from the cache while they were installed: {words}"
    if _DAMAGED.search(stderr) and "build backend returned an error" not in stderr:
        if "Hash mismatch" in stderr:
            return "damaged-download", f"the package index contradicts itself about the hash of a file: {words}"
        return "damaged-download", f"a file that the index or the cache gave is damaged: {words}"
    if "The wheel is invalid" in stderr:  # though it is the file that was locked
        return "uninstallable", words
    # A locked file is no longer on the index. A source that was downloaded and does not build is another matter.
    if re.search(r"Failed to (fetch|download(?! and build))|No solution found", words):
        return "index-unreachable", words
    if re.search(r"no wheels? (are|is|with)? ?.*(platform|compatible)|not compatible with the current platform", words):
        return "no-wheel-for-platform", words
    return "uninstallable", words


def _outcome(
    job: Job, observations: CellObservations, env_python: Path, sandbox: Sandbox | None
) -> tuple[CellOutcome, str]:
    """The outcome of a run whose lock was installed; and why, in a sentence that is empty for ``ran``.

    Args:
        job: The job.
        observations: What was seen of the tests.
        env_python: The Python executable of the environment.
        sandbox: The sandbox in which they ran; None without one.
    """
    if observations.suite_error:
        return "suite-broken", observations.suite_error
    for when, installed in observations.environments:
        wrong = difference(job, installed)
        if wrong:
            return "invalid", f"at the {when} of the tests, {wrong}"
    if observations.foreign_events:
        return "invalid", observations.foreign_events
    if observations.foreign:
        return "invalid", f"loaded from outside the environment: {', '.join(observations.foreign[:5])}"
    if not observations.environments:
        refusal = _why_nothing_starts(job, env_python, sandbox)
        if refusal:
            return "uninstallable", refusal
        return "crashed", "the interpreter ended before it could say anything"
    if observations.over_time:
        return "timeout", f"the cell's limit of {job.limits.seconds:.0f} s was reached"
    if not observations.was_collected and not observations.results:
        return "crashed", "the interpreter ended before the tests were collected"
    remaining = observations.remaining()
    if remaining:
        return "crashed", f"the interpreter ended before {len(remaining)} of the tests could begin"
    return "ran", ""


def _changed_outside(
    job: Job, cache: PackageCache, fresh: tuple[FreshWheel, ...], harness: Path, *, whole: bool
) -> str:
    """What was changed outside of the environment while the tests ran, in a sentence; empty: nothing.

    Args:
        job: The job.
        cache: The package cache. What was changed there is removed.
        fresh: What the installed wheels looked like before.
        harness: The folder with pytest.
        whole: As for :meth:`PackageCache.heal`.
    """
    changed = cache.heal(job.lock, fresh, whole=whole)
    if not is_unchanged(harness, files_of(harness)):
        return "files of pytest, with which the tests ran, were altered while they ran"
    if not changed:
        return ""
    name, file = next(iter(changed.items()))
    return (
        f"{file} of {name} was changed in the package cache while the tests ran, so that it was downloaded anew; "
        "in a sandbox a release can change only its own environment"
    )


#: The seconds that an interpreter can take to start and end.
_START_SECONDS = 60.0


def _why_nothing_starts(job: Job, env_python: Path, sandbox: Sandbox | None) -> str:
    """Why nobody can run a program in an environment, in a sentence; empty if it may have been the machine.

    What is installed can run code whenever an interpreter starts. It is the reason only if the same interpreter starts
    without it.
    """
    empty = ["-I", "-c", ""]
    inside, without = [str(env_python), *empty], [str(job.interpreter), *empty]
    if sandbox is not None:  # the sandbox can be what does not start
        inside, without = sandbox.command(inside), sandbox.command(without)
    codes = [_exit_code(inside), _exit_code(inside), _exit_code(without)]
    if 0 in codes[:2] or None in codes or codes[2] != 0:
        return ""
    return f"no program starts in the environment: its interpreter ends with code {codes[0]} before it runs any"


def _exit_code(command: list[str]) -> int | None:
    """The exit code of a command; None if it does not end in time."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_START_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode


def _environment(outcome: CellOutcome, observations: CellObservations) -> Environment | None:
    """The installed distributions; None if they are not what was asked for, or if nothing could be run there."""
    if outcome in ("suite-broken", "invalid") or not observations.environments:
        return None
    _, installed = observations.environments[0]
    return Environment(distributions=installed)


def difference(job: Job, installed: Mapping[str, str]) -> str:
    """The first difference of an environment from a job's lock and requirements, in a sentence; empty without one.

    Args:
        job: The job.
        installed: The version of each distribution in the environment.
    """
    locked = job.lock.versions()
    for name, version in locked.items():
        if name not in installed:
            return f"{name} {version} was locked but is not installed"
        if not _same_version(installed[name], version):
            return f"{name} {version} was locked but {installed[name]} is installed"
    extra = sorted(installed.keys() - locked.keys())
    if extra:
        return f"{', '.join(extra)} is installed but was not locked"
    forced = set(map(name_of, job.forced))
    markers = marker_environment(job.lock.python)
    for text in job.requirements:
        requirement = parse_requirement(text)
        name = requirement.name
        if requirement.marker is not None and not requirement.marker.evaluate(markers):
            continue
        if name not in installed:
            return f"{text} was requested but is not installed"
        if name not in forced and not requirement.specifier.contains(installed[name], prereleases=True):
            return f"{text} was requested but {name} {installed[name]} is installed"
    for name in job.development:
        if not Version(installed[name]).is_devrelease:
            return f"{name} was to be a development version but is {installed[name]}"
    return ""


def _same_version(installed: str, locked: str) -> bool:
    try:
        return Version(installed) == Version(locked)
    except InvalidVersion:
        return False
