"""Cost of decoding: greedy attention and greedy CTC, from encoded images to token ids.

The weights are random, and a random decoder seldom ends: that is the full length of 24 characters.
`ends after N` makes every text end there, which shows what the early exit saves.

    python -m benchmarks.decoding [--json=FILE]
"""

import argparse
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_ocr.charset import ASCII, END_ID, Charset
from attention_ocr.config import Config
from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.decoding.greedy import greedy_decode
from attention_ocr.models.build import build_recognizer
from attention_ocr.models.decoder import Memory
from attention_ocr.models.recognizer import Encoded, Recognizer
from benchmarks import measure

MAX_LENGTH = 24


def attention_call(
    recognizer: Recognizer, encoded: Encoded, batch_size: int, text_length: int
) -> Callable[[], object]:
    """Return greedy attention decoding in which every text ends after `text_length` characters."""
    decoder = recognizer.decoder
    if decoder is None:
        raise ValueError("Expected a recogniser with a decoder. Received: none.")

    @tf.function
    def decode() -> tf.Tensor:
        state, memory = recognizer.start_decoding(encoded)

        def step(token_ids: tf.Tensor, counted: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
            count, inner = counted
            logits, inner, weights = _step(token_ids, inner, memory)
            end = tf.one_hot(END_ID, logits.shape[-1], on_value=1e3, off_value=0.0)
            # 1,000 for the end token where the text shall end, -1,000 before.
            logits += tf.where(count >= text_length, end, -end)
            return logits, (count + 1, inner), weights

        def _step(token_ids: tf.Tensor, inner: Any, memory: Memory) -> Any:
            return decoder.step(token_ids, inner, memory)

        cells = tf.shape(memory.cells)[1]
        start = (tf.constant(0), state)
        return greedy_decode(step, start, tf.constant(batch_size), cells, MAX_LENGTH).token_ids

    return lambda: decode().numpy()


def ctc_call(recognizer: Recognizer, encoded: Encoded) -> Callable[[], object]:
    """Return greedy CTC decoding, the head included."""
    ctc_head = recognizer.ctc_head
    if ctc_head is None:
        raise ValueError("Expected a recogniser with a CTC head. Received: none.")

    @tf.function
    def decode() -> tf.Tensor:
        logits = ctc_head(encoded.columns)
        return ctc_greedy_decode(logits, encoded.column_lengths, MAX_LENGTH).token_ids

    return lambda: decode().numpy()


def main(arguments: argparse.Namespace) -> None:
    """Time each way of decoding at batches of 1 and 64."""
    config = Config.from_values({"max_length": MAX_LENGTH})
    recognizer = build_recognizer(config, Charset(ASCII))
    rows = []
    for batch_size in (1, 64):
        images = tf.random.stateless_normal((batch_size, 32, 128, 1), seed=(1, 2))
        encoded = recognizer.encode(images, tf.fill((batch_size, 2), 32) * [[1, 4]])
        work = {
            "CTC": ctc_call(recognizer, encoded),
            "attention, ends after 8": attention_call(recognizer, encoded, batch_size, 8),
            "attention, full length": attention_call(recognizer, encoded, batch_size, MAX_LENGTH),
        }
        for name, times in measure.measure_alternating(work, batch_size, arguments.rounds).items():
            rows.append(
                {
                    "decoding": name,
                    "batch": batch_size,
                    "CPU ms an image": times.cpu_ms,
                    "wall ms an image": times.wall_ms,
                }
            )
    measure.report(rows, arguments.json)


if __name__ == "__main__":
    main(measure.parse_arguments(__doc__, rounds=15))
