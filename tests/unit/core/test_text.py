from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from stackcompat.core.text import and_list, article, code, counted, fenced, plain, printable, size_words, time_words


@pytest.mark.parametrize(
    ("items", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")]
)
def test_lists(items: list[str], said: str) -> None:
    assert and_list(items) == said


def test_numbers_have_their_noun() -> None:
    assert [counted(number, "cell") for number in (0, 1, 2)] == ["0 cells", "1 cell", "2 cells"]
    assert [counted(number, "it", "them") for number in (1, 3)] == ["1 it", "3 them"]


def test_articles() -> None:
    assert (article("beta"), article("alpha")) == ("a beta", "an alpha")


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (40 * 2**30, "40.0 GiB"), (2**55, "32768.0 TiB")],
)
def test_sizes(size: int, said: str) -> None:
    assert size_words(size) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4200, "1 h 10 min")]
)
def test_times(seconds: float, said: str) -> None:
    assert time_words(seconds) == said


#: All characters, and more often those that mean something somewhere.
ANY_TEXT = st.text(
    st.characters(codec=None) | st.sampled_from("\\`*_[]()<>|&#;!:+-=~1. \n\r\t\x1b\x9b\u202e\u2066\U000e0041\ud800x")
)


class TestPrintable:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a\tb\nc – é 漢 🙂", "a\tb\nc – é 漢 🙂"),
            ("a\r\nb", "a\nb"),
            ("\x1b[2J\x9b\x00\r", r"\u001b[2J\u009b\u0000\u000d"),
            ("\u202eevil\u2066", r"\u202eevil\u2066"),
            ("\ud800\U000e0041", r"\ud800\udb40\udc41"),
        ],
    )
    def test_what_is_obeyed_is_shown(self, text: str, said: str) -> None:
        assert printable(text) == said

    @given(ANY_TEXT)
    def test_it_holds_for_every_text(self, text: str) -> None:
        shown = printable(text)
        assert printable(shown) == shown
        assert not any(ord(letter) < 32 and letter not in "\t\n" for letter in shown)
        assert not any(letter in shown for letter in "\x1b\x7f\x9b\u202a\u202e\u2066\u2069\u200f\ufeff")
        shown.encode()

    @given(ANY_TEXT)
    def test_a_document_in_json_means_the_same_afterwards(self, text: str) -> None:
        document = json.dumps({"a": text}, ensure_ascii=False)
        found = json.loads(printable(document))["a"]
        assert found.encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


class TestMarkdown:
    @given(ANY_TEXT)
    def test_text_of_others_is_only_text(self, text: str) -> None:
        for before, after in (("", ""), ("- ", ""), ("a ", " b")):
            tokens = [
                token
                for block in MarkdownIt("commonmark").enable("table").parse(f"{before}{plain(text)}{after}")
                for token in (block, *(block.children or ()))
            ]
            assert {token.type.removesuffix("_open").removesuffix("_close") for token in tokens} <= {
                *("paragraph", "inline", "text", "text_special"),
                *(("bullet_list", "list_item") if before == "- " else ()),
            }, (before, text)

    def test_what_is_read_is_what_was_written(self) -> None:
        text = "a [link](https://x.example) ![image](x) `code` *b* _c_ <b>d</b> | &#x202e; &amp; C:\\x"
        assert MarkdownIt().renderInline(plain(text)) == (
            "a [link](https://x.example) ![image](x) `code` *b* _c_ &lt;b&gt;d&lt;/b&gt; | &amp;#x202e; &amp;amp; C:\\x"
        )
        assert plain("alpha==1.0, R&D - 3") == "alpha==1.0, R&D - 3"

    @given(ANY_TEXT)
    def test_code_is_only_code(self, text: str) -> None:
        (inline,) = [token for token in MarkdownIt().parse(f"a {code(text)} b") if token.type == "inline"]
        if text.split():
            assert [token.type for token in inline.children or ()] == ["text", "code_inline", "text"]

    @given(ANY_TEXT)
    def test_a_block_is_only_code(self, text: str) -> None:
        tokens = MarkdownIt().parse(f"before\n\n{fenced(text)}\n\nafter")
        assert [token.type for token in tokens if token.level == 0] == [
            *("paragraph_open", "inline", "paragraph_close")[::2],
            "fence",
            *("paragraph_open", "paragraph_close"),
        ]
