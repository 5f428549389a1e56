"""Commands as processes, in an ecosystem and with an index of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.odd_index import OddIndex

__all__ = ["Commands"]

#: What the user of the tests may have set and what would change what a command does.
_UNWANTED = ("UV_", "PIP_", "STACKCOMPAT_", "GITHUB_", "CI", "NO_COLOR", "FORCE_COLOR", "CONDA_PREFIX")


@dataclass
class Commands:
    """An ecosystem in a folder of its own, in which commands run.

    Attributes:
        folder: The folder.
        index: The index that the commands ask; at first it answers nothing.
        environment: Further variables of the commands.
    """

    folder: Path
    index: OddIndex
    environment: dict[str, str] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """The variables of a command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}
        ours = {
            "UV_DEFAULT_INDEX": self.index.address,
            "STACKCOMPAT_CACHE": str(self.folder / "cache"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        return kept | ours | self.environment

    def start(self, *arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command; its output goes to pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "stackcompat", *arguments],
            cwd=self.folder,
            env=self.variables() | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
        )

    def run(
        self, *arguments: str, limit: float = 120, variables: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Run a command: its exit code, what it printed, and what it printed as errors. It never ends in a traceback.

        Args:
            *arguments: The arguments of the command line.
            limit: The seconds after which it is taken to hang.
            variables: Further variables of this command.
        """
        process = self.start(*arguments, variables=variables)
        try:
            output, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        assert "Traceback" not in output + errors, output + errors
        return process.returncode, output, errors
