"""What uv is asked, and how its answers are read. The refusals below are uv's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stackcompat.plan.cell import Cell
from stackcompat.resolve.resolver import Resolver, _read_pylock, _read_refusal
from support.world import World


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
    found = _read_refusal(words, cell(*requirements))
    assert found.outcome == "conflict"
    assert found.conflict is not None
    assert (found.conflict.kind, found.conflict.sentence) == ("bounds", sentence)


def test_the_chain_holds_every_premise_and_no_conclusion() -> None:
    found = _read_refusal(str(BOUNDS[3].values[1]), cell("delta", "beta==1.0"))
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
    found = _read_refusal(words, cell("jax==0.11.0", python="3.11")).conflict
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
    found = _read_refusal(words, cell("jaxlib==0.4.20", python="3.13")).conflict
    assert found is not None
    assert found.kind == "no-wheel-for-python"
    assert found.sentence == "jaxlib==0.4.20 has no wheel for Python 3.13 (it has cp39, cp310, cp311, cp312)"


def test_no_wheel_for_this_platform_is_no_conflict() -> None:
    words = refusal(
        "Because mac==1.0 has no wheels with a matching platform tag (e.g., `manylinux_2_36_x86_64`) and only mac==1.0"
        " is available, we can conclude that all versions of mac cannot be used.",
        "And because you require mac, we can conclude that your requirements are unsatisfiable.",
    )
    found = _read_refusal(words, cell("mac"))
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
    found = _read_refusal(refusal(cause), cell(missing)).conflict
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
    found = _read_refusal(words, cell("alpha"))
    assert (found.outcome, found.conflict) == ("index-unreachable", None)
    assert "host.example" not in found.detail
    assert "secret" not in found.detail


def test_anything_else_is_a_failure_with_its_words() -> None:
    found = _read_refusal("error: something new\n", cell("alpha"))
    assert (found.outcome, found.detail) == ("failed", "error: something new")


PYLOCK = """
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "Beta"
version = "2.0"
sdist = { url = "https://host.example/beta-2.0.tar.gz", hashes = { sha256 = "5d" } }
wheels = [
    { url = "https://host.example/beta-2.0-cp312-x.whl", hashes = { sha256 = "2b" } },
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
    lock = _read_pylock(PYLOCK, cell("beta", "gamma", local={"gamma": source}))
    assert [(pin.name, pin.version, pin.hashes) for pin in lock.pins] == [
        ("alpha", "1.0", ("sha256:5a",)),
        ("beta", "2.0", ("sha256:1b", "sha256:2b")),
        ("gamma", "3.0", ("sha256:9c",)),
    ]
    assert [pin.source for pin in lock.pins] == ["", "", source]
    assert "host.example" not in lock.text()


def uv_that(folder: Path, script: str) -> str:
    """A made-up uv: a shell script."""
    path = folder / "uv"
    path.write_text("#!/bin/sh\n" + script, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def resolver(folder: Path, script: str) -> Resolver:
    return Resolver(folder, {"3.12": Path("/python")}, uv_that(folder, script), lambda source, _: Path(source))


def pylock(**versions: str) -> str:
    return "".join(
        f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{{ hashes = {{ sha256 = "ab" }} }}]\n'
        for name, version in versions.items()
    )


def test_a_missing_interpreter_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    found = resolver(tmp_path, "exit 99").resolve(cell("alpha", python="3.14"))
    assert found.outcome == "interpreter-missing"
    assert "uv python install 3.14" in found.detail


def test_the_cache_is_in_use_while_uv_works(tmp_path: Path) -> None:
    mark = tmp_path / "in-use"

    @contextmanager
    def in_use() -> Iterator[None]:
        mark.touch()
        yield
        mark.unlink()

    uv = uv_that(tmp_path, f"test -e {mark} && echo found >> {tmp_path}/said\nexit 1\n")
    Resolver(tmp_path, {"3.12": Path("/python")}, uv, lambda source, _: Path(source), in_use).resolve(cell("alpha"))
    assert (tmp_path / "said").read_text() == "found\n"
    assert not mark.exists()


def test_what_uv_is_asked(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    script = f'echo "$@" > {asked}; cat requirements.in overrides.txt constraints.txt >> {asked}; ls >> {asked}\n'
    script += f"cat <<X\n{pylock(alpha='1')}\nX\n"
    request = cell(
        "alpha>=2.0rc1",
        "beta",
        overrides=("gamma==1",),
        constraints=("delta==3",),
        exclude_newer="2026-01-02T03:04:05Z",
        admitted=("alpha",),
        local={"beta": "/w/b.whl"},
    )
    found = resolver(tmp_path, script).resolve(request)
    assert found.outcome == "locked", found
    command, *rest = asked.read_text().splitlines()
    assert "--exclude-newer 2026-01-02T03:04:05Z" in command
    assert "--exclude-newer-package alpha=false" in command
    assert "--constraints constraints.txt" in command
    assert "--prerelease-package alpha=allow" in command
    assert "beta=allow" not in command
    assert "--overrides overrides.txt" in command
    assert "--resolution highest" in command
    # An empty folder but for the question: nothing there that uv would take for a preference.
    files = ["constraints.txt", "overrides.txt", "requirements.in"]
    assert rest == ["alpha>=2.0rc1", "beta @ file:///w/b.whl", "gamma==1", "delta==3", *files]


def test_a_source_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    found = resolver(tmp_path, f"cat requirements.in > {asked}\ncat <<X\n{pylock(beta='1')}\nX\n")
    monkeypatch.setenv("BETA_SOURCE", "/w/b.whl")
    assert found.resolve(cell("beta", local={"beta": "$BETA_SOURCE"})).outcome == "locked"
    assert asked.read_text() == "beta @ file:///w/b.whl\n"

    monkeypatch.setenv("BETA_SOURCE", " ")
    empty = found.resolve(cell("beta", local={"beta": "$BETA_SOURCE"}))
    assert empty.outcome == "failed"
    assert empty.detail == (
        "the environment variable BETA_SOURCE does not say where beta is: "
        "a wheel, a source folder or git+ADDRESS@REVISION"
    )


def test_an_extra_index_without_an_address_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTLY", raising=False)
    found = resolver(tmp_path, "exit 99").resolve(cell("alpha", index="NIGHTLY"))
    assert found.outcome == "index-unreachable"
    assert "NIGHTLY" in found.detail


HOLDER = """
if grep -q 'alpha==2.0' requirements.in; then
cat >&2 <<X
{refusal}
X
exit 1
fi
cat <<X
{pylock}
X
"""


def test_who_is_held_back_and_by_whose_bound(tmp_path: Path) -> None:
    words = refusal(
        "Because all versions of beta depend on alpha<2 and you require alpha==2.0, we can conclude that x.",
        "And because you require beta, we can conclude that your requirements are unsatisfiable.",
    )
    world = World({"alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01"}, "beta": {"1.0": "2026-01-01"}})
    script = HOLDER.format(refusal=words, pylock=pylock(alpha="1.0", beta="1.0"))
    found = resolver(tmp_path, script).resolve(cell("alpha", "beta", newest=("alpha", "beta")), world)
    (held,) = found.held_back
    assert (held.name, held.newest, held.got) == ("alpha", "2.0", "1.0")
    assert (held.by, held.bound) == ("beta", "beta depends on alpha<2")


def test_held_back_by_python(tmp_path: Path) -> None:
    words = refusal(
        "Because the requested Python version (>=3.12) does not satisfy Python>=3.14 and alpha==2.0 depends on"
        " Python>=3.14, we can conclude that alpha==2.0 cannot be used."
    )
    world = World({"alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01"}})
    script = HOLDER.format(refusal=words, pylock=pylock(alpha="1.0"))
    (held,) = resolver(tmp_path, script).resolve(cell("alpha", newest=("alpha",)), world).held_back
    assert held.by == "Python 3.12"


def test_nobody_is_held_back_who_was_not_asked_at_newest_or_is_there_by_date(tmp_path: Path) -> None:
    world = World({"alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01"}})
    script = f"cat <<X\n{pylock(alpha='1.0')}\nX\n"
    asked = resolver(tmp_path, script)
    assert asked.resolve(cell("alpha==1.0"), world).held_back == ()
    then = cell("alpha", newest=("alpha",), exclude_newer="2026-01-15T00:00:00Z")
    assert asked.resolve(then, world).held_back == ()
