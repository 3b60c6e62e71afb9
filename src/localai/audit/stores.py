"""Where other tools keep models, and what they call a file that lies there.

Each place was looked up in the tool's documentation or source, which is named beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from localai.document import read_json
from localai.errors import DocumentError, StateError
from localai.smallfile import read_small

_LIMIT = 1 << 20  # bytes of one of Ollama's manifests: it lists a few digests
_MOST = 10_000  # of Ollama's manifests that are read
_BLOB = re.compile(r"(?:sha256[-:])?([0-9a-f]{64})")


class Store(NamedTuple):
    """A place of a tool's, in the home directory, and the variable that moves it."""

    tool: str
    folders: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()


STORES = (
    # docs.ollama.com/faq; the installer's service has a home of its own
    Store("Ollama", (".ollama/models",), (("OLLAMA_MODELS", ""),)),
    # huggingface.co/docs/huggingface_hub, environment variables
    Store(
        "Hugging Face",
        (".cache/huggingface/hub",),
        (("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub"),
         ("XDG_CACHE_HOME", "huggingface/hub")),
    ),
    # lmstudio.ai/docs, model directory: the newer place, and the one before
    Store("LM Studio", (".lmstudio/models", ".cache/lm-studio/models")),
    # mozilla-ai/llamafile, README: what a program unpacks, and its models
    Store("llamafile", (".llamafile", ".cache/llamafile")),
    # ggml-org/llama.cpp, common/common.cpp: fs_get_cache_directory
    Store(
        "llama.cpp", (".cache/llama.cpp",), (("LLAMA_CACHE", ""), ("XDG_CACHE_HOME", "llama.cpp"))
    ),
)  # fmt: skip
SERVICE = Path("usr/share/ollama/.ollama/models")


class Folder(NamedTuple):
    """One store that is there."""

    tool: str
    path: Path


def find_stores(home: Path, root: Path, environ: Mapping[str, str]) -> tuple[Folder, ...]:
    """The stores that are there, of this account and of Ollama's service; ``root`` is that of the
    file system. A store that may not be looked into is there."""
    wanted = [Folder("Ollama", root / SERVICE)]
    for store in STORES:
        wanted += [Folder(store.tool, home / folder) for folder in store.folders]
        for name, below in store.variables:
            if (moved := environ.get(name, "")).startswith("/"):
                wanted.append(Folder(store.tool, Path(moved) / below))
    return tuple(dict.fromkeys(folder for folder in wanted if is_folder(folder.path)))


class Named(NamedTuple):
    """What a store says of a file: whose store it is, what it calls the file, and the SHA-256 that
    it says the file has."""

    tool: str = ""
    called: str = ""
    sha256: str = ""


def name_stored(path: Path, names: Mapping[str, str], stores: tuple[Folder, ...]) -> Named:
    """What the store in which ``path`` lies says of it, wherever the store is: by its layout.

    ``names`` are Ollama's by digest, see :func:`read_ollama_names`.
    """
    blob = _BLOB.fullmatch(path.name)
    digest = blob[1] if blob and path.parent.name == "blobs" else ""
    if digest and path.name.startswith("sha256"):
        return Named("Ollama", names.get(digest, ""), digest)
    for part in path.parts:
        if part.startswith("models--"):  # models--PUBLISHER--REPOSITORY
            called = "/".join(part.split("--")[1:])
            return Named("Hugging Face", called, digest)
    tools = (store.tool for store in stores if path.is_relative_to(store.path))
    if tool := next(tools, ""):
        return Named(tool)
    return Named("llamafile" if path.suffix == ".llamafile" else "")


def read_ollama_names(blobs: Path) -> dict[str, str]:
    """What Ollama calls the files in ``blobs``, by digest: the manifests lie beside that folder.

    A name decides nothing: what cannot be read has none. Source: docs.ollama.com, and the layout
    of the OCI image manifest.
    """
    names: dict[str, str] = {}
    top = blobs.parent / "manifests"
    for path in _list_manifests(top):
        try:
            layers = read_json(read_small(path, limit=_LIMIT) or b"").get("layers")
        except (DocumentError, StateError):
            continue
        called = "/".join(path.relative_to(top).parts[1:])  # without the registry
        head, _, tag = called.removeprefix("library/").rpartition("/")
        for layer in layers if isinstance(layers, list) else ():
            digest = layer.get("digest") if isinstance(layer, dict) else None
            if isinstance(digest, str) and (blob := _BLOB.fullmatch(digest)):
                names.setdefault(blob[1], f"{head}:{tag}")
    return names


def _list_manifests(top: Path) -> list[Path]:
    try:
        return sorted(islice(top.glob("*/*/*/*"), _MOST))
    except OSError:
        return []


def is_folder(path: Path) -> bool:
    """Whether there is a folder; one that may not be looked for may be there."""
    try:
        return path.is_dir()
    except OSError:
        return True
