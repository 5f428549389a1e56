"""The reasons why it is not known whether an environment works. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from stackcompat.advice.checked import CheckedPair
from stackcompat.advice.component_set import ComponentSet, release_words
from stackcompat.advice.listing import Listed
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.core.near_names import near_name
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.text import and_list
from stackcompat.table.vocabulary import titled

__all__ = ["Reason", "unknown_reasons"]


class Reason(NamedTuple):
    """A reason why it is not known whether an environment works.

    Attributes:
        sentence: The reason, without a full stop.
        names: The distributions that it is about, in normal form; empty: it is about the environment as a whole.
    """

    sentence: str
    names: tuple[str, ...] = ()


def unknown_reasons(
    listed: Listed,
    of_set: ComponentSet,
    knowledge: SetKnowledge,
    pairs: Iterable[CheckedPair],
) -> Iterator[Reason]:
    """The reasons why it is not known whether an environment works.

    Args:
        listed: The content of the environment.
        of_set: Its components.
        knowledge: The table.
        pairs: The pairs of its components, without those that are known or likely to be broken.
    """
    yield from _of_lines(listed, of_set, knowledge)
    near = _near_names(listed, knowledge)
    for name, other in near.items():
        yield Reason(f"{name}: did you mean {other}", (name,))
    strangers = [name for name in _strangers(listed, knowledge) if name not in near]
    if strangers:
        more = f" and {len(strangers) - _NAMED} more" if len(strangers) > _NAMED else ""
        named = ", ".join(strangers[:_NAMED]) + more
        yield Reason(f"no cell had {named}, so nobody tried the components with that", tuple(strangers))
    pairs = tuple(pairs)
    refused = [pair for pair in pairs if pair.state == "unknown" and _kept_apart(pair, of_set, knowledge)]
    told = frozenset[str]().union(*(pair.names for pair in refused))  # to try these is no use
    strange = dict(_strange_releases(of_set, knowledge))
    for name, sentence in strange.items():
        if name not in told:
            yield Reason(sentence, _distributions((name,), knowledge))
    for name, version in of_set.builds.items():
        title = titled(knowledge.summary.titles(), name)
        known = f"what is known is about the release {of_set.components[name]}"
        yield Reason(f"{title} {version} is a build of its own; {known}", _distributions((name,), knowledge))
    open_pairs = [
        pair for pair in pairs if not _is_settled(pair) and (pair in refused or not pair.names & strange.keys())
    ]
    yield from _of_pairs([pair for pair in open_pairs if not _follows(pair, of_set, knowledge)], of_set, knowledge)
    if len(of_set.versions) == 1 and not strange and knowledge.cell_with(of_set.versions) is None:
        ((name, version),) = of_set.components.items()
        title = titled(knowledge.summary.titles(), name)
        sentence = f"no working cell on Python {knowledge.python} has {title} {version}"
        yield Reason(sentence, _distributions((name,), knowledge))


def _distributions(components: Iterable[str], knowledge: SetKnowledge) -> tuple[str, ...]:
    distributions = {row.name: row.distribution for row in knowledge.summary.components}
    return tuple(dict.fromkeys(distributions[name] for name in components))


def _is_settled(pair: CheckedPair) -> bool:
    return pair.broken or pair.state in ("seen", "met")


def _follows(pair: CheckedPair, of_set: ComponentSet, knowledge: SetKnowledge) -> bool:
    """Whether one of the two moves with a third component of the set. The pair of that component says enough."""
    leaders = {knowledge.leaders.get(name, "") for name in pair.names} & of_set.versions.keys()
    return bool(leaders - pair.names)


def _of_lines(listed: Listed, of_set: ComponentSet, knowledge: SetKnowledge) -> Iterator[Reason]:
    """The reasons that lines without an exact version give."""
    ours = {row.distribution for row in knowledge.summary.components}
    named = tuple(name for name in listed.loose if name in ours)
    loose = [f"{name}{listed.loose[name]}" for name in named]
    if loose and not of_set.components:
        yield Reason(f"nothing of the stack is pinned exactly: {', '.join(loose)}", named)
    elif not of_set.components:
        yield Reason("nothing that it pins is a component of this stack")
    elif loose:
        verb = "has" if len(loose) == 1 else "have"
        yield Reason(f"{and_list(loose)} {verb} no exact version", named)
    unread = [line for line in listed.lines if line.kind == "unread"]
    if unread:
        texts = "; ".join(line.text for line in unread[:_NAMED]) + ("; …" if len(unread) > _NAMED else "")
        number = f"{len(unread)} {'line was' if len(unread) == 1 else 'lines were'}"
        yield Reason(f"{number} not looked at: {texts}")
    for line in listed.lines:
        if line.kind in ("twice", "project") and line.name in ours:
            yield Reason(f"{line.text}: {line.why}", (line.name,))


#: How many lines or pairs a sentence lists; the others are only counted.
_NAMED = 5


def _near_names(listed: Listed, knowledge: SetKnowledge) -> dict[str, str]:
    """Names that are one edit from a distribution of the stack that is missing in the environment, each with that one.

    A name that some cell had is no slip.
    """
    ours = {row.distribution for row in knowledge.summary.components if row.distribution}
    named = listed.versions.keys() | listed.loose.keys()
    others = sorted(named - ours - {*knowledge.summary.distributions})
    meant = {name: near_name(name, sorted(ours - named)) for name in others}
    return {name: other for name, other in meant.items() if other}


def _strangers(listed: Listed, knowledge: SetKnowledge) -> list[str]:
    """The distributions that no cell had. One that needs no component is left out, if the file says what it needs."""
    tried = set(knowledge.summary.distributions)
    ours = {row.distribution for row in knowledge.summary.components if row.distribution}
    if not tried or not ours & listed.versions.keys():
        return []
    loose = [line.name for line in listed.lines if line.kind == "loose" and line.name]
    return [
        name
        for name in sorted({*listed.versions, *loose} - tried - ours - _INSTALLERS)
        if name not in listed.needs or listed.needs[name] & ours
    ]


#: Installers are in many environments, and use none of the components.
_INSTALLERS = frozenset(("pip", "setuptools", "uv", "wheel"))


def _strange_releases(of_set: ComponentSet, knowledge: SetKnowledge) -> Iterator[tuple[str, str]]:
    """The components whose release nobody tried, each with a sentence."""
    titles = knowledge.summary.titles()
    day = f"{knowledge.summary.generated:%Y-%m-%d}"
    for name, version in of_set.versions.items():
        tried = knowledge.tried.get(name, {})
        if version in tried:
            continue
        release = f"{titled(titles, name)} {of_set.components[name]}"
        released = knowledge.released.get(name, set())
        if not tried:
            yield name, f"no release of {titled(titles, name)} was tried"
        elif version in released:
            yield name, f"{release} was not tried; run {_try(of_set, knowledge)}"
        elif version > max(released):
            yield name, f"{release} is newer than this table of {day}; run {_try(of_set, knowledge)}"
        elif version < min(tried):
            yield name, f"{release} is older than the oldest release that was tried ({tried[min(tried)]})"
        else:
            yield name, f"{release} was not tried, if there is such a release at all"


def _try(of_set: ComponentSet, knowledge: SetKnowledge) -> str:
    """The command that tries the environment."""
    distributions = {row.name: row.distribution for row in knowledge.summary.components}
    pins = " ".join(f'"{distributions[name]}=={version}"' for name, version in of_set.components.items())
    return f"stackcompat try {pins} --python {knowledge.python}"


def _of_pairs(pairs: Sequence[CheckedPair], of_set: ComponentSet, knowledge: SetKnowledge) -> Iterator[Reason]:
    """The reasons that pairs give whose releases were tried, but not together."""
    if not pairs:
        return
    if not any(cell.python == knowledge.python for cell in knowledge.summary.cells):
        yield Reason(f"the table has no cells on Python {knowledge.python}")
    inferred = [pair for pair in pairs if pair.state == "inferred"]
    elsewhere = [pair for pair in pairs if pair.state == "elsewhere"]
    unknown = [(pair, _why_untested(pair, of_set, knowledge)) for pair in pairs if pair.state == "unknown"]
    rest = [pair for pair, why in unknown if not why]
    if inferred:
        yield _reason(f"inferred to work and not tested: {_listed(inferred, knowledge)}", inferred, knowledge)
    if elsewhere:
        pythons = and_list(sorted({pair.python for pair in elsewhere}, key=python_key))
        sentence = f"tested on Python {pythons} and not on {knowledge.python}: {_listed(elsewhere, knowledge)}"
        yield _reason(sentence, elsewhere, knowledge)
    yield from (_reason(why, [pair], knowledge) for pair, why in unknown if why)
    if rest:
        sentence = f"not tested together: {_listed(rest, knowledge)}; run {_try(of_set, knowledge)}"
        yield _reason(sentence, rest, knowledge)


def _reason(sentence: str, pairs: Iterable[CheckedPair], knowledge: SetKnowledge) -> Reason:
    """A reason that pairs give."""
    return Reason(sentence, _distributions((name for pair in pairs for name in pair.versions), knowledge))


def _listed(pairs: Sequence[CheckedPair], knowledge: SetKnowledge) -> str:
    titles = knowledge.summary.titles()
    texts = [release_words(pair.versions, titles) for pair in pairs[:_NAMED]]
    more = f" and {len(pairs) - _NAMED} more pairs" if len(pairs) > _NAMED else ""
    return "; ".join(texts) + more


def _kept_apart(pair: CheckedPair, of_set: ComponentSet, knowledge: SetKnowledge) -> str:
    first, second = pair.versions
    return knowledge.kept_apart(first, of_set.versions[first], second, of_set.versions[second])


def _why_untested(pair: CheckedPair, of_set: ComponentSet, knowledge: SetKnowledge) -> str:
    """Why nobody tested two releases: metadata keeps them apart, or one is older than their frontier. Else empty."""
    titles = knowledge.summary.titles()
    apart = _kept_apart(pair, of_set, knowledge)
    if apart:
        return f"{release_words(pair.versions, titles)} {apart}"
    for row in knowledge.summary.frontiers:
        if {row.first, row.second} != set(pair.versions):
            continue
        begins = {row.first: row.first_releases[0].version, row.second: row.second_releases[0].version}
        if any(version_key(pair.versions[name]) < version_key(first) for name, first in begins.items()):
            start = and_list([f"{titled(titles, name)} {version}" for name, version in begins.items()])
            return f"{release_words(pair.versions, titles)} was not tested: what is known of the two begins at {start}"
    return ""
