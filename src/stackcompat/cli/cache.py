"""The commands that show and empty the cache of packages, environments and all else that can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import click
import uv
from rich.table import Table

from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.console import out
from stackcompat.core.folders import default_cache
from stackcompat.core.text import size_words
from stackcompat.run.package_cache import (
    CONTENTS,
    RESERVE,
    PackageCache,
    cache_bound,
    free_bytes,
    measure,
)

__all__ = ["cache"]


@click.group()
def cache() -> None:
    """Show and empty the cache: packages, environments and all else that can be made again. No evidence is in it.

    \b
    stackcompat cache size
    stackcompat cache prune --all
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)


@cache.command("dir")
def dir_() -> None:
    """Print the folder of the cache. STACKCOMPAT_CACHE names another one."""
    click.echo(default_cache())


@cache.command()
@answer_options
def size(form: str, json_file: str | None) -> None:
    """Print the size of the cache, part by part. A file that several parts share counts for the first of them."""
    root = default_cache()
    sizes, free, bound = measure(root), free_bytes(root), cache_bound()
    total = sum(sizes.values())
    known = {"folder": str(root), "parts": sizes, "total": total, "bound": bound, "free": free, "reserve": RESERVE}
    tell(form, json_file, known, partial(_print_size, known))


def _print_size(known: Mapping[str, Any]) -> None:
    """Print the parts of the cache, the largest first, and when something is removed."""
    sizes = known["parts"]
    table = Table("part", "size", "what is in it", box=None, header_style="bold")
    table.columns[1].justify = "right"
    for name in sorted(filter(sizes.__getitem__, sizes), key=sizes.__getitem__, reverse=True):
        table.add_row(name, size_words(sizes[name]), CONTENTS[name])
    if table.row_count:
        out.print(table)
    out.print(
        f"{size_words(known['total'])} in all; packages and programs are removed above {size_words(known['bound'])}, "
        f"or if less than {size_words(RESERVE)} are free on the disk (now {size_words(known['free'])})"
    )


@cache.command()
@click.option("--all", "everything", is_flag=True, help="Remove all of it, unless a command is running that uses it.")
@answer_options
def prune(everything: bool, form: str, json_file: str | None) -> None:
    """Remove what is not in use: environments that stopped commands left, and packages above the allowed size."""
    root = default_cache()
    before = sum(measure(root).values())
    packages = PackageCache(root, uv.find_uv_bin(), cache_bound())
    in_use = packages.remove_leftovers()
    if everything:
        in_use = not packages.clear()
    else:
        packages.trim(anew=True)  # it is not known who used it since it was measured last
    left = sum(measure(root).values())
    answer = {"folder": str(root), "removed": before - left, "left": left, "in_use": in_use}
    tell(form, json_file, answer, partial(_print_pruned, before - left, left, unfinished=everything and in_use))


def _print_pruned(removed: int, left: int, *, unfinished: bool) -> None:
    out.print(f"{size_words(removed)} were removed, {size_words(left)} are left")
    if unfinished:
        out.print("a command is running that uses the cache; call this again when it has ended", style="yellow")
