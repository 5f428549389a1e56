"""CLU: metrics that are merged over batches and devices, and overviews of a model's parameters."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("clu", "jax", "flax"), pytest.mark.level("interop")]


def outputs() -> dict[str, Any]:
    """Losses, logits and labels of eight devices with three examples each."""
    import numpy as np

    random = np.random.default_rng(0)
    return {
        "loss": random.normal(size=(8, 3)).astype(np.float32),
        "logits": random.normal(size=(8, 3, 4)).astype(np.float32),
        "labels": random.integers(0, 4, size=(8, 3)),
    }


def check(found: dict[str, Any], of: dict[str, Any]) -> None:
    import numpy as np

    expected = {
        "accuracy": (of["logits"].argmax(-1) == of["labels"]).mean(),
        "loss": of["loss"].mean(),
        "spread": of["loss"].std(),
    }
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5)


def test_metrics_are_merged_over_batches() -> None:
    """A collection goes through a compiled step, is merged over batches, and is what NumPy says of all of them."""
    import jax
    from clu import metrics

    batches, loss = outputs(), {"loss": metrics.Average, "spread": metrics.Std}
    collection = metrics.Collection.create(
        accuracy=metrics.Accuracy, **{name: metric.from_output("loss") for name, metric in loss.items()}
    )

    @jax.jit
    def step(total: Any, loss: Any, logits: Any, labels: Any) -> Any:
        return total.merge(collection.single_from_model_output(loss=loss, logits=logits, labels=labels))

    total = collection.empty()
    for batch in range(8):
        total = step(total, *(batches[name][batch] for name in ("loss", "logits", "labels")))
    found = total.compute()
    assert set(found) == {"accuracy", "loss", "spread"}
    check(found, batches)


def test_metrics_are_gathered_from_devices() -> None:
    """A collection is gathered inside pmap, taken from one device, and is what NumPy says of all of them."""
    import jax
    from clu import metrics

    batches = outputs()
    collection = metrics.Collection.create(accuracy=metrics.Accuracy, loss=metrics.Average.from_output("loss"))

    def step(loss: Any, logits: Any, labels: Any) -> Any:
        return collection.gather_from_model_output(loss=loss, logits=logits, labels=labels)

    gathered = jax.pmap(step, axis_name="batch")(*(batches[name] for name in ("loss", "logits", "labels")))
    found = gathered.unreplicate().compute()
    assert set(found) == {"accuracy", "loss"}
    check(found, batches)


def test_an_overview_of_parameters() -> None:
    """The overview of a linen model names each parameter with its shape, its mean and the number of all."""
    import flax.linen as nn
    import jax
    import numpy as np
    from clu import parameter_overview

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = nn.Conv(4, (3, 3))(x)
            return nn.Dense(10)(x.mean((1, 2)))

    variables = Model().init(jax.random.key(0), np.zeros((1, 8, 8, 3), np.float32))
    parameters = variables["params"]
    assert parameter_overview.count_parameters(parameters) == (9 * 3 * 4 + 4) + (4 * 10 + 10)
    text = parameter_overview.get_parameter_overview(parameters)
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if "|" in line]
    shapes = {row[1]: row[2] for row in rows}
    assert shapes["Conv_0/kernel"] == "(3, 3, 3, 4)"
    assert shapes["Dense_0/bias"] == "(10,)"
    (mean,) = [row[rows[0].index("Mean")] for row in rows if row[1] == "Conv_0/kernel"]
    np.testing.assert_allclose(float(mean), parameters["Conv_0"]["kernel"].mean(), atol=1e-2)
    assert "Total: 162" in text
