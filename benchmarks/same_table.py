"""Whether two builds publish the same table from one store: compat.json compared, but for fields that were renamed.

    python benchmarks/same_table.py OLD/compat.json NEW/compat.json [--sentences]

Prints each difference as a path with both values, and exits with 1 if there is one. What depends on the moment at which
a report was written (`generated`, ages in sentences) is left out. Sentences are compared only with --sentences:
a build may word them otherwise.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Fields of version 1 of the schema, by the path of what holds them, and what they are called in version 2.
RENAMED = {
    "limits": "features",
    "cells.limits": "broken_features",
    "islands.islands.left": "excluded",
    "failures.blamed": "culprit",
    "failures.blamed.culprits.born_red": "never_passed",
    "failures.blamed.culprits.holes": "unresolved",
    "failures.blamed.culprits.spared": "skipped",
}
#: What version 2 says besides, or says in another form.
OTHERWISE = {"failures.culprit.versions", "failures.culprit.inferred", "exchanges.crossings.culprits"}
#: Fields that hold words for people.
SENTENCES = {"headline", "sentence", "reason", "doubt", "note", "said", "remedy", "title", "claim", "blocker"}
#: Fields that depend on when the report was written.
OF_THE_MOMENT = {"generated", "age_days", "schema_version", "reproduce"}


def renamed(value: Any, path: str = "") -> Any:
    """A value of version 1 with the names of version 2; `path` is where it stands, without numbers and keys."""
    if isinstance(value, list):
        return [renamed(held, path) for held in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, held in value.items():
        here = f"{path}.{key}".lstrip(".")
        found[RENAMED.get(here, key)] = renamed(held, here)
    return found


def differences(old: Any, new: Any, path: str, *, sentences: bool) -> Iterator[tuple[str, Any, Any]]:
    """Each place where two values differ: its path, and what stands there in either."""
    plain = re.sub(r"\[\d+\]", "", path).lstrip(".")
    key = plain.rpartition(".")[2]
    if plain in OTHERWISE or key in OF_THE_MOMENT or (key in SENTENCES and not sentences):
        return
    if old in ("", [], {}, False) and new is None:  # a field that is left out where it has its default
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from differences(old.get(name), new.get(name), f"{path}.{name}", sentences=sentences)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (first, second) in enumerate(zip(old, new, strict=True)):
            yield from differences(first, second, f"{path}[{number}]", sentences=sentences)
    elif old != new:
        yield path, old, new


def main() -> int:
    """Compare the two files of the command line; the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("old", type=Path)
    options.add_argument("new", type=Path)
    options.add_argument("--sentences", action="store_true")
    given = options.parse_args()
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (given.old, given.new))
    if old.get("schema_version", 1) < new.get("schema_version", 1):
        old = renamed(old)
    found = list(differences(old, new, "", sentences=given.sentences))
    for path, first, second in found:
        print(f"{path.lstrip('.')}: {json.dumps(first)[:200]} -> {json.dumps(second)[:200]}")
    print(f"{len(found)} differences; {len(new['cells'])} cells, {len(new['pairs'])} pairs of components")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
