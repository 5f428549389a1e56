"""Software bills of materials in JSON: CycloneDX, and SPDX 2 and 3. Pure.

A component is a distribution if its package URL says so: ``pkg:pypi/name@version``, or ``pkg:conda/...``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from stackcompat.advice.document import items, listed, table
from stackcompat.advice.listing import Entry, pinned

__all__ = ["is_sbom", "needs_of_sbom", "sbom_entries"]

#: What needs no package URL to be told apart from a distribution, as CycloneDX and SPDX name it.
_NO_SOFTWARE = frozenset(
    ("container", "cryptographic-asset", "data", "device", "file", "firmware", "machine-learning-model", "platform")
).union(("operating-system", "operatingsystem"))


def is_sbom(document: Any) -> bool:
    """Whether a document in JSON is a CycloneDX or an SPDX one."""
    return isinstance(document, Mapping) and (
        document.get("bomFormat") == "CycloneDX" or "spdxVersion" in document or "@graph" in document
    )


def sbom_entries(document: Mapping[str, Any]) -> Iterator[Entry]:
    """The components of a CycloneDX or an SPDX document.

    Args:
        document: The file.
    """
    if "@graph" in document:
        yield from _spdx_3(items(document["@graph"]))
    elif "spdxVersion" in document:
        yield from _spdx_2(document)
    else:
        subject = table(document, "metadata").get("component")
        yield from (entry for entry in _cyclonedx([subject], "") if entry.kind != "unread")  # what it is about
        yield from _cyclonedx(document.get("components"), "")


def needs_of_sbom(document: Any) -> dict[str, frozenset[str]]:
    """The distributions that each distribution of a CycloneDX document needs, as far as it says so."""
    if not isinstance(document, Mapping) or document.get("bomFormat") != "CycloneDX":
        return {}
    names: dict[str, str] = {}
    todo = items(document.get("components"))
    while todo:
        component = todo.pop()
        todo += items(component.get("components"))
        if name := _entry(component, "version", str(component.get("purl", "")), "").name:
            names[str(component.get("bom-ref"))] = canonicalize_name(name)
    needs: dict[str, frozenset[str]] = {}
    for relation in items(document.get("dependencies")):
        name = names.get(str(relation.get("ref")), "")
        if name:
            found = {names[str(ref)] for ref in listed(relation.get("dependsOn")) if str(ref) in names}
            needs[name] = needs.get(name, frozenset()) | found
    # A document in which nothing needs anything does not say what is needed.
    return needs if any(needs.values()) else {}


def _cyclonedx(components: object, scope: str) -> Iterator[Entry]:
    """The components, and those within them, which are as optional as what they are in."""
    for component in items(components):
        part = str(component.get("scope", "")) or scope
        entry = _entry(component, "version", str(component.get("purl", "")), str(component.get("type", "")))
        if part == "excluded" and entry.kind != "foreign":
            entry = Entry(entry.text, entry.name, kind="optional", why="excluded by its scope")
        yield entry
        yield from _cyclonedx(component.get("components"), part)


def _spdx_2(document: Mapping[str, Any]) -> Iterator[Entry]:
    about = {str(name) for name in listed(document.get("documentDescribes"))}
    for relation in items(document.get("relationships")):
        if relation.get("relationshipType") == "DESCRIBES":
            about.add(str(relation.get("relatedSpdxElement")))
    for package in items(document.get("packages")):
        addresses = [
            str(reference.get("referenceLocator", ""))
            for reference in items(package.get("externalRefs"))
            if reference.get("referenceType") == "purl"
        ]
        purpose = str(package.get("primaryPackagePurpose", "")).lower()
        entry = _entry(package, "versionInfo", _address(addresses), purpose)
        if entry.kind != "unread" or package.get("SPDXID") not in about:
            yield entry


def _spdx_3(elements: list[Mapping[str, Any]]) -> Iterator[Entry]:
    about = {str(name) for element in elements for name in listed(element.get("rootElement"))}
    for package in elements:
        if str(package.get("type", "")).endswith("Package"):  # also of data and of models
            addresses = [str(package.get("software_packageUrl", ""))]
            addresses += [
                str(identifier.get("identifier", ""))
                for identifier in items(package.get("externalIdentifier"))
                if identifier.get("externalIdentifierType") == "packageUrl"
            ]
            purpose = str(package.get("software_primaryPurpose", "")).lower()
            entry = _entry(package, "software_packageVersion", _address(addresses), purpose)
            if entry.kind != "unread" or package.get("spdxId") not in about:
                yield entry


def _address(addresses: list[str]) -> str:
    """The package URL of a distribution; else any other one."""
    ours = [address for address in addresses if address.startswith(("pkg:pypi/", "pkg:conda/"))]
    return next(iter((*ours, *filter(None, addresses))), "")


def _entry(component: Mapping[str, Any], version_key: str, address: str, purpose: str) -> Entry:
    name, version = str(component.get("name", "")), str(component.get(version_key) or "")
    text = f"{name} {version}".strip()
    path = address.partition("#")[0].partition("?")[0]
    kind, _, rest = path.removeprefix("pkg:").strip("/").partition("/")
    if kind.lower() in ("pypi", "conda"):
        name, _, stated = rest.rpartition("/")[2].partition("@")
        return pinned(text, unquote(name), unquote(stated) or version)
    if address:
        return Entry(text, kind="foreign", why=f"a package of another kind: {kind}")
    if purpose in _NO_SOFTWARE:
        return Entry(text, kind="foreign", why=f"no software: {purpose}")
    return Entry(text, kind="unread", why="no package URL, which would say what it is")
