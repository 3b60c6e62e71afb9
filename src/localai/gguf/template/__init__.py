"""Look at a chat template without running it."""

from localai.gguf.template.inspect import inspect_template

__all__ = ["inspect_template"]
