"""Names under which sync clients and other local AI tools run."""

from __future__ import annotations

import os

# Command names as /proc/PID/comm shows them: at most 15 characters, compared in lower case
SYNC_CLIENTS = frozenset(
    {
        "dropbox",
        "onedrive",
        "nextcloud",
        "owncloud",
        "insync",
        "megasync",
        "seaf-daemon",
        "syncthing",
        "pcloud",
        "rclone",
        "google-drive-oc",
    }
)
AI_TOOLS = frozenset(
    {
        "ollama",
        "lm-studio",
        "lm studio",
        "llama-server",
        "llamafile",
        "koboldcpp",
        "gpt4all",
        "jan",
        "model-runner",  # Docker's
        "msty",
        "anythingllm",
        "local-ai",
        "open-webui",
        "vllm",
        "ramalama",
    }
)


def read_name(path: str) -> str:
    """What a file ``comm`` says, in lower case, "" if it cannot be read. With plain calls: a busy
    host has thousands."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # it has ended, or it is another account's under hidepid
        return ""
    try:
        return os.read(fd, 64).decode("utf-8", "replace").strip().casefold()
    except OSError:
        return ""
    finally:
        os.close(fd)
