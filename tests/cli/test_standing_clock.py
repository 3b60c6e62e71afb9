"""What a chat template takes for today is the day on which the model was approved."""

from __future__ import annotations

import json
import re
from pathlib import Path

from home import Home

import gguf_maker as maker

MONTH = "{{ strftime_now('%B') }}" + maker.TEMPLATE


def test_a_prompt_tells_the_month_of_approval(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(maker.make_model(template=MONTH))
    home = Home(tmp_path, model)
    manifest = home.directory / "config" / "manifests" / "own.yaml"
    lengths = []
    for month in (5, 9):
        text = re.sub(r"( on:) \S+", rf"\1 2026-0{month}-01", manifest.read_text("utf-8"))
        manifest.write_text(text, "utf-8")
        home.call("manifest", "sign", "--days", "30", check=True)
        answer = json.loads(home.run("hi", "--json", "-n", "1").stdout)
        lengths.append(answer["tokens"]["prompt"])
    # No piece of the tiny vocabulary is in either name: each letter is a token, but for "er".
    assert lengths[1] - lengths[0] == len("September") - len("er") + 1 - len("May")
