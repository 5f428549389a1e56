"""Archives of evidence that a person names: the kinds of records in them, the option --from, and taking one over."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from stackcompat.blame.diagnosis import DIAGNOSES
from stackcompat.cli.console import err
from stackcompat.core.errors import UsageError
from stackcompat.core.record import Kind
from stackcompat.core.text import counted
from stackcompat.evidence.shards import PLANS
from stackcompat.evidence.store import Store
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.resolve.islands import ISLANDS

__all__ = ["KINDS", "components_of", "take_over"]

#: The kinds of records that a store keeps besides evidence, resolutions and runs.
KINDS: tuple[Kind[Any], ...] = (DIAGNOSES, FRONTIERS, ISLANDS, PLANS)


def components_of(project: Ecosystem) -> tuple[str, ...]:
    """The names of the components of an ecosystem."""
    return tuple(component.name for component in project.components().components)


def take_over(source: str, project: Ecosystem, store: Store, key: Path | None = None) -> None:
    """Take over an archive of evidence into a store, and say on standard error how much of it was new.

    Args:
        source: Its file, or its address.
        project: The ecosystem whose evidence it must be.
        store: The store of the ecosystem.
        key: The public key that must have signed it; None if anybody may have made it.

    Raises:
        UsageError: There is no such archive, or it cannot be trusted.
        StackcompatError: The server of the address does not answer as it should.
    """
    # Arrow takes a while to import, and most commands do without it.
    from stackcompat.evidence.archive import import_archive  # noqa: PLC0415
    from stackcompat.evidence.download import is_address, readable_address  # noqa: PLC0415
    from stackcompat.evidence.signature import SUFFIX, verify  # noqa: PLC0415

    before = store.size()
    with tempfile.TemporaryDirectory(prefix="stackcompat-") as folder:
        if is_address(source):
            path, name = Path(folder, "archive"), readable_address(source)
            _download(source, path)
            if key is not None:
                _download(f"{source}{SUFFIX}", Path(folder, f"archive{SUFFIX}"))
        else:
            path, name = Path(source), source
            if not path.is_file():
                raise UsageError(f"FILE: {source} is no file; give an archive of evidence, or the address of one")
        if key is not None:
            verify(path, path.with_name(path.name + SUFFIX), key, name)
        archive = import_archive(path, name, store, KINDS, components_of(project))
    runs, new = archive.rows["evidence"], store.size() - before
    err.print(
        f"{name}: evidence of {counted(runs, 'run')}, {new} of them new here (digest {archive.digest})", markup=False
    )


def _download(address: str, path: Path) -> None:
    """Download an archive, with a bar on a terminal where the server says how much there is."""
    from stackcompat.evidence.download import download  # noqa: PLC0415
    from stackcompat.evidence.remote import fetch  # noqa: PLC0415

    if not address.startswith(("https://", "http://")):
        fetch(address, path)
        return
    columns = (TextColumn("download"), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, console=err, disable=not err.is_watched, transient=True) as progress:
        task = progress.add_task("", total=None)
        download(address, path, lambda come, total: progress.update(task, completed=come, total=total))
