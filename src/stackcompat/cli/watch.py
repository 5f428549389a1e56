"""Issues about what broke, kept up to date."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.console import out
from stackcompat.cli.options import json_option, project_option, write_json
from stackcompat.cli.workspace import every_run, open_store
from stackcompat.core.errors import UsageError
from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.issue import issue_body, issue_title
from stackcompat.nightly.tracker import GitHub, sync_issues
from stackcompat.pipeline.cells import now
from stackcompat.plan.checkout import find_checkout

__all__ = ["watch_"]


@click.command("watch")
@click.argument("matrix", default="nightly")
@click.option("--dry-run", is_flag=True, help="Print what would be done, with the text of each issue.")
@click.option("--repository", metavar="OWNER/NAME", help="The GitHub repository whose issues are kept up to date.")
@click.option(
    "--token-variable", default="GITHUB_TOKEN", show_default=True, help="The environment variable with the token."
)
@click.option(
    "--api", envvar="GITHUB_API_URL", metavar="URL", help="Address of the API; default: $GITHUB_API_URL, or GitHub's."
)
@json_option
@project_option
def watch_(
    matrix: str,
    dry_run: bool,
    repository: str | None,
    token_variable: str,
    api: str | None,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Open, update and close an issue for each pair and each test that broke at the newest releases of MATRIX."""
    if dry_run == (repository is not None):
        raise UsageError("watch: give either --dry-run or --repository OWNER/NAME")
    token = os.environ.get(token_variable, "")
    if repository is not None and not token:
        raise UsageError(
            f"--token-variable: {token_variable} is empty; it must hold a token with the right to write issues"
        )
    project = find_checkout(project_folder)
    store = open_store(project)
    runs = every_run(store, matrix)
    evidence = store.of_keys(cell.key for run in runs for cell in run.cells if cell.key)
    alerts = watch(project.components(), runs, evidence, now(), Diagnoses(store.kept(DIAGNOSES)))
    write_json(json_file, [alert.model_dump(mode="json") for alert in alerts])
    if repository is not None:
        done = sync_issues(alerts, GitHub(repository, token, api))
        if json_file != "-":
            for line in done:
                out.print(line, markup=False)
            out.print(f"{len(alerts)} pairs and tests watched, {len(done)} issues changed")
    elif json_file != "-":
        _print(alerts)


def _print(alerts: Sequence[Alert]) -> None:
    """What would be done, with the text of each issue."""
    for alert in alerts:
        if alert.current.state in ("passing", "gone") and alert.action is None:
            continue
        what = f"covered by the issue on {alert.covered_by}" if alert.covered_by else alert.action or "nothing to do"
        when = f" (as of {alert.called_on})" if alert.action in ("close", "drop") else ""
        out.print(f"{alert.subject.id}: {alert.current.state}, {what}{when}", markup=False, style="bold")
        if alert.action in ("open", "update") and alert.facts is not None:
            out.print(f"{issue_title(alert)}\n\n{issue_body(alert)}", markup=False)
    out.print(f"{len(alerts)} pairs and tests watched")
