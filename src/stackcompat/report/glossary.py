"""The words of the documentation's glossary, for commands that explain them; ``docs/glossary.md`` says the same."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["WORDS"]

#: Each word, with its meanings.
WORDS: Mapping[str, tuple[str, ...]] = {
    "ecosystem": (
        (
            "A folder with the libraries under test: components, matrices, smoke tests, known cases, and the table "
            "that was published of them (Ecosystems)."
        ),
    ),
    "component": ("One row of the ecosystem: its name, the distributions that publish it, the modules to import.",),
    "distribution": ("What an index serves and an installer installs, such as orbax-checkpoint.",),
    "release": ("One version of a distribution, with the time of its upload.",),
    "pair": ("Two releases of different components, or the two components themselves.",),
    "partner": ("The other component of a pair, or one of its releases.",),
    "metapackage": ("A distribution without code of its own that pins a set of others, such as jax-ai-stack.",),
    "accelerator plugin": (
        "A component that runs only on an accelerator, such as libtpu. Without one, its deepest level is compile.",
    ),
    "moves with": ("The release of a component follows that of another: jaxlib moves with jax (moves-with).",),
    "smoke test": ("A pytest test in tests/interop/ that runs inside a cell and uses some components together.",),
    "own tests": ("The tests that a release ships itself; they run at the level upstream.",),
    "feature test": ("A smoke test of one feature that most users do without. Where it fails, the rest still works.",),
    "stand-in": (
        (
            "An installed distribution that has the modules of another one which is not installed, such as "
            "tensorflow-cpu for tensorflow. Tests of the other one apply to it."
        ),
    ),
    "optional module": (
        "A module that most users do without. If only an undeclared distribution is missing for it, that is a limit.",
    ),
    "sweep": ("The import of every public module of a distribution that a cell asks for: Every public module.",),
    "closure": (
        (
            "What a smoke test was seen to depend on in its environment: distributions that it loaded, modules and "
            "metadata that it looked for in vain, entry points, folders."
        ),
    ),
    "surface": (
        (
            "By what an installed distribution can reach code that does not name it: where its modules begin, its "
            "entry points, the folders that it shares, whether it runs code when an interpreter starts."
        ),
    ),
    "thorough": (
        "A smoke test that many cells leave out because it takes long (thorough). All others are essential tests.",
    ),
    "level": (
        (
            "How deep a result goes: reserved < resolve < install < import < lower < compile < run < interop < "
            "exchange < upstream."
        ),
    ),
    "depth": (
        (
            "How deep one component or requirement was tried in a cell: the deepest level of a passed smoke test "
            "that uses it; install if there is none."
        ),
    ),
    "accompanying": (
        (
            "A requirement that a cell is not about: what tests need besides, and a metapackage next to its pins. It "
            "does not count for the level of the cell."
        ),
    ),
    "reserved": ("The level of a component of which the index has only the name and no real release.",),
    "matrix": ("A TOML file in matrices/: components, Pythons, and policies that choose versions.",),
    "pin": ("An exact version of one distribution, name==version.",),
    "root": ("A distribution that a cell asks for by name.",),
    "policy": (
        (
            "A rule of a matrix that makes cells: the newest of everything, a past date, pinned versions, pairs of "
            "releases."
        ),
    ),
    "cell": ("One combination to try: requirements on one Python and platform.",),
    "lock": ("The exact, hashed set of distributions that a cell resolved to.",),
    "conflict": ("The reason why a cell has no lock, such as bounds that exclude each other.",),
    "taken back to a day": (
        "Said of the index: releases that were uploaded after that day count as not there (--exclude-newer).",
    ),
    "held back": (
        (
            "A distribution that was asked for at its newest and came out older. The bound that did it is named. "
            "Tables mark it with ▼."
        ),
    ),
    "hardware": (
        (
            "The accelerators of a machine and the variables that reach tests. Evidence belongs to it; a CPU alone "
            "has no name."
        ),
    ),
    "forced": ("Installed although metadata forbids it.",),
    "run": ("One installation of a lock in a new environment, and its tests.",),
    "evidence": ("The record of one run. It never changes; the same question is not run twice.",),
    "reused result": (
        (
            "The result of a test that another cell has shown and that holds here too, since nothing differs on "
            "which it can depend."
        ),
    ),
    "store": (
        (
            "The file that keeps evidence, locks, the runs of matrices and the results of searches: "
            ".stackcompat/evidence.sqlite."
        ),
    ),
    "archive": (
        (
            "What a store knows, but logs and tracebacks, in one file of Parquet or JSON lines: Evidence on other "
            "machines."
        ),
    ),
    "run of a matrix": (
        'One execution of a matrix. Messages that say "the last runs" mean the last run of each matrix.',
    ),
    "covering array": ("A set of cells in which every allowed combination of releases meets at least once.",),
    "allowed combination": (
        (
            "Releases (by default two) that no declared bound keeps apart. It is locked together if a cell with all "
            "of them has a lock."
        ),
    ),
    "round": ("Further cells of a covering array, for combinations that have no verdict after the cells before.",),
    "shard": ("The part of a matrix that one of several machines runs.",),
    "plan": (
        (
            "The cells of a matrix and their locks, before any is run. Shards carry the id of their plan, and only "
            "those of one plan are joined."
        ),
    ),
    "night": ("One execution of the nightly matrix.",),
    "red": ("Said of a cell, pair or test that does not work: broken, uninstallable or unresolvable.",),
    "green": (
        (
            "Said of a cell, pair or test that works. What is neither red nor green (flaky, untested, "
            "infrastructure) has no verdict that counts."
        ),
    ),
    "outcome": ("What one run says of one test.",),
    "status": ("What all runs of one test in one cell say.",),
    "verdict": ("What the evidence says of a cell, a component, a pair, an artifact or a crossing.",),
    "table": ("The verdicts of the last runs, as stackcompat report writes them; with --publish, into reports/.",),
    "suspect": (
        (
            'A component that a failure points at, before a search has shown who did it. "Suspects inferred": the '
            "failure points at others too."
        ),
    ),
    "observed": (
        "Observed: some run shows it. Inferred: concluded from runs of other combinations. It is always marked.",
    ),
    "inferred": (
        "Observed: some run shows it. Inferred: concluded from runs of other combinations. It is always marked.",
    ),
    "wrapper": (
        (
            "What a library puts around the error that identifies a failure. components.toml lists them; signatures "
            "leave them out."
        ),
    ),
    "signature": ("A failure without what changes from run to run, so that the same failure is recognised elsewhere.",),
    "particulars": (
        (
            "What a failure can be recognised by in another test: a frame of a library, or a name in its message. A "
            "crash, a hang or a bare assertion has none."
        ),
    ),
    "baseline": (
        (
            "The same test with the same release beside partners of its own time. A failure that the baseline has "
            "too does not count."
        ),
    ),
    "greens": (
        (
            "The releases with which a smoke test was seen to pass, in any run. A failure counts only if they have "
            "every release that the test uses, or an earlier one."
        ),
    ),
    "not judged": (
        (
            "Said of a failing test that was never seen to pass with a release that is installed. Its failure does "
            "not count."
        ),
    ),
    "culprit": (
        (
            "The smallest set of releases without which a cell would not be red, each with the last good and first "
            "bad release."
        ),
    ),
    "last good": (
        (
            "Last passing: the last release before the first bad one with which the followed test passes. It is also "
            "the last good one if every test passes with it."
        ),
    ),
    "last passing": (
        (
            "Last passing: the last release before the first bad one with which the followed test passes. It is also "
            "the last good one if every test passes with it."
        ),
    ),
    "alternatives": (
        (
            "Other sets of releases, each of which is enough by itself for the same failure. One release of each set "
            "has to move."
        ),
    ),
    "way out": ("The nearest set with which every test passes, as what differs from the red cell.",),
    "doubt": (
        (
            "The reason why a culprit may be incomplete, or a failure another component's. Messages then say \"not "
            'certain".'
        ),
    ),
    "probe": ("One cell that a search for a culprit asks for.",),
    "linear": (
        (
            "How many environments it would take to move each suspect one release at a time, for comparison with the "
            "probes."
        ),
    ),
    "release by release": (
        (
            "How many environments it would take to move each suspect one release at a time, for comparison with the "
            "probes."
        ),
    ),
    "unit": ("A distribution with those that follow its releases (moves-with). A search moves them together.",),
    "contrast": ("A set of versions near the red one with which the test passes. A search starts from it.",),
    "red stretch": (
        (
            "The releases around the red one with which the test fails, all else held. Its edges are the last "
            "passing and the first bad release, and the one that is fixed."
        ),
    ),
    "edges": (
        (
            "The releases around the red one with which the test fails, all else held. Its edges are the last "
            "passing and the first bad release, and the one that is fixed."
        ),
    ),
    "diagnosis": (
        (
            "What a search for a culprit found about one failing test of one cell, or of one side of a crossing. It "
            "is kept."
        ),
    ),
    "frontier": ("For two components: which releases of one work with which releases of the other.",),
    "check": (
        (
            "An inferred pair of a frontier that is tested afterwards. Those drawn at random bound how many inferred "
            "pairs are wrong."
        ),
    ),
    "forecast": (
        (
            "The names that one release takes from another and that the other does not have, read from source alone. "
            "It is a prediction and never a verdict."
        ),
    ),
    "precision": (
        (
            "Of a forecast: the share of the predicted breaks that were observed; the share of the observed breaks "
            "that were predicted."
        ),
    ),
    "recall": (
        (
            "Of a forecast: the share of the predicted breaks that were observed; the share of the observed breaks "
            "that were predicted."
        ),
    ),
    "island": ("A largest set of newest releases that can be installed together.",),
    "artifact": (
        (
            "A file or folder that one environment writes and another can read, such as a checkpoint or an exported "
            "program."
        ),
    ),
    "crossing": ("One environment (the writer) makes artifacts, another (the reader) reads them.",),
    "square": ("All crossings between the environments of one policy.",),
    "promise": (
        (
            "The statement of a component that an artifact can be read, for so many days back and forward. Tables "
            "mark it with P."
        ),
    ),
    "advisory": ("A published incompatibility: the affected versions and what to do.",),
    "answer": ("What check says of an environment: it works, it is broken, or that is not known.",),
    "limit": (
        (
            "A feature that does not work at some versions although the rest does, and what makes it work if that is "
            "known. Another cell with the same versions on the traceback can confirm it."
        ),
    ),
    "step": (
        (
            "The move of one component to another release, after which a broken set was seen to work. Every output "
            "offers the smallest one."
        ),
    ),
    "note": ("A failure of a release's own tests. It says something about that release and nothing against a set.",),
    "nearest set that works": (
        "The set of releases that works and changes the fewest distributions of an environment, and these the least.",
    ),
    "lost feature": ("A feature whose test passed when its cell was last judged, and fails now.",),
    "timeline": ("On which past days the newest releases worked together, on one Python.",),
    "outage": ("A time in which two components of a timeline failed together.",),
    "subject": ("A pair or a test that is watched from night to night.",),
    "last green": (
        (
            "Of a test in a cell: the last run in which it passed there. Of a cell that does not come as far as its "
            "tests: the last run in which it worked."
        ),
    ),
    "new test": ("A test that its cell did not have in any earlier run. Its failure accuses no release.",),
    "muted": (
        "Said of a subject that was flaky on several nights: for some days only a confirmed failure of it counts.",
    ),
    "summary issue": ("The issue that names the failures for which a night opened none of their own.",),
    "alert": (
        (
            "The state of a subject after a night, and what to do about its issue. The states are passing, failing, "
            "confirmed, flaky, muted, fixed and gone: Every night, in CI."
        ),
    ),
    "candidate": (
        (
            'The release that may ship, and the release that it would replace. Reports say "candidate in place of '
            'control".'
        ),
    ),
    "control": (
        (
            'The release that may ship, and the release that it would replace. Reports say "candidate in place of '
            'control".'
        ),
    ),
    "paired cell": ("A cell of the gate, tried twice: with the candidate, and with the control.",),
    "arm": ("Either half of a paired cell: with the candidate, or with the control. All else is equal.",),
    "decision": ("What the gate says: PASS, BLOCK, NEEDS-REVIEW (a human is asked) or CANNOT-TELL.",),
    "declared floor": ("The oldest release of another component that the candidate's metadata accepts.",),
    "requirement": ("What the policy asks of the candidate in one cell: satisfied, failed, waived or undecided.",),
    "finding": ("One thing that speaks against the candidate: a regression, a bound, files that cannot be installed.",),
    "regression": ("A test that passes with the control and fails with the candidate.",),
    "weight": ("What a cell counts: required decides, review asks a human, informing only informs.",),
    "waiver": ("A named, dated exception for one failure.",),
    "quarantine": ("A named, dated exception for one flaky test.",),
    "A/A run": (
        (
            "The gate judges a release against itself. Each test that comes out differently in the two arms is a "
            "false red."
        ),
    ),
    "known case": ("A combination whose verdict is known from elsewhere (matrices/known-cases.toml).",),
    "caught": ("A known break that comes out red, at its level and with its message.",),
    "healthy": ("A known case that works.",),
    "healthy neighbour": ("A healthy case that differs from a known break in the version of one culprit.",),
    "exact": ("A culprit that is the known one: the same names and versions, no more and no fewer.",),
}
