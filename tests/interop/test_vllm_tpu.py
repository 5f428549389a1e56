"""vLLM-TPU serves language models: vLLM plans, tpu-inference computes, by models in Flax and kernels in Pallas.

No TPU is needed for most of it: vLLM chooses the TPU platform, reads checkpoints and makes its configuration; kernels
are interpreted or lowered; a model computes on the CPU with the reference attention, and compiles for TPUs. The engine
itself wants the device, and has to say so.

vLLM asks for the device's name by way of a forked process: tests that get so far have a process of their own, in which
jax has not started its threads yet.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

VLLM = ("vllm-tpu>=0.32", "tpu-inference>=0.32", "jax", "jaxlib")
MODEL = (*VLLM, "flax", "torch", "torchax", "transformers", "safetensors")

#: Tokens of the key-value cache in one page, and pages that a sequence may have.
PAGE, PAGES = 16, 3
#: For kernels that would look up what suits the TPU that is there: queries and keys, fetched and then computed at once.
DECODE_BLOCKS, MIXED_BLOCKS = (1, 32, 1, 32), (8, 32, 8, 32)


@pytest.fixture(autouse=True)
def _path_as_it_was() -> Iterator[None]:
    """Torch loads setuptools, which puts the libraries that it carries on the path: none that is installed."""
    kept = sys.path[:]
    yield
    sys.path[:] = kept


def normal(*shape: int, seed: int = 0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# ---------------------------------------------------------------------------------------------------------------------
# The platform
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.uses(*VLLM, "libtpu")
@pytest.mark.level("interop")
def test_the_platform_is_the_tpu() -> None:
    """vLLM finds libtpu, and for that chooses tpu-inference's platform, worker and layers out of all it knows."""
    from vllm import platforms, plugins

    chosen = platforms.resolve_current_platform_cls_qualname()
    assert chosen == "vllm.platforms.tpu.TpuPlatform"
    platform = platforms.current_platform
    assert (platform.is_tpu(), platform.is_cuda(), platform.is_cpu()) == (True, False, False)
    from tpu_inference.platforms.tpu_platform import TpuPlatform

    assert type(platform) is TpuPlatform
    loaded = plugins.load_plugins_by_group("vllm.general_plugins")
    own = [point.name for point in metadata.distribution("tpu-inference").entry_points]
    assert own
    assert set(own) <= set(loaded)


# ---------------------------------------------------------------------------------------------------------------------
# Ragged paged attention: sequences of any length in one batch, their keys and values in pages
# ---------------------------------------------------------------------------------------------------------------------


def batch(lengths: list[tuple[int, int]], head_dim: int = 128) -> dict[str, Any]:
    """Queries, keys, values and a cache with a past for sequences of (new tokens, all tokens); pages lie anywhere."""
    import numpy as np

    new = [queries for queries, _ in lengths]
    decoding = next((i for i, queries in enumerate(new) if queries > 1), len(new))
    pages = np.random.default_rng(1).permutation(len(new) * PAGES + 2)
    return {
        "queries": normal(sum(new), 4, head_dim, seed=2),
        "keys": normal(sum(new), 2, head_dim, seed=3),
        "values": normal(sum(new), 2, head_dim, seed=4),
        "kv_cache": normal(len(pages), PAGE, 4, 1, head_dim, seed=5),
        "kv_lens": np.asarray([total for _, total in lengths], np.int32),
        "page_indices": pages[: len(new) * PAGES].astype(np.int32),
        "cu_q_lens": np.cumsum([0, *new]).astype(np.int32),
        "distribution": np.asarray([decoding, decoding, len(new)], np.int32),
    }


