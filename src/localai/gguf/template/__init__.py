"""Look at a chat template without running it."""

from localai.gguf.template.inspect import inspect_template, inspect_templates

__all__ = ["inspect_template", "inspect_templates"]
