"""The answers of a made-up uv become resolutions."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.plan.cell import Cell
from stackcompat.resolve.resolver import Resolver
from support.world import World


def cell(*requirements: str, **more: object) -> Cell:
    fields = {"python": "3.12", "platform": "linux-x86_64", "requirements": requirements}
    return Cell.model_validate(fields | more)


def refusal(*lines: str) -> str:
    """What uv writes when nothing fits."""
    cause = "\n         ".join(lines)
    return f"error: No solution found when resolving dependencies\n  cause: {cause}\n"


def uv_that(folder: Path, script: str) -> str:
    """A made-up uv: a shell script."""
    path = folder / "uv"
    path.write_text("#!/bin/sh\n" + script, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def resolver(folder: Path, script: str) -> Resolver:
    return Resolver(folder, {"3.12": Path("/python")}, uv_that(folder, script), lambda source, _: Path(source))


def pylock(**versions: str) -> str:
    return 'lock-version = "1.0"\ncreated-by = "uv"\n' + "".join(
        f'[[packages]]\nname = "{name}"\nversion = "{version}"\n'
        f'wheels = [{{ name = "{name}-{version}-py3-none-any.whl", path = "x.whl", hashes = {{ sha256 = "ab" }} }}]\n'
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
    # The folder holds only the question: no file that uv would read preferences from.
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


def test_an_index_without_upload_dates_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    ours = SimpleNamespace(sleep=waits.append, monotonic=time.monotonic)  # others sleep, too
    monkeypatch.setattr("stackcompat.resolve.resolver.time", ours)
    warning = "warning: alpha-1.0.tar.gz is missing an upload date"
    script = f"""
echo "$@" >> {tmp_path}/asked
test $(wc -l < {tmp_path}/asked) -lt 3 && echo "{warning}" >&2
cat <<X
{pylock(alpha="1.0")}
X
"""
    assert resolver(tmp_path, script).resolve(cell("alpha")).outcome == "locked"
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.count("--refresh") for line in asked] == [0, 1, 1]
    assert waits == [2.0, 5.0]

    never = resolver(tmp_path, f'echo "{warning}" >&2').resolve(cell("alpha"))
    assert never.outcome == "index-unreachable"
    assert never.detail == "the package index gave no upload date for alpha-1.0.tar.gz, so no day can be gone back to"


def test_a_requirement_that_uv_cannot_read_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    script = """cat >&2 <<X
error: Couldn't parse requirement in \\`requirements.in\\` at position 0
  cause: expected version to start with a number
         alpha===bad===
              ^^^^^^^^^
X
exit 2
"""
    with pytest.raises(UsageError, match='"alpha===bad===" is not a requirement that an installer can read: expected'):
        resolver(tmp_path, script).resolve(cell("alpha===bad==="))


def test_another_interpreter_stands_in_for_a_python_that_is_only_resolved_for(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    found = resolver(tmp_path, f'echo "$@" > {asked}\ncat <<X\n{pylock(alpha="1")}\nX\n')
    old = cell("alpha", python="3.9")
    assert found.resolve(old).outcome == "interpreter-missing"
    resolution = found.resolve(old, stand_in=True)
    assert resolution.lock is not None
    assert resolution.lock.python == "3.9"
    assert f"--python {sys.executable} --python-version 3.9 " in asked.read_text()
    found.resolve(cell("alpha"), stand_in=True)
    assert "--python-version" not in asked.read_text()


def test_metadata_that_the_index_gives_wrongly_is_no_conflict(tmp_path: Path) -> None:
    class Index(World):
        """An index whose metadata of alpha 1.0 is that of something else."""

        def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
            if (name, version) == ("alpha", "1.0"):
                raise IndexUnreachable("its answers contradict")
            return super().requires(name, version)

    words = refusal("Because alpha==1.0 has invalid metadata and you require alpha==1.0.")
    uv = resolver(tmp_path, f"cat >&2 <<'END'\n{words}END\nexit 1\n")
    with pytest.raises(IndexUnreachable, match="its answers contradict"):
        uv.resolve(cell("alpha==1.0"), Index({}))
    # Where the index gives what it should, it is the release's own fault.
    found = uv.resolve(cell("alpha==1.0"), World({"alpha": {"1.0": {"uploaded": "2026-01-01"}}}))
    assert found.outcome == "conflict"


@pytest.mark.parametrize("given", ["$SOURCE", "the secret"])
def test_the_value_of_a_variable_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    def wheel(source: str, _: Path) -> Path:
        raise StackcompatError(f"{source}: there is no such file; {Path(source).name} is not there")

    monkeypatch.setenv("SOURCE", "/a/the secret")
    found = Resolver(tmp_path, {"3.12": Path("/python")}, "uv", wheel).resolve(cell("alpha", local={"alpha": given}))
    assert (found.outcome, found.detail) == ("failed", f"{given}: there is no such file; {given} is not there")


def test_a_resolver_that_does_not_end_is_an_index_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Resolver, "seconds", 0.2)
    found = resolver(tmp_path, "exec sleep 60").resolve(cell("alpha"))
    assert found.outcome == "index-unreachable"
    assert found.detail.startswith("the resolver was not done after 0.2 s")
