"""What commands work with: the store and the index of an ecosystem. Those that run cells also need `runners`."""

from __future__ import annotations

import click

from stackcompat.cli.archives import KINDS, take_over
from stackcompat.cli.console import err
from stackcompat.cli.options import EVIDENCE_FROM
from stackcompat.core.errors import UsageError
from stackcompat.core.folders import default_cache
from stackcompat.ecosystem.index import PackageIndex
from stackcompat.evidence.database import is_read_only, place_name
from stackcompat.evidence.read_store import ReadStore
from stackcompat.evidence.store import Store
from stackcompat.plan.ecosystem import Ecosystem

__all__ = ["open_index", "open_store"]


#: Where a command keeps the package index that it has opened.
_INDEX = f"{__name__}.index"


def open_store(project: Ecosystem, *, dry: bool = False, reading: bool = False) -> Store:
    """The store of an ecosystem, with the evidence of the archive that --from names. The end of the command closes it.

    Args:
        project: The ecosystem.
        dry: Whether nothing is kept in it.
        reading: Whether the command only reads it, so that it need not be writable.

    Raises:
        UsageError: The archive is not there, or cannot be trusted; or nothing is to be kept; or the store cannot be
            written.
        StackcompatError: The server that has the archive does not answer as it should.
    """
    context = click.get_current_context()
    if dry and context.meta.get(EVIDENCE_FROM) is not None:
        raise UsageError("--dry-run: takes over no evidence; leave out --from, or call stackcompat evidence import")
    store = (ReadStore if dry else Store)(project.store, _tell, KINDS)
    context.call_on_close(store.close)
    writing = not (dry or reading) or context.meta.get(EVIDENCE_FROM) is not None
    if writing and is_read_only(project.store):
        raise UsageError(
            f"{place_name(project.store)} cannot be written, and only commands that read it work then; make it "
            "writable, or name another file in STACKCOMPAT_STORE"
        )
    source: str | None = context.meta.pop(EVIDENCE_FROM, None)
    if source is not None:
        take_over(source, project, store)
    return store


def _tell(sentence: str) -> None:
    """Print a sentence about a record of the store that is left out."""
    err.print(sentence, style="yellow", markup=False)


def open_index() -> PackageIndex:
    """The package index, opened once for each command. Its pages are kept in the tool's cache.

    Its connections end when the command ends.
    """
    context = click.get_current_context()
    opened: PackageIndex | None = context.meta.get(_INDEX)
    if opened is not None:
        return opened
    index = context.meta[_INDEX] = PackageIndex(default_cache() / "index")
    context.call_on_close(index.close)
    return index
