"""The sentences of the selector, as its script says them of files of the API."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stackcompat.report.site import write

SCRIPT = Path(write.__file__).with_name("assets") / "site.js"

#: What the second half of the script needs of the first half and of a browser: elements that are only their text.
PRELUDE = """
const make = (tag, text = "") => ({ text: [text], append(...more) { this.text.push(...more); }, tag,
  rows: { get length() { return 1; } } });
const page = (...names) => names.join("/");
const get = async (path) => files[path];
const said = (one) => typeof one === "string" ? one : one.text.map(said).join("");
"""

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def said(facts: dict[tuple[str, str], dict[str, Any]], **files: Any) -> list[str]:
    """The paragraphs about alpha 1, beta 1 and gamma 1 on Python 3.12, with facts about each two.

    `delta` in `files` has releases of a further component, each with the fact about it beside any of the three.
    """
    versions = {"alpha": "1", "beta": "1", "gamma": "1"}
    loaded: dict[str, Any] = {name: {"pythons": {"3.12": {}}, "sets": {}} for name in versions}
    for (first, second), fact in facts.items():
        for one, other in ((first, second), (second, first)):
            loaded[one]["pythons"]["3.12"][other] = [{"version": "1", **fact}]
    delta = files.get("delta", {})
    for one in loaded.values():
        one["pythons"]["3.12"]["delta"] = [{"version": version, **fact} for version, fact in delta.items()]
    index = {
        "sets": {"3.12": "sets/3.12.json"},
        "releases": {name: ["1"] for name in versions} | {"delta": [*delta]},
        "components": {**versions, "delta": "delta.json"},
        "distributions": {name: f"{name}-dist" for name in versions},
    }
    known = {
        "api/v1/sets/3.12.json": {"sets": files.get("sets", [])},
        "api/v1/cells.json": {"cells": files.get("cells", [])},
    }
    known |= {f"api/v1/component/{name}.json": {"advisories": [*files.get("advisories", {})]} for name in versions}
    known |= {f"api/v1/advisory/{id_}.json": one for id_, one in files.get("advisories", {}).items()}
    given = [versions, "3.12", loaded, [], {name: name for name in versions}, index]
    text = SCRIPT.read_text(encoding="utf-8")
    program = "\n".join(
        (
            f"const files = {json.dumps(known)};",
            PRELUDE,
            text[text.index("const shown =") :],
            f"answered(...{json.dumps(given)}).then((parts) => console.log(JSON.stringify(parts.map(said))));",
        )
    )
    ended = subprocess.run(
        ["node", "-"], input=program, capture_output=True, text=True, check=False, timeout=60, encoding="utf-8"
    )
    assert ended.returncode == 0, ended.stderr
    found: list[str] = json.loads(ended.stdout)
    return found


@pytest.mark.parametrize(("asked", "name"), [("my part", "My Part"), ("MY-DIST", "My Part"), ("nope", "nope")])
def test_a_component_is_found_by_its_name_in_any_letters(asked: str, name: str) -> None:
    index = {"releases": {"My Part": ["1"]}, "distributions": {"My Part": "my-dist"}}
    text = SCRIPT.read_text(encoding="utf-8")
    call = f"console.log(component({json.dumps(asked)}, {json.dumps(index)}))"
    program = f"{text[text.index('const shown =') :]}\n{call}"
    ended = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == f"{name}\n"


WORKS = {"state": "works"}
PAIRS = (("alpha", "beta"), ("alpha", "gamma"), ("beta", "gamma"))
ALL_WORK = dict.fromkeys(PAIRS, WORKS)
TOGETHER = "Every two of these were tested together and work; no set that was tested as a whole has all of them."


def test_what_is_broken_is_called_so_and_what_is_in_doubt_is_not() -> None:
    broken = {"state": "broken", "level": "import"}
    assert "✗ These do not work together." in said({**ALL_WORK, PAIRS[0]: broken})
    parts = said({**ALL_WORK, PAIRS[0]: {**broken, "doubt": True}})
    assert "? These likely do not work together; another component can be at fault." in parts
    assert any("? likely broken at import; a third component can be at fault" in part for part in parts)
    assert not any("✗" in part for part in parts)


def test_where_every_two_work_and_no_set_has_all() -> None:
    assert TOGETHER in said(ALL_WORK)
    met = said({**ALL_WORK, PAIRS[0]: {"state": "met"}})
    assert TOGETHER.replace("tested together", "tested or installed together") in met
    unknown = "? No tested set has all of this: it is not known whether they work together."
    assert unknown in said({PAIRS[0]: WORKS, PAIRS[1]: WORKS})
    assert unknown in said({**ALL_WORK, PAIRS[0]: {"state": "works elsewhere"}})


def test_what_speaks_against_releases_of_which_every_two_work() -> None:
    cell = {"id": "0123456789ab", "python": "3.12", "verdict": "broken", "level": "run"}
    parts = said(ALL_WORK, cells=[{**cell, "versions": "alpha 1, beta 1, gamma 1"}])
    assert "? Every two of these work together, but all of them likely do not." in parts
    assert "A tested set of these is broken, in cell 01234567" in parts
    assert TOGETHER in said(ALL_WORK, cells=[{**cell, "versions": "alpha 1, beta 2"}])
    sides = [{"component": "alpha"}, {"component": "beta"}]
    advisory = {"id": "SC-1", "level": "run", "sides": sides, "together": [["1", "1"]], "beside": [], "without": ""}
    parts = said(ALL_WORK, advisories={"SC-1": {"sentence": "They fail.", "advisory": advisory}})
    assert "✗ These do not work together." in parts
    assert "✗ SC-1 They fail." in parts
    absent = {**advisory, "without": "gamma-dist"}
    assert TOGETHER in said(ALL_WORK, advisories={"SC-1": {"sentence": "They fail.", "advisory": absent}})


def test_a_line_that_installs_a_set_has_what_its_components_do_not_declare() -> None:
    near = {"cell": "0123456789ab", "level": "run", "versions": {"alpha": "1", "beta": "2", "gamma": "1"}}
    parts = said({}, sets=[{**near, "besides": ["glue==1.4", "paste>=2"]}])
    assert "uv pip install alpha-dist==1 beta-dist==2 gamma-dist==1 glue==1.4 'paste>=2'" in parts
    assert "uv pip install alpha-dist==1 beta-dist==2 gamma-dist==1" in said({}, sets=[near])


def test_what_is_guessed_is_told_from_what_was_seen_elsewhere() -> None:
    delta = {
        "1": WORKS,
        "2": {"state": "works", "level": "import"},
        "3": {"state": "inferred works"},
        "4": {"state": "works elsewhere", "level": "lower"},
        "5": {"state": "met"},
    }
    *_, table = said(ALL_WORK, delta=delta)
    assert "5 (installed together, no test uses both), 2 (up to import), 1" in table
    assert "4 (another Python, up to lower), 3 (inferred)" in table
