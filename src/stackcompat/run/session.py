"""One cell, from a lock to what its tests did: environment and run, called by a nox session (see noxfile.py here).

The environment holds exactly the lock. What was asked for is compared with what is there before the first test and
after the last one; any difference makes the run ``invalid``.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from stackcompat.core.redact import strip_addresses
from stackcompat.core.requirements import marker_environment, name_of, parse_requirement
from stackcompat.evidence.results import NO_NETWORK, CellOutcome, CellResult, Environment
from stackcompat.run.job import Job
from stackcompat.run.package_cache import PackageCache
from stackcompat.run.supervisor import LOG_CHARACTERS, Supervisor, adopt_orphans

__all__ = ["difference", "run"]


def difference(job: Job, observed: Mapping[str, str]) -> str:
    """In one sentence how the environment differs from the lock and the request; empty where it does not."""
    locked = job.lock.versions()
    for name, version in locked.items():
        if name not in observed:
            return f"{name} {version} was locked but is not installed"
        if not _same(observed[name], version):
            return f"{name} {version} was locked but {observed[name]} is installed"
    extra = sorted(observed.keys() - locked.keys())
    if extra:
        return f"{', '.join(extra)} is installed but was not locked"
    overridden = {name_of(text) for text in job.forced}
    for text in job.requirements:
        requirement = parse_requirement(text)
        name = requirement.name
        environment = marker_environment(job.lock.python)
        if requirement.marker is not None and not requirement.marker.evaluate(environment):
            continue
        if name not in observed:
            return f"{text} was requested but is not installed"
        wanted = requirement.specifier
        if name not in overridden and not wanted.contains(observed[name], prereleases=True):
            return f"{text} was requested but {name} {observed[name]} is installed"
    for name in job.development:
        if not Version(observed[name]).is_devrelease:
            return f"{name} was to be a development version but is {observed[name]}"
    return ""


def _same(observed: str, locked: str) -> bool:
    try:
        return Version(observed) == Version(locked)
    except InvalidVersion:
        return False


def run(job: Job, python: Path) -> CellResult:
    """Install the job's lock into the environment of `python`, run its tests there, and say what happened."""
    started, began = dt.datetime.now(dt.UTC), time.monotonic()
    cache = PackageCache(job.cache, job.uv)
    lock_file = job.folder / "lock.txt"
    lock_file.write_text(job.lock.text(), encoding="utf-8")

    def result(outcome: CellOutcome, detail: str = "", **more: Any) -> CellResult:
        values = {"outcome": outcome, "detail": detail, "started": started}
        return CellResult.model_validate(values | {"seconds": round(time.monotonic() - began, 3)} | more)

    with cache.in_use():
        done = cache.sync(lock_file, python, job.index)
        if done.returncode == 0 and cache.compile(job.lock, job.interpreter):
            # The environment was linked before the bytecode was there; a new one has it.
            cache.renew(python, job.interpreter)
            done = cache.sync(lock_file, python, job.index)
    if done.returncode != 0:
        outcome, detail = _install_outcome(done.stderr)
        return result(outcome, detail, log=strip_addresses(done.stderr)[-LOG_CHARACTERS:])
    installed = round(time.monotonic() - began, 3)
    harness = cache.harness(job.lock.python, job.interpreter)
    adopt_orphans()
    if job.exchange is not None:
        job.exchange.open(job.artifacts)
    session = Supervisor(job, python, harness)
    session.run()
    more: dict[str, Any] = {
        "install_seconds": installed,
        "tests": tuple(session.results.values()),
        "isolation": session.isolation,
        "log": strip_addresses(session.log_text()),
    }
    if session.suite_error:
        return result("suite-broken", session.suite_error, **more)
    for when, observed in session.environments:
        if wrong := difference(job, observed):
            return result("invalid", f"at the {when} of the tests, {wrong}", **more)
    if session.foreign:
        return result("invalid", f"loaded from outside the environment: {', '.join(session.foreign[:5])}", **more)
    if not session.environments:
        return result("crashed", "the interpreter ended before it could say anything", **more)
    more["observed"] = Environment(distributions=session.environments[0][1])
    if session.over_time:
        return result("timeout", f"the cell's limit of {job.limits.seconds:.0f} s was reached", **more)
    if session.remaining():
        detail = f"the interpreter ended before {len(session.remaining())} of the tests could begin"
        return result("crashed", detail, **more)
    if job.exchange is not None:
        job.exchange.close(job.artifacts, session.results.values())
    return result("ran", **more)


def _install_outcome(stderr: str) -> tuple[CellOutcome, str]:
    """Tell a lock that does not install from a machine or an index that fails."""
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
    # What was locked is not there any more; a source that does not build is.
    if re.search(r"Failed to (fetch|download(?! and build))|No solution found", words):
        return "index-unreachable", words
    if re.search(r"no wheels? (are|is|with)? ?.*(platform|compatible)|not compatible with the current platform", words):
        return "no-wheel-for-platform", words
    return "uninstallable", words
