"""Look at a chat template without running it."""

from localai.gguf.template.inspect import inspect_sources, inspect_template, inspect_templates
from localai.gguf.template.roles import Roles, Treatment, describe_roles

__all__ = [
    "Roles",
    "Treatment",
    "describe_roles",
    "inspect_sources",
    "inspect_template",
    "inspect_templates",
]
