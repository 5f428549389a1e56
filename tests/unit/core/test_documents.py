"""Documents of others: read, or refused by one kind of error."""

from __future__ import annotations

import time

import pytest

from stackcompat.core.documents import NotReadable, parse_json, parse_toml, parse_yaml

DEEP = 100_000


def test_what_is_read() -> None:
    assert parse_json('{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
    assert parse_toml('a.b = 1\n"x.y" = "' + "1." * 500 + '"') == {"a": {"b": 1}, "x.y": "1." * 500}
    assert parse_yaml("a: 0.10\nb: &x [2023-12-01]\nc: *x") == {"a": "0.10", "b": ["2023-12-01"], "c": ["2023-12-01"]}


@pytest.mark.parametrize("text", ["{", "[" * DEEP, '{"a":' * DEEP, "1" * 5000, '"\x00'])
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(NotReadable) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "a = " + "[" * DEEP,
        "a = " + "{b=" * DEEP,
        "a = " + "1" * 5000,
        "a" + ".a" * 50_000 + " = 1",
        "[" + "a." * 50_000 + "a]",
        'a = { b = "c", ' + '"a b" . ' * 50_000 + "c = 1 }",
        "a = 0001-13-01T00:00:00+14:00",
        "a\x00 = 1",
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_toml(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(NotReadable) as caught:
        parse_toml(text)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 20


def test_long_lines_of_locks_are_no_deep_keys() -> None:
    wheels = ", ".join(f'{{ url = "https://files.example/a-1.{number}.0-py3-none-any.whl" }}' for number in range(300))
    assert len(parse_toml(f"wheels = [{wheels}]")["wheels"]) == 300


@pytest.mark.parametrize(
    "text",
    ["a: [", "[" * DEEP, "[" * 900 + "]" * 900, "- " * DEEP + "a", "a: &a [*a]", "a: \x00"],
    ids=lambda text: text[:9],
)
def test_what_is_no_yaml(text: str) -> None:
    with pytest.raises(NotReadable) as caught:
        parse_yaml(text)
    assert "\n" not in str(caught.value)


def test_a_few_lines_that_stand_for_millions_of_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number + 1}: &a{number + 1} [{', '.join([f'*a{number}'] * 9)}]" for number in range(8)]
    with pytest.raises(NotReadable, match="its aliases stand for too many values"):
        parse_yaml("\n".join(lines))
