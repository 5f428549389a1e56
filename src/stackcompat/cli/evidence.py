"""The commands that carry evidence from one machine to another."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import click

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.archives import KINDS, components_of, take_over
from stackcompat.cli.console import out
from stackcompat.cli.options import project_option
from stackcompat.cli.publish import past_runs, table_of
from stackcompat.cli.workspace import open_store
from stackcompat.core.dates import now
from stackcompat.core.errors import StackcompatError
from stackcompat.core.text import counted
from stackcompat.evidence.archive import export_archive
from stackcompat.evidence.download import is_address, readable_address
from stackcompat.evidence.remote import put
from stackcompat.evidence.signature import SUFFIX, sign, verify
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.history import History
from stackcompat.verdict.judge import Judge
from stackcompat.verdict.retention import runs_from, runs_needed

__all__ = ["evidence"]


@click.group()
def evidence() -> None:
    """Carry what the store knows from one machine to another, as one file.

    \b
    stackcompat evidence export evidence.parquet
    stackcompat evidence import evidence.parquet
    stackcompat run quick --from evidence.parquet
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)


@evidence.command("export")
@click.argument("file", metavar="FILE|URL")
@project_option
def export_(file: str, project_folder: str | None) -> None:
    """Write everything that the store knows into a file, but no logs and no tracebacks.

    It is JSON lines if its name ends in .jsonl or .jsonl.gz, else Parquet. A URL such as s3://bucket/evidence.parquet
    needs stackcompat[fsspec] and the library of the service.
    """
    project = find_ecosystem(project_folder)
    store = open_store(project, reading=True)
    with tempfile.TemporaryDirectory(prefix="stackcompat-") as folder:
        path = Path(folder, Path(urlsplit(file).path).name) if is_address(file) else Path(file)
        archive = export_archive(store, path, KINDS, components_of(project))
        megabytes = path.stat().st_size / 1e6
        if is_address(file):
            put(path, file)
            file = readable_address(file)
    rows = archive.rows
    out.print(
        f"{file}: {counted(rows['evidence'], 'run')} of locks, {counted(rows['locks'], 'lock')}, "
        f"{counted(rows['runs'], 'run')} of matrices, "
        f"{megabytes:.1f} MB (digest {archive.digest})",
        markup=False,
    )


@evidence.command("sign")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), metavar="PEM", help="The private key.")
def sign_(file: Path, key: Path) -> None:
    """Sign FILE, an archive: write FILE.intoto.jsonl, by which others can tell who made it.

    A key of one's own is enough: openssl genpkey -algorithm ed25519 -out key.pem
    """
    out.print(f"{sign(file, key)}: the signature of {file}", markup=False)


@evidence.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), metavar="PEM", help="The signer's public key.")
def verify_(file: Path, key: Path) -> None:
    """Verify that FILE is what the owner of a key signed. Nothing is imported."""
    key_id = verify(file, file.with_name(file.name + SUFFIX), key, str(file))
    out.print(f"{file}: is signed by the key {key_id[:16]}", markup=False)


@evidence.command("import")
@click.argument("file", metavar="FILE|URL")
@click.option(
    "--signed-by",
    "key",
    type=click.Path(path_type=Path),
    metavar="PEM",
    help="Refuse the archive unless it is signed by the owner of this public key.",
)
@project_option
def import_(file: str, key: Path | None, project_folder: str | None) -> None:
    """Take over an archive of evidence into the project's store. Taking it over again changes nothing.

    An archive that is damaged, of another project, or written by a newer stackcompat is refused as a whole. Its digests
    show that it is whole; they do not show who wrote it. So take archives only from where you trust, or let --signed-by
    verify who made them.
    """
    project = find_ecosystem(project_folder)
    take_over(file, project, open_store(project), key)


@evidence.command("prune")
@click.option(
    "--older-than", "days", type=click.IntRange(1), default=365, show_default=True, metavar="DAYS", help="How old."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be dropped.")
@project_option
def prune_(days: int, dry_run: bool, project_folder: str | None) -> None:
    """Drop old runs of matrices, and the evidence that nothing rests on any more.

    The table of the store is the same afterwards: runs stay that say since when something works or is broken, the last
    31 of each matrix, and all evidence of baselines and searches. So does which test passed with which release.
    """
    project = find_ecosystem(project_folder)
    store = open_store(project)
    moment = now()
    before = moment - dt.timedelta(days=days)
    past = past_runs(store)
    outlines = store.outlines_of_keys({key for run in past for key in run.evidence_keys()})
    greens = Greens(store.green_releases(), project.components())
    judge = Judge(project.components(), outlines.longest, greens)
    history = History(project.components(), past, outlines.evidence, Diagnoses(store.kept(DIAGNOSES)), judge=judge)
    needed = runs_needed(history, before)
    table = table_of(project, store, past, moment)
    # Between runs that are far apart, other locks can become witnesses for a pair. Then only the oldest runs can go.
    for places in (needed, runs_from(history, needed)):
        known = {(run.matrix, run.started) for place, run in enumerate(history.runs) if place in places}
        kept = [run for run in past if (run.matrix, run.started) in known]
        if table_of(project, store, kept, moment) == table:
            break
    else:
        raise StackcompatError("the table would say something else without these runs, so nothing was dropped")
    dropped = store.prune(lambda run: (run.matrix, run.started) in known or run.started >= before, before, dry=dry_run)
    verb = "would be dropped" if dry_run else "were dropped"
    out.print(
        f"{counted(dropped.runs, 'run')} of matrices and {counted(dropped.evidence, 'run')} of locks "
        f"from before {before:%Y-%m-%d} {verb}; "
        f"{counted(len(kept), 'run')} of matrices {'stays' if len(kept) == 1 else 'stay'}"
    )
