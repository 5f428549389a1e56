"""Which executor a command gets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from stackcompat.run.hardware import Hardware
from support.command_line import Run


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--executor", "slurm"), "'slurm' is not one of 'local', 'ray'"),
        (("--accelerator", "gpu"), "--accelerator: is for --executor ray; this machine's own accelerators are always"),
    ],
)
def test_mistakes_with_executors(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    code, _, error = run("run", "m", *arguments)
    assert code == 2
    assert sentence in " ".join(error.split())


@pytest.mark.parametrize("command", [("run", "m"), ("try", "alpha==1.0")])
def test_without_the_extra_one_sentence_says_what_to_install(
    command: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "stackcompat.run.ray_executor", raising=False)
    code, _, error = run(*command, "--executor", "ray")
    assert code == 2
    assert "--executor: ray needs the extra `ray`: pip install 'stackcompat[ray]'" in error


def test_a_mistake_is_told_before_a_cluster_is_looked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    monkeypatch.setattr("stackcompat.run.ray_executor.connect", lambda _: pytest.fail("it was looked for"))
    monkeypatch.setenv("STACKCOMPAT_EXECUTOR", "ray")
    code, _, error = run("run", "m", "--accelerator", "npu")
    assert code == 2
    assert '--accelerator: "npu" is not possible; allowed are gpu, gpu:H200, tpu:TPU-V5LITEPOD:4' in error
    for text in ("soon", "-1", "inf"):
        monkeypatch.setenv("STACKCOMPAT_RAY_PATIENCE", text)
        code, _, error = run("run", "m")
        assert code == 2
        assert f'STACKCOMPAT_RAY_PATIENCE: "{text}" is no number of seconds' in error


@pytest.mark.parametrize(("given", "workers"), [((), None), (("-j", "50"), 50)])
def test_the_number_of_cells_at_once_is_that_of_the_cluster_or_the_given_one(
    given: tuple[str, ...], workers: int | None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    asked: list[Any] = []

    class Cluster:
        """Runs nothing."""

        workers, local_workers = 7, 1

        def __init__(self, _: object, harness: Callable[[str], object], **more: Any) -> None:
            asked.append((more["workers"], more["patience"]))

        def hardware(self) -> Hardware:
            return Hardware()

        def stop(self) -> None:
            """Nothing runs."""

        def close(self) -> None:
            asked.append("closed")

    monkeypatch.setattr("stackcompat.run.ray_executor.connect", asked.append)
    monkeypatch.setattr("stackcompat.run.ray_executor.RayExecutor", Cluster)
    monkeypatch.setenv("STACKCOMPAT_RAY_PATIENCE", "5")
    run("run", "m", "--executor", "ray", "--dry-run", *given)
    assert asked == [workers, (workers, 5.0), "closed"]
