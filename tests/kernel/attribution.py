"""Which layers stop which probe on their own: what the catalogue says, for the tests to hold.

Measured as root, with namespaces, Landlock 7. For an ordinary user ``account`` stops nothing,
since the worker keeps the user's own.
"""

from __future__ import annotations

from localai.egress.catalogue import EXPLANATIONS
from localai.egress.screen import SANITISER
from localai.sandbox.spec import LAYERS

STOPPED_BY = {name: frozenset(said.stopped_by) for name, said in EXPLANATIONS.items()}

# What is left to one layer alone while all others hold: a probe that only it stops.
ONLY_STOPPED_BY = {
    layer: frozenset(probe for probe, layers in STOPPED_BY.items() if layers == {layer})
    for layer in (*LAYERS, SANITISER)
}
