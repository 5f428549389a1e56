"""The command that keeps issues about breaks up to date."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import click

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.completion import complete_matrix
from stackcompat.cli.console import out
from stackcompat.cli.lookup import every_run
from stackcompat.cli.options import is_given, project_option
from stackcompat.cli.workspace import open_store
from stackcompat.core.dates import now
from stackcompat.core.errors import UsageError
from stackcompat.core.text import counted
from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.issue_text import issue_body, issue_title
from stackcompat.nightly.tracker import MOST_NEW, GitHub, choose_issues, sync_issues
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.verdict.greens import Greens

__all__ = ["watch_"]


@click.command("watch")
@click.argument("matrix", default="nightly", shell_complete=complete_matrix)
@click.option("--dry-run", is_flag=True, help="Print what would be done, with the text of each issue.")
@click.option("--repository", metavar="OWNER/NAME", help="The GitHub repository whose issues are kept up to date.")
@click.option(
    "--token-variable", default="GITHUB_TOKEN", show_default=True, help="The environment variable with the token."
)
@click.option(
    "--api", envvar="GITHUB_API_URL", metavar="URL", help="Address of the API; default: $GITHUB_API_URL, or GitHub's."
)
@click.option(
    "--most-new",
    type=click.IntRange(1),
    default=MOST_NEW,
    show_default=True,
    metavar="N",
    help="The most issues that one night opens; if there are more failures, the last of these issues names the rest.",
)
@answer_options
@project_option
def watch_(
    matrix: str,
    dry_run: bool,
    repository: str | None,
    token_variable: str,
    api: str | None,
    most_new: int,
    form: str,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Open, update and close an issue for each failure of pairs and tests at the newest releases of MATRIX.

    Without MATRIX it is nightly.
    """
    if dry_run == (repository is not None):
        raise UsageError("watch: give either --dry-run or --repository OWNER/NAME")
    token = os.environ.get(token_variable, "")
    if repository is not None and not token:
        raise UsageError(
            f"--token-variable: {token_variable} is empty; it must hold a token with the right to write issues"
        )
    project = find_ecosystem(project_folder)
    store = open_store(project, reading=True)
    runs = every_run(store, matrix, is_default=not is_given("matrix"))
    evidence = store.of_keys(cell.key for run in runs for cell in run.cells if cell.key)
    diagnoses = Diagnoses(store.kept(DIAGNOSES))
    greens = Greens(store.green_releases(), project.components())
    alerts = watch(project.components(), runs, evidence, now(), diagnoses, greens, project.places)
    answer = [alert.model_dump(mode="json") for alert in alerts]
    if repository is not None:
        done = sync_issues(alerts, GitHub(repository, token, api), most_new)
        tell(form, json_file, answer, partial(_print_done, alerts, done))
    else:
        tell(form, json_file, answer, partial(_print, alerts, most_new))


def _print_done(alerts: Sequence[Alert], done: Sequence[str]) -> None:
    """Print what was done to issues."""
    for line in done:
        out.print(line, markup=False)
    out.print(
        f"{counted(len(alerts), 'pair or test', 'pairs and tests')} watched, {counted(len(done), 'issue')} changed"
    )


def _print(alerts: Sequence[Alert], most_new: int) -> None:
    """Print what would be done, with the text of each issue. The tracker is not asked which issues it has."""
    rest = {alert.subject.id for alert in choose_issues(alerts, most_new=most_new).rest}
    for alert in alerts:
        if alert.current.state in ("passing", "gone") and alert.action is None:
            continue
        what = f"covered by the issue on {alert.covered_by}" if alert.covered_by else alert.action or "nothing to do"
        if alert.subject.id in rest:
            what = "named in the summary issue"
        when = f" (as of {alert.called_on})" if alert.action in ("close", "drop") else ""
        out.print(f"{alert.subject.id}: {alert.current.state}, {what}{when}", markup=False, style="bold")
        if alert.action in ("open", "update") and alert.facts is not None and alert.subject.id not in rest:
            out.print_kept(f"{issue_title(alert)}\n\n{issue_body(alert)}")
    out.print(f"{counted(len(alerts), 'pair or test', 'pairs and tests')} watched")
