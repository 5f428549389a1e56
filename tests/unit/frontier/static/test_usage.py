"""What one release wants of another in vain."""

from __future__ import annotations

from stackcompat.frontier.static.usage import Missing, missing, wanted, without_unseen_attributes
from support.sources import OTHER, release


def test_an_attribute_that_no_release_shows_comes_from_elsewhere() -> None:
    now = release(b="class Settings: ...\nsettings = Settings()")
    then = release(b="class Settings: ...\nsettings = Settings()\nwith_one(name='fast_math')")
    wants = wanted(release(a="import b\nb.settings.fast_math, b.settings.elsewhere, b.gone"), ["a"], {"b"})
    found = without_unseen_attributes({"now": missing(wants, now), "then": missing(wants, then)}, [now, then])
    names = {key: sorted(entry.name for entry in entries) for key, entries in found.items()}
    assert names == {"now": ["b.gone", "b.settings.fast_math"], "then": ["b.gone"]}


def test_what_is_taken_is_found_through_the_modules_that_an_import_reaches() -> None:
    taker = release(
        a_="from . import inner\n",
        a__inner="from .deep.most import x\n",
        a__deep_="",
        a__deep__most="from b import gone\nx = 1\n",
        a__apart="from b import lost\n",
    )
    wants = wanted(taker, ["a"], {"b"})
    assert missing(wants, OTHER) == (Missing("b.gone", "a.deep.most", 1),)
    assert str(missing(wants, OTHER)[0]) == "a.deep.most:1 takes b.gone, which is not there"
    apart = wanted(taker, ["a.apart"], {"b"})
    assert {found.module for found in missing(apart, OTHER)} == {"a.deep.most", "a.apart"}


def test_two_releases_may_share_a_top_level_package() -> None:
    taker = release(ns__one_="from ns.two import gone\nfrom ns.one import own\n")
    giver = release(ns__two_="there = 1\n")
    assert [found.name for found in missing(wanted(taker, ["ns.one"], {"ns"}), giver)] == ["ns.two.gone"]
