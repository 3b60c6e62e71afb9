"""What localai is compared with: llama_cpp with nothing around it, as its README shows it.

    bare.py MODEL PROMPT TOKENS CONTEXT THREADS [--speed]

Prints the greedy answer as it comes; with --speed, instead, tokens a second from the first token
on, and the answer.
"""

from __future__ import annotations

import json
import sys
import time

from llama_cpp import Llama


def main() -> None:
    model, prompt, tokens, context, threads = sys.argv[1:6]
    llama = Llama(
        model,
        n_ctx=int(context),
        n_threads=int(threads),
        n_threads_batch=int(threads),
        flash_attn=True,  # as llama.cpp chooses by itself: the answers can then be compared
        verbose=False,
    )
    chunks = llama.create_chat_completion(
        [{"role": "user", "content": prompt}],
        max_tokens=int(tokens),
        temperature=0.0,
        stream=True,
    )
    times: list[float] = []
    pieces: list[str] = []
    for chunk in chunks:
        piece = str(chunk["choices"][0]["delta"].get("content") or "")  # type: ignore[union-attr, index]
        if piece:
            times.append(time.perf_counter())
            pieces.append(piece)
            if "--speed" not in sys.argv:
                print(piece, end="", flush=True)
    if "--speed" in sys.argv:
        speed = (len(times) - 1) / (times[-1] - times[0])
        print(json.dumps({"speed": speed, "text": "".join(pieces)}))


if __name__ == "__main__":
    main()
