"""How uv's answers are read. The refusals below are uv's own words."""

from __future__ import annotations

import pytest

from stackcompat.plan.cell import Cell
from stackcompat.resolve.uv_output import read_pylock, read_refusal, undated


def cell(*requirements: str, **more: object) -> Cell:
    fields = {"python": "3.12", "platform": "linux-x86_64", "requirements": requirements}
    return Cell.model_validate(fields | more)


def refusal(*lines: str, hint: str = "") -> str:
    """What uv writes when nothing fits: a heading, the reasons, and perhaps a hint."""
    cause = "\n         ".join(lines)
    return f"error: No solution found when resolving dependencies\n  cause: {cause}\n" + (
        f"\nhint: {hint}\n" if hint else ""
    )


BOUNDS = [
    pytest.param(
        ("alpha==1.0", "beta==2.0"),
        refusal(
            "Because beta==2.0 depends on alpha>=2 and you require alpha==1.0, we can conclude that your requirements"
            " and beta==2.0 are incompatible.",
            "And because you require beta==2.0, we can conclude that your requirements are unsatisfiable.",
        ),
        "beta==2.0 depends on alpha>=2, but alpha==1.0 is requested",
        id="a bound against a request",
    ),
    pytest.param(
        ("alpha==3.0", "gamma"),
        refusal(
            "Because all versions of gamma depend on alpha<2 and you require alpha==3.0, we can conclude that your"
            " requirements and all versions of gamma are incompatible.",
            "And because you require gamma, we can conclude that your requirements are unsatisfiable.",
        ),
        "gamma depends on alpha<2, but alpha==3.0 is requested",
        id="whatever the release",
    ),
    pytest.param(
        ("beta==2.1", "gamma"),
        refusal(
            "Because all versions of gamma depend on alpha<2 and beta>=2.1 depends on alpha>=2.1,<4, we can conclude"
            " that beta>=2.1 and all versions of gamma are incompatible.",
            "And because you require beta==2.1 and gamma, we can conclude that your requirements are unsatisfiable.",
        ),
        "gamma depends on alpha<2, but beta>=2.1 depends on alpha>=2.1,<4",
        id="a bound against a bound",
    ),
    pytest.param(
        ("delta", "beta==1.0"),
        refusal(
            "Because all versions of eps[extra] depend on alpha>=3 and all versions of delta depend on eps[extra]==1.0,"
            " we can conclude that all versions of delta depend on alpha>=3.",
            "And because beta<=1.0 depends on alpha<2, we can conclude that beta<=1.0 and all versions of delta are"
            " incompatible.",
            "And because you require delta and beta==1.0, we can conclude that your requirements are unsatisfiable.",
        ),
        "eps[extra] depends on alpha>=3, but beta<=1.0 depends on alpha<2",
        id="a conclusion is no bound",
    ),
    pytest.param(
        ("flax==0.12.5", "optax==0.2.8", "jax==0.5.0"),
        refusal(
            "Because flax==0.12.5 depends on optax==0.2.6 and you require flax==0.12.5, we can conclude that you"
            " require optax==0.2.6.",
            "And because you require optax==0.2.8, we can conclude that your requirements are unsatisfiable.",
        ),
        "flax==0.12.5 depends on optax==0.2.6, but optax==0.2.8 is requested",
        id="a concluded request is no request",
    ),
    pytest.param(
        ("alpha==1.0", "alpha==2.0"),
        refusal(
            "Because you require alpha==1.0 and alpha==2.0, we can conclude that your requirements are unsatisfiable."
        ),
        "Because you require alpha==1.0 and alpha==2.0.",
        id="uv's own words where there is no bound",
    ),
]


@pytest.mark.parametrize(("requirements", "words", "sentence"), BOUNDS)
def test_a_conflict_of_bounds_in_one_sentence(requirements: tuple[str, ...], words: str, sentence: str) -> None:
    found = read_refusal(words, cell(*requirements))
    assert found.outcome == "conflict"
    assert found.conflict is not None
    assert (found.conflict.kind, found.conflict.sentence) == ("bounds", sentence)


def test_the_chain_holds_every_premise_and_no_conclusion() -> None:
    found = read_refusal(str(BOUNDS[3].values[1]), cell("delta", "beta==1.0"))
    assert found.conflict is not None
    assert found.conflict.chain == (
        "eps[extra] depends on alpha>=3",
        "delta depends on eps[extra]==1.0",
        "beta<=1.0 depends on alpha<2",
        "delta is requested",
        "beta==1.0 is requested",
    )


def test_a_release_for_another_python() -> None:
    words = refusal(
        "Because the requested Python version (>=3.11) does not satisfy Python>=3.12 and jax==0.11.0 depends on"
        " Python>=3.12, we can conclude that jax==0.11.0 cannot be used.",
        "And because you require jax==0.11.0, we can conclude that your requirements are unsatisfiable.",
        hint="The `--python-version` value (>=3.11) includes Python versions that are not supported by your"
        " dependencies (e.g., jax==0.11.0 only supports >=3.12). Consider using a higher `--python-version` value.",
    )
    found = read_refusal(words, cell("jax==0.11.0", python="3.11")).conflict
    assert found is not None
    assert found.kind == "python"
    assert found.sentence == "jax==0.11.0 requires Python >=3.12, and this cell has Python 3.11"


