"""Locks go through text and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.resolve.lock import Lock, Pin

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
