"""The commands that carry evidence from one machine to another, and --from."""

from __future__ import annotations

import json
import re
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from stackcompat.evidence.remote import put
from stackcompat.evidence.store import Store
from support.command_line import Run
from support.keys import make_keys
from support.made_up import history, make_cell, passed, planned, run_of

CELL = planned(make_cell({"alpha": "1.1"}, policy="newest", newest=("alpha",)), {"alpha": "1.1"})
STORE = Path(".stackcompat", "evidence.sqlite")


@pytest.fixture
def archive(run: Run, checkout: Path) -> Path:
    """An archive of one cell. The store that it is from is not there any more."""
    store = Store(checkout / STORE)
    store.add(run_of(CELL, passed("t.py::test", "alpha")))
    store.add_run(history().record().model_copy(update={"matrix": "m", "cells": (CELL,), "components": ("alpha",)}))
    store.close()
    code, output, error = run("evidence", "export", "evidence.parquet")
    assert (code, error) == (0, "")
    assert re.fullmatch(
        r"evidence\.parquet: 1 run of locks, 1 lock, 1 run of matrices, 0\.\d MB \(digest [0-9a-f]{16}\)\n", output
    )
    shutil.rmtree(checkout / STORE.parent)
    return checkout / "evidence.parquet"


def test_a_new_machine_knows_what_the_old_one_did(run: Run, archive: Path) -> None:
    assert run("show", CELL.cell.id)[0] == 2
    code, output, error = run("evidence", "import", archive.name)
    assert (code, output) == (0, "")
    assert error.startswith("evidence.parquet: evidence of 1 run, 1 of them new here (digest ")
    assert "evidence of 1 run, 0 of them new here" in run("evidence", "import", archive.name)[2]
    code, output, _ = run("show", CELL.cell.id)
    assert code == 0
    assert "works" in output


def test_an_archive_goes_to_a_storage_service_and_comes_back(run: Run, archive: Path, checkout: Path) -> None:
    assert run("evidence", "import", archive.name)[0] == 0
    for name in ("one.jsonl.gz", "one.parquet"):
        address = f"memory://folder/{name}"
        code, output, _ = run("evidence", "export", address)
        assert (code, output.startswith(f"{address}: 1 run of locks, ")) == (0, True)
        shutil.rmtree(checkout / STORE.parent)
        code, _, error = run("evidence", "import", address)
        assert (code, error.startswith(f"{address}: evidence of 1 run, 1 of them new here")) == (0, True)
    code, _, error = run("evidence", "import", "memory://folder/nothing")
    assert (code, "is not there; give another address" in error) == (2, True)


def test_only_an_archive_that_the_owner_of_a_key_signed_is_taken_over(run: Run, archive: Path, checkout: Path) -> None:
    private, public = make_keys(checkout, "mine")
    _, other = make_keys(checkout, "other")
    code, _, error = run("evidence", "import", archive.name, "--signed-by", public.name)
    assert (code, "evidence.parquet has no signature" in error) == (2, True)
    code, output, _ = run("evidence", "sign", archive.name, "--key", private.name)
    assert (code, output) == (0, "evidence.parquet.intoto.jsonl: the signature of evidence.parquet\n")
    code, output, _ = run("evidence", "verify", archive.name, "--key", public.name)
    assert (code, output.startswith("evidence.parquet: is signed by the key ")) == (0, True)
    for command in (("verify", archive.name, "--key"), ("import", archive.name, "--signed-by")):
        code, _, error = run("evidence", *command, other.name)
        assert (code, "evidence.parquet is not signed by the key other.pub" in error) == (2, True)
    assert run("show", CELL.cell.id)[0] == 2
    put(archive, "memory://signed/e.parquet")
    put(checkout / f"{archive.name}.intoto.jsonl", "memory://signed/e.parquet.intoto.jsonl")
    code, _, error = run("evidence", "import", "memory://signed/e.parquet", "--signed-by", public.name)
    assert (code, "evidence of 1 run, 1 of them new here" in error) == (0, True)


def test_from_takes_the_archive_over_first(run: Run, archive: Path) -> None:
    code, output, error = run("show", CELL.cell.id, "--from", archive.name, "--json", "-")
    assert code == 0
    assert json.loads(output)["verdict"] == "works"
    assert error.startswith("evidence.parquet: evidence of 1 run, 1 of them new here")
    assert run("show", CELL.cell.id)[0] == 0  # it is in the store now


def test_a_report_is_written_from_an_archive_or_from_published_reports(run: Run, archive: Path, checkout: Path) -> None:
    code, _, error = run("report", "--from", archive.name)
    assert code == 0
    assert "1 of them new here" in error
    (first,) = json.loads((checkout / ".stackcompat/site/compat.json").read_text())["cells"]
    shutil.move(checkout / ".stackcompat/site", checkout / "before")
    shutil.rmtree(checkout / STORE.parent)
    assert run("report", "--from", "before", "-o", "again")[0] == 0
    (second,) = json.loads((checkout / "again" / "compat.json").read_text())["cells"]
    assert (first["id"], first["verdict"]) == (second["id"], second["verdict"]) == (CELL.cell.id, "works")


def test_an_archive_is_taken_over_from_an_address(run: Run, archive: Path, checkout: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(checkout))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        code, _, error = run("evidence", "import", f"{address}/evidence.parquet?token=x")
        missing = run("evidence", "import", f"{address}/other.parquet")
        server.shutdown()
        thread.join()
    assert code == 0
    assert f"{address}/evidence.parquet: evidence of 1 run, 1 of them new here" in error
    assert missing[0] == 2
    assert "cannot be had (HTTP 404); give another address" in missing[2]


@pytest.mark.parametrize("command", [("evidence", "import"), ("run", "m", "--from"), ("report", "--from")])
def test_what_is_not_there_and_what_cannot_be_trusted_are_mistakes(run: Run, archive: Path, command: list[str]) -> None:
    code, _, error = run(*command, "other.parquet")
    assert (code, error) == (
        2,
        "stackcompat: FILE: other.parquet is no file; give an archive of evidence, or the address of one\n",
    )
    archive.write_bytes(archive.read_bytes()[:-9])
    code, _, error = run(*command, archive.name)
    assert code == 2
    assert error.startswith("stackcompat: FILE: evidence.parquet: is damaged or no archive of evidence (")


def test_a_folder_is_for_report_alone(run: Run, checkout: Path) -> None:
    code, _, error = run("run", "m", "--from", "matrices")
    assert code == 2
    assert error.startswith("stackcompat: --from: matrices is a folder; give an archive of evidence")


def test_there_is_nothing_to_export(run: Run, checkout: Path) -> None:
    code, _, error = run("evidence", "export", "evidence.parquet")
    assert code == 2
    assert error.endswith("evidence.sqlite: holds no run yet; run a matrix first, for example: stackcompat run quick\n")
    assert not (checkout / "evidence.parquet").exists()
