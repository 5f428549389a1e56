"""A lock is read, written and addressed."""

from __future__ import annotations

import pytest

from stackcompat.resolve.lock import Lock, Pin

HASH = "sha256:" + "a" * 64


def test_a_lock_as_a_requirements_file() -> None:
    lock = Lock(
        python="3.12",
        platform="p",
        pins=(
            Pin(name="alpha", version="1.0", hashes=(HASH,)),
            Pin(name="beta", version="2", source="file:///x/beta-2-py3-none-any.whl"),
        ),
    )
    assert lock.text() == f"alpha==1.0 --hash={HASH}\nbeta @ file:///x/beta-2-py3-none-any.whl\n"
    assert lock.versions() == {"alpha": "1.0", "beta": "2"}


def test_a_lock_as_uv_and_pip_write_it_is_read() -> None:
    text = (
        f"# made by uv\nAlpha_x==1.0 \\\n    --hash={HASH} \\\n    --hash=sha256:b\n    # via beta\n\nbeta==2 # here\n"
    )
    lock = Lock.parse(text, "3.12", "p")
    assert [pin.line() for pin in lock.pins] == [f"alpha-x==1.0 --hash={HASH} --hash=sha256:b", "beta==2"]


@pytest.mark.parametrize(
    "line",
    ["alpha", "alpha>=1", "alpha==1.*", "alpha==1,==2", "alpha @ https://x.example/alpha-1.tar.gz", "??", "-r x"],
)
def test_what_is_no_exact_pin_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        Lock.parse(line, "3.12", "p")


def test_the_id_depends_on_files_python_and_platform_only() -> None:
    lock = Lock.parse("alpha==1.0 --hash=sha256:a --hash=sha256:b", "3.12", "p")
    assert lock.id == Lock.parse("alpha==1.0 --hash=sha256:b --hash=sha256:a", "3.12", "p").id
    others = [
        Lock.parse("alpha==1.0 --hash=sha256:a", "3.12", "p"),
        Lock.parse("alpha==1.0.1 --hash=sha256:a --hash=sha256:b", "3.12", "p"),
        lock.model_copy(update={"python": "3.13"}),
        lock.model_copy(update={"platform": "q"}),
    ]
    assert len({lock.id, *(other.id for other in others)}) == 5
