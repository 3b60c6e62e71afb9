"""The engine: llama.cpp through its ctypes bindings.

Importing this module does all that needs files or executable memory; after that loading and
generating need neither, so the worker can give both up in between.
"""

from __future__ import annotations

import codecs
import ctypes
import time
from collections.abc import Callable, Sequence

from localai.errors import WorkerError
from localai.worker.generation import EngineOptions, Outcome
from localai.worker.loading import failure, lib, load, switch_on
from localai.worker.protocol import DEFAULT_CONTEXT, Sampling

__all__ = ["BATCH", "Engine", "EngineOptions", "Outcome"]

BATCH = 512  # tokens that one step of prompt evaluation takes
TOP_K = 40  # candidates that sampling looks at; llama.cpp's own default
Emit = Callable[[str], None]
Cancelled = Callable[[], bool]
_PIECE = 256  # bytes of one token's text; longer ones are asked for again


class _Abort:
    """llama.cpp's way out of a long evaluation: one C callback, made while memory may still be
    made executable, that asks whatever ``wanted`` is at the time."""

    def __init__(self) -> None:
        self.wanted: Cancelled = lambda: False
        self.callback = lib.ggml_abort_callback(lambda _data: self.wanted())
        self.none = lib.ggml_abort_callback()


_abort = _Abort()
codecs.getincrementaldecoder("utf-8")("replace")  # now: a first look-up imports its module
lib.llama_backend_init()


