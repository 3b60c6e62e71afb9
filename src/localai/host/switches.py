"""The switches that tell libraries and tools not to phone home."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Forced in the worker's environment, whether or not anything there would read them.
TELEMETRY_SWITCHES: Mapping[str, str] = MappingProxyType(
    {
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "DISABLE_TELEMETRY": "1",
        "ANONYMIZED_TELEMETRY": "False",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "SCARF_NO_ANALYTICS": "true",
        "VLLM_NO_USAGE_STATS": "1",
        "WANDB_MODE": "disabled",
        "OTEL_SDK_DISABLED": "true",
        "LANGCHAIN_TRACING_V2": "false",
    }
)


def forced_switches(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Which telemetry switches have the value in ``environ`` (the worker's) that they should."""
    return tuple(name for name, value in TELEMETRY_SWITCHES.items() if environ.get(name) == value)
