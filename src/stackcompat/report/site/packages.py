"""The facts of a table as packages of data for npm and for PyPI: built, and never uploaded from here. Pure.

Both have one file ``data.json``, which joins files of the API, with the schemas of these files. The version is the day
of the table, so that a later table is a later version. The same table gives the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

from stackcompat.report.site.model import Site

__all__ = ["package_name", "package_version", "packages"]

#: The time of every file in the archive for npm: the beginning of 1980, the first time that a wheel can have.
_EPOCH = 315_532_800

_READ_ME = """# {title}

Which versions of {name} work together, as the table of {day} says. `data.json` has

- `latest`: on each Python, the newest set that is known to work;
- `components`, `pairs`, `advisories`: by component, by pair (`FIRST--SECOND`) and by id;
- `sets`: by Python, all sets that are known to work;
- `index`: what there is.

What is not there is not known. The schemas are in `schema/`; a field that changes its meaning makes a new schema.
"""

_PYTHON = '''"""Which versions work together, as the table of {day} says."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

__all__ = ["load"]


def load() -> dict[str, Any]:
    """The data: `index`, `latest`, `components`, `pairs`, `advisories`, `sets`."""
    content: dict[str, Any] = json.loads((files(__name__) / "data.json").read_text(encoding="utf-8"))
    return content
'''


def package_name(site: Site) -> str:
    """The name of the packages, from that of the ecosystem: ``sound-compat-data``."""
    slug = re.sub(r"[^a-z0-9]+", "-", site.name.lower()).strip("-") or "ecosystem"
    return f"{slug}-compat-data"


def package_version(site: Site) -> str:
    """The version of the packages: the day of the table as three numbers, ``2026.11.5``."""
    day = site.summary.generated
    return f"{day.year}.{day.month}.{day.day}"


def packages(site: Site, api: Iterable[tuple[str, str]]) -> dict[str, bytes]:
    """The archives, file name to content: one for npm, and a wheel.

    Args:
        site: The site.
        api: The files of its API as they are published, each with its text.
    """
    data, schemas = _data(api)
    name, version = package_name(site), package_version(site)
    words = {"name": " ".join(site.name.split()), "day": f"{site.summary.generated:%Y-%m-%d}", "title": name}
    return {
        f"{name}-{version}.tgz": _npm(name, version, data, schemas, words),
        f"{name.replace('-', '_')}-{version}-py3-none-any.whl": _wheel(name, version, data, schemas, words),
    }


def _data(api: Iterable[tuple[str, str]]) -> tuple[bytes, dict[str, bytes]]:
    """The content of ``data.json``, and the schemas by file name."""
    joined: dict[str, list[bytes]] = {"components": [], "pairs": [], "advisories": [], "sets": []}
    places = {"component": "components", "pair": "pairs", "advisory": "advisories", "sets": "sets"}
    whole, schemas = [], {}
    # The texts are joined as they are: read as objects of Python, a large table would take much memory. As bytes, since
    # one character beyond Latin-1 makes the whole text take twice as much.
    for path, text in api:
        _, _, kind, *rest = path.removesuffix(".json").split("/")
        if kind == "schema":
            schemas[f"schema/{rest[0]}.json"] = text.encode()
        elif kind in places:
            joined[places[kind]].append(f"{json.dumps('/'.join(rest))}:{text.strip()}".encode())
        elif kind in ("index", "latest"):
            whole.append(f"{json.dumps(kind)}:{text.strip()}".encode())
    for kind, texts in joined.items():
        whole.append(b"%s:{%s}" % (json.dumps(kind).encode(), b",".join(texts)))
        texts.clear()
    return b"{%s}\n" % b",".join(whole), schemas


def _npm(name: str, version: str, data: bytes, schemas: Mapping[str, bytes], words: Mapping[str, str]) -> bytes:
    described = {
        "name": name,
        "version": version,
        "description": f"Which versions of {words['name']} work together",
        "main": "data.json",
        "exports": {".": "./data.json", "./schema/*": "./schema/*"},
        "files": ["data.json", "schema"],
    }
    texts = {"package.json": json.dumps(described, indent=1) + "\n", "README.md": _READ_ME.format(**words)}
    content = {path: text.encode() for path, text in texts.items()} | {"data.json": data, **schemas}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, held in content.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size, member.mtime, member.mode = len(held), _EPOCH, 0o644
            archive.addfile(member, io.BytesIO(held))
    return gzip.compress(raw.getbuffer(), mtime=0)


def _wheel(name: str, version: str, data: bytes, schemas: Mapping[str, bytes], words: Mapping[str, str]) -> bytes:
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    read_me = _READ_ME.format(**words)
    metadata = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        f"Summary: Which versions of {words['name']} work together\nRequires-Python: >=3.9\n"
        f"Description-Content-Type: text/markdown\n\n{read_me}"
    )
    content = {
        f"{module}/__init__.py": _PYTHON.format(**words).encode(),
        f"{module}/py.typed": b"",
        f"{module}/data.json": data,
        **{f"{module}/{path}": held for path, held in schemas.items()},
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: stackcompat\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},{_hash(held)},{len(held)}\n" for path, held in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, held in content.items():
            member = zipfile.ZipInfo(path)
            member.external_attr = 0o644 << 16
            archive.writestr(member, held, zipfile.ZIP_DEFLATED)
    return raw.getvalue()


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"