class Engine:
    """A loaded model with one sequence in memory, for as long as its process lives.

    ``context`` is the number of tokens that fit, ``template`` the model's chat template if it
    has one, ``bos`` and ``eos`` the texts of the tokens that templates name so.
    """

    def __init__(self, model: int, context: int, options: EngineOptions) -> None:
        self._model = model
        self._context = context
        self._vocab = lib.llama_model_get_vocab(model)
        self._memory = lib.llama_get_memory(context)
        self._batch = lib.llama_batch_init(BATCH, 0, 1)
        self._piece = ctypes.create_string_buffer(_PIECE)
        self._evaluated: list[int] = []  # the tokens in memory, in order
        self.threads = options.threads
        self.context = int(lib.llama_n_ctx(context))
        # Of some models without one llama.cpp gives the *name* of a template of its own.
        stated = lib.llama_model_meta_val_str(model, b"tokenizer.chat_template", None, 0) > 0
        template = lib.llama_model_chat_template(model, None) if stated else None
        self.template = None if template is None else template.decode("utf-8", "replace")
        self._bos_token = lib.llama_vocab_bos(self._vocab)
        self.bos = self._special(self._bos_token)
        self.eos = self._special(lib.llama_vocab_eos(self._vocab))

    @classmethod
    def load(cls, model_fds: Sequence[int], options: EngineOptions) -> Engine:
        """Load what is in these open files (``loading.load``) and make it ready to answer.

        Raises WorkerError with llama.cpp's own words.
        """
        model, adapters = load(model_fds, options)  # a context makes room for adapters
        if not lib.llama_model_has_decoder(model) or lib.llama_model_has_encoder(model):
            raise WorkerError(
                "the model has an encoder or no decoder: it does not generate text",
                hint="choose a text generation model",
            )
        trained = lib.llama_model_n_ctx_train(model)
        settings = lib.llama_context_default_params()
        settings.n_ctx = min(options.context or DEFAULT_CONTEXT, trained)
        settings.n_batch = settings.n_ubatch = BATCH
        settings.n_outputs_max = 1  # only the last token of a prompt is ever sampled from
        settings.n_threads = settings.n_threads_batch = options.threads
        settings.no_perf = True
        context = lib.llama_init_from_model(model, settings)
        if not context:
            raise failure(f"llama.cpp cannot make a context of {settings.n_ctx} tokens")
        if adapters:
            switch_on(context, adapters, options.adapters)
        return cls(model, context, options)

    def tokenize(self, text: str) -> list[int]:
        """The tokens of a rendered prompt, special tokens among them."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        tokens = (lib.llama_token * room)()
        count = lib.llama_tokenize(self._vocab, data, len(data), tokens, room, False, True)
        if count < 0:
            raise failure("llama.cpp cannot split the prompt into tokens")
        found = list(tokens[:count])
        # Most templates write the first token themselves; it must not stand there twice.
        if lib.llama_vocab_get_add_bos(self._vocab) and found[:1] != [self._bos_token]:
            found.insert(0, self._bos_token)
        return found

    def generate(
        self, prompt: list[int], sampling: Sampling, emit: Emit, cancelled: Cancelled
    ) -> Outcome:
        """Continue ``prompt`` and ``emit`` the text, which is whole characters at every call.

        What the prompt shares with what is in memory is not evaluated again. ``cancelled`` is
        asked between tokens, and while a prompt is evaluated. Raises WorkerError if the prompt
        does not fit the context or llama.cpp fails.
        """
        if not 0 < len(prompt) < self.context:
            raise WorkerError(
                f"the prompt has {len(prompt)} tokens; expected 1 to {self.context - 1}",
                hint="shorten it, or ask for a larger context with --ctx",
            )
        limit = self.context - len(prompt)
        if sampling.max_tokens is not None:
            limit = min(limit, sampling.max_tokens)
        started = time.perf_counter()
        reused = self._reuse(prompt)
        if not self._evaluate(prompt[reused:], cancelled):
            return Outcome("cancelled", reused, 0, 0.0, 0.0)
        sampler = _make_sampler(sampling)
        try:
            stop, count, first = self._sample(sampler, limit, emit, cancelled)
        finally:
            lib.llama_sampler_free(sampler)
        ended = time.perf_counter()
        first = first or ended
        return Outcome(stop, reused, count, first - started, ended - first)

    def _sample(
        self, sampler: int, limit: int, emit: Emit, cancelled: Cancelled
    ) -> tuple[str, int, float]:
        """The loop of generation: why it stopped, how many tokens, when the first one was there.

        Nothing here may be slower than it must: it runs once for each token.
        """
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        context, vocab = self._context, self._vocab
        stop, count, first = "length", 0, 0.0
        while count < limit:
            token = lib.llama_sampler_sample(sampler, context, -1)
            if lib.llama_vocab_is_eog(vocab, token):
                stop = "stop"
                break
            count += 1
            text = decode(self._text_of(token))
            if text:
                emit(text)
            if count == 1:
                first = time.perf_counter()
            if cancelled():
                stop = "cancelled"
                break
            if count < limit:
                self._decode([token], last=True)
        rest = decode(b"", True)
        if rest:
            emit(rest)
        return stop, count, first

    def _text_of(self, token: int, special: bool = False) -> bytes:
        length = lib.llama_token_to_piece(self._vocab, token, self._piece, _PIECE, 0, special)
        if length >= 0:
            return self._piece.raw[:length] if length else b""
        room = ctypes.create_string_buffer(-length)
        lib.llama_token_to_piece(self._vocab, token, room, -length, 0, special)
        return room.raw

    def _special(self, token: int) -> str:
        return "" if token < 0 else self._text_of(token, special=True).decode("utf-8", "replace")

    def _reuse(self, prompt: list[int]) -> int:
        """Keep the longest start of ``prompt`` that is in memory, but its last token, whose
        evaluation gives the first choice; forget the rest. How many tokens were kept."""
        kept = 0
        for known, token in zip(self._evaluated, prompt[:-1], strict=False):
            if known != token:
                break
            kept += 1
        self._forget_after(kept)
        return len(self._evaluated)

    def _forget_after(self, kept: int) -> None:
        if not lib.llama_memory_seq_rm(self._memory, 0, kept, -1):
            lib.llama_memory_clear(self._memory, True)  # recurrent models cannot forget a part
            kept = 0
        del self._evaluated[kept:]

    def _evaluate(self, tokens: list[int], cancelled: Cancelled) -> bool:
        """Evaluate a prompt in batches. False if that was cancelled."""
        _abort.wanted = cancelled
        lib.llama_set_abort_callback(self._context, _abort.callback, ctypes.c_void_p())
        try:
            for begin in range(0, len(tokens), BATCH):
                part = tokens[begin : begin + BATCH]
                if cancelled() or not self._decode(part, last=begin + BATCH >= len(tokens)):
                    return False
        finally:
            lib.llama_set_abort_callback(self._context, _abort.none, ctypes.c_void_p())
        return True

    def _decode(self, tokens: list[int], *, last: bool) -> bool:
        """Evaluate one batch, ``last`` to be sampled from at its end. False if aborted."""
        batch, position = self._batch, len(self._evaluated)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = 0
        batch.logits[len(tokens) - 1] = last
        batch.n_tokens = len(tokens)
        status = lib.llama_decode(self._context, batch)
        if status:
            self._forget_after(position)  # parts of the batch may be in memory
        if status == 2:
            return False
        if status:
            raise failure("llama.cpp cannot evaluate the text")
        self._evaluated += tokens
        return True


def _make_sampler(sampling: Sampling) -> int:
    chain: int = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    if sampling.temperature <= 0:
        stages = [lib.llama_sampler_init_greedy()]
    else:
        stages = [
            lib.llama_sampler_init_top_k(TOP_K),
            lib.llama_sampler_init_top_p(sampling.top_p, 1),
            lib.llama_sampler_init_temp(sampling.temperature),
            lib.llama_sampler_init_dist(sampling.seed & 0xFFFFFFFF),
        ]
    for stage in stages:
        lib.llama_sampler_chain_add(chain, stage)
    return chain
