"""The command that joins the stores of several machines into one."""

from __future__ import annotations

from contextlib import ExitStack, closing

import click

from stackcompat.cli.archives import KINDS
from stackcompat.cli.console import err, out
from stackcompat.cli.options import project_option
from stackcompat.cli.workspace import open_store
from stackcompat.core.errors import UsageError
from stackcompat.evidence.database import exists, is_file, place_name
from stackcompat.evidence.store import Store
from stackcompat.plan.ecosystem import find_ecosystem

__all__ = ["merge"]


@click.command()
@click.argument("stores", nargs=-1, required=True, metavar="FILE|URL...")
@project_option
def merge(stores: tuple[str, ...], project_folder: str | None) -> None:
    """Take over the evidence, locks and runs of other stores into the project's store; shards become one run.

    All of them are checked first, and nothing is taken over if one is refused.
    """
    for place in stores:
        if not exists(place):
            kind = "no file" if is_file(place) else "no store"
            raise UsageError(f"STORE: {place_name(place)} is {kind}; give the evidence.sqlite of a run")
    store = open_store(find_ecosystem(project_folder))
    with ExitStack() as opened:
        others = [opened.enter_context(closing(Store(place, kinds=KINDS))) for place in stores]
        missing = store.merge(others, KINDS)
    for shard in missing:
        err.print(f"Shard {shard} is missing: what it should have run shows as untested.", style="yellow")
    out.print(f"{len(stores)} stores merged")
