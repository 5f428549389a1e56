"""Text of others in reports and on a terminal: it is shown, and never obeyed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from stackcompat.advice.advice import collect_advice
from stackcompat.report.advice import advice_files
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.command_line import MATRIX
from support.commands import Commands
from support.fakes import Catalogue
from support.made_up import COMPONENTS, NOW, history
from support.odd_index import page

#: Harmless, and told from all else: what would clear a terminal, turn the direction of writing, be a link, an image,
#: an element of HTML, code, a row of a table, a title, or the same written as an entity.
HOSTILE = (
    "\x1b[2J\x1b]0;evil\x07\x9b2J\u202e\u2066 [a](https://evil.example/a) ![i](https://evil.example/i.png) "
    "<img src=//evil.example/x onerror=evil()> `*_| &#x202e; \r\n\n# evil\n- evil\n"
)

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


#: The fields of the table that can hold any text.
FIELDS = set(
    re.findall(
        r"\w+",
        """
    blocker bound by category claim details distribution distributions documentation doubt failure forced got
    group hardware headline held_back interpreters label last lock matrix message missing_pythons moves_with
    networks newest newest_known package part_of plain platform platforms published python pythons raised_by
    reproduce requirements sentence signature summary tested tests title together_with triggered_by
    triggered_version type unanswered untested where
        """,
    )
)


def altered(value: Any, fields: set[str], path: str = "") -> Any:
    """The value with the hostile text behind each text of some fields."""
    if isinstance(value, dict):
        return {key: altered(inner, fields, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [altered(inner, fields, path) for inner in value]
    return value + HOSTILE if isinstance(value, str) and path in fields else value


def published(folder: Path, summary: Summary) -> dict[str, str]:
    """All that is written of a table, path to text."""
    advice = collect_advice(summary, COMPONENTS, Catalogue({}), (), ())
    write(folder, summary, advice_files(summary, advice))
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The reports of a table in which every text is hostile that can be any text."""
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    return published(
        tmp_path_factory.mktemp("all"), Summary.model_validate(altered(json.loads(summary.to_json()), FIELDS))
    )


def test_nothing_in_any_file_is_obeyed(hostile: dict[str, str]) -> None:
    assert any("evil.example" in text for text in hostile.values())
    for name, text in hostile.items():
        assert not OBEYED.search(text), name


def test_markdown_has_no_link_no_image_and_no_element_of_others(hostile: dict[str, str]) -> None:
    pages = {name: text for name, text in hostile.items() if name.endswith(".md")}
    assert len(pages) == 2
    for name, text in pages.items():
        assert "evil" in text
        for block in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
            assert not (block.type == "heading_open" and "evil" in block.content), name
            for token in (block, *(block.children or ())):
                if token.type in ("link_open", "image", "html_inline", "html_block"):
                    assert "evil" not in f"{token.attrs}{token.content}", (name, token, block.content)


def test_the_page_pictures_and_feeds_hold_text_only(hostile: dict[str, str]) -> None:
    assert "<img" not in hostile["index.html"]
    for name in (name for name in hostile if name.endswith((".xml", ".atom", ".svg"))):
        root = ET.fromstring(hostile[name])
        assert not any("img" in element.tag for element in root.iter()), name
    for name in (name for name in hostile if name.endswith(".json")):
        json.loads(hostile[name])


class TestTerminal:
    """What a person gave comes back in sentences, and what a file says in answers."""

    @pytest.mark.parametrize(
        "ask",
        [
            lambda commands, text: commands.run("try", f"alpha{text}", "--python", "3.12"),
            lambda commands, text: commands.run("plan", f"matrices/{text.replace('/', '')}.toml"),
            lambda commands, text: commands.run("check", f"{text.replace('/', '')}.txt"),
            lambda commands, text: _check(commands, f"alpha==1.0\n{text}\n"),
            lambda commands, text: _check(commands, f"alpha==1.0 {text}\nbeta>=1\n"),
        ],
    )
    def test_is_cleaned(self, commands: Commands, ask: Callable[[Commands, str], tuple[int, str, str]]) -> None:
        made = history()
        write(commands.folder / "reports", summarise(COMPONENTS, (made.record(),), made.evidence, NOW))
        text = HOSTILE.replace("\r\n\n# evil\n- evil\n", "")
        code, output, errors = ask(commands, text)
        assert code in (2, 3)
        assert "evil" in output + errors
        assert not OBEYED.search(output + errors)


def _check(commands: Commands, text: str) -> tuple[int, str, str]:
    (commands.folder / "all.txt").write_text(text, newline="")
    return commands.run("check", "all.txt", "--python", "3.12")


class TestSecrets:
    SECRET = "the-secret-of-somebody-0123456789"

    @pytest.mark.parametrize("source", ['variable = "LOCAL_ALPHA"', 'source = "$LOCAL_ALPHA"'])
    def test_what_a_variable_holds_is_not_published(self, commands: Commands, source: str) -> None:
        policy = f'[[policies]]\npolicy = "local"\ncomponent = "alpha"\n{source}\n'
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        matrix = MATRIX.replace("3.12", python).partition("[[policies]]")[0] + policy
        (commands.folder / "matrices" / "local.toml").write_text(matrix)
        commands.index.answers["/simple/alpha/"] = page(name="alpha")
        code, output, errors = commands.run("run", "local", variables={"LOCAL_ALPHA": self.SECRET})
        assert self.SECRET not in output + errors
        files = [path for path in commands.folder.rglob("*") if path.is_file()]
        assert (commands.folder / ".stackcompat" / "site" / "compat.json") in files, (code, output, errors)
        assert [str(path) for path in files if self.SECRET.encode() in path.read_bytes()] == []
