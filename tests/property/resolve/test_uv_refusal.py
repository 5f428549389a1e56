"""Any words of a resolver can be read, however odd."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.plan.cell import Cell
from stackcompat.resolve.uv_refusal import read_refusal

FRAGMENTS = (
    *("Because", "And because", "you require", "all versions of", "depend on", "depends on", "there is no version of"),
    *("we can conclude that", "was not found in the package registry", "has no wheels with a matching Python ABI tag"),
    *("does not satisfy Python>=3.9 and alpha==1 depends on Python>=3.9", "alpha==1.0,", "beta>=2,<3", "alpha", "."),
    *("alpha[x]==1.*", "alpha===?", "beta~=1", "(1)", "ABI tags: cp39", "depends on Python>=4", "cause:", "hint:"),
)


fragments = st.sampled_from(FRAGMENTS)


@given(st.lists(fragments | st.text(max_size=10), max_size=30))
def test_any_refusal_is_read_into_a_resolution_without_a_lock(parts: list[str]) -> None:
    cell = Cell(python="3.12", platform="linux-x86_64", requirements=("alpha==1.0", "beta"))
    found = read_refusal("error: No solution found\n  cause: " + " ".join(parts), cell)
    assert found.lock is None
    assert (found.outcome == "conflict") == (found.conflict is not None)
