"""The rules of who imports whom, over every import statement, and over what really gets loaded."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from layering import Import, find_outsiders, find_strangers, find_upward, read_imports

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "localai"
LONGEST = 300  # lines of a file

# From the top down: an area may import what stands in a row below its own, and itself.
ROWS = (
    ("__main__",),
    ("cli",),
    ("reports",),
    ("launch + examination", "trials", "guest"),
    ("bundle",),
    ("inspection", "audit", "promotion"),
    ("beginning", "artifact + identification", "intact", "approval"),
    ("plan", "schedule", "fetch"),
    ("store", "staging"),
    ("worker", "manifest", "policy + settings + precedence", "copying", "selftests"),
    ("egress", "abilities", "sealing", "custody", "records"),
    (
        "egress.probes",
        "gguf",
        "formats",
        "environment",
        "account",
        "host",
        "hardware",
        "hubs",
        "locking",
        "reference",
    ),
    ("sandbox", "shape", "places", "atomicfile", "smallfile"),
    ("document", "dialect", "hashing", "findings", "labels", "terminal"),
    ("errors",),
)

# Areas that may use still less than what stands below them.
ONLY = {
    "worker": ("sandbox", "egress.probes", "dialect", "errors"),
    "egress": ("sandbox", "errors"),
    "egress.catalogue": (),
    "egress.probes": ("sandbox.kernel", "sandbox.syscalls"),
    "sandbox": ("errors",),
    "gguf": ("dialect", "errors", "findings"),
    "formats": ("errors", "findings", "terminal"),
    "plan.gates": ("plan", "findings", "environment", "hardware", "host", "labels", "policy",
                   "manifest.schema", "manifest.filename", "gguf.statements", "egress.selftest",
                   "egress.probes.probe", "sandbox.spec", "store.state"),
    # The launcher's two handles on the worker load none of what the worker runs.
    "worker.process": ("worker.client", "worker.protocol", "worker.descriptors",
                       "worker.spawn", "sandbox", "egress.probes.probe", "errors"),
    "worker.spawn": ("worker.descriptors", "sandbox"),
    "worker.client": ("worker.protocol", "errors"),
}  # fmt: skip

# What everybody else may see of the worker: never the engine, the templates or the model's loop.
WORKER_SEEN = ("worker.process", "worker.client", "worker.protocol", "worker.spawn")

# The owners of each outside library: one, but for the language of the templates, which one module
# sets up, one reads and one renders, and for keys: their kinds, and what is done with them.
OWNERS = {
    "cramjam": "formats.datasets.parquet.compression",
    "httpx2": "fetch.guard + fetch.library",
    "huggingface_hub": "fetch.library",
    "cryptography": "manifest.algorithm + manifest.signature",
    "jinja2": "dialect + gguf.template + worker.template",
    "llama_cpp": "worker.engine + worker.loading",
    "typer": "cli",
    "yaml": "document.yamltree",
}

# What runs beside a prompt. typing_extensions comes with llama_cpp, markupsafe with jinja2.
WORKER_LIBRARIES = {"llama_cpp", "typing_extensions", "jinja2", "markupsafe"}


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return read_imports(ROOT / "src", PACKAGE)


def plant(directory: Path, name: str, text: str) -> list[Import]:
    """The imports of a package that has one module ``name`` with ``text`` in it, among others."""
    for module in ("errors", "plan/facts", "sandbox/kernel", "worker/engine", name):
        path = directory / PACKAGE / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (directory / PACKAGE / f"{name}.py").write_text(text)
    return read_imports(directory, PACKAGE)


def test_imports_run_downward(imports: list[Import]) -> None:
    assert find_upward(imports, ROWS, PACKAGE) == []


@pytest.mark.parametrize(
    "text",
    [
        "from localai.plan import facts",
        "from localai.plan.facts import Facts",
        "import localai.plan.facts as f",
        "from ..plan import facts",
        "def late():\n    from localai.plan.facts import Facts",
        "if TYPE_CHECKING:\n    from localai.plan.facts import Facts",
        "import importlib\nimportlib.import_module('localai.plan.facts')",
    ],
)
def test_an_upward_import_is_seen_however_it_is_written(tmp_path: Path, text: str) -> None:
    found = find_upward(plant(tmp_path, "sandbox/planted", text), ROWS, PACKAGE)
    assert len(found) == 1
    assert "localai.sandbox.planted" in found[0]
    assert "localai.plan.facts" in found[0]


def test_a_module_without_a_row_is_seen(tmp_path: Path) -> None:
    found = find_upward(plant(tmp_path, "newcomer", "import localai.errors"), ROWS, PACKAGE)
    assert "stands in no row" in found[0]


def test_every_area_exists() -> None:
    names = {name for areas in ROWS for area in areas for name in area.split(" + ")}
    owners = {name for owner in OWNERS.values() for name in owner.split(" + ")}
    for name in sorted(names | set(ONLY) | owners):
        path = ROOT / "src" / PACKAGE / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or path.is_dir(), name


def test_a_downward_import_is_none(tmp_path: Path) -> None:
    planted = plant(tmp_path, "plan/planted", "from localai.sandbox import kernel\nimport os, yaml")
    assert [one.target for one in planted] == ["localai.sandbox.kernel", "yaml"]
    assert find_upward(planted, ROWS, PACKAGE) == []


def test_areas_keep_to_what_they_may_use(imports: list[Import]) -> None:
    assert find_strangers(imports, ONLY, PACKAGE) == []


def test_an_area_that_uses_more_is_seen(tmp_path: Path) -> None:
    planted = plant(tmp_path, "worker/planted", "def late():\n    import localai.plan.facts")
    assert len(find_strangers(planted, ONLY, PACKAGE)) == 1


def test_nobody_outside_the_worker_loads_what_it_runs(imports: list[Import]) -> None:
    seen = [f"{PACKAGE}.{name}" for name in WORKER_SEEN]
    inside = f"{PACKAGE}.worker"
    assert [
        str(one)
        for one in imports
        if one.target.startswith(inside)
        and not one.module.startswith(inside)
        and one.target not in seen
    ] == []


def test_one_module_owns_each_library(imports: list[Import]) -> None:
    assert find_outsiders(imports, OWNERS, PACKAGE) == []
    assert {one.target for one in imports if not one.target.startswith(PACKAGE)} == set(OWNERS)


@pytest.mark.parametrize("text", ["import yaml", "from llama_cpp import x", "import requests"])
def test_a_library_in_the_wrong_place_is_seen(tmp_path: Path, text: str) -> None:
    assert len(find_outsiders(plant(tmp_path, "errors", text), OWNERS, PACKAGE)) == 1


def test_every_dependency_is_imported_and_every_import_is_a_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    stated = [*project["dependencies"], *extras["engine"], *extras["fetch"]]
    names = {line.split(">")[0].strip().lower() for line in stated}
    installed = packages_distributions()
    used = {installed[library][0].lower().replace("_", "-") for library in OWNERS}
    assert used == names


def loaded_by(*modules: str) -> set[str]:
    """What importing these loads in a fresh, isolated Python, beside what Python loads itself."""

    def loaded(statement: str) -> set[str]:
        script = f"import sys\n{statement}\nprint(*sys.modules)"
        command = [sys.executable, "-I", "-c", script]
        return set(
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        )

    return loaded(f"import {', '.join(modules)}") - loaded("pass")


def first_names(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names)


@pytest.fixture(scope="module")
def worker() -> set[str]:
    """All modules that are in a worker by the time it gets a model."""
    areas = ("__main__", "engine", "service")
    return loaded_by(*(f"{PACKAGE}.worker.{name}" for name in areas))


def test_the_worker_loads_little(worker: set[str]) -> None:
    assert first_names(worker) == {PACKAGE, *WORKER_LIBRARIES}


def test_the_worker_loads_nothing_of_the_launcher(worker: set[str]) -> None:
    areas = ("dialect", "errors", "sandbox", "egress.probes", "worker")
    parents = {PACKAGE, f"{PACKAGE}.egress"}
    allowed = tuple(f"{PACKAGE}.{area}" for area in areas)
    own = {module for module in worker if module.startswith(PACKAGE)} - parents
    assert {module for module in own if not module.startswith(allowed)} == set()
    assert not own & {f"{PACKAGE}.worker.process", f"{PACKAGE}.worker.client"}
    # so that an empty list above means something
    assert {f"{PACKAGE}.worker.engine", f"{PACKAGE}.egress.probes.network"} <= own


def test_of_llama_cpp_the_worker_loads_the_bindings_alone(worker: set[str]) -> None:
    """Its package would bring diskcache, which unpickles, numpy, and a way to the network."""
    assert {module for module in worker if module.startswith("llama_cpp.")} == {
        "llama_cpp.llama_cpp",
        "llama_cpp._ctypes_extensions",
    }


def test_the_launcher_never_loads_what_meets_a_model() -> None:
    """Neither llama.cpp nor the template engine run where nothing is confined."""
    launcher = loaded_by(
        *(f"{PACKAGE}.{name}" for name in ("__main__", "cli.run", "cli.answers.talking", "launch",
                                           "beginning", "examination", "worker.process"))
    )  # fmt: skip
    assert first_names(launcher) & WORKER_LIBRARIES <= {"typing_extensions"}
    assert f"{PACKAGE}.worker.client" in launcher
    assert f"{PACKAGE}.egress.probes.network" in launcher
    assert f"{PACKAGE}.egress.catalogue" not in launcher  # for readers only
    # The long look at a file is for people who decide; a start has the short one.
    assert f"{PACKAGE}.gguf.check" in launcher
    long = [
        f"{PACKAGE}.{area}" for area in ("inspection", "formats", "gguf.inspect", "gguf.template")
    ]
    assert [module for module in launcher if module.startswith(tuple(long))] == []


def test_only_commands_read_the_environment() -> None:
    """Everybody else is told: what decides a start stands in its request. The worker reads its
    own once, to show it."""
    readers = {
        str(path.relative_to(ROOT / "src" / PACKAGE))
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text("utf-8"))
    }
    assert {path for path in readers if not path.startswith("cli/")} == {"worker/__main__.py"}


def test_files_are_short() -> None:
    places = ("src", "scripts", "benchmarks")
    files = [path for place in places for path in (ROOT / place).rglob("*.py")]
    assert len(files) > 100
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in files}
    assert {str(p): n for p, n in lengths.items() if n > LONGEST} == {}
