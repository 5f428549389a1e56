"""Explains what a report says: an advisory, a cell, a failure, two releases, one release, a word, a sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from packaging.version import Version

from stackcompat.advice.advisories import advisory_for
from stackcompat.advice.advisory import Advisory
from stackcompat.advice.listing import is_version
from stackcompat.advice.set_knowledge import PairFact, SetKnowledge
from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.text import and_list, counted
from stackcompat.core.vocabulary import LEVELS
from stackcompat.report.failure_text import failure_sentence, own_tests_note
from stackcompat.report.glossary import WORDS
from stackcompat.report.links import Links
from stackcompat.report.release_text import joined_releases
from stackcompat.report.words import GLOSSARY, LEVEL_MEANINGS
from stackcompat.table.cells import CellRow
from stackcompat.table.components import ComponentRow
from stackcompat.table.failures import FailureGroup
from stackcompat.table.frontiers import FrontierRow
from stackcompat.table.pairs import PairRow
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import POLICIES, SIGNS, sign, titled
from stackcompat.table.workaround import smallest_steps, steps_sentence
from stackcompat.verdict.history import RED

__all__ = ["Explanation", "explain"]

#: A release in a question: a name, with extras or without, then a version, with ``==`` or a space between them.
_RELEASE = re.compile(r"([A-Za-z][A-Za-z0-9._ -]*?)(?:\[[^]]*\])?\s*(?:==|\s)\s*v?(\d[A-Za-z0-9.!+]*)")

#: The most failures that a sentence can be about. With more, it says too little.
_MOST_FAILURES = 5

#: The fewest characters of a sentence that is looked for in failures.
_FEWEST = 8


#: How deep a result goes, in a report: ``up to interop``, ``broken at import``.
_DEPTH = re.compile(rf"(?:\w+ )??(up to|at) ({'|'.join(LEVELS)})")

_DEPTH_MEANINGS = {"up to": "the deepest level that passed", "at": "the shallowest level that fails"}


class Explanation(Record):
    """An explanation.

    Attributes:
        subject: What it is about, in a few words.
        kind: What that is.
        lines: The explanation, a sentence or a command a line.
        known: Whether the table knows anything of it.
    """

    subject: str
    kind: str
    lines: tuple[str, ...]
    known: bool = True


def explain(text: str, summary: Summary, advisories: Sequence[Advisory], site: str = "") -> tuple[Explanation, ...]:
    """Everything that the table says of something, the most exact reading of it first; empty: it knows nothing.

    Args:
        text: The id of an advisory, of a cell (or its first characters) or of a failure; two releases such as
            ``beta 2.4.1 with alpha 1.3.0``; one release; one or two components; a word of a report; or a sentence of
            one.
        summary: The table.
        advisories: Its advisories.
        site: The address of a site of the table; empty: none is known.
    """
    text = " ".join(text.split())
    readings = (
        _advisory(text, summary, advisories),
        _cells(text, summary),
        _failures_by_id(text, summary),
        _word(text),
        _releases(text, summary, advisories),
        _components(text, summary, advisories),
        _component(text, summary, advisories, site),
        _sentence(text, summary, advisories),
    )
    for reading in readings:
        found = tuple(reading)
        if found:
            return found
    return ()


def _advisory(text: str, summary: Summary, advisories: Iterable[Advisory]) -> Iterator[Explanation]:
    for advisory in advisories:
        if advisory.id.lower() == text.lower():
            yield _of_advisory(advisory, summary)


def _of_advisory(advisory: Advisory, summary: Summary) -> Explanation:
    cells = [cell for cell in summary.cells if cell.id in advisory.cells]
    lines = [advisory.sentence()]
    lines += [f"affected: {side}" for side in advisory.sides]
    lines += [f"only where {advisory.without} is not installed"] if advisory.without else []
    lines += [f"only with {and_list(advisory.beside)} installed"] if advisory.beside else []
    lines.append(f"level: {advisory.level} ({LEVEL_MEANINGS[advisory.level]})")
    lines.append(f"on Python {and_list(advisory.pythons) or 'not known'}; {_moments(advisory)}")
    lines.append(f"failure: {advisory.signature}")
    if advisory.inferred:
        lines.append(f"{len(advisory.inferred)} more sets are inferred to fail so; nobody tried them")
    lines += _reproduction(cells[0]) if cells else []
    return Explanation(subject=advisory.id, kind="advisory", lines=tuple(lines))


def _moments(advisory: Advisory) -> str:
    first = f"{advisory.first_seen:%Y-%m-%d}" if advisory.first_seen else "not known"
    last = f"{advisory.last_seen:%Y-%m-%d}" if advisory.last_seen else "not known"
    return f"first seen {first}, last {last}"


def _cells(text: str, summary: Summary) -> Iterator[Explanation]:
    if not re.fullmatch(r"[0-9a-f]{6,}", text.lower()):
        return
    for cell in summary.cells:
        if cell.id.startswith(text.lower()):
            yield _of_cell(cell, summary)


def _of_cell(cell: CellRow, summary: Summary) -> Explanation:
    groups = {group.id: group for group in summary.failures}
    depth = f" up to {cell.level}" if cell.verdict == "works" else ""
    at = f" at {cell.level}" if cell.verdict in ("broken", "flaky") else ""
    lines = [f"{sign(cell.verdict).word}{depth}{at}: {cell.sentence}", SIGNS[cell.verdict].means]
    lines.append(f"tried because: {cell.label or cell.policy} ({POLICIES.get(cell.policy, cell.policy)})")
    held = ", ".join(f"{name} {held.version}" for name, held in cell.components.items())
    lines.append(f"Python {cell.python} on {cell.platform}: {held or ', '.join(cell.requirements)}")
    lines += [f"{one.name} is held back at {one.got} by {one.by}: {one.bound}" for one in cell.held_back]
    for name in cell.failures:
        if name in groups:
            lines.append(failure_sentence(groups[name], summary))
    if cell.culprit is not None:
        inferred = " (inferred)" if cell.culprit.inferred else ""
        lines.append(f"culprit: {joined_releases(cell.culprit.versions)}{inferred}")
    elif cell.verdict == "broken":
        lines.append("culprit: not known")
    lines += [f"{feature} does not work: {why}" for feature, why in cell.broken_features.items()]
    lines += _reproduction(cell)
    return Explanation(subject=f"cell {cell.id}", kind="cell", lines=tuple(lines))


def _reproduction(cell: CellRow) -> list[str]:
    lines = [f"reproduce: {cell.reproduce}"] if cell.verdict != "works" else []
    return lines + [f"without stackcompat: {line}" for line in cell.plain]


def _failures_by_id(text: str, summary: Summary) -> Iterator[Explanation]:
    for group in summary.failures:
        if group.id == text.lower():
            yield _of_failure(group, summary)


def _of_failure(group: FailureGroup, summary: Summary) -> Explanation:
    is_note = group.level == "upstream"
    lines = [own_tests_note(group, summary) if is_note else failure_sentence(group, summary)]
    lines.append(f"{sign(group.verdict).word} at {group.level}: {LEVEL_MEANINGS[group.level]}")
    lines.append(f"failure: {group.signature}")
    culprit = group.culprit
    if culprit is not None and culprit.versions:
        lines.append(f"culprit: {joined_releases(culprit.versions)}")
        lines += [culprit.moved] if culprit.moved else []
        lines += [f"not certain: {culprit.doubt}"] if culprit.doubt else []
    else:
        lines.append("culprit: not known, no search was made")
    lines.append(f"{counted(len(group.cells), 'cell')} on Python {and_list(group.pythons)}, such as {group.cells[0]}")
    lines += [f"without stackcompat: {line}" for line in group.plain]
    return Explanation(subject=f"failure {group.id}", kind="failure", lines=tuple(lines))


def _word(text: str) -> Iterator[Explanation]:
    word = text.lower()
    meanings: list[tuple[str, str]] = [(name, means) for name, means in GLOSSARY.items() if name == word]
    if not meanings:
        meanings = [
            (word, means) for name, means_of_it in WORDS.items() if name.lower() == word for means in means_of_it
        ]
    depth = _DEPTH.fullmatch(word)
    if depth is not None:
        meanings.append((f"{depth[1]} {depth[2]}", f"{_DEPTH_MEANINGS[depth[1]]}; {depth[2]}: {_level(depth[2])}"))
    meanings += [("level", LEVEL_MEANINGS[level]) for level in LEVELS if level == word]
    meanings += [("policy", means) for name, means in POLICIES.items() if name == word]
    meanings += [("verdict", mark.means) for mark in SIGNS.values() if text in (mark.glyph, mark.word)]
    means = [f"{kind}: {meaning}" if kind != word else meaning for kind, meaning in dict.fromkeys(meanings)]
    if means:
        yield Explanation(subject=text, kind="word", lines=tuple(means))


def _level(name: str) -> str:
    """What a level means, by its name."""
    return next(LEVEL_MEANINGS[level] for level in LEVELS if level == name)


# ---------------------------------------------------------------------------------------------------------------------
# Releases
# ---------------------------------------------------------------------------------------------------------------------


def _releases(text: str, summary: Summary, advisories: Sequence[Advisory]) -> Iterator[Explanation]:
    """The explanation of the one or two releases that a text names, and of nothing else that it says."""
    asked = _named_releases(text, summary)
    if len(asked) > 2:
        line = "explain tells of two releases; stackcompat check tells of a set, from a file with a line for each"
        yield Explanation(subject=text, kind="set", lines=(line,), known=False)
    elif len(asked) == 2:
        yield _of_pair(asked, summary, advisories)
    elif len(asked) == 1:
        yield _of_release(*asked[0], summary, advisories)


def _named_releases(text: str, summary: Summary) -> list[tuple[str, str]]:
    """The releases of components that a text consists of; none if it says anything else."""
    names = _names(summary)
    found = []
    for part in re.split(r"\s+with\s+|\s*,\s*|\s+and\s+|\s+(?=[A-Za-z][\w.-]*==)|(?<=\d)\s+(?=[A-Za-z])", text):
        match = _RELEASE.fullmatch(part.strip())
        if match is None or match[1].strip().lower() not in names or not is_version(match[2]):
            return []
        found.append((names[match[1].strip().lower()], match[2]))
    return found


def _names(summary: Summary) -> dict[str, str]:
    """What a person can call a component, in small letters, to its name."""
    names: dict[str, str] = {}
    for row in reversed(summary.components):
        names |= {word.lower(): row.name for word in (row.title, row.distribution, row.name) if word}
    return names


def _of_pair(asked: Sequence[tuple[str, str]], summary: Summary, advisories: Sequence[Advisory]) -> Explanation:
    (first, first_version), (second, second_version) = asked
    titles = summary.titles()
    subject = f"{titles[first]} {first_version} with {titles[second]} {second_version}"
    distributions = {row.name: row.distribution for row in summary.components}
    if distributions[first] == distributions[second] and version_key(first_version) != version_key(second_version):
        line = f"cannot be installed together: both are releases of {distributions[first]}"
        return Explanation(subject=subject, kind="pair", lines=(line,))
    lines = []
    known = False
    for python in _pythons(summary):
        knowledge = SetKnowledge(summary, python)
        pair = (first, version_key(first_version), second, version_key(second_version))
        fact, apart = knowledge.fact(*pair), knowledge.kept_apart(*pair)
        words = apart if fact.state == "unknown" and apart else _fact_words(fact)
        lines.append(f"Python {python}: {words}")
        known = known or fact.state != "unknown" or bool(apart)
    installed = {distributions[name]: version for name, version in asked}
    hits = [advisory for advisory in advisories if advisory.hits(installed)]
    told = [advisory_for(advisory, installed, advisories, summary) for advisory in hits]
    lines += [f"{advisory.id}: {advisory.sentence()}" for advisory in told]
    if any("broken" in line for line in lines) and not any(advisory.workaround for advisory in told):
        steps = steps_sentence(smallest_steps(dict(asked), summary), titles)
        lines.append(steps or "what helps is not known")
    return Explanation(subject=subject, kind="pair", lines=tuple(lines), known=known or bool(hits))


def _fact_words(fact: PairFact) -> str:
    likely = "likely " if fact.doubt and fact.state == "seen" else ""
    verdict = f"{likely}broken at {fact.level}: {fact.failure or 'the failure is not known'}" if fact.broken else ""
    verdict = verdict or f"work up to {fact.level}"
    doubt = "; a third component can be at fault" if fact.doubt else ""
    match fact.state:
        case "seen":
            return f"tested together, {verdict}{doubt}"
        case "met":
            return "installed together in a cell that works; no test uses both"
        case "inferred":
            return f"inferred, nobody tried it here: {verdict}{doubt}"
        case "elsewhere":
            return f"not tried here; on Python {fact.python} {verdict}{doubt}"
        case _:
            return f"not known{f' ({fact.why})' if fact.why else ''}"


def _pythons(summary: Summary) -> list[str]:
    return sorted({cell.python for cell in summary.cells}, key=python_key, reverse=True)


def _of_release(name: str, version: str, summary: Summary, advisories: Sequence[Advisory]) -> Explanation:
    row = next(one for one in summary.components if one.name == name)
    cells = [cell for cell in summary.cells if name in cell.components and cell.components[name].version == version]
    counts = {word: sum(cell.verdict == word for cell in cells) for word in ("works", "broken")}
    lines = [f"{row.summary}; its newest tested release is {row.newest or 'not known'}"]
    if cells:
        words = (
            f"{counts['works']} works, {counts['broken']} is broken"
            if len(cells) == 1
            else (f"{counts['works']} work, {counts['broken']} are broken")
        )
        lines.append(f"{counted(len(cells), 'cell')} {'has' if len(cells) == 1 else 'have'} it: {words}")
    else:
        tried = f"; tried were {', '.join(row.releases[-8:])}" if row.releases else ""
        lines.append(f"not known: no cell has it{tried}")
    hits = [
        advisory
        for advisory in advisories
        if any(side.component == name and version in side.versions for side in advisory.sides)
    ]
    lines += [f"{advisory.id}: {advisory.sentence()}" for advisory in hits]
    known = bool(cells or hits)
    return Explanation(subject=f"{row.title} {version}", kind="release", lines=tuple(lines), known=known)


# ---------------------------------------------------------------------------------------------------------------------
# Two components
# ---------------------------------------------------------------------------------------------------------------------


def _components(text: str, summary: Summary, advisories: Sequence[Advisory]) -> Iterator[Explanation]:
    """The explanation of the two components that a text names, without their releases."""
    names, words = _names(summary), text.lower()
    for match in re.finditer(r"\s+(?:with|and)\s+|\s*[,/]\s*|\s+", words):
        asked = [names.get(word) for word in (words[: match.start()], words[match.end() :])]
        one, other = asked
        if one is None or other is None or one == other:
            continue
        rows: tuple[PairRow | FrontierRow, ...] = (*summary.pairs, *summary.frontiers)
        named = next(((row.first, row.second) for row in rows if {row.first, row.second} == {one, other}), None)
        if named is not None:
            yield _of_components(*named, summary, advisories)
            return


def _component(text: str, summary: Summary, advisories: Sequence[Advisory], site: str) -> Iterator[Explanation]:
    """The explanation of the one component that a text names, without a release."""
    name = _names(summary).get(text.lower())
    for row in summary.components:
        if row.name == name:
            yield _of_component(row, summary, advisories, site)


def _of_component(row: ComponentRow, summary: Summary, advisories: Sequence[Advisory], site: str) -> Explanation:
    lines = [row.summary, f"its newest tested release is {row.newest}" if row.newest else "no release was tested"]
    if row.newest_known:
        lines.append(f"{row.newest_known} is newer, and no cell could install it")
    depth = f" up to {row.deepest_level}" if row.deepest_level and row.verdict == "works" else ""
    at = f" at {row.level}" if row.verdict in RED else ""
    means = f" ({LEVEL_MEANINGS[row.deepest_level]})" if depth and row.deepest_level else ""
    lines.append(f"with the newest releases of the others: {sign(row.verdict).word}{depth}{at}{means}")
    lines += [row.blocker] if row.blocker else []
    lines += [row.untested] if row.untested else []
    partners: dict[str, list[str]] = {}
    titles = summary.titles()
    for pair in summary.pairs:
        its = {pair.first: pair.first_version, pair.second: pair.second_version}
        if its.pop(row.name, None) == row.newest:
            ((other, version),) = its.items()
            partners.setdefault(sign(pair.verdict).word, []).append(f"{titles[other]} {version}")
    lines += [f"{row.newest} with others, {word}: {and_list(others)}" for word, others in partners.items()]
    hits = sum(any(side.component == row.name for side in advisory.sides) for advisory in advisories)
    if hits:
        noun = "1 advisory is" if hits == 1 else f"{hits} advisories are"
        lines.append(f"{noun} about it: stackcompat advice {row.name}")
    page = f"component/{row.name}.html"
    address = Links(beside=False, site=site).address("", page)
    lines.append(f"page: {address}" if address else f"page of the site that stackcompat site writes: {page}")
    return Explanation(subject=row.title, kind="component", lines=tuple(lines))


class _Seen(NamedTuple):
    """Two releases that were tested together, as they are spelled and comparable, and what that showed."""

    first: str
    second: str
    versions: tuple[Version, Version]
    fact: PairFact

    @property
    def place(self) -> tuple[object, ...]:
        """Sorts it; pre-releases, which an installer does not take, come before all others."""
        return (not any(version.is_prerelease for version in self.versions), *self.versions)


def _seen_together(first: str, second: str, knowledge: SetKnowledge) -> list[_Seen]:
    """Every two releases that tests used together in a cell or along a frontier, the newest last."""
    found = [
        _Seen(text, knowledge.tried[second][its], (version, its), fact)
        for version, text in knowledge.tried.get(first, {}).items()
        for its, fact in knowledge.facts_of(first, version).get(second, {}).items()
        if fact.state == "seen"
    ]
    return sorted(found, key=lambda one: one.place)


def _number(number: int, one: str, more: str) -> str:
    """A number with its words: ``none is``, ``1 is``, ``2 are``."""
    return f"{number or 'none'} {one if number < 2 else more}"


def _of_components(first: str, second: str, summary: Summary, advisories: Sequence[Advisory]) -> Explanation:
    titles = summary.titles()
    lines = []
    known = False
    for python in _pythons(summary):
        seen = _seen_together(first, second, SetKnowledge(summary, python))
        if not seen:
            lines.append(f"Python {python}: not known, no two releases were tried together")
            continue
        known = True
        working = [one for one in seen if not one.fact.broken]
        doubtful = sum(one.fact.broken and one.fact.doubt for one in seen)
        newest = "none of them works"
        if working:
            last = working[-1]
            newest = f"the newest that work are {titles[first]} {last.first} with {titles[second]} {last.second}"
        doubt = f", {doubtful} likely (a third component can be at fault)" if doubtful else ""
        lines.append(
            f"Python {python}: {_number(len(seen), 'pair of releases was', 'pairs of releases were')} tried together, "
            f"{_number(len(seen) - len(working) - doubtful, 'is', 'are')} broken{doubt}; {newest}"
        )
    both = {first, second}
    hits = [advisory for advisory in advisories if both <= {side.component for side in advisory.sides}]
    lines += [f"{advisory.id}: {advisory.sentence()}" for advisory in hits]
    return Explanation(
        subject=f"{titles[first]} with {titles[second]}", kind="pair", lines=tuple(lines), known=known or bool(hits)
    )


# ---------------------------------------------------------------------------------------------------------------------
# Sentences
# ---------------------------------------------------------------------------------------------------------------------


def _sentence(text: str, summary: Summary, advisories: Sequence[Advisory]) -> Iterator[Explanation]:
    """The failures that a sentence is about: it is in their words, or their message is in it."""
    words = text.lower().strip(" .")
    if len(words) < _FEWEST:
        return
    found = [group for group in summary.failures if _is_about(words, group, summary)]
    for group in found[:_MOST_FAILURES]:
        yield _of_failure(group, summary)
    if found:
        return
    for advisory in advisories:
        if words in advisory.sentence().lower() or words in advisory.signature.lower():
            yield _of_advisory(advisory, summary)
    cells = [cell for cell in summary.cells if words in cell.sentence.lower()]
    for cell in cells[:1]:
        yield _of_cell(cell, summary)
    if not cells:
        held = [(cell, one) for cell in summary.cells for one in cell.held_back if words in one.bound.lower()]
        for cell, one in held[:1]:
            line = f"{titled(summary.titles(), one.name)} is held back at {one.got} ({one.newest} is the newest)"
            lines = (f"{line} by {one.by}: {one.bound}", GLOSSARY["held back"], f"seen in cell {cell.id}")
            yield Explanation(subject=one.bound, kind="bound", lines=lines)
        if not held and words in summary.headline.lower():
            yield _of_headline(text, summary)


def _of_headline(text: str, summary: Summary) -> Explanation:
    """What the sentence at the top of every report rests on, of which a text is a part."""
    lines = [f"it is a part of the headline of the table of {summary.generated:%Y-%m-%d}, about the newest releases"]
    for row in summary.today:
        depth = f" up to {row.level} ({LEVEL_MEANINGS[row.level]})" if row.level and row.verdict == "works" else ""
        when = f", last tested {row.seen:%Y-%m-%d}" if row.seen else ""
        lines.append(f"Python {row.python}: {sign(row.verdict).word}{depth}{when}, cell {row.cell}")
    return Explanation(subject=text, kind="headline", lines=tuple(lines))


def _is_about(words: str, group: FailureGroup, summary: Summary) -> bool:
    message = group.message.lower()
    if words in group.signature.lower() or words in message or (len(message) >= _FEWEST and message in words):
        return True
    return group.level != "upstream" and words in failure_sentence(group, summary).lower()
