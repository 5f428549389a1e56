"""The state of every stateful transformation of grain, written by one release and gone on from by another.

Where a release gives the elements in another order from the start, that is a change, and no state can be compared.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import grain_pipelines
import idioms
import pytest
from grain_pipelines import NAMES, take
from values import Changed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("grain>=0.2.1")]

#: After how many elements the states are taken.
PLACE = 4


def plain_state(state: Any) -> Any:
    """A state in a form that JSON has, arrays by their type and values."""
    if isinstance(state, dict):
        return {key: plain_state(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [plain_state(value) for value in state]
    if hasattr(state, "dtype"):
        return {"array": state.tolist(), "dtype": str(state.dtype)}
    return state


def own_state(state: Any) -> Any:
    """What `plain_state` was made of."""
    import numpy as np

    if isinstance(state, dict) and set(state) == {"array", "dtype"}:
        return np.array(state["array"], state["dtype"])
    if isinstance(state, dict):
        return {key: own_state(value) for key, value in state.items()}
    return [own_state(value) for value in state] if isinstance(state, list) else state


@pytest.mark.writes("grain-states")
def test_write(folder: Path) -> None:
    """The state of each pipeline that the release has, and all that the pipeline gives."""
    for number, name in enumerate(NAMES):
        floor, make = grain_pipelines.pipelines()[name]
        if not idioms.at_least("grain", floor):
            continue
        iterator = iter(make())
        begun = take(iterator, PLACE)
        kept = {"state": plain_state(iterator.get_state()), "elements": [*begun, *take(iterator)]}
        (folder / f"{number}.json").write_text(json.dumps({"name": name, **kept}))


@pytest.mark.reads("grain-states")
@pytest.mark.parametrize("name", NAMES)
def test_resume(folder: Path, name: str) -> None:
    """A fresh iterator with the writer's state goes on with the writer's next element."""
    floor, make = grain_pipelines.pipelines()[name]
    path = folder / f"{NAMES.index(name)}.json"
    if not (idioms.at_least("grain", floor) and path.exists()):
        pytest.skip(f"both sides have all of this since grain {floor}")
    kept = json.loads(path.read_text())
    pipeline = make()
    if take(iter(pipeline)) != kept["elements"]:
        raise Changed(f"{name}: other elements than the writer's from the start")
    iterator = iter(pipeline)
    iterator.set_state(own_state(kept["state"]))
    assert take(iterator) == kept["elements"][PLACE:]
