"""From a request to its answers: start, then one answer or a chat."""

from __future__ import annotations

import textwrap
from contextlib import closing
from typing import TYPE_CHECKING

from localai.cli import console
from localai.cli.surroundings import Surroundings, look_around
from localai.errors import Exit, WorkerError
from localai.launch import Start, start
from localai.plan.request import StartRequest

if TYPE_CHECKING:  # what comes after the start is imported then, while the model loads
    from localai.cli.answers.answer import Imprint
    from localai.cli.answers.prompting import Asked, Output
    from localai.worker.client import Client
    from localai.worker.protocol import Sampling


def talk(request: StartRequest, asked: Asked, sampling: Sampling, output: Output) -> Exit:
    """Start the worker, show what was proved, and let it answer."""
    around = look_around()
    started = _start(request, around)
    if started.client is None and _offer_setup(started):
        started = _start(request, around)
    with closing(started):
        client = started.client
        if client is None:
            console.print_refusal(started.decision, started.record)
            return Exit.REFUSED
        from localai.cli.answers.answer import Adapted, Imprint

        console.print_start(started.facts, started.decision)
        artifact = started.facts.artifact
        assert artifact is not None  # nothing is allowed without one
        beside = started.facts.companions or ()
        adapters = tuple(Adapted(one.name, one.digests, one.scale) for one in beside)
        model = artifact.name, artifact.digests
        imprint = Imprint(*model, started.record, around.now, adapters)
        console.say(f"\n{_disclosure()}")
        try:
            if asked.prompt is None:
                from localai.cli.answers.chat import Chat

                Chat(client, sampling, imprint, system=asked.system).run()
                return Exit.DONE
            return answer_once(client, asked, sampling, imprint, output)
        except WorkerError as error:
            raise started.explain(error) from error


def answer_once(
    client: Client, asked: Asked, sampling: Sampling, imprint: Imprint, output: Output
) -> Exit:
    """One answer to where it is wanted. An interrupted one is written nowhere but on stdout."""
    from localai.cli.answers.answer import deliver, receive

    to_stdout = output.path is None and not output.json
    answer = receive(client, asked.messages(), sampling, show=to_stdout)
    if answer.done.stop == "cancelled":
        console.say("\ninterrupted")
        return Exit.INTERRUPTED
    deliver(answer, imprint, sampling, output)
    if answer.done.stop == "length":
        console.say(f"note: cut off after {answer.done.generated_tokens} tokens (see -n and --ctx)")
    return Exit.DONE


def _disclosure() -> str:
    """The disclosure line, in lines that a narrow terminal holds."""
    return textwrap.fill(console.DISCLOSURE, console.width() if console.interactive() else 999)


def _start(request: StartRequest, around: Surroundings) -> Start:
    with console.progress("verifying", sum(map(console.size_of, request.paths))) as report:
        return start(request, around.for_launch(), report)


def _offer_setup(started: Start) -> bool:
    """Where a host has no label yet and a person is there, offer to set it up; True if it was."""
    unlabelled = any(
        finding.check == "environment-label" and finding.summary == "no label"
        for finding in started.decision.refusing
    )
    if not unlabelled or not console.interactive():
        return False
    console.say("this host has no label yet: it must say what kind of host it is")
    if not console.confirm("set it up now (localai setup)?"):
        return False
    from localai.cli.setups.founding import Wishes, set_up

    set_up(look_around(), Wishes(None, False))
    return True
