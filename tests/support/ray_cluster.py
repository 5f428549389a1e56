"""A Ray cluster of several nodes on this machine, as a process of its own that ends when its standard input does.

It writes the address of the cluster in the first line. Each line of its input is JSON: the variables of a further node
with one CPU. It answers with the id of the node and the process id of its raylet.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

#: A node knows as little of the machine as it can: one CPU, a small object store, memory for one cell at a time.
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "memory": 12 * 2**30}


class Node(NamedTuple):
    """A node: its id in the cluster, and the process id of its raylet."""

    id: str
    raylet: int


class RayCluster:
    """The cluster. Its head runs no cells. Use it as a context manager."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        self._environment = dict(environment)

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # an interrupt of the tests must not end it before it has ended its nodes
            )
        self.address: str = self._answer()["address"]
        return self

    def add(self, environment: Mapping[str, str]) -> Node:
        """A further node, whose processes have these variables too."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(dict(environment)) + "\n")
        self._process.stdin.flush()
        return Node(**self._answer())

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._log.read_text(encoding="utf-8", errors="replace")[-4000:]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=120)


def _serve() -> None:
    from ray.cluster_utils import Cluster

    say = sys.stdout
    sys.stdout = sys.stderr  # Ray writes there
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        say.write(json.dumps({"address": cluster.address}) + "\n")
        say.flush()
        for line in sys.stdin:
            node = cluster.add_node(env_vars=json.loads(line), **NODE)
            raylet = node.all_processes["raylet"][0].process.pid
            say.write(json.dumps({"id": node.node_id, "raylet": raylet}) + "\n")
            say.flush()
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    _serve()
