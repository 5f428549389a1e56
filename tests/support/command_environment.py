"""The environment variables of a command that an end-to-end test starts."""

from __future__ import annotations

import os
from pathlib import Path

from support.loopback_index import LoopbackIndex

__all__ = ["command_environment"]

#: What the user of the tests may have set and what would change what a command does.
_UNWANTED = ("UV_", "PIP_", "STACKCOMPAT_", "PYTHONDONTWRITEBYTECODE", "CI")


def command_environment(index: LoopbackIndex, cache_root: Path) -> dict[str, str]:
    """The variables of this process, with an index and a package cache of the tests.

    Args:
        index: The only index that the command knows.
        cache_root: Its package cache.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}
    ours = {"UV_DEFAULT_INDEX": index.address, "STACKCOMPAT_CACHE": str(cache_root)}
    return kept | ours | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
