"""The chat: a prompt, an answer, and a few commands that begin with a slash.

History lives in memory only, that of the conversation and that of the line editor: nothing that
is typed here is written anywhere unless ``/save`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from localai.atomicfile import write_whole
from localai.cli import console
from localai.cli.answers.answer import Imprint, receive
from localai.cli.screen import row
from localai.errors import LocalAIError
from localai.terminal import printable, sanitise
from localai.worker.client import Client
from localai.worker.protocol import Done, Message, Sampling

HELP = (
    ("/help", "this list"),
    ("/reset", "forget the conversation, keep the system message"),
    ("/system TEXT", "set the system message; without TEXT, show it"),
    ("/stats", "tokens, speed, and how full the context is"),
    ("/save FILE", "write the conversation to a new file"),
    ("/exit", "leave; Ctrl-D does too"),
    ("Ctrl-C", "stops an answer, or drops the line that is being typed"),
)


@dataclass(slots=True)
class Chat:
    """One conversation with a loaded model."""

    client: Client
    sampling: Sampling
    imprint: Imprint
    system: str = ""
    turns: list[Message] = field(default_factory=list)
    last: Done | None = None

    def run(self) -> None:
        """Read lines until the end. Raises WorkerError when the worker is gone."""
        _prepare_editor()
        while True:
            try:
                line = input("> ").strip()
            except KeyboardInterrupt:
                console.say("")
                continue
            except EOFError:
                console.say("")
                return
            except UnicodeDecodeError:
                console.say("that line is not text in this terminal's encoding")
                continue
            if line == "/exit":
                return
            try:
                if line.startswith("/"):
                    self.obey(line)
                elif line:
                    self.ask(line)
            except LocalAIError as error:
                if not self.client.usable:
                    raise
                console.print_error(error)

    def ask(self, text: str) -> None:
        """Put a message to the model and show what it answers.

        A message that got no answer is forgotten; an interrupted answer is kept as far as it
        came, since the person has read it.
        """
        start = [Message("system", self.system)] if self.system else []
        question = Message("user", text)
        asked = [*start, *self.turns, question]
        answer = receive(self.client, asked, self.sampling, show=True, fit=True)
        self.last = done = answer.done
        if not answer.text.endswith("\n"):
            console.show_piece("\n")
        if done.dropped_messages:
            del self.turns[: done.dropped_messages]
            console.say(f"(the oldest {done.dropped_messages} messages no longer fit: forgotten)")
        if answer.text:
            self.turns += [question, Message("assistant", answer.text)]
        if done.stop == "cancelled":
            console.say("(interrupted)")
        elif done.stop == "length":
            console.say(f"(cut off after {done.generated_tokens} tokens)")

    def obey(self, line: str) -> None:
        """Carry out one slash command."""
        name, _, rest = line.partition(" ")
        argument = rest.strip()
        match name:
            case "/help":
                _show(HELP)
            case "/reset":
                self.turns.clear()
                self.last = None
                console.say("forgotten")
            case "/system" if argument:
                self.system = argument
                console.say("the system message counts from the next answer on")
            case "/system":
                console.say(sanitise(self.system) or "no system message")
            case "/stats":
                _show(self.stats())
            case "/save" if argument:
                write_whole(Path(argument).expanduser(), self.text().encode(), replace=False)
                console.say(f"written to {printable(argument)}")
            case "/save":
                console.say("/save FILE: which file?")
            case _:
                console.say(f"there is no {printable(name)}; /help lists what there is")

    def stats(self) -> tuple[tuple[str, str], ...]:
        """Figures of the last answer, and of the context."""
        done, ready = self.last, self.client.ready()
        if done is None:
            return ("answer", "none yet"), ("context", f"{ready.context} tokens")
        used = done.prompt_tokens + done.generated_tokens
        answer = f"{done.generated_tokens} tokens, {done.tokens_per_second:.1f} a second"
        return (
            ("prompt", f"{done.prompt_tokens} tokens, {done.reused_tokens} still in memory"),
            ("first", f"{done.first_token_seconds:.2f} s until the first token"),
            ("answer", answer),
            ("context", f"{used} of {ready.context} tokens used"),
            ("seed", f"{self.sampling.seed}"),
        )

    def text(self) -> str:
        """The conversation as a text file, safe to show on a terminal."""
        turns = [Message("system", self.system)] if self.system else []
        blocks = [self.imprint.header()]
        blocks += [f"[{turn.role}]\n{sanitise(turn.content)}\n" for turn in [*turns, *self.turns]]
        return "\n".join(blocks)


def _show(rows: tuple[tuple[str, str], ...]) -> None:
    """Words and what is to be said of them, for a terminal of any width."""
    lines = [line for word, said in rows for line in row(word, "", said, console.width())]
    console.say("\n".join(lines))


def _prepare_editor() -> None:
    """Line editing with a history that ends with the program."""
    try:
        import readline
    except ImportError:  # a Python built without it still reads lines
        return
    readline.clear_history()
    readline.set_auto_history(True)
    readline.set_completer(None)
    readline.parse_and_bind("set disable-completion on")  # Tab would list the files here
