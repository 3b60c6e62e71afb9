"""Fuzz targets: one module each, named after what it feeds.

A target module holds ``run(data)``, which gives one input to the code under test and raises only
where there is a defect; ``seeds()``, inputs to begin with; ``WORDS``, byte strings that mean
something in the format; ``LONGEST``, the most bytes of an input; ``MODULES``, what the names of
the modules begin with whose coverage is reported; ``prepare()``, called once by the fuzzer alone.
``scripts/fuzz`` runs them with atheris, the unit tests with hypothesis.
"""

TARGETS = (
    "gguf_reader",
    "gguf_built",
    "gguf_model",
    "gguf_changed",
    "template",
    "template_escapes",
    "safetensors",
    "datasets",
    "parquet",
    "unknown",
    "document",
    "manifest",
)
