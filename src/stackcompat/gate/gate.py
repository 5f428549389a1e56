"""The gate's paired cells for real: both arms locked alike, run, confirmed, repeated where a test wavers.

The control is locked first: with what the candidate would replace, it is what people have. The candidate's arm is then
asked for exactly that, its own version apart. Where that has no solution, less and less is held equal, and what could
not be is said; where the candidate keeps a newest release of another out, or is kept out by one, that is a finding.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.version import Version

from stackcompat.core.record import UsageError
from stackcompat.core.requirements import exactly, parse_requirement
from stackcompat.core.text import and_list, article
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.comparison import compare
from stackcompat.gate.decision import decide, false_reds
from stackcompat.gate.exchange import Handover
from stackcompat.gate.loader import Intake
from stackcompat.gate.model import Arm, Exclusion, GateReport, NotTested, PairedCell
from stackcompat.gate.options import GateOptions
from stackcompat.gate.plan import PairedQuestion, broke_before, make_questions, moving
from stackcompat.gate.policy import GatePolicy
from stackcompat.pipeline.cells import now, plan_cell, run_cells, run_once
from stackcompat.pipeline.exchange_plan import choose
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.progress import Reporter
from stackcompat.pipeline.runner import BulkCatalog, Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import next_run

__all__ = ["Trial", "run_aa_gate", "run_gate"]

#: Conflicts that are about a Python and not about versions.
_WRONG_PYTHON = ("python", "no-wheel-for-python")


class Trial:
    """Makes, locks and runs paired cells. What it finds is in records; what it runs is kept in the bench's store."""

    def __init__(
        self,
        bench: Runner,
        catalog: BulkCatalog,
        reporter: Reporter,
        *,
        policy: GatePolicy,
        candidates: Sequence[Candidate],
        as_of: dt.datetime | None,
        exchange: Runner | None = None,
    ) -> None:
        self._bench = bench
        self._exchange = exchange
        #: The crossings of the cells in which artifacts cross, by the id of the cell.
        self._handovers: dict[str, Handover] = {}
        self._catalog = catalog
        self._reporter = reporter
        self._policy = policy
        self._candidates = candidates
        self._moved = moving(candidates, policy, bench.components, catalog)
        self._as_of = as_of
        #: Cells that do not apply: bounds or Pythons that were never meant to go together.
        self.not_tested: list[NotTested] = []

    def questions(self, terms: GateOptions) -> tuple[PairedQuestion, ...]:
        """What the policy asks, in order; what cannot be asked is told in `not_tested`."""
        components = self._bench.components
        questions, not_asked = make_questions(
            self._policy,
            self._candidates,
            components,
            self._catalog,
            pythons=terms.pythons,
            as_of=self._as_of,
            known=broke_before(terms.known, self._candidates, components),
        )
        self.not_tested += not_asked
        return questions

    def decide(self, cells: Sequence[PairedCell], terms: GateOptions, seconds: float) -> GateReport:
        """The decision that the cells amount to."""
        return decide(
            cells,
            self._candidates,
            self._policy,
            terms.waivers,
            self._bench.components,
            not_tested=self.not_tested,
            as_of=self._as_of,
            platform=this_platform(),
            now=now(),
            seconds=seconds,
        )

    # --- both arms, locked ---

    def lock(self, questions: Sequence[PairedQuestion]) -> list[PairedCell]:
        """The paired cells of `questions`; those that do not apply are left out, and told in `not_tested`."""
        self._reporter.stage("lock", len(questions))
        found = []
        for question in questions:
            cell = self._pair(question, ())
            if cell is not None:
                found.append(self._crossed(question, cell))
            self._reporter.step(question.label)
        return found

    def _crossed(self, question: PairedQuestion, cell: PairedCell) -> PairedCell:
        """`cell` as one in which artifacts cross, where that is the question and both arms are locked."""
        arms = (cell.control, cell.candidate)
        if question.direction is None or any(arm is None or not arm.planned.key for arm in arms):
            return cell
        if self._exchange is None:
            return cell.model_copy(update={"untried": "there is no suite of tests that write and read artifacts"})
        artifacts = choose(question.only, self._exchange.suite.artifacts())
        handover = Handover(cell, question.direction, self._exchange, artifacts)
        self._handovers[cell.id] = handover
        control, candidate = handover.arms()
        return cell.model_copy(update={"direction": question.direction, "control": control, "candidate": candidate})

    def _pair(self, question: PairedQuestion, waiting: tuple[Exclusion, ...]) -> PairedCell | None:
        """One paired cell, without the components that are `waiting` for the candidate; None if it does not apply."""
        empty = self._paired(question, waiting)
        control = self._resolve(self._cell(question, question.others, self._moved.control, "control"))
        if control.resolution.lock is None:
            return self._without_control(question, empty, control)
        for held in control.resolution.held_back:
            why = f"{held.got} is in its place, held back by {held.by} ({held.bound})"
            self.not_tested.append(NotTested(what=f"{held.name} {held.newest} on Python {question.python}", why=why))
        versions = control.resolution.lock.versions()
        pinned = [exactly(text, versions[_name(text)]) for text in question.others if _name(text) in versions]
        roots = {_name(text) for text in pinned}
        rest = tuple(
            f"{name}=={version}"
            for name, version in sorted(versions.items())
            if name not in roots and name not in self._moved.candidate
        )
        arms = empty.model_copy(update={"control": Arm(planned=control)})
        strict = self._resolve(self._cell(question, pinned, self._moved.candidate, "candidate", constraints=rest))
        if strict.resolution.outcome != "conflict":
            return arms.model_copy(update={"candidate": Arm(planned=strict)})
        close = self._resolve(self._cell(question, pinned, self._moved.candidate, "candidate"))
        if close.resolution.lock is not None:
            return self._level(question, arms, close)
        if close.resolution.conflict is None:
            return arms.model_copy(update={"candidate": Arm(planned=close)})
        free = self._resolve(self._cell(question, question.others, self._moved.candidate, "candidate"))
        if free.resolution.lock is not None and not _walked_back(free.resolution.lock, versions, roots):
            return self._level(question, arms, free)
        return self._kept_apart(question, arms, versions, close.resolution.conflict)

    def _paired(self, question: PairedQuestion, waiting: tuple[Exclusion, ...]) -> PairedCell:
        return PairedCell(
            id=question.id,
            rule=question.rule,
            weight=question.weight,
            label=question.label,
            python=question.python,
            exclusions=waiting,
        )

    def _without_control(self, question: PairedQuestion, empty: PairedCell, control: PlannedCell) -> PairedCell | None:
        """What to say of a cell that has no lock even with the release that would be replaced."""
        conflict = control.resolution.conflict
        why = f"the control has no lock: {control.resolution.detail or control.resolution.outcome}"
        if conflict is not None:
            why = f"it has no solution without the candidate either: {conflict.sentence}"
            if question.weight != "required" or conflict.kind in _WRONG_PYTHON:
                self._skip(question, why)
                return None
        return empty.model_copy(update={"untried": why})

    def _level(self, question: PairedQuestion, arms: PairedCell, candidate: PlannedCell) -> PairedCell:
        """Both arms, the control locked anew with as much of the candidate's lock as the old release takes."""
        assert arms.control is not None
        assert candidate.resolution.lock is not None
        wanted = candidate.resolution.lock.versions()
        same = tuple(f"{name}=={version}" for name, version in wanted.items() if name not in self._moved.candidate)
        anew = self._resolve(self._cell(question, question.others, self._moved.control, "control", constraints=same))
        control = anew if anew.resolution.lock is not None else arms.control.planned
        assert control.resolution.lock is not None
        had = control.resolution.lock.versions()
        differs = [
            f"{name} {had[name]} \N{RIGHTWARDS ARROW} {wanted[name]}"
            for name in sorted(had.keys() & wanted.keys())
            if name not in self._moved.candidate and had[name] != wanted[name]
        ]
        return arms.model_copy(
            update={"control": Arm(planned=control), "candidate": Arm(planned=candidate), "differs": tuple(differs)}
        )

    def _cell(
        self,
        question: PairedQuestion,
        others: Sequence[str],
        moved: dict[str, str],
        arm: str,
        constraints: tuple[str, ...] = (),
    ) -> Cell:
        """One arm's cell. What moves may be newer than the day that was gone back to: that is what is judged."""
        texts = list(others)
        local: dict[str, str] = {}
        index = ""
        sources = {c.name: c for c in self._candidates} if arm == "candidate" else {}
        for name in self._moved.asked:
            source = sources.get(name)
            if source is not None and source.files:
                local[name] = source.files.get(question.python, "")
                texts.append(name)
            else:
                texts.append(f"{name}=={moved[name]}" if moved[name] else name)
            index = index or (source.index if source else "")
        return Cell(
            python=question.python,
            platform=this_platform(),
            requirements=tuple(sorted(texts)),
            constraints=constraints,
            exclude_newer=self._as_of,
            admitted=tuple(sorted(name for name, version in moved.items() if version)) if self._as_of else (),
            local=local,
            index=index,
            newest=tuple(map(_name, others)) if arm == "control" and question.rule == "newest" else (),
            thorough=question.thorough,
            policy="gate",
            label=f"{question.label} ({arm})",
        )

    def _resolve(self, cell: Cell) -> PlannedCell:
        resolution: Resolution = lock_cells([cell], self._bench.quiet())[cell.id]
        return plan_cell(cell, resolution, self._bench, self._policy.level)

    def _skip(self, question: PairedQuestion, why: str) -> None:
        self.not_tested.append(NotTested(what=f"{question.label} on Python {question.python}", why=why))

    # --- bounds that exclude each other ---

    def _kept_apart(
        self, question: PairedQuestion, arms: PairedCell, versions: dict[str, str], conflict: Conflict
    ) -> PairedCell | None:
        """Whose bound it is that keeps the candidate and the others' versions apart, from what both declare."""
        who = and_list([f"{c.name} {c.version}" for c in self._candidates])
        if conflict.kind in _WRONG_PYTHON:
            return self._without_python(question, arms, who, conflict)
        own = [*self._own_bounds(versions, conflict, question.python)]
        waiting = {} if own else self._others_bounds(question, versions, who)
        if question.subject and any(self._component(name) == question.subject for name in waiting):
            self._skip(question, next(iter(waiting.values())).sentence)
            return None
        if waiting:
            left = [text for text in question.others if _name(text) not in waiting]
            where = f"{question.label} on Python {question.python}"
            for name, exclusion in waiting.items():
                why = f"left out, since {exclusion.chain[0]}"
                self.not_tested.append(NotTested(what=f"{name} {versions[name]}", why=why, where=where))
            smaller = question.model_copy(update={"others": tuple(left)})
            found = tuple(dict.fromkeys(waiting.values()))
            again = self._pair(smaller, (*arms.exclusions, *found))
            return again.model_copy(update={"id": question.id}) if again else None
        if not own:
            names = and_list([c.name for c in self._candidates])
            remedy = f"widen the bounds of {names}, or have the others released first"
            sentence = f"{who} has no solution with what {self._replaced} has one with: {conflict.sentence}"
            own = [Exclusion(by="candidate", component="", sentence=sentence, remedy=remedy, chain=conflict.chain)]
        return arms.model_copy(update={"exclusions": (*arms.exclusions, *own)})

    def _without_python(self, question: PairedQuestion, arms: PairedCell, who: str, conflict: Conflict) -> PairedCell:
        """A cell on a Python on which the control has a lock and the candidate has none.

        To drop a Python is the candidate's choice, which a human looks at; that a wheel is missing, or that it brings
        in what does not support a Python that it declares itself, is a mistake.
        """
        python = question.python
        names = and_list([c.name for c in self._candidates])
        dropped = conflict.kind == "python" and _name(conflict.sentence.partition(" ")[0]) in self._moved.candidate
        if dropped:
            self._skip(question, conflict.sentence)
            remedy = f"see that nobody needs {names} on Python {python} any more, or go on supporting it"
        elif conflict.kind == "python":
            remedy = f"have {names} bring in what supports Python {python}, or exclude it in requires-python"
        else:
            remedy = f"upload that wheel first, or exclude Python {python} in requires-python"
        lost = Exclusion(
            by="python" if dropped else "candidate",
            component="",
            sentence=f"{who} has no solution on Python {python}, {self._replaced} has one: {conflict.sentence}",
            remedy=remedy,
            chain=conflict.chain,
        )
        return arms.model_copy(update={"exclusions": (*arms.exclusions, lost)})

    @property
    def _replaced(self) -> str:
        return and_list([f"{c.name} {c.replaces}" for c in self._candidates])

    def _own_bounds(self, versions: dict[str, str], conflict: Conflict, python: str) -> Iterable[Exclusion]:
        """What the candidates declare that the versions in the control do not meet."""
        for candidate in self._candidates:
            for need in candidate.needs(python):
                if need.name in self._moved.candidate:
                    version = self._moved.candidate[need.name]
                else:
                    version = versions.get(need.name, "")
                if not version or need.specifier.contains(version, prereleases=True):
                    continue
                remedy = f"widen the bound of {candidate.name}"
                if not self._released(need):
                    remedy = f"release such a {need.name} first, or {remedy}"
                has = f"{need.name} {version} is what comes with {self._replaced}"
                if need.name in self._moved.candidate:
                    has = f"{need.name} {version} is what moves with it"
                yield Exclusion(
                    by="candidate",
                    component=self._component(need.name),
                    sentence=f"{candidate.name} {candidate.version} needs {need.name}{need.specifier}, but {has}",
                    remedy=remedy,
                    chain=conflict.chain or (conflict.sentence,),
                )

    def _released(self, need: Requirement) -> bool:
        """Whether there is a release that `need` takes."""
        return any(
            need.specifier.contains(release.version, prereleases=True)
            for release in self._catalog.project(need.name).fit(before=self._as_of, prereleases=True)
        )

    def _others_bounds(self, question: PairedQuestion, versions: dict[str, str], who: str) -> dict[str, Exclusion]:
        """Which of the others cannot be there with the candidate, for a bound of their own or of what they need.

        By distribution; as all are in the control, where the release that is replaced meets those bounds.
        """
        needs = {name: self._needs(name, version, question.python) for name, version in versions.items()}
        found = {}
        for root in map(_name, question.others):
            for holder in _reached(root, needs) - self._moved.candidate.keys():
                for need in needs[holder]:
                    wanted = self._moved.candidate.get(need.name, "")
                    if wanted and not need.specifier.contains(wanted, prereleases=True):
                        bound = f"{holder} {versions[holder]} depends on {need.name}{need.specifier}"
                        found[root] = Exclusion(
                            by="other",
                            component=self._component(holder) or self._component(root),
                            sentence=f"{bound}, so {who} cannot be installed with it yet",
                            remedy=f"release {article(holder)} that takes {need.name} {wanted}, before or right after",
                            chain=(bound, f"{need.name}=={wanted} is requested"),
                        )
        return found

    def _needs(self, name: str, version: str, python: str) -> list[Requirement]:
        texts = tuple(str(need) for need in self._catalog.requires(name, version))
        return Candidate(name=name, version=version, replaces="", source="index", requires=texts).needs(python)

    def _component(self, distribution: str) -> str:
        row = self._bench.components.of_distribution(distribution)
        return row.name if row else ""

    # --- runs ---

    def run(self, cells: Sequence[PairedCell], *, rerun: bool = False, budget: float | None = None) -> list[PairedCell]:
        """The cells with their evidence, in order. No cell is begun that would likely end after `budget` seconds.

        What has all its evidence already costs no time, and is left out by no budget.
        """
        began = time.monotonic()
        locked = [cell for cell in cells if cell.control is not None and cell.candidate is not None]
        self._reporter.stage("run", len(locked))
        known = [] if rerun else [self._with_evidence(cell) for cell in locked]
        done = {cell.id: cell for cell in known if self._complete(cell)}
        for cell in done.values():
            self._reporter.step(f"{cell.label} on Python {cell.python}: known")
        due = [cell for cell in locked if cell.id not in done]
        at_once = max(1, self._bench.executor.workers // 2)
        longest = 0.0
        for first in range(0, len(due), at_once):
            batch = due[first : first + at_once]
            left = budget - (time.monotonic() - began) if budget is not None else longest + 1
            if left < longest:
                self._out_of_time(batch, done, budget or 0)
                continue
            batch_began = time.monotonic()
            plain = [cell for cell in batch if cell.id not in self._handovers]
            self._run_arms(
                [arm.planned for cell in plain for arm in (cell.control, cell.candidate) if arm], rerun=rerun
            )
            for handover in (self._handovers[cell.id] for cell in batch if cell.id in self._handovers):
                stale = any(self._stale(arm.evidence) for arm in handover.arms())
                handover.run(rerun=rerun or stale)
            for cell in batch:
                done[cell.id] = self._settled(cell)
                self._reporter.step(f"{cell.label} on Python {cell.python}")
            longest = max(longest, time.monotonic() - batch_began)
        return [done.get(cell.id, cell) for cell in cells]

    @staticmethod
    def _out_of_time(batch: Iterable[PairedCell], done: dict[str, PairedCell], budget: float) -> None:
        why = f"not begun: the time budget of {budget:g} s would not have lasted"
        done |= {cell.id: cell.model_copy(update={"untried": why}) for cell in batch}

    def _run_arms(self, arms: Sequence[PlannedCell], *, rerun: bool) -> None:
        """Run what has no evidence, and again what has none that is young enough to count."""
        locked = [arm for arm in arms if arm.key]
        known = self._bench.store.of_keys(arm.key for arm in locked)
        stale = [arm for arm in locked if self._stale(known.get(arm.key, ()))]
        fresh = [arm for arm in locked if arm not in stale]
        for group, again in ((fresh, rerun), (stale, True)):
            if group:
                run_cells(group, self._bench.quiet(), self._policy.level, rerun=again)

    def _stale(self, known: tuple[Evidence, ...]) -> bool:
        young = self._young(known)
        return len(young) < len(known) and next_run(young, ()) is not None

    def _young(self, runs: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        oldest = dt.datetime.now(dt.UTC) - dt.timedelta(days=self._policy.max_age_days)
        return tuple(run for run in runs if run.started >= oldest)

    def _with_evidence(self, cell: PairedCell) -> PairedCell:
        assert cell.control is not None
        assert cell.candidate is not None
        if cell.id in self._handovers:
            control, candidate = self._handovers[cell.id].arms()
            return cell.model_copy(update={"control": control, "candidate": candidate})
        update = {}
        for name, arm in (("control", cell.control), ("candidate", cell.candidate)):
            runs = self._bench.store.of_key(arm.planned.key) if arm.planned.key else ()
            update[name] = Arm(planned=arm.planned, evidence=runs)
        return cell.model_copy(update=update)

    def _settled(self, cell: PairedCell) -> PairedCell:
        """The cell once what regressed passed twice in the control, and what is flaky was repeated."""
        cell = self._with_evidence(cell)
        assert cell.control is not None
        once = self._passed_once(cell)
        if once and cell.id in self._handovers:
            self._handovers[cell.id].run(rerun=True)
            return self._with_evidence(cell)
        if once:
            self._once_more(cell.control, once)
            cell = self._with_evidence(cell)
        for _ in range(self._policy.repeats):
            few = self._too_few(cell)
            if not few:
                break
            for arm, tests in few:
                self._once_more(arm, tests)
            cell = self._with_evidence(cell)
        return cell

    def _complete(self, cell: PairedCell) -> bool:
        """Whether the evidence that `cell` has leaves nothing to run."""
        arms = [arm for arm in (cell.control, cell.candidate) if arm is not None]
        if cell.id in self._handovers:
            open_ = self._handovers[cell.id].open(self._young)
        else:
            open_ = any(arm.planned.key and next_run(self._young(arm.evidence), ()) is not None for arm in arms)
        return not open_ and not self._passed_once(cell) and not self._too_few(cell)

    def _passed_once(self, cell: PairedCell) -> set[str]:
        """What regressed, and passed no more than once in the control."""
        assert cell.control is not None
        assert cell.candidate is not None
        control = self._young(cell.control.evidence)
        compared = compare(control, self._young(cell.candidate.evidence))
        return {one.test for one in compared if one.comparison == "regressed" and _runs(one.test, control) < 2}

    def _too_few(self, cell: PairedCell) -> list[tuple[Arm, set[str]]]:
        """The flaky tests that an arm has not run often enough for a rate; none of those that read artifacts."""
        arms = [arm for arm in (cell.control, cell.candidate) if arm is not None and cell.id not in self._handovers]
        flaky = {s.result.test for arm in arms for s in classify(self._young(arm.evidence)) if s.state == "flaky"}
        few = [
            (arm, {test for test in flaky if _runs(test, self._young(arm.evidence)) < self._policy.repeats})
            for arm in arms
        ]
        return [(arm, tests) for arm, tests in few if tests]

    def _once_more(self, arm: Arm, tests: set[str]) -> None:
        attempt = len(arm.evidence)
        run_once(arm.planned, tuple(sorted(tests)), self._bench, self._policy.level, attempt=attempt)

    def run_alike(self, cells: Sequence[PairedCell]) -> list[PairedCell]:
        """The A/A run: each cell's control is run twice, anew, and the second time stands for the candidate's arm."""
        found = []
        for cell in cells:
            if cell.control is None or cell.candidate is None or not cell.control.planned.key:
                found.append(cell)
                continue
            before = self._with_evidence(cell).control
            arms = []
            for _ in range(2):
                if cell.id in self._handovers:
                    self._handovers[cell.id].run(rerun=True)
                else:
                    run_cells(
                        [cell.control.planned], self._bench.reporting(self._reporter), self._policy.level, rerun=True
                    )
                after = self._with_evidence(cell).control
                assert before is not None
                assert after is not None
                new = tuple(run for run in after.evidence if run not in before.evidence)
                arms.append(after.model_copy(update={"evidence": new}))
                before = after
            found.append(cell.model_copy(update={"control": arms[0], "candidate": arms[1]}))
        return found


def run_gate(
    given: Sequence[str],
    terms: GateOptions,
    bench: Runner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    index: str = "",
    against: Sequence[str] = (),
    budget: float | None = None,
    rerun: bool = False,
    exchange: Runner | None = None,
) -> GateReport:
    """Judge the candidates that `given` names, as one set: take, plan, lock, run, decide.

    `budget` is in seconds of wall clock (the policy's unless given), `exchange` the bench with the tests that write and
    read artifacts, for a policy that asks for them. Raises UsageError for a candidate, or a release to
    compare it with, that is not there.
    """
    began = time.monotonic()
    policy = terms.policy
    catalog.prefetch(bench.components[name].distribution for name in policy.components)
    intake = Intake(
        components=bench.components,
        catalog=catalog,
        cache=bench.cache,
        resolver=bench.resolver,
        interpreters={python: bench.interpreters[python] for python in terms.pythons if python in bench.interpreters},
        platform=this_platform(),
    )
    candidates = intake.take(given, index=index, against=against, as_of=terms.as_of)
    trial = Trial(bench, catalog, reporter, policy=policy, candidates=candidates, as_of=terms.as_of, exchange=exchange)
    cells = trial.lock(trial.questions(terms))
    left = (policy.budget_seconds if budget is None else budget) - (time.monotonic() - began)
    cells = trial.run(cells, rerun=rerun, budget=left)
    return trial.decide(cells, terms, time.monotonic() - began)


def run_aa_gate(
    terms: GateOptions,
    bench: Runner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    exchange: Runner | None = None,
) -> GateReport:
    """The A/A run of the required cells: the newest release of the policy's first component against itself.

    The report says how many tests came out differently (false reds, or greens); `exchange` as in :func:`run_gate`.
    """
    began = time.monotonic()
    name = bench.components[terms.policy.components[0]].distribution
    release = catalog.project(name).newest(before=terms.as_of)
    if release is None:
        raise UsageError(f"--aa: the index has no release of {name}, the first component of the policy")
    alike = Candidate(name=name, version=release.version, replaces=release.version, source="index")
    required = tuple(rule for rule in terms.policy.rules if rule.weight == "required")
    policy = terms.policy.model_copy(update={"rules": required})
    trial = Trial(bench, catalog, reporter, policy=policy, candidates=[alike], as_of=terms.as_of, exchange=exchange)
    cells = trial.run_alike(trial.lock(trial.questions(terms)))
    report = trial.decide(cells, terms, time.monotonic() - began)
    return report.model_copy(update={"alike": false_reds(cells)})


def _name(text: str) -> str:
    return parse_requirement(text).name


def _reached(root: str, needs: Mapping[str, Sequence[Requirement]]) -> set[str]:
    """The distributions that `root` brings in, itself among them; what is not in `needs` is not installed."""
    found: set[str] = set()
    due = [root]
    while due:
        name = due.pop()
        if name in needs and name not in found:
            found.add(name)
            due += [need.name for need in needs[name]]
    return found


def _walked_back(lock: Lock, versions: dict[str, str], names: Iterable[str]) -> bool:
    """Whether any of `names` is older in `lock`, or not in it."""
    got = lock.versions()
    return any(name not in got or Version(got[name]) < Version(versions[name]) for name in names)


def _runs(test: str, evidence: Iterable[Evidence]) -> int:
    """How often `test` had an outcome of its own."""
    return sum(
        result.outcome in ("passed", "failed", "crashed")
        for run in evidence
        if run.outcome == "ran"
        for result in run.tests
        if result.test == test
    )
