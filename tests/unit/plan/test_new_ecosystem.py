"""The files of a new ecosystem: they can be read as they are, and say what is known."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path

import pytest

from stackcompat.ecosystem.components import load_components
from stackcompat.gate.policy import load_policy
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.plan.new_ecosystem import Member, day_to_look_back_to, gitignore_with, new_files
from stackcompat.plan.policies import AsOf, Newest

TODAY = dt.date(2026, 8, 31)
ALPHA = Member(distribution="alpha", modules=("alpha",), first=dt.date(2024, 1, 1))
KIT = Member(distribution="beta-kit", modules=("beta", "betamore"), requires=("alpha",), first=dt.date(2025, 1, 1))


def made(folder: Path, *members: Member) -> Ecosystem:
    for path, text in new_files('My "own"', members, ("3.13", "3.12"), TODAY).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return Ecosystem(folder)


def test_the_files_are_an_ecosystem(tmp_path: Path) -> None:
    ecosystem = made(tmp_path, ALPHA, KIT)
    assert ecosystem.name == 'My "own"'
    components = ecosystem.components()
    assert components.names() == ("alpha", "beta-kit")
    assert [module.name for module in components["beta-kit"].modules] == ["beta", "betamore"]
    matrix = ecosystem.matrix("quick")
    newest, back = matrix.policies
    assert (matrix.components, matrix.pythons) == (("alpha", "beta-kit"), ("3.13", "3.12"))
    assert isinstance(newest, Newest)
    assert isinstance(back, AsOf)
    assert [moment.date() for moment in back.dates] == [dt.date(2026, 2, 28)]
    policy = load_policy(ecosystem.matrices / "gate.toml", load_components(ecosystem.matrices / "components.toml"))
    assert (policy.pythons, [rule.rule for rule in policy.rules]) == (("3.13",), ["newest", "floors"])


@pytest.mark.parametrize("order", [(ALPHA, KIT), (KIT, ALPHA)])
def test_the_example_gives_what_one_makes_to_the_one_that_needs_it(tmp_path: Path, order: tuple[Member, ...]) -> None:
    made(tmp_path, *order)
    text = (tmp_path / "tests/interop/test_together.py").read_text(encoding="utf-8")
    ast.parse(text)
    assert text.startswith('"""beta-kit with alpha: an example')
    assert '@pytest.mark.uses("alpha", "beta-kit")\n@pytest.mark.level("import")\n' in text
    assert "def test_beta_kit_with_alpha() -> None:" in text
    assert "    import alpha\n    import beta\n" in text
    assert "#     made = alpha.something(...)\n    #     result = beta.something(made)\n" in text


def test_the_example_of_a_single_component(tmp_path: Path) -> None:
    made(tmp_path, KIT)
    text = (tmp_path / "tests/interop/test_together.py").read_text(encoding="utf-8")
    ast.parse(text)
    assert 'uses("beta-kit")' in text
    assert "def test_beta_kit() -> None:" in text
    assert "made = beta.something(...)" in text
    ast.parse((tmp_path / "tests/interop/test_import.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (dt.date(2020, 1, 1), dt.date(2026, 2, 28)),
        (dt.date(2026, 5, 5), dt.date(2026, 5, 5)),
        (TODAY, None),
    ],
)
def test_the_quick_look_goes_back_to_a_day_on_which_all_were_there(first: dt.date, expected: dt.date | None) -> None:
    young = ALPHA.model_copy(update={"first": first})
    assert day_to_look_back_to([KIT, young], TODAY) == expected
    quick = new_files("x", [KIT, young], ["3.12"], TODAY)["matrices/quick.toml"]
    assert ('policy = "as-of"' in quick) == (expected is not None)
    assert day_to_look_back_to([ALPHA], dt.date(2026, 3, 31)) == dt.date(2025, 9, 30)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ".stackcompat/\n"),
        ("*.pyc", "*.pyc\n.stackcompat/\n"),
        ("*.pyc\n", "*.pyc\n.stackcompat/\n"),
        ("/.stackcompat\n*.pyc\n", "/.stackcompat\n*.pyc\n"),
        (".stackcompat/", ".stackcompat/"),
    ],
)
def test_the_line_of_gitignore(before: str, after: str) -> None:
    assert gitignore_with(before) == after
