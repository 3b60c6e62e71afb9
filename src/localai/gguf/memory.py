"""How much memory a model wants."""

from __future__ import annotations

from collections.abc import Sequence

from localai.gguf.facts import Array, GgufFile, Tensor, all_tensors

# What llama.cpp's CPU backend may copy into another layout when it loads (ggml-cpu/repack.cpp).
_REPACKED = frozenset({"Q2_K", "Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "IQ4_NL", "MXFP4"})
_CACHE_BYTES = 2  # of one number in the KV cache: F16
_BATCH = 512  # tokens whose activations are in memory at once; worker.engine.BATCH
_FIXED = 64 << 20  # Python, the libraries, the vocabulary, graphs


def inference_bytes(
    files: Sequence[GgufFile], context: int, *, repack: bool, let_go: bool = False
) -> int:
    """Memory in bytes that inference wants beside the sealed files, an estimate from above.

    KV cache for ``context`` tokens, activations of one batch, and with ``repack`` the weights
    that llama.cpp copies into another layout (it is faster, and can be told not to). With
    ``let_go`` it may, instead of that, read the files: then what belongs to no block is kept
    beside them while it loads, and the largest tensor is on its way to a GPU.
    """
    file = files[0]  # of a set, only the first says what the model is
    arch = file.architecture
    width = _largest(file, f"{arch}.embedding_length") or 0
    heads = _largest(file, f"{arch}.attention.head_count") or 1
    kept = _largest(file, f"{arch}.attention.head_count_kv") or heads
    key = _largest(file, f"{arch}.attention.key_length") or width // heads
    value = _largest(file, f"{arch}.attention.value_length") or width // heads
    layers = _largest(file, f"{arch}.block_count") or 0
    inner = _largest(file, f"{arch}.feed_forward_length") or 4 * width
    cache = context * layers * kept * (key + value) * _CACHE_BYTES
    activations = _BATCH * 4 * (6 * width + 3 * inner + 2 * context)
    tensors = all_tensors(files)
    copies = sum(tensor.size for tensor in tensors if tensor.type in _REPACKED) if repack else 0
    return _FIXED + cache + activations + max(copies, _read_bytes(tensors) if let_go else 0)


def are_all_layers(files: Sequence[GgufFile], gpu_layers: int) -> bool:
    """Whether so many layers on a GPU are all of the model's. llama.cpp counts one more than there
    are blocks, the output, and takes any number below zero for all (llama.h, n_gpu_layers)."""
    blocks = _largest(files[0], f"{files[0].architecture}.block_count")
    return gpu_layers < 0 or (blocks is not None and gpu_layers > blocks)


def _read_bytes(tensors: Sequence[Tensor]) -> int:
    outside = sum(tensor.size for tensor in tensors if not tensor.name.startswith("blk."))
    return outside + max((tensor.size for tensor in tensors), default=0)


def _largest(file: GgufFile, key: str) -> int | None:
    """A number that may stand once for all layers or once for each; None if there is none above
    zero, since nothing that a file says may make its model look small."""
    value = file.metadata.get(key)
    items = value.first if isinstance(value, Array) else (value,)
    return max((item for item in items if isinstance(item, int) and item > 0), default=None)
