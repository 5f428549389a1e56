"""How uv is started: its environment, the user's index configuration, extra indexes and local sources."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from stackcompat.core.record import StackcompatError

__all__ = ["extra_index", "local_source", "uv_environment"]

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
