"""Ask the library model_signing about bundles; the Python that has it runs this.

Each line of the input is a question in JSON, [bundle, public key, model], all names of files. Each
line of the output is its answer in JSON: "" if the model verifies, else what the library says.
"""

from __future__ import annotations

import json
import sys

from model_signing.verifying import Config  # type: ignore[import-not-found, unused-ignore]

for line in sys.stdin:
    bundle, key, model = json.loads(line)
    try:
        Config().use_elliptic_key_verifier(public_key=key).verify(model, bundle)
    except Exception as error:  # whatever it raises is its answer
        answer = f"{type(error).__name__}: {error}"
    else:
        answer = ""
    # A warning of the library's may stand on the same stream.
    print("\n" + json.dumps(answer), flush=True)
