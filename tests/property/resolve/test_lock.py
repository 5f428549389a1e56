"""Locks go through text and back; what is stripped stays stripped; no words of a resolver are too odd to read."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.redact import strip_addresses
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Pin
from stackcompat.resolve.resolver import _read_refusal

names = st.text("abcxyz019-", min_size=1, max_size=8).filter(lambda name: name.strip("-") == name and "--" not in name)
versions = st.builds(
    "{}{}{}".format,
    st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda numbers: ".".join(map(str, numbers))),
    st.sampled_from(["", "rc1", "a2", ".dev20261101", ".post1"]),
    st.sampled_from(["", "+cpu", "+g0abc"]),
)
hashes = st.lists(st.integers(0, 2**256 - 1), unique=True, max_size=3).map(
    lambda numbers: tuple(sorted(f"sha256:{number:064x}" for number in numbers))
)


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    pins = []
    for name in sorted(draw(st.sets(names, max_size=8))):
        version = draw(versions)
        filed = draw(st.booleans())
        source = f"file:///wheels/{name.replace('-', '_')}-{version}-py3-none-any.whl" if filed else ""
        pins.append(Pin(name=name, version=version, hashes=draw(hashes), source=source))
    return Lock(python="3.12", platform="linux-x86_64", pins=tuple(pins))


@given(locks())
def test_text_and_back(lock: Lock) -> None:
    again = Lock.parse(lock.text(), lock.python, lock.platform)
    assert again.id == lock.id or any(pin.source for pin in lock.pins)
    assert [(p.name, p.hashes, p.source) for p in again.pins] == [(p.name, p.hashes, p.source) for p in lock.pins]
    assert again == Lock.parse(again.text(), lock.python, lock.platform)


@given(locks(), st.randoms())
def test_the_order_of_lines_does_not_matter(lock: Lock, chance: object) -> None:
    lines = lock.text().splitlines(keepends=True)
    chance.shuffle(lines)  # type: ignore[attr-defined]
    assert Lock.parse("".join(lines), lock.python, lock.platform) == Lock.parse(lock.text(), lock.python, lock.platform)


addresses = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["https", "http", "HTTPS", "git+https", "git+ssh", "file", "ftp", "s3"]),
    st.sampled_from(["", "me@", "me:pa55@", "__token__:abc-DEF@"]),
    st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,6}){1,2}|127\.0\.0\.1|\[::1\]", fullmatch=True),
    st.sampled_from(["", ":8080"]),
    st.from_regex(r"(/[a-zA-Z0-9._~%+-]{0,8}){0,4}(\?[a-z]=[a-z])?(#[a-z]+)?", fullmatch=True),
)
words = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=20)


@given(st.lists(st.tuples(words, addresses), min_size=1, max_size=5))
def test_no_address_is_left(parts: list[tuple[str, str]]) -> None:
    text = " ".join(f"{word} {address}" for word, address in parts)
    stripped = strip_addresses(text)
    assert not re.search(r"[a-zA-Z0-9+.-]+://", stripped)
    for _, address in parts:
        host = re.sub(r".*?://(.*@)?", "", address).split("/")[0].split("?")[0]
        assert f"//{host}" not in stripped
        assert "pa55" not in stripped
    assert strip_addresses(stripped) == stripped


FRAGMENTS = (
    *("Because", "And because", "you require", "all versions of", "depend on", "depends on", "there is no version of"),
    *("we can conclude that", "was not found in the package registry", "has no wheels with a matching Python ABI tag"),
    *("does not satisfy Python>=3.9 and alpha==1 depends on Python>=3.9", "alpha==1.0,", "beta>=2,<3", "alpha", "."),
    *("alpha[x]==1.*", "alpha===?", "beta~=1", "(1)", "ABI tags: cp39", "depends on Python>=4", "cause:", "hint:"),
)
fragments = st.sampled_from(FRAGMENTS)


@given(st.lists(fragments | st.text(max_size=10), max_size=30))
def test_any_refusal_is_read_into_a_resolution_without_a_lock(parts: list[str]) -> None:
    cell = Cell(python="3.12", platform="linux-x86_64", requirements=("alpha==1.0", "beta"))
    found = _read_refusal("error: No solution found\n  cause: " + " ".join(parts), cell)
    assert found.lock is None
    assert (found.outcome == "conflict") == (found.conflict is not None)
