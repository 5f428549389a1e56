"""What one paired cell amounts to: its requirement, with a sentence and a remedy for each finding. Pure.

Infrastructure, skipped tests, evidence that is too old and imports alone never satisfy a requirement; a flaky or a
quarantined test never fails one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stackcompat.core.record import digest
from stackcompat.core.text import and_list, article
from stackcompat.core.vocabulary import LEVELS
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Failure, TestResult
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.comparison import OUTCOMES, Comparison, compare
from stackcompat.gate.model import (
    Arm,
    Exclusion,
    FlakyTest,
    GateFinding,
    GateRequirement,
    NotTested,
    PairedCell,
    ShownRun,
    WaiverReport,
)
from stackcompat.gate.policy import GatePolicy, Quarantine, Waiver, Waivers, Weight
from stackcompat.verdict.attribution import attribute_failure
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.signature import api_of, incompatibility_id
from stackcompat.verdict.verdict import judge

__all__ = ["Hearing"]

_MESSAGE_CHARACTERS = 240


class _Case(NamedTuple):
    """A cell with the runs that are young enough, and the versions of components in the candidate's arm."""

    cell: PairedCell
    control: Arm
    candidate: Arm
    versions: dict[str, str]


class Hearing:
    """Hears cells one by one, and remembers what is to be told about all of them together."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        policy: GatePolicy,
        waivers: Waivers,
        components: Components,
        now: dt.datetime,
    ) -> None:
        self._candidates = candidates
        self._policy = policy
        self._components = components
        self._now = now
        self._oldest = now - dt.timedelta(days=policy.max_age_days)
        self._waivers = waivers
        self._used: list[Waiver | Quarantine] = []
        self._seen_versions: list[dict[str, str]] = []
        self._rates: dict[str, tuple[int, int]] = {}
        self.not_tested: list[NotTested] = []
        moving = {c.name for c in candidates}
        own = [row for row in components.components if row.distribution in moving]
        #: Components that change from control to candidate: the candidates and what moves with them.
        self._moving = {row.name for row in own}
        self._moving |= {row.name for row in components.components if row.moves_with in self._moving}
        self._leaders = {row.distribution: components[row.moves_with].distribution for row in own if row.moves_with}

    @property
    def subject(self) -> str:
        """The candidates, in words."""
        return and_list([f"{c.name} {c.version}" for c in self._candidates])

    @property
    def _replaced(self) -> str:
        return and_list([f"{c.name} {c.replaces}" for c in self._candidates])

    def hear(self, cell: PairedCell) -> list[GateRequirement]:
        """The requirements of one cell: one for the cell, and one for each component whose bounds keep it out."""
        if cell.candidate is not None and cell.candidate.planned.resolution.lock is not None:
            installed = cell.candidate.planned.resolution.lock.versions()
            self._seen_versions.append(versions_of(installed, self._components))
        waiting = [self._excluded(cell, e) for e in cell.exclusions if e.by == "other"]
        own = [e for e in cell.exclusions if e.by != "other"]
        return [self._excluded(cell, own[0], own) if own else self._tried(cell), *waiting]

    # --- bounds ---

    def _excluded(self, cell: PairedCell, first: Exclusion, every: Sequence[Exclusion] = ()) -> GateRequirement:
        """What a bound that keeps the candidate and others apart amounts to."""
        findings = []
        for exclusion in every or (first,):
            ident = f"SC-{digest('excluded', exclusion.sentence, length=10)}"
            versions = self._versions(cell)
            waiver = self._waiver("", {*self._moving, exclusion.component}, ident, versions)
            findings.append(
                GateFinding(
                    id=ident,
                    state="waived" if waiver else "failed",
                    sentence=exclusion.sentence,
                    remedy=exclusion.remedy,
                    level="resolve",
                    components=(exclusion.component,) if exclusion.component else (),
                    chain=exclusion.chain,
                    waiver=waiver.reason if waiver else "",
                )
            )
        weight: Weight = cell.weight
        if first.by != "candidate" and weight == "required":
            weight = "review"
        failed = [finding for finding in findings if finding.state == "failed"]
        chief = (failed or findings)[0]
        what = f"{cell.label}: together with {first.component}" if first.by == "other" else cell.label
        return GateRequirement(
            id=digest(cell.id, first.component, length=12) if first.by == "other" else cell.id,
            rule=cell.rule,
            weight=weight,
            what=what,
            python=cell.python,
            state="failed" if failed else "waived",
            sentence=chief.sentence,
            remedy=chief.remedy,
            findings=tuple(findings),
        )

    def _versions(self, cell: PairedCell) -> dict[str, str]:
        """Component to version as the candidate's arm would have had them."""
        lock = cell.control.planned.resolution.lock if cell.control else None
        versions = versions_of(lock.versions(), self._components) if lock else {}
        for candidate in self._candidates:
            component = self._components.of_distribution(candidate.name)
            if component is not None:
                versions[component.name] = candidate.version
        return versions

    # --- tests ---

    def _tried(self, cell: PairedCell) -> GateRequirement:
        """What the runs of a cell amount to."""
        if cell.untried or cell.control is None or cell.candidate is None:
            return self._undecided(cell, cell.untried or "no arm was planned", "give it more time, or see the reason")
        for arm, name in ((cell.control, "control"), (cell.candidate, "candidate")):
            if arm.evidence and not arm.since(self._oldest).evidence:
                age = (self._now - arm.evidence[-1].started).days
                sentence = (
                    f"the evidence of the {name} is {age} days old, and the policy allows {self._policy.max_age_days:g}"
                )
                return self._undecided(cell, sentence, "run the gate again with an index and an executor at hand")
        lock = cell.candidate.planned.resolution.lock
        versions = versions_of(lock.versions(), self._components) if lock else {}
        case = _Case(cell, cell.control.since(self._oldest), cell.candidate.since(self._oldest), versions)
        for arm, name in ((case.control, self._replaced), (case.candidate, self.subject)):
            if arm.ran():
                continue
            verdict = judge(arm.planned, arm.evidence)
            if arm is case.candidate and verdict.verdict == "uninstallable":
                return self._uninstallable(case, verdict.sentence)
            sentence = f"could not be tried with {name}: {verdict.verdict}: {verdict.sentence}"
            return self._undecided(cell, sentence, "mend what is in the way, and run the gate again")
        return self._compared(case)

    def _undecided(self, cell: PairedCell, sentence: str, remedy: str) -> GateRequirement:
        return self._requirement(cell, "undecided", f"{cell.label} on Python {cell.python}: {sentence}", remedy)

    def _uninstallable(self, case: _Case, sentence: str) -> GateRequirement:
        sentence = f"{self.subject} cannot be installed, {self._replaced} can: {sentence}"
        remedy = "see what the installer says of it, and build and upload its files again"
        ident = self._install_id(case)
        waiver = self._waiver("", set(), ident, case.versions)
        finding = GateFinding(
            id=ident,
            state="waived" if waiver else "failed",
            sentence=sentence,
            remedy=remedy,
            level="install",
            waiver=waiver.reason if waiver else "",
        )
        said = f"{sentence} (waived: {waiver.reason})" if waiver else sentence
        return self._requirement(case.cell, finding.state, said, remedy, findings=(finding,))

    def _install_id(self, case: _Case) -> str:
        return f"SC-{digest('uninstallable', self.subject, case.cell.python, length=10)}"

    def _unsteady(self, case: _Case) -> list[str]:
        """What speaks for a second look although tests ran with the candidate: runs that did not get that far."""
        ident = self._install_id(case)
        said = {
            "uninstallable": "was installed in one fresh environment and not in another",
            "invalid": "was not in every environment what was asked for",
        }
        doubts = [
            f"{self.subject} {said[run.outcome]} ({ident}): {run.detail}"
            for run in case.candidate.evidence
            if run.outcome in said
        ]
        return doubts[:1] if doubts and self._waiver("", set(), ident, case.versions) is None else []

    def _compared(self, case: _Case) -> GateRequirement:
        cell = case.cell
        compared = compare(case.control.evidence, case.candidate.evidence)
        self._count_flaky(case)
        findings = self._findings(case, [c for c in compared if c.effect == "against"])
        failed = [finding for finding in findings if finding.state == "failed"]
        undecided: list[str] = []
        doubts = self._unsteady(case)
        where = f"{cell.label} on Python {cell.python}"
        for one in compared:
            if one.effect in ("undecided", "review") and not self._exempt(one, case):
                if one.result.outcome == "blocked" and findings:
                    self.not_tested.append(NotTested(what=one.test, why=one.result.reason, where=where))
                    continue
                sentence = f"{one.test} {one.note}"
                (undecided if one.effect == "undecided" else doubts).append(sentence)
            elif one.comparison == "unknown" and one.note:
                self.not_tested.append(NotTested(what=one.test, why=one.note, where=where))
        doubts += [f.sentence for f in findings if f.state == "waived" and f.waiver.startswith("quarantined")]
        counts = {name: sum(c.comparison == name for c in compared) for name in OUTCOMES}
        more = {
            "findings": findings,
            "doubts": tuple(doubts),
            "counts": {name: number for name, number in counts.items() if number},
        }
        if failed:
            rest = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
            return self._requirement(cell, "failed", failed[0].sentence + rest, failed[0].remedy, **more)
        if undecided:
            rest = f" (and {len(undecided) - 1} more)" if len(undecided) > 1 else ""
            sentence = f"{where}: {undecided[0]}{rest}"
            return self._requirement(cell, "undecided", sentence, "run it again, or mend the test", **more)
        idle = [c.name for c in self._candidates if not self._exercised(c.name, compared)]
        if idle:
            sentence = f"{where}: no test that passes in both arms exercises {and_list(idle)}"
            remedy = "write a smoke test that uses it together with others"
            return self._requirement(cell, "undecided", sentence, remedy, **more)
        if findings:
            sentence = f"{findings[0].sentence} (waived: {findings[0].waiver})"
            return self._requirement(cell, "waived", sentence, findings[0].remedy, **more)
        passing = counts["passes"] + counts["fixed"]
        others = ", ".join(f"{n} {v}" for n, v in self._asked(case.candidate).items() if n not in self._names())
        besides = f", next to {others}" if others else ""
        tests = "test passes" if passing == 1 else "tests pass"
        before = f"as with {self._replaced}"
        if counts["fixed"]:
            before = f"({counts['fixed']} of them not with {self._replaced})"
        sentence = f"{passing} {tests} with {self.subject} {before} on Python {cell.python}{besides}"
        return self._requirement(cell, "satisfied", sentence, "", **more)

    def _requirement(self, cell: PairedCell, state: str, sentence: str, remedy: str, **more: object) -> GateRequirement:
        shown = []
        for name, arm in (("control", cell.control), ("candidate", cell.candidate)):
            for run in arm.evidence if arm else ():
                if run.started >= self._oldest:
                    values = {"run": run.id, "lock": run.lock_id, "started": run.started, "outcome": run.outcome}
                    shown.append(ShownRun.model_validate(values | {"arm": name, "versions": self._asked(arm)}))
        reproduce = ""
        if cell.candidate is not None and all(c.source == "index" for c in self._candidates):
            reproduce = self._command(cell)
        fields = {
            "id": cell.id,
            "rule": cell.rule,
            "weight": cell.weight,
            "what": cell.label,
            "python": cell.python,
            "state": state,
            "sentence": sentence,
            "remedy": remedy,
            "evidence": tuple(shown),
            "differs": cell.differs,
            "reproduce": reproduce,
        }
        return GateRequirement.model_validate(fields | more)

    def _command(self, cell: PairedCell) -> str:
        """The command that tries the candidate's arm again; empty where it asks for nothing."""

        def words(arm: Arm | None) -> str:
            return " ".join(f'"{name}=={version}"' for name, version in self._asked(arm).items())

        asked = words(cell.candidate)
        if cell.direction is None or not asked:
            return f"stackcompat try {asked} --python {cell.python}" if asked else ""
        writer, reader = (words(cell.control), asked)
        if cell.direction == "forward":
            writer, reader = reader, writer
        python = f"--write-python {cell.python} --read-python {cell.python}"
        return f"stackcompat exchange --write-with {writer} --read-with {reader} {python}"

    @staticmethod
    def _asked(arm: Arm | None) -> dict[str, str]:
        """The versions of the distributions that an arm asks for."""
        lock = arm.planned.resolution.lock if arm else None
        if arm is None or lock is None:
            return {}
        versions = lock.versions()
        return {name: versions[name] for name in arm.planned.cell.roots() if name in versions}

    def _names(self) -> set[str]:
        return {self._components[name].distribution for name in self._moving}

    def _exercised(self, name: str, compared: Iterable[Comparison]) -> bool:
        """Whether a test that uses the distribution passed with the old and with the new; an import is no use of it."""
        superficial = LEVELS.index("import") if LEVELS.index(self._policy.level) > LEVELS.index("import") else -1
        uses = {name, self._leaders.get(name, name)}
        return any(
            one.comparison in ("passes", "fixed")
            and LEVELS.index(one.level) > superficial
            and uses & set(one.result.components)
            for one in compared
        )

    # --- findings ---

    def _findings(self, case: _Case, against: Iterable[Comparison]) -> tuple[GateFinding, ...]:
        """What regressed, tests with the same failure together, the shallowest first."""
        grouped: dict[tuple[str, str], list[tuple[Comparison, GateFinding]]] = {}
        for one in sorted(against, key=lambda one: LEVELS.index(one.level)):
            finding = self._finding(case, one)
            grouped.setdefault((finding.id, finding.state), []).append((one, finding))
        return tuple(
            members[0][1].model_copy(update={"tests": tuple(one.test for one, _ in members)})
            for members in grouped.values()
        )

    def _finding(self, case: _Case, one: Comparison) -> GateFinding:
        result = one.result
        failure = result.failure or Failure(type=result.outcome, message=result.reason)
        others = self._others(result, case.versions)
        # The id of the advisory that this becomes once it is released.
        distributions = {self._components[name].distribution for name in others}
        ident = incompatibility_id(failure.signature, distributions | {c.name for c in self._candidates})
        names = [f"{name} {case.versions[name]}" for name in others]
        alone = len(self._candidates) == 1
        whom = f"{'breaks' if alone else 'break'} {and_list(names)}"
        if not names:
            whom = "breaks by itself" if alone else "break by themselves"
        # An import test is named after the module; any other test by its id.
        module = re.search(r"\[([\w.]+)\]$", result.test)
        action = f"import {module[1]}" if result.level == "import" and module else result.test
        message = (
            failure.message
            if len(failure.message) <= _MESSAGE_CHARACTERS
            else f"{failure.message[:_MESSAGE_CHARACTERS]}…"
        )
        sentence = f"{self.subject} {whom}: {action} fails with {failure.type}: {message}"
        if case.cell.direction == "backward":
            sentence += f" (on what {self._replaced} wrote)"
        if case.cell.direction == "forward":
            sentence += f" (in the environment of {self._replaced}, or on what it reads there)"
        if case.cell.differs:
            sentence += f" (the arms also differ in {', '.join(case.cell.differs)})"
        waiver = self._waiver(one.test, {*self._moving, *others}, ident, case.versions)
        quarantine = self._quarantined(one.test)
        told = waiver.reason if waiver else f"quarantined: {quarantine.reason}" if quarantine else ""
        return GateFinding(
            id=ident,
            state="waived" if told else "failed",
            sentence=sentence,
            remedy=self._remedy(failure, others),
            level=result.level,
            components=tuple(others),
            signature=failure.signature,
            waiver=told,
        )

    def _others(self, result: TestResult, versions: Mapping[str, str]) -> list[str]:
        """The components that a regression hits, beside the candidates: that there is one is not in doubt here.

        Nobody where the traceback goes through the candidates alone, and they do not lack a name of another. Those that
        the failure points at; where that is unsure the deepest on the traceback; else those of the test.
        """
        suspicion = attribute_failure(result, tuple(versions), self._components)
        traced = [name for name in suspicion.traced if name not in self._moving]
        if suspicion.traced and not traced and not _lacking(result.failure):
            return []
        if not suspicion.sure and traced:
            return traced[-1:]
        return [n for n in self._components.names() if n in suspicion.components and n not in self._moving]

    def _remedy(self, failure: Failure, others: Sequence[str]) -> str:
        name = _lacking(failure)
        names, who = and_list([c.name for c in self._candidates]), and_list(others)
        if not others:
            return f"mend it in {names}"
        if not name:
            return f"release {article(who)} that works with it first, or undo the change in {names}"
        asks = self._components.of_distribution(failure.package)
        if asks is not None and asks.name in self._moving:
            return f"make {names} do without {name}, or require {article(who)} that has it"
        return f"release {article(who)} that does without {name} first, or keep the name in {names}"

    # --- exceptions ---

    def _waiver(self, test: str, components: set[str], advisory: str, versions: Mapping[str, str]) -> Waiver | None:
        for waiver in self._waivers.waivers:
            if (
                not waiver.expired(self._now)
                and waiver.names(test=test, components=components, advisory=advisory)
                and waiver.holds_for(versions)
            ):
                self._used.append(waiver)
                return waiver
        return None

    def _quarantined(self, test: str) -> Quarantine | None:
        for quarantine in self._waivers.quarantine:
            if quarantine.names(test) and not quarantine.expired(self._now):
                self._used.append(quarantine)
                return quarantine
        return None

    def _exempt(self, one: Comparison, case: _Case) -> bool:
        """Whether a quarantine covers what a test left open, or a waiver what asks a human, or no longer applies."""
        if self._quarantined(one.test):
            return True
        components: set[str] = set()
        if one.effect == "review":
            components = {*self._moving, *self._others(one.result, case.versions)}
        elif one.result.outcome != "not-applicable":
            return False
        return self._waiver(one.test, components, "", case.versions) is not None

    def waiver_reports(self) -> tuple[WaiverReport, ...]:
        """Every waiver and quarantine: used, unused (and why), or expired."""
        found = []
        entries: tuple[Waiver | Quarantine, ...] = (*self._waivers.waivers, *self._waivers.quarantine)
        for entry in entries:
            state, note = "used" if entry in self._used else "unused", ""
            if entry.expired(self._now):
                state, note = "expired", "remove it, or decide anew"
            elif state == "unused":
                note = "what it is about did not fail; remove it if that lasts"
                if isinstance(entry, Waiver) and not any(entry.holds_for(v) for v in self._seen_versions):
                    note = "its versions have moved on; remove it"
            values = {"state": state, "note": note, "owner": entry.owner, "reason": entry.reason, "until": entry.until}
            kind = "waiver" if isinstance(entry, Waiver) else "quarantine"
            found.append(WaiverReport.model_validate(values | {"kind": kind, "what": entry.what}))
        return tuple(found)

    # --- flaky tests ---

    def _count_flaky(self, case: _Case) -> None:
        for arm in (case.control, case.candidate):
            flaky = {s.result.test for s in classify(arm.evidence) if s.state == "flaky"}
            for test in flaky:
                outcomes = [
                    r.outcome for run in arm.evidence if run.outcome == "ran" for r in run.tests if r.test == test
                ]
                red, runs = self._rates.get(test, (0, 0))
                red += sum(outcome in ("failed", "crashed") for outcome in outcomes)
                self._rates[test] = (red, runs + sum(o in ("failed", "crashed", "passed") for o in outcomes))

    def flaky(self) -> tuple[FlakyTest, ...]:
        """The flaky tests of all cells, with their rates."""
        found = []
        for test, (red, runs) in sorted(self._rates.items()):
            quarantine = self._quarantined(test)
            until = quarantine.until if quarantine else None
            found.append(FlakyTest(test=test, failed=red, runs=runs, quarantined_until=until))
        return tuple(found)


def _lacking(failure: Failure | None) -> str:
    """The name of another that the code of a failure asks for and does not find; empty if it is no such failure."""
    module, name = api_of(failure) if failure else ("", "")
    return name or module