def attended(given: dict[str, Any], scale: float, window: int | None, cap: float | None) -> tuple[Any, Any]:
    """What attention is, one query after the other in numpy's double precision, and the cache afterwards.

    A head's keys lie before its values in a token's entry of the cache.
    """
    import numpy as np

    cache = given["kv_cache"].astype(np.float64)
    queries, keys, values = (given[name].astype(np.float64) for name in ("queries", "keys", "values"))
    found = np.zeros_like(queries)
    for i, total in enumerate(given["kv_lens"]):
        first, last = given["cu_q_lens"][i : i + 2]
        pages = given["page_indices"][i * PAGES : (i + 1) * PAGES]
        past = total - (last - first)
        for token in range(first, last):
            place = past + token - first
            entry = cache[pages[place // PAGE], place % PAGE, :, 0]
            entry[0::2], entry[1::2] = keys[token], values[token]
        for token in range(first, last):
            place = past + token - first
            seen = range(0 if window is None else max(0, place - window + 1), place + 1)
            tokens = np.stack([cache[pages[t // PAGE], t % PAGE, :, 0] for t in seen])
            for head in range(queries.shape[1]):
                pair = 2 * (head // 2)
                scores = tokens[:, pair] @ queries[token, head] * scale
                scores = scores if cap is None else cap * np.tanh(scores / cap)
                weights = np.exp(scores - scores.max())
                found[token, head] = weights @ tokens[:, pair + 1] / weights.sum()
    return found, cache


@pytest.mark.uses(*VLLM)
@pytest.mark.level("run")
@pytest.mark.parametrize(("window", "cap"), [(None, None), (7, None), (None, 5.0)])
@pytest.mark.parametrize(
    "lengths",
    [
        [(1, 1), (1, 17), (1, 48)],
        [(5, 5), (16, 20), (33, 48)],
        [(1, 18), (5, 5), (16, 33)],
    ],
    ids=["decode", "prefill", "mixed"],
)
def test_reference_attention(lengths: list[tuple[int, int]], window: int | None, cap: float | None) -> None:
    """What the kernels are measured against computes attention and keeps the new keys and values, whatever the lengths.

    Single against double precision: sums of 128 products, and of 48.
    """
    import jax.numpy as jnp
    import numpy as np
    from tpu_inference.kernels.ragged_paged_attention.v3 import kernel

    given = batch(lengths)
    out, cache = kernel.ref_ragged_paged_attention(
        *map(jnp.asarray, given.values()), sm_scale=128**-0.5, sliding_window=window, soft_cap=cap
    )
    expected, kept = attended(given, 128**-0.5, window, cap)
    np.testing.assert_allclose(np.asarray(out), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(cache), kept.astype(np.float32))


# ---------------------------------------------------------------------------------------------------------------------
# Kernels
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses(*VLLM)
@pytest.mark.level("run")
def test_quantized_product_interpreted() -> None:
    """The kernel for int8 weights, on a simulated TPU, multiplies by what they stand for."""
    import jax.numpy as jnp
    import numpy as np
    from jax.experimental.pallas import tpu as pltpu
    from tpu_inference.kernels.quantized_matmul import kernel

    generator = np.random.default_rng(0)
    x, scales = normal(128, 256), generator.uniform(0.005, 0.02, 128).astype(np.float32)
    weights = generator.integers(-127, 128, (128, 256), np.int8)
    with pltpu.force_tpu_interpret_mode():
        found = kernel.quantized_matmul_kernel(jnp.asarray(x), jnp.asarray(weights), jnp.asarray(scales))
    np.testing.assert_allclose(np.asarray(found), x @ (weights * scales[:, None]).T, rtol=1e-4, atol=1e-3)


@pytest.mark.uses(*VLLM)
@pytest.mark.level("run")
def test_grouped_product_interpreted() -> None:
    """The kernel for mixtures of experts, on a simulated TPU: each group of rows times its own matrix, one is empty."""
    import jax.numpy as jnp
    import numpy as np
    from jax.experimental.pallas import tpu as pltpu
    from tpu_inference.kernels.megablox.gmm import gmm

    x, experts, sizes = normal(256, 128), normal(4, 128, 256, seed=1), np.asarray([30, 98, 0, 128], np.int32)
    with pltpu.force_tpu_interpret_mode():
        found = gmm(*map(jnp.asarray, (x, experts, sizes)), preferred_element_type=jnp.float32, tiling=(128, 128, 128))
    expert = np.repeat(np.arange(4), sizes)
    np.testing.assert_allclose(np.asarray(found), np.einsum("ti,tio->to", x, experts[expert]), rtol=1e-4, atol=1e-3)


@pytest.mark.uses(*VLLM)
@pytest.mark.level("lower")
@pytest.mark.parametrize("head_dim", [128, 64])
@pytest.mark.parametrize("kind", ["TPU v5 lite", "TPU v6 lite"])
def test_attention_kernels_lower(kind: str, head_dim: int) -> None:
    """Ragged paged attention becomes Mosaic's kernels: one for what decodes and one for the rest, or one for both."""
    import jax
    import jax.numpy as jnp
    from jax.sharding import AbstractDevice, AbstractMesh, AxisType
    from tpu_inference.kernels.ragged_paged_attention.v3 import kernel, kernel_hd64

    given = {name: jax.ShapeDtypeStruct(array.shape, array.dtype) for name, array in batch([(1, 18), (5, 5)]).items()}
    options: dict[str, Any] = {"d_block_sizes": DECODE_BLOCKS, "m_block_sizes": MIXED_BLOCKS}
    function, module = kernel.ragged_paged_attention, kernel
    if head_dim == 64:
        options = {"num_kv_pages_per_block": 2, "num_queries_per_block": 8}
        function, module = kernel_hd64.ragged_paged_attention_hd64, kernel_hd64
    shape = module.get_kv_cache_shape(8, PAGE, 2, head_dim, jnp.float32)
    given["kv_cache"] = jax.ShapeDtypeStruct(shape, jnp.float32)
    for name in ("queries", "keys", "values"):
        given[name] = given[name].update(shape=(*given[name].shape[:2], head_dim))
    device = AbstractDevice(device_kind=kind, num_cores=1, platform="tpu")
    with jax.sharding.use_abstract_mesh(
        AbstractMesh((1,), ("i",), axis_types=(AxisType.Auto,), abstract_device=device)
    ):
        lowered = function.trace(*given.values(), sm_scale=0.1, **options).lower(lowering_platforms=("tpu",))
    text = lowered.as_text()
    names = re.findall(r'kernel_name = "([^"-]*)', text)
    assert text.count("@tpu_custom_call") == len(names)
    assert names == (["RPA"] if head_dim == 64 else ["RPAd", "RPAm"])
    assert [output.shape for output in lowered.out_info] == [given["queries"].shape, shape]


# ---------------------------------------------------------------------------------------------------------------------
# A model
# ---------------------------------------------------------------------------------------------------------------------

LAYERS, VOCABULARY = 2, 256


@pytest.fixture
def llama(tmp_path: Path) -> Any:
    """A tiny Llama of transformers with random weights, saved where its `name_or_path` says."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=128,
        max_position_embeddings=128,
        initializer_range=0.1,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config).eval()
    model.save_pretrained(tmp_path)
    model.name_or_path = str(tmp_path)
    return model


def options_of(llama: Any) -> dict[str, Any]:
    """How the engine is asked to serve the model."""
    return {
        "model": llama.name_or_path,
        "skip_tokenizer_init": True,
        "dtype": "float32",
        "max_model_len": PAGE * PAGES,
        "max_num_seqs": 4,
        "max_num_batched_tokens": 64,
        "block_size": PAGE,
    }


def configuration(llama: Any) -> Any:
    """vLLM's own configuration for serving the model, as tpu-inference hands it to its models."""
    import jax
    import jax.numpy as jnp
    from tpu_inference.distributed import jax_parallel_state
    from vllm.engine.arg_utils import EngineArgs

    config = EngineArgs(**options_of(llama)).create_engine_config()
    config.model_config.dtype = jnp.float32
    jax_parallel_state.init_pp_distributed_environment("127.0.0.1", 0, 1, jax.devices()[0], need_pp=False)
    return config


def over(devices: Any, shape: dict[str, int]) -> Any:
    """A mesh with the axes that tpu-inference's shardings speak of; those not in `shape` have one device."""
    import jax
    import numpy as np
    from tpu_inference.layers.common.sharding import MESH_AXIS_NAMES

    sizes = [shape.get(name, 1) for name in MESH_AXIS_NAMES]
    return jax.sharding.Mesh(np.asarray(devices).reshape(sizes), MESH_AXIS_NAMES)


@pytest.mark.alone
@pytest.mark.uses(*MODEL)
@pytest.mark.level("interop")
def test_llama_computes_what_transformers_computes(llama: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same file, with two prompts in one batch and then one token more for each out of the pages.

    On a CPU tpu-inference's own reference stands in for its attention kernel. The weights are large enough that a
    token's logits depend on those before it.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    import torch
    from tpu_inference.kernels.ragged_paged_attention.v3 import kernel
    from tpu_inference.layers.common import attention_interface
    from tpu_inference.layers.common.attention_metadata import AttentionMetadata
    from tpu_inference.models.jax.llama3 import LlamaForCausalLM

    def reference(mesh: Any, *arrays: Any, sm_scale: float, **_: Any) -> Any:
        return kernel.ref_ragged_paged_attention(*arrays[:8], sm_scale=sm_scale)

    monkeypatch.setattr(attention_interface, "sharded_ragged_paged_attention", reference)
    config = configuration(llama)
    mesh = over(jax.devices()[:1], {})
    lengths = np.asarray([5, 19])
    texts = [np.random.default_rng(i).integers(1, VOCABULARY, length + 1) for i, length in enumerate(lengths)]
    with jax.set_mesh(mesh):
        model = LlamaForCausalLM(config, jax.random.PRNGKey(0), mesh)
        model.load_weights(jax.random.PRNGKey(0))

        def logits(caches: Any, tokens: Any, places: Any, totals: Any, decoding: int) -> tuple[Any, Any]:
            given = AttentionMetadata(
                input_positions=jnp.asarray(np.concatenate(places)),
                block_tables=jnp.asarray([4, 1, 3, 0, 5, 2], jnp.int32),
                seq_lens=jnp.asarray(totals, jnp.int32),
                query_start_loc=jnp.asarray(np.cumsum([0, *map(len, places)]), jnp.int32),
                request_distribution=jnp.asarray([decoding, decoding, 2], jnp.int32),
            )
            caches, hidden, *_ = model(caches, jnp.asarray(np.concatenate(tokens)), given)
            return caches, np.asarray(model.compute_logits(hidden))

        shape = kernel.get_kv_cache_shape(6, PAGE, 2, 128, jnp.float32)
        caches = [jnp.zeros(shape) for _ in range(LAYERS)]
        prompts = [text[:-1] for text in texts]
        caches, prompted = logits(caches, prompts, [np.arange(n) for n in lengths], lengths, 0)
        caches, decoded = logits(caches, [text[-1:] for text in texts], lengths[:, None], lengths + 1, 2)

    with torch.no_grad():
        expected = [llama(torch.tensor(text)[None]).logits[0].numpy() for text in texts]
    found = np.split(prompted, lengths[:1])
    for i in range(2):
        np.testing.assert_allclose(found[i], expected[i][:-1], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(decoded[i], expected[i][-1], rtol=1e-4, atol=1e-4)


@pytest.mark.alone
@pytest.mark.uses(*MODEL, "libtpu")
@pytest.mark.level("compile")
def test_llama_compiles_for_tpus(llama: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of the model over two by two TPUs that are not there: its kernels, collectives and its cache in place."""
    for name, value in {
        # As in test_libtpu.py: nothing may ask a metadata server.
        "TPU_SKIP_MDS_QUERY": "1",
        "TPU_ACCELERATOR_TYPE": "v5litepod-4",
        "TPU_WORKER_HOSTNAMES": "localhost",
        "TPU_WORKER_ID": "0",
        "RPA_V3_DECODE_BLOCK_SIZES": ",".join(map(str, DECODE_BLOCKS)),
        "RPA_V3_MIXED_BLOCK_SIZES": ",".join(map(str, MIXED_BLOCKS)),
    }.items():
        monkeypatch.setenv(name, value)
    import jax
    import jax.numpy as jnp
    from flax import nnx
    from jax.experimental import topologies
    from jax.sharding import NamedSharding, PartitionSpec
    from tpu_inference.kernels.ragged_paged_attention.v3 import kernel
    from tpu_inference.layers.common.attention_metadata import AttentionMetadata
    from tpu_inference.layers.common.sharding import ShardingAxisName as Axes
    from tpu_inference.models.jax.llama3 import LlamaForCausalLM

    config = configuration(llama)
    tokens, sequences, pages = 64, 8, 32
    for topology, kind in {"v5e:2x2": "TPU v5 lite", "v6e:2x2": "TPU v6 lite"}.items():
        devices = topologies.get_topology_desc(platform="tpu", topology_name=topology).devices
        assert {device.device_kind for device in devices} == {kind}
        mesh = over(devices, {"data": 2, "model": 2})

        def described(shape: tuple[int, ...], dtype: Any, *spec: Any, mesh: Any = mesh) -> Any:
            return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, PartitionSpec(*spec)))

        with jax.set_mesh(mesh):
            model = nnx.eval_shape(lambda mesh=mesh: LlamaForCausalLM(config, jax.random.PRNGKey(0), mesh))
            graph, state = nnx.split(model)
            state = jax.tree_util.tree_map(
                lambda leaf, where: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where),
                state,
                nnx.get_named_sharding(state, mesh),
            )
            shape = kernel.get_kv_cache_shape(pages, PAGE, 2, 128, jnp.float32)
            caches = [described(shape, jnp.float32, Axes.ATTN_DATA, None, Axes.ATTN_HEAD)] * LAYERS
            sizes = {
                "input_positions": tokens,
                "block_tables": sequences * PAGES,
                "seq_lens": sequences,
                "query_start_loc": sequences + 2,  # for each half of the data one more than it has sequences
                "request_distribution": 6,
            }
            given = AttentionMetadata(
                **{name: described((size,), jnp.int32, Axes.ATTN_DATA) for name, size in sizes.items()}
            )

            def step(state: Any, caches: Any, tokens: Any, given: Any, graph: Any = graph) -> Any:
                model = nnx.merge(graph, state)
                caches, hidden, *_ = model(caches, tokens, given)
                return caches, model.compute_logits(hidden)

            text = described((tokens,), jnp.int32, Axes.ATTN_DATA)
            compiled = jax.jit(step, donate_argnums=1).lower(state, caches, text, given).compile()
        program = compiled.as_text()
        # In each layer one kernel for what decodes and one for the rest; attention and the layer after it add up.
        assert program.count('custom_call_target="tpu_custom_call"') == 2 * LAYERS
        assert len(re.findall(r"= [^=]*? all-reduce(?:-start)?\(", program)) >= 2 * LAYERS
        # Split over data and heads.
        assert compiled.memory_analysis().alias_size_in_bytes == LAYERS * 4 * pages * PAGE * 4 * 128 // 4


# ---------------------------------------------------------------------------------------------------------------------
# The engine
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.uses(*MODEL)
@pytest.mark.level("interop")
def test_the_engine_ends_where_the_tpu_is_missing(
    llama: Any, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started as its documentation says, with a process of its own: it gets to its device, and gives up in time."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        # Sockets are files, whose paths may have 107 characters.
        monkeypatch.setenv("VLLM_RPC_BASE_PATH", folder)
        import psutil
        from vllm import LLM

        with pytest.raises(RuntimeError, match="Engine core initialization failed"):
            LLM(**options_of(llama))
    said = capfd.readouterr()
    assert "init_device" in said.out + said.err
    assert not [child for child in psutil.Process().children() if "EngineCore" in " ".join(child.cmdline())]
