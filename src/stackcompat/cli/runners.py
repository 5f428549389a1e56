"""What commands that run cells work with: the runners of an ecosystem."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping, Sequence

import click
import uv
from click.core import ParameterSource

from stackcompat.cli.options import ACCELERATOR, BUILD, EXECUTOR, ISOLATION
from stackcompat.cli.workspace import open_index, open_store
from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.folders import default_cache
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.interpreters import Interpreter, find_interpreters, how_to_get
from stackcompat.ecosystem.suite import Suite
from stackcompat.pipeline.runner import JobTransform, Reuse, Runner
from stackcompat.pipeline.upstream import OwnTests
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.build_sandbox import build_sandbox
from stackcompat.run.hardware import Hardware, find_hardware
from stackcompat.run.harness import install_harness
from stackcompat.run.interface import Executor
from stackcompat.run.isolation import find_means, level_of
from stackcompat.run.job import IsolationChoice
from stackcompat.run.local import LocalExecutor
from stackcompat.run.package_cache import PackageCache, cache_bound
from stackcompat.run.sandbox import plugin_code

__all__ = ["make_exchange_runner", "make_runner", "refuse_missing"]


def make_runner(
    project: Ecosystem,
    jobs: int,
    pythons: Sequence[str] | None,
    level: Level = "interop",
    *,
    reuse: bool | None = None,
    dry: bool = False,
) -> Runner:
    """The runner for cells of an ecosystem. It shows no progress.

    Args:
        project: The ecosystem with the components and the smoke tests.
        jobs: How many cells run at once on this machine. On a cluster it counts only if a person gave it.
        pythons: The Pythons of the cells; None: all that are on this machine.
        level: How deep the cells go. Those of ``upstream`` also run the releases' own tests.
        reuse: Whether the cells use what was made in others: results where they hold, and compiled programs. None: only
            compiled programs.
        dry: Whether the store keeps nothing.

    Raises:
        UsageError: --isolation asks for a sandbox, and this machine has none.
    """
    isolation: IsolationChoice = click.get_current_context().meta.get(ISOLATION, "auto")
    build: bool = click.get_current_context().meta.get(BUILD, False)
    if isolation == "strict" and not dry and click.get_current_context().meta.get(EXECUTOR, "local") == "local":
        level_of(isolation, find_means())
    cache = PackageCache(default_cache(), uv.find_uv_bin(), cache_bound())
    click.get_current_context().with_resource(cache.claimed())
    catalog = open_index()
    interpreters = find_interpreters(pythons)
    paths = {python: interpreter.path for python, interpreter in interpreters.items()}
    builds = build_sandbox(find_means(), cache.packages) if build and isolation in ("auto", "strict") else None
    closed = builds.command if builds is not None else None
    executor, hardware = _make_executor(cache, jobs, interpreters)
    return Runner(
        components=project.components(),
        catalog=catalog,
        store=open_store(project, dry=dry),
        cache=cache,
        interpreters=interpreters,
        resolver=Resolver(cache.packages, paths, cache.uv, cache.wheel, cache.in_use, build=build, closed=closed),
        executor=executor,
        suite=Suite(project.suite, plugin_code(), cache=default_cache() / "suites"),
        transform=OwnTests(catalog) if level == "upstream" else JobTransform(),
        hardware=hardware,
        isolation=isolation,
        build=build,
        reuse=Reuse() if reuse else None,
        compiler_cache=reuse is not False,
    )


def _make_executor(
    cache: PackageCache, jobs: int, interpreters: Mapping[str, Interpreter]
) -> tuple[Executor, Hardware]:
    """The executor that --executor names, and the hardware of its cells."""
    context = click.get_current_context()
    accelerator: str | None = context.meta.get(ACCELERATOR)
    if context.meta.get(EXECUTOR, "local") == "local":
        if accelerator is not None:
            raise UsageError("--accelerator: is for --executor ray; this machine's own accelerators are always used")
        return LocalExecutor(cache, jobs), find_hardware()
    try:
        from stackcompat.run.ray_executor import Accelerator, RayExecutor, connect  # noqa: PLC0415
    except ModuleNotFoundError:
        raise UsageError("--executor: ray needs the extra `ray`: pip install 'stackcompat[ray]'") from None
    wanted = Accelerator.parse(accelerator) if accelerator is not None else None
    is_given = context.get_parameter_source("jobs") not in (None, ParameterSource.DEFAULT)
    workers, patience = jobs if is_given else None, _patience()
    connect(workers)
    executor = RayExecutor(
        interpreters,
        lambda python: install_harness(cache, python, interpreters[python].path),
        accelerator=wanted,
        workers=workers,
        patience=patience,
    )
    context.call_on_close(executor.close)
    return executor, executor.hardware()


#: The seconds that a cell waits for a node that fits while the cluster has none; see docs/ray.md.
_PATIENCE = "STACKCOMPAT_RAY_PATIENCE"


def _patience() -> float:
    """The value of the variable, or else two minutes."""
    given = os.environ.get(_PATIENCE, "").strip()
    try:
        seconds = float(given or 120)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise UsageError(f'{_PATIENCE}: "{given}" is no number of seconds; allowed is 0 or more, such as 600')
    return seconds


def refuse_missing(pythons: Iterable[str], interpreters: Container[str]) -> None:
    """Refuse the first of some Pythons that is not on this machine, and say how to get it."""
    for python in pythons:
        if python not in interpreters:
            raise StackcompatError(how_to_get(python))


def make_exchange_runner(project: Ecosystem, runner: Runner) -> Runner:
    """The runner for the tests that write and read artifacts. It shares everything else with `runner`."""
    return runner.testing(Suite(project.exchange, runner.suite.plugin, project.suite, runner.suite.cache))
