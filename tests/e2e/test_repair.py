"""What leaves the tool, taken by real resolvers: repaired metadata and constraints keep them off what is broken."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import uv

from stackcompat.advice.advice import collect_advice
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.releases import Catalog
from stackcompat.frontier.frontier import StoredFinding, StoredFrontier
from stackcompat.frontier.space import Side
from stackcompat.report.advice import advice_files, constraints
from stackcompat.table.build import summarise
from support.loopback_index import LoopbackIndex
from support.made_up import COMPONENTS, NOW
from support.world import components

pytestmark = pytest.mark.e2e

SEEN = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def charted(
    first: str, release: str, second: str, known: Mapping[str, bool], *, inferred: tuple[str, ...] = (), error: str = ""
) -> StoredFrontier:
    """A release of `first` with each of `second`, and whether it works; of what does not and was seen, the `error`."""
    signature = f"{error or 'AttributeError: gone'} [{first}]"
    red = {"verdict": "broken", "sentence": f"t.py::test: {signature}", "signature": signature, "evidence": ("run",)}
    guess = {"verdict": "broken", "inferred": True}
    findings = tuple(
        StoredFinding.model_validate(
            {"pair": (0, place), "level": "import", "verdict": "works"}
            | ({} if works else guess if version in inferred else red)
        )
        for place, (version, works) in enumerate(known.items())
    )
    return StoredFrontier(
        first=Side(name=first, versions=(release,), uploaded=(SEEN,)),
        second=Side(name=second, versions=tuple(known), uploaded=(SEEN,) * len(known)),
        python="3.12",
        platform="linux-x86_64",
        level="import",
        seen=SEEN,
        findings=findings,
    )


def publish(chart: StoredFrontier, catalog: Catalog, folder: Path, rows: Components = COMPONENTS) -> None:
    """The repair that a report makes of a frontier, as the pyproject.toml of a folder."""
    summary = summarise(rows, (), {}, NOW, frontiers=[chart])
    (folder / "pyproject.toml").write_text(
        advice_files(summary, collect_advice(summary, rows, catalog, (), ()))["repair.toml"]
    )


def resolve(folder: Path, wanted: str, *options: str) -> list[str]:
    """What uv picks for what is wanted, in a folder whose pyproject.toml it reads."""
    (folder / "requirements.in").write_text(f"{wanted}\n")
    command = [uv.find_uv_bin(), "pip", "compile", "requirements.in", "--no-header", "--no-annotate"]
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_uv_with_our_repair_does_not_pick_what_is_broken(tmp_path: Path) -> None:
    """Nobody tried alpha 2.1, which a resolver would come to if only what was seen were kept out."""
    with LoopbackIndex() as index:
        for version in ("0.9", "1.0", "1.1", "1.2", "2.0", "2.1"):
            index.add("alpha", version)
        index.add("beta", "1.0", requires=["alpha>=0.9"])
        options = ("--index-url", index.address, "--no-cache")
        assert resolve(tmp_path, "beta==1.0", *options) == ["alpha==2.1", "beta==1.0"]
        (tmp_path / "known-good.txt").write_text(constraints({"alpha": "1.0", "beta": "1.0"}))
        held = resolve(tmp_path, "beta==1.0", "-c", "known-good.txt", *options)
        assert held == ["alpha==1.0", "beta==1.0"]
        known = {"0.9": False, "1.0": True, "1.1": True, "1.2": False, "2.0": False, "2.1": False}
        chart = charted("beta", "1.0", "alpha", known, inferred=("1.2", "2.1"))
        publish(chart, PackageIndex(tmp_path / "cache", index.address), tmp_path)
        assert resolve(tmp_path, "beta==1.0", *options) == ["alpha==1.1", "beta==1.0"]
        lowest = resolve(tmp_path, "beta==1.0", "--resolution", "lowest", *options)
        assert lowest == ["alpha==1.0", "beta==1.0"]


def test_uv_with_our_repair_brings_what_is_needed_and_not_declared(tmp_path: Path) -> None:
    with LoopbackIndex() as index:
        for name in ("alpha", "gamma"):
            index.add(name, "1.0")
        index.add("beta", "1.0", requires=["alpha"])
        options = ("--index-url", index.address, "--no-cache")
        assert resolve(tmp_path, "beta", *options) == ["alpha==1.0", "beta==1.0"]
        absent = "ModuleNotFoundError: No module named 'gamma'"
        chart = charted("beta", "1.0", "alpha", {"1.0": False}, error=absent)
        publish(chart, PackageIndex(tmp_path / "cache", index.address), tmp_path)
        assert resolve(tmp_path, "beta", *options) == ["alpha==1.0", "beta==1.0", "gamma==1.0"]


def test_a_release_of_the_real_index_is_repaired(tmp_path: Path) -> None:
    """Without the repair the newest of all is taken, with which it cannot be imported; with it, what fits."""
    options = ("--python-version", "3.12", "--exclude-newer", "2026-11-24T00:00:00Z")

    def picked() -> dict[str, str]:
        pins = dict(pin.split("==") for pin in resolve(tmp_path, "flax==0.8.5", *options))
        return {name: pins[name] for name in ("jax", "optax", "orbax-checkpoint")}

    assert picked()["jax"].startswith("0.12")
    known = {"0.4.30": True, "0.4.38": True, "0.5.0": False, "0.6.2": False, "0.12.0.1": False}
    chart = charted("flax", "0.8.5", "jax", known, inferred=("0.6.2",))
    publish(chart, PackageIndex(tmp_path / "index"), tmp_path, components("flax", "jax"))
    assert picked() == {"jax": "0.4.38", "optax": "0.2.5", "orbax-checkpoint": "0.11.5"}
