"""No address is left in a text that was stripped."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.redact import strip_addresses

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
