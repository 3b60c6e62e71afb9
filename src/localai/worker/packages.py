"""Enter a package without running its ``__init__``.

The worker wants one module each of llama_cpp and jinja2. Their packages' own start would import
numpy, diskcache, pickle and OpenSSL beside it: a third of a second of every start, and code in
the confined process that nothing there calls.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

from localai.errors import PlatformError


def enter_package(name: str, distribution: str) -> None:
    """Let ``import name.module`` find its file although ``name`` itself was never run.

    Does nothing if the package was imported already. Raises PlatformError if there is none;
    ``distribution`` is what to install then.
    """
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise PlatformError(
            f"{distribution} is not installed in this Python ({sys.prefix})",
            hint=f"{sys.executable} -m pip install {distribution}",
        )
    package = ModuleType(name)
    package.__spec__ = spec
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package
