"""Software bills of materials."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.advice.sbom import is_sbom, needs_of_sbom, sbom_entries

#: A package URL, and the distribution, version and kind of line that it gives a component "shown 9".
ADDRESSES = [
    ("pkg:pypi/alpha@1.0", ("alpha", "1.0", None)),
    ("pkg:pypi/alpha@1.0%2Bcuda12?vcs_url=git%2Bhttps://x.example/y@z#sub/@path", ("alpha", "1.0+cuda12", None)),
    ("pkg:pypi/alpha", ("alpha", "9", None)),
    ("pkg:pypi/alpha@main", ("alpha", "", "loose")),
    ("pkg:conda/conda-forge/alpha@1.0?build=py_0", ("alpha", "1.0", None)),
    ("pkg:deb/debian/alpha@1.0", ("", "", "foreign")),
    ("pkg:npm/%40scope/alpha@1.0", ("", "", "foreign")),
    ("", ("", "", "unread")),
]


def told(document: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    assert is_sbom(document)
    return [(entry.name, entry.version, entry.kind) for entry in sbom_entries(document)]


def cyclonedx(*components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [*components], **more}


def of_spdx(address: str) -> list[dict[str, str]]:
    other = {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x:y:1"}
    ours = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": address}
    return [other, ours] if address else [other]


@pytest.mark.parametrize(("address", "wanted"), ADDRESSES)
def test_the_package_url_tells_what_a_component_is(address: str, wanted: tuple[str, str, str | None]) -> None:
    component = {"type": "library", "name": "shown", "version": "9"} | ({"purl": address} if address else {})
    assert told(cyclonedx(component)) == [wanted]
    package = {"SPDXID": "p", "name": "shown", "versionInfo": "9", "externalRefs": of_spdx(address)}
    assert told({"spdxVersion": "SPDX-2.3", "packages": [package]}) == [wanted]
    element = {"type": "software_Package", "name": "shown", "software_packageVersion": "9"}
    identifier = {"externalIdentifierType": "packageUrl", "identifier": address}
    assert told({"@graph": [element | {"software_packageUrl": address}]}) == [wanted]
    assert told({"@graph": [element | {"externalIdentifier": [identifier]}, {"type": "Relationship"}]}) == [wanted]


def test_components_within_components_and_what_is_excluded() -> None:
    inner = {"type": "library", "name": "beta", "version": "2.0", "purl": "pkg:pypi/beta@2.0"}
    outer = {"type": "library", "name": "alpha", "version": "1.0", "purl": "pkg:pypi/alpha@1.0", "components": [inner]}
    assert told(cyclonedx(outer)) == [("alpha", "1.0", None), ("beta", "2.0", None)]
    assert told(cyclonedx(outer | {"scope": "excluded"})) == [("alpha", "", "optional"), ("beta", "", "optional")]
    assert told(cyclonedx({"type": "operating-system", "name": "debian"})) == [("", "", "foreign")]


def test_what_a_document_is_about_counts_where_it_is_a_distribution() -> None:
    assert told(cyclonedx(metadata={"component": {"type": "application", "name": "mine"}})) == []
    about = {"type": "library", "name": "alpha", "version": "1.0", "purl": "pkg:pypi/alpha@1.0"}
    assert told(cyclonedx(metadata={"component": about})) == [("alpha", "1.0", None)]
    root = {"SPDXID": "r", "name": "mine"}
    relation = {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "r"}
    spdx = {"spdxVersion": "SPDX-2.3", "packages": [root, root | {"SPDXID": "s"}], "relationships": [relation]}
    assert told(spdx) == [("", "", "unread")]
    assert told(spdx | {"documentDescribes": ["s"]}) == []
    graph = [
        {"type": "SpdxDocument", "rootElement": ["r"]},
        {"type": "software_Package", "spdxId": "r", "name": "mine"},
    ]
    assert told({"@graph": graph}) == []


def test_a_cyclonedx_document_says_what_its_components_need() -> None:
    inner = {"bom-ref": "b", "name": "Beta_X", "purl": "pkg:pypi/Beta_X@2.0"}
    outer = {"bom-ref": "a", "name": "alpha", "purl": "pkg:pypi/alpha@1.0", "components": [inner]}
    needs = [{"ref": "a", "dependsOn": ["b", "gone"]}, {"ref": "b"}, {"ref": "mine", "dependsOn": ["a"]}]
    document = cyclonedx(outer, dependencies=needs)
    assert needs_of_sbom(document) == {"alpha": {"beta-x"}, "beta-x": frozenset()}
    assert needs_of_sbom(cyclonedx(outer, dependencies=needs[1:])) == {}
    assert needs_of_sbom({"spdxVersion": "SPDX-2.3"}) == {}


@pytest.mark.parametrize("document", [{}, [], {"bomFormat": "other"}, None])
def test_other_documents_are_none(document: Any) -> None:
    assert not is_sbom(document)
