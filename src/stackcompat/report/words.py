"""The words that reports use and a stranger may not know, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from stackcompat.core.vocabulary import Level

__all__ = ["GLOSSARY", "LEVEL_MEANINGS"]

#: What each level means, in words for people who have not read the documentation.
LEVEL_MEANINGS: Mapping[Level, str] = {
    "reserved": "the index has only the name",
    "resolve": "an installer finds versions that fit together",
    "install": "they install",
    "import": "the modules load",
    "lower": "a program can be lowered to the code of an accelerator; no device is needed",
    "compile": "a program can be compiled ahead of time; no device is needed",
    "run": "a program of one component runs",
    "interop": "a program that uses several components together gives the right values",
    "exchange": "what one set of versions wrote, another reads",
    "upstream": "tests that a release ships itself, which passed when it was new",
}

#: Words of the pages that a stranger may not know.
GLOSSARY: Mapping[str, str] = {
    "set": "Exact versions of several components that were installed together.",
    "component": "A project of the ecosystem with releases of its own, such as a library.",
    "cell": "One combination that was tried: a Python, a platform and requirements. Each has a page.",
    "lock": "The exact versions and hashes of everything that was installed in a cell.",
    "observed": "A run shows it.",
    "inferred": "Nobody tried it. It is concluded from runs of neighbouring releases, and always marked.",
    "installed together only": "A cell that works had both releases, and no test uses the two together.",
    "culprit": "The smallest set of releases without which a failure does not occur, found by trying.",
    "held back": "A release that is not the newest, because a declared bound of another one forbids the newest.",
    "newest releases": "What an installer gave when it was asked for everything at once, on the day of the table.",
    "forced": "Installed although the declared metadata forbids it.",
    "advisory": "A known incompatibility: the releases it hits, why, and what to do.",
    "frontier": "Which releases of one component work with which releases of another.",
    "island": "A largest set of newest releases whose declared bounds let them be installed together.",
    "artifact": "A file that one set of versions writes and another reads, such as a checkpoint.",
    "not known": "No test has tried it. It is not a pass and not a failure.",
    "feature": "A part of a component that most users do without. If it fails, the rest can still work.",
    "edition": "The site as it was on one day. The newest is also at latest/.",
}
