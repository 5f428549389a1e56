"""A scanner of others reads the OSV records: pip-audit, asked to take them from a service on the loopback interface."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uv

from stackcompat.advice.advisories import advisories
from stackcompat.advice.osv import osv_records
from stackcompat.report.read import read_table

#: The scanner, in the release with which this was tried.
PIP_AUDIT = "pip-audit==2.10.1"

REPORTS = Path(__file__).parents[2] / "reports"


def matching(records: list[dict[str, Any]], query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records that list the package and the version of a query, as osv.dev answers it."""
    return [
        record
        for record in records
        for affected in record["affected"]
        if affected["package"]["name"] == query["package"]["name"] and query["version"] in affected["versions"]
    ]


@pytest.fixture
def service() -> Iterator[str]:
    """The address of a service with the published records."""
    summary = read_table(REPORTS)
    records = list(osv_records(advisories(summary), summary).values())

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            vulns = matching(records, query)
            body = json.dumps({"vulns": vulns} if vulns else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def audit(service: str, folder: Path, *pins: str) -> dict[str, list[str]]:
    """The ids that pip-audit reports for each pinned package."""
    requirements = folder / "requirements.txt"
    requirements.write_text("\n".join(pins) + "\n", encoding="utf-8")
    command = [uv.find_uv_bin(), "tool", "run", "--from", PIP_AUDIT, "pip-audit", "--requirement", str(requirements)]
    command += ["--no-deps", "--disable-pip", "--vulnerability-service", "osv", "--osv-url", service]
    command += ["--format", "json", "--progress-spinner", "off", "--cache-dir", str(folder / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)["dependencies"]
    return {package["name"]: [vuln["id"] for vuln in package["vulns"]] for package in found}


def test_pip_audit_reports_the_release_that_nobody_can_import_and_no_other(service: str, tmp_path: Path) -> None:
    broken = audit(service, tmp_path, "orbax-export==0.0.7", "jax==0.12.0.1", "flax==0.12.9")
    assert broken == {"orbax-export": ["x_SC-faccba8a1b"], "jax": [], "flax": []}
    fine = audit(service, tmp_path, "orbax-export==0.0.8", "jax-cuda13-plugin==0.12.0.1", "optax==0.2.8")
    assert not any(fine.values())
