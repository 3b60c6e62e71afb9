"""Names under which sync clients and other local AI tools run."""

from __future__ import annotations

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
        "msty",
        "anythingllm",
        "local-ai",
        "vllm",
        "ramalama",
    }
)
