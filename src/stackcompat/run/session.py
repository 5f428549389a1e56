"""One cell, from a lock to what its tests did: environment and run, called by a nox session (see noxfile.py here).

The environment holds exactly the lock. It is compared with the lock and with the request before the first test and
after the last one; any difference makes the run ``invalid``.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from packaging.version import InvalidVersion, Version

from stackcompat.core.redact import strip_addresses
from stackcompat.core.requirements import marker_environment, name_of, parse_requirement
from stackcompat.evidence.results import NO_NETWORK, CellOutcome, CellResult, Environment
from stackcompat.run.job import Job
from stackcompat.run.package_cache import PackageCache
from stackcompat.run.process import adopt_orphans
from stackcompat.run.supervisor import LOG_CHARACTERS, Observations, supervise

__all__ = ["difference", "run"]


def run(job: Job, python: Path) -> CellResult:
    """Install the job's lock into an environment, run its tests there, and say what happened.

    Args:
        job: What is to be run.
        python: The interpreter of the environment, which is empty.
    """
    started, began = dt.datetime.now(dt.UTC), time.monotonic()
    cache = PackageCache(job.cache, job.uv)
    installation = _install(job, python, cache)
    if installation.returncode != 0:
        outcome, detail = _install_outcome(installation.stderr)
        log = strip_addresses(installation.stderr)[-LOG_CHARACTERS:]
        return CellResult(outcome=outcome, detail=detail, started=started, seconds=_since(began), log=log)
    install_seconds = _since(began)
    harness = cache.harness(job.lock.python, job.interpreter)
    adopt_orphans()
    if job.exchange is not None:
        job.exchange.open(job.artifacts)
    observations = supervise(job, python, harness)
    outcome, detail = _outcome(job, observations)
    if outcome == "ran" and job.exchange is not None:
        job.exchange.close(job.artifacts, observations.results.values())
    return CellResult(
        outcome=outcome,
        detail=detail,
        started=started,
        seconds=_since(began),
        install_seconds=install_seconds,
        observed=_environment(outcome, observations),
        tests=tuple(observations.results.values()),
        isolation=observations.isolation,
        log=strip_addresses(observations.log),
    )


def _since(began: float) -> float:
    """The seconds that passed since `began`, by :func:`time.monotonic`."""
    return round(time.monotonic() - began, 3)


def _install(job: Job, python: Path, cache: PackageCache) -> subprocess.CompletedProcess[str]:
    """Fill the environment of `python` with the job's lock, bytecode included; what uv said last."""
    lock_file = job.folder / "lock.txt"
    lock_file.write_text(job.lock.text(), encoding="utf-8")
    with cache.in_use():
        done = cache.sync(lock_file, python, job.index)
        if done.returncode == 0 and cache.compile(job.lock, job.interpreter):
            # The environment was linked before the bytecode was there; a new one has it.
            cache.renew(python, job.interpreter)
            done = cache.sync(lock_file, python, job.index)
    return done


def _install_outcome(stderr: str) -> tuple[CellOutcome, str]:
    """Tell a lock that does not install from a machine or an index that fails: the outcome, and the installer's words.

    Args:
        stderr: What uv wrote.
    """
    words = " ".join(strip_addresses(stderr).split())[:600]
    # What is said in the middle of a long log counts.
    if re.search(NO_NETWORK, stderr, re.IGNORECASE):
        return "index-unreachable", f"a host from which a build fetches something is out of reach: {words}"
    if "No space left on device" in stderr:
        return "disk-full", words
    if re.search(r"error sending request|dns error|timed out|connect error|response body|HTTP status", words):
        return "index-unreachable", words
    if re.search(r"archive-v\d+/.*No such file or directory", words):
        return "crashed", f"packages vanished from the cache while they were installed: {words}"
    if re.search(r"Hash mismatch|Failed to extract archive", words):
        return "uninstallable", words
    # What was locked is not on the index any more. A source that is there and does not build is another matter.
    if re.search(r"Failed to (fetch|download(?! and build))|No solution found", words):
        return "index-unreachable", words
    if re.search(r"no wheels? (are|is|with)? ?.*(platform|compatible)|not compatible with the current platform", words):
        return "no-wheel-for-platform", words
    return "uninstallable", words


def _outcome(job: Job, observations: Observations) -> tuple[CellOutcome, str]:
    """The outcome of a run whose lock was installed, with a sentence unless the tests ran."""
    if observations.suite_error:
        return "suite-broken", observations.suite_error
    for when, installed in observations.environments:
        wrong = difference(job, installed)
        if wrong:
            return "invalid", f"at the {when} of the tests, {wrong}"
    if observations.foreign:
        return "invalid", f"loaded from outside the environment: {', '.join(observations.foreign[:5])}"
    if not observations.environments:
        return "crashed", "the interpreter ended before it could say anything"
    if observations.over_time:
        return "timeout", f"the cell's limit of {job.limits.seconds:.0f} s was reached"
    remaining = observations.remaining()
    if remaining:
        return "crashed", f"the interpreter ended before {len(remaining)} of the tests could begin"
    return "ran", ""


def _environment(outcome: CellOutcome, observations: Observations) -> Environment | None:
    """What was installed, unless it was not what was asked for or nothing could be run in it."""
    if outcome in ("suite-broken", "invalid") or not observations.environments:
        return None
    _, installed = observations.environments[0]
    return Environment(distributions=installed)


def difference(job: Job, installed: Mapping[str, str]) -> str:
    """In one sentence how an environment differs from the job's lock and request; empty where it does not.

    Args:
        job: What was asked for.
        installed: The version of each distribution that was found in the environment.
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
