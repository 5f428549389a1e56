"""Jraph: graphs batched, padded and taken apart, and networks on them, in networks of Flax and Haiku too."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("jraph", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def graph(nodes: int = 3, seed: int = 0) -> Any:
    """A ring of nodes with random features, each with an edge to the next one."""
    import jraph
    import numpy as np

    rng = np.random.default_rng(seed)
    senders = np.arange(nodes)
    return jraph.GraphsTuple(
        nodes=rng.normal(size=(nodes, 2)).astype(np.float32),
        edges=rng.normal(size=(nodes, 1)).astype(np.float32),
        senders=senders,
        receivers=(senders + 1) % nodes,
        n_node=np.array([nodes]),
        n_edge=np.array([nodes]),
        globals=rng.normal(size=(1, 2)).astype(np.float32),
    )


def test_batches_and_padding() -> None:
    """Graphs are joined, padded to a fixed size and taken apart again; masks tell what was padded."""
    import jraph
    import numpy as np

    first, second = graph(3), graph(4, seed=1)
    joined = jraph.batch([first, second])
    assert np.asarray(joined.senders).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert np.asarray(joined.receivers).tolist() == [1, 2, 0, 4, 5, 6, 3]
    padded = jraph.pad_with_graphs(joined, n_node=10, n_edge=12, n_graph=4)
    assert (padded.nodes.shape, padded.edges.shape, padded.globals.shape) == ((10, 2), (12, 1), (4, 2))
    assert np.asarray(jraph.get_node_padding_mask(padded)).tolist() == [True] * 7 + [False] * 3
    assert np.asarray(jraph.get_graph_padding_mask(padded)).tolist() == [True, True, False, False]
    parts = jraph.unbatch(jraph.unpad_with_graphs(padded))
    assert len(parts) == 2
    close(parts[1].nodes, second.nodes)
    close(parts[1].edges, second.edges)
    assert np.asarray(parts[1].receivers).tolist() == [1, 2, 3, 0]

    batches = list(jraph.dynamically_batch(iter([graph(3)] * 5), n_node=8, n_edge=8, n_graph=3))
    assert [int(jraph.get_number_of_padding_with_graphs_graphs(batch)) for batch in batches] == [1, 1, 2]


def test_segments() -> None:
    """Sums, means, maxima and soft-maxima over segments, and what they give for derivatives."""
    import jax
    import jax.numpy as jnp
    import jraph
    import numpy as np

    values, segments = jnp.array([1.0, 2.0, 5.0, -1.0]), jnp.array([0, 0, 1, 1])
    close(jraph.segment_sum(values, segments, 3), [3.0, 4.0, 0.0])
    close(jax.jit(jraph.segment_mean, static_argnums=2)(values, segments, 2), [1.5, 2.0])
    close(jraph.segment_max(values, segments, 2), [2.0, 5.0])
    close(jraph.segment_variance(values, segments, 2), [0.25, 9.0])
    shares = jax.jit(jraph.segment_softmax, static_argnums=2)(values, segments, 2)
    close(shares, np.exp([1, 2, 5, -1]) / np.repeat([np.exp([1, 2]).sum(), np.exp([5, -1]).sum()], 2))
    gradient = jax.grad(lambda values: jraph.segment_sum(values**2, segments, 2)[1])(values)
    close(gradient, [0.0, 0.0, 10.0, -2.0])


def test_networks_against_numpy() -> None:
    """A graph network and a graph convolution give what their definitions say, compiled."""
    import jax
    import jax.numpy as jnp
    import jraph
    import numpy as np

    one = graph(3)
    network = jraph.GraphNetwork(
        update_edge_fn=lambda edges, senders, receivers, context: edges * senders - receivers,
        update_node_fn=lambda nodes, sent, received, context: nodes + sent + 2 * received,
        update_global_fn=lambda nodes, edges, context: context + nodes + edges,
    )
    out = jax.jit(network)(one)
    edges = one.edges * one.nodes - one.nodes[[1, 2, 0]]
    nodes = one.nodes + edges + 2 * edges[[2, 0, 1]]
    close(out.edges, edges)
    close(out.nodes, nodes)
    close(out.globals, one.globals + nodes.sum(0) + edges.sum(0))

    weights = jnp.array([[1.0, -1.0], [0.5, 2.0]])
    convolution = jraph.GraphConvolution(lambda nodes: nodes @ weights, add_self_edges=True)
    # In a ring with edges to itself each node has two neighbours: the normalised sum is the mean.
    moved = one.nodes @ np.asarray(weights)
    close(jax.jit(convolution)(one).nodes, (moved + moved[[2, 0, 1]]) / 2)


def trained(apply: Any, parameters: Any) -> float:
    """What remains of the loss when a network has learned, with optax, the sums of two graphs' features."""
    import jax
    import jax.numpy as jnp
    import jraph
    import optax

    graphs = jraph.pad_with_graphs(jraph.batch([graph(3), graph(4, seed=1)]), n_node=8, n_edge=8, n_graph=3)
    mask = jraph.get_graph_padding_mask(graphs)
    optimizer = optax.adam(0.05)

    def loss(parameters: Any) -> Any:
        out = apply(parameters, graphs._replace(globals=jnp.zeros((3, 1)))).globals[:, 0]
        return jnp.sum(jnp.where(mask, (out - jnp.array([1.0, -1.0, 9.0])) ** 2, 0))

    @jax.jit
    def train(parameters: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            parameters, state = carry
            value, gradient = jax.value_and_grad(loss)(parameters)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(parameters, updates), state), value

        return jax.lax.scan(step, (parameters, optimizer.init(parameters)), None, length=200)[1]

    losses = train(parameters)
    return float(losses[-1] / losses[0])


@pytest.mark.uses("jraph", "jax", "optax", "flax")
def test_a_network_of_flax_learns() -> None:
    """A graph network whose functions are linen layers learns a value of each graph."""
    import jax
    import jax.numpy as jnp
    import jraph
    from flax import linen

    class Net(linen.Module):
        @linen.compact
        def __call__(self, graphs: Any) -> Any:
            return jraph.GraphNetwork(
                update_edge_fn=jraph.concatenated_args(lambda x: linen.relu(linen.Dense(8)(x))),
                update_node_fn=jraph.concatenated_args(lambda x: linen.relu(linen.Dense(8)(x))),
                update_global_fn=jraph.concatenated_args(linen.Dense(1)),
            )(graphs)

    net = Net()
    parameters = net.init(jax.random.PRNGKey(0), graph(3)._replace(globals=jnp.zeros((1, 1))))
    assert trained(net.apply, parameters) < 0.05


@pytest.mark.uses("jraph", "jax", "optax", "dm-haiku")
def test_a_network_of_haiku_learns() -> None:
    """A graph network whose functions are haiku modules learns a value of each graph."""
    import haiku as hk
    import jax
    import jax.numpy as jnp
    import jraph

    def net(graphs: Any) -> Any:
        return jraph.GraphNetwork(
            update_edge_fn=jraph.concatenated_args(lambda x: jax.nn.relu(hk.Linear(8, name="edge")(x))),
            update_node_fn=jraph.concatenated_args(lambda x: jax.nn.relu(hk.Linear(8, name="node")(x))),
            update_global_fn=jraph.concatenated_args(hk.Linear(1, name="global")),
        )(graphs)

    transformed = hk.without_apply_rng(hk.transform(net))
    parameters = transformed.init(jax.random.PRNGKey(0), graph(3)._replace(globals=jnp.zeros((1, 1))))
    assert trained(transformed.apply, parameters) < 0.05
