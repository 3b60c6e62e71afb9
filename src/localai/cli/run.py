"""``localai run``: verify a model, seal it, prove that nothing leaves, and talk to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localai.cli.arguments import Adapters, Model, Purpose


def command(
    model: Model,
    prompt: Annotated[str | None, typer.Argument(help="one question; - reads stdin")] = None,
    prompt_option: Annotated[
        str | None, typer.Option("-p", "--prompt", help="the question, as an option")
    ] = None,
    system: Annotated[str, typer.Option(help="the system message")] = "",
    max_tokens: Annotated[
        int, typer.Option("-n", "--max-tokens", min=0, help="of one answer; 0: no limit")
    ] = 1024,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest token")] = 0.7,
    top_p: Annotated[float, typer.Option(help="choose among the likeliest up to this")] = 0.95,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="same seed, same answer")
    ] = None,
    ctx: Annotated[int | None, typer.Option(min=256, max=2**20, help="tokens of context")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=512, help="one for each core where not given")
    ] = None,
    adapter: Adapters = None,
    gpu: Annotated[str, typer.Option(help="layers on a GPU: auto, off or a number")] = "auto",
    purpose: Purpose = "evaluation",
    data_class: Annotated[str, typer.Option(help="any but public: prompt on stdin")] = "public",
    out: Annotated[Path | None, typer.Option(help="write the answer to a new file")] = None,
    json: Annotated[bool, typer.Option("--json", help="print localai.answer/1")] = False,
) -> int:
    """Verify a model, seal it in memory, prove that nothing leaves, and talk to it.

    With a prompt: one answer, on stdout. Without one, on a terminal: a chat.

    \b
    localai run model.gguf
    localai run model.gguf "Why do public records matter?" -n 200
    localai run model.gguf --data-class internal < prompt.txt
    localai run model.gguf --adapter style.gguf "Why?"
    """
    from localai.cli.answers import prompting
    from localai.cli.answers.talking import talk
    from localai.cli.stores.naming import find_model
    from localai.plan.facts import Use
    from localai.plan.request import StartRequest

    asked = prompting.read_asked(prompt, prompt_option, system, data_class)
    sampling = prompting.make_sampling(max_tokens, temperature, top_p, seed)
    output = prompting.check_output(asked, out, json)
    request = StartRequest(
        model=find_model(model),
        use=Use(purpose, data_class),
        context=ctx or prompting.context_for(asked, sampling),
        threads=threads,
        gpu_layers=prompting.parse_gpu(gpu),
        adapters=prompting.parse_adapters(adapter),
    )
    return talk(request, asked, sampling, output)