def test_no_wheel_for_this_python() -> None:
    words = refusal(
        "Because jaxlib==0.4.20 has no wheels with a matching Python ABI tag (e.g., `cp313`) and you require"
        " jaxlib==0.4.20, we can conclude that your requirements are unsatisfiable.",
        hint="You require CPython 3.13 (`cp313`), but we only found wheels for `jaxlib` (v0.4.20) with the following"
        " Python ABI tags: `cp39`, `cp310`, `cp311`, `cp312`",
    )
    found = read_refusal(words, cell("jaxlib==0.4.20", python="3.13")).conflict
    assert found is not None
    assert found.kind == "no-wheel-for-python"
    assert found.sentence == "jaxlib==0.4.20 has no wheel for Python 3.13 (it has cp39, cp310, cp311, cp312)"


def test_no_wheel_for_this_platform_is_no_conflict() -> None:
    words = refusal(
        "Because mac==1.0 has no wheels with a matching platform tag (e.g., `manylinux_2_36_x86_64`) and only mac==1.0"
        " is available, we can conclude that all versions of mac cannot be used.",
        "And because you require mac, we can conclude that your requirements are unsatisfiable.",
    )
    found = read_refusal(words, cell("mac"))
    assert (found.outcome, found.conflict) == ("no-wheel-for-platform", None)
    assert found.detail == "mac==1.0 has no wheel for linux-x86_64"


@pytest.mark.parametrize(
    ("cause", "missing"),
    [
        ("Because there is no version of alpha==9 and you require alpha==9, we can conclude that x.", "alpha==9"),
        ("Because there are no versions of late and you require late, we can conclude that x.", "late"),
        ("Because nosuch was not found in the package registry and you require nosuch, we can conclude x.", "nosuch"),
    ],
)
def test_what_the_index_does_not_have(cause: str, missing: str) -> None:
    found = read_refusal(refusal(cause), cell(missing)).conflict
    assert found is not None
    assert (found.kind, found.sentence) == ("not-found", f"the index has no {missing} that this cell may take")


@pytest.mark.parametrize(
    "words",
    [
        "error: Failed to fetch: `https://me:secret@host.example/simple/`\n  cause: error sending request for url",
        "error: Failed to fetch: `https://host.example/simple/alpha/`\n  cause: operation timed out",
        refusal("Because alpha was not found in the cache and you require alpha, we can conclude that x.")
        + "hint: Packages were unavailable because the network was disabled: network connectivity is disabled",
    ],
)
def test_an_index_that_does_not_answer_is_no_conflict(words: str) -> None:
    found = read_refusal(words, cell("alpha"))
    assert (found.outcome, found.conflict) == ("index-unreachable", None)
    assert "host.example" not in found.detail
    assert "secret" not in found.detail


def test_anything_else_is_a_failure_with_its_words() -> None:
    found = read_refusal("error: something new\n", cell("alpha"))
    assert (found.outcome, found.detail) == ("failed", "error: something new")


PYLOCK = """
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.12"

[[packages]]
name = "beta"
version = "2.0"
sdist = { url = "https://host.example/beta-2.0.tar.gz", hashes = { sha256 = "5d" } }
wheels = [
    { url = "https://host.example/beta-2.0-cp312-cp312-linux_x86_64.whl", hashes = { sha256 = "2b" } },
    { url = "https://host.example/beta-2.0-py3-none-any.whl", hashes = { sha256 = "1b" } },
]

[[packages]]
name = "alpha"
version = "1.0"
sdist = { url = "https://host.example/alpha-1.0.tar.gz", hashes = { sha256 = "5a" } }

[[packages]]
name = "gamma"
archive = { path = "/built/gamma-3.0-py3-none-any.whl", hashes = { sha256 = "9c" } }
"""


def test_a_pylock_gives_names_versions_and_hashes_and_no_address() -> None:
    source = "file:///built/gamma-3.0-py3-none-any.whl"
    lock = read_pylock(PYLOCK, cell("beta", "gamma", local={"gamma": source})).lock
    assert lock is not None
    assert [(pin.name, pin.version, pin.hashes) for pin in lock.pins] == [
        ("alpha", "1.0", ("sha256:5a",)),
        ("beta", "2.0", ("sha256:1b", "sha256:2b")),
        ("gamma", "3.0", ("sha256:9c",)),
    ]
    assert [pin.source for pin in lock.pins] == ["", "", source]
    assert "host.example" not in lock.text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lock-version = ", "Invalid value"),
        (PYLOCK.replace('lock-version = "1.0"', 'lock-version = "2.0"'), "version 2.0 is not supported"),
        (PYLOCK.replace("beta-2.0-py3", "delta-2.0-py3"), "not consistent with package name"),
    ],
)
def test_a_lock_that_uv_writes_in_another_way_is_a_failure_and_no_conflict(text: str, said: str) -> None:
    found = read_pylock(text, cell("beta"))
    assert (found.outcome, found.lock, found.conflict) == ("failed", None, None)
    assert "uv wrote a lock that cannot be read: " in found.detail
    assert said in found.detail


def test_files_without_an_upload_date_are_named() -> None:
    assert undated("warning: alpha-1.0.tar.gz is missing an upload date, but user provided x") == "alpha-1.0.tar.gz"
    assert undated("Resolved 3 packages") == ""
