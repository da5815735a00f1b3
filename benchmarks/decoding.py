"""Cost of decoding, from the encoded image to token ids: greedy, beam search, CTC.

A decoder with random weights never predicts the end token, so the end is forced. Ending texts after
8 characters, as words do, shows what stopping early saves compared with the full length of 24.

    python -m benchmarks.decoding [--batch_sizes 1 64] [--json FILE]
"""

import argparse
from collections.abc import Callable
from functools import partial
from importlib import resources
from itertools import islice
from typing import Any

import tensorflow as tf

from attention_ocr.decoding.automaton import Automaton
from attention_ocr.decoding.beam import BeamOptions, beam_decode
from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.decoding.ctc_beam import ctc_beam_decode
from attention_ocr.decoding.ctc_prefix import CTCPrefixScorer
from attention_ocr.decoding.ctc_scores import ctc_log_probabilities
from attention_ocr.decoding.greedy import greedy_decode
from attention_ocr.decoding.lexicon import word_graph
from attention_ocr.decoding.protocols import Weighted
from attention_ocr.language_models.ngram import NgramModel, train_ngram
from attention_ocr.models.build import build_recognizer
from attention_ocr.models.recognizer import EncoderOutput, Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import ASCII, END_ID, Charset
from benchmarks import measure

WORD_LENGTH, MAX_LENGTH = 8, 24
WIDTH, ORDER = 5, 5
CALLS = 5
"""Calls per sample: a single one is too short to time."""


def attention_decoding(
    recognizer: Recognizer,
    encoded: EncoderOutput,
    text_length: int,
    beam_width: int = 1,
    rule: Automaton | None = None,
    scorers: tuple[Weighted, ...] = (),
) -> Callable[[], tf.Tensor]:
    """Return a decoding in which every text ends after `text_length` characters."""
    decoder = recognizer.decoder
    if decoder is None:
        raise ValueError("Expected a recogniser with a decoder. Received: one without")

    @tf.function
    def decode() -> tf.Tensor:
        state, memory = recognizer.start_decoding(encoded)
        batch_size, num_cells = tf.unstack(tf.shape(memory.cells))
        if beam_width > 1:
            memory = tf.nest.map_structure(lambda x: tf.repeat(x, beam_width, axis=0), memory)

        def step(token_ids: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
            num_characters, state = state
            logits, state, weights = decoder.step(token_ids, state, memory)
            end = tf.where(num_characters < text_length, -1e3, 1e3)[:, None]
            if rule is None:
                logits += end * tf.one_hot(END_ID, logits.shape[-1])
            return logits, (num_characters + 1, state), weights

        initial_state = (tf.zeros(batch_size[None], tf.int32), state)
        sizes = (batch_size, num_cells, MAX_LENGTH)
        if beam_width > 1:
            options = BeamOptions(beam_width)
            return beam_decode(step, initial_state, *sizes, options, scorers, rule)[0].token_ids
        return greedy_decode(step, initial_state, *sizes).token_ids

    return decode


def joint_decoding(
    recognizer: Recognizer, encoded: EncoderOutput, text_length: int, beam_width: int
) -> Callable[[], tf.Tensor]:
    """Return an attention beam search rescored by CTC, including the CTC head."""
    ctc_head = _ctc_head(recognizer)

    @tf.function
    def decode() -> tf.Tensor:
        logits = ctc_head(encoded.columns)
        scorer = CTCPrefixScorer(ctc_log_probabilities(logits, encoded.column_lengths))
        scorers = (Weighted(scorer, 0.3),)
        return attention_decoding(recognizer, encoded, text_length, beam_width, scorers=scorers)()

    return decode


def ctc_decoding(
    recognizer: Recognizer,
    encoded: EncoderOutput,
    beam_width: int = 1,
    rule: Automaton | None = None,
    scorers: tuple[Weighted, ...] = (),
) -> Callable[[], tf.Tensor]:
    """Return CTC decoding, including the CTC head."""
    ctc_head = _ctc_head(recognizer)

    @tf.function
    def decode() -> tf.Tensor:
        logits = ctc_head(encoded.columns)
        inputs = (logits, encoded.column_lengths, MAX_LENGTH)
        if beam_width > 1:
            return ctc_beam_decode(*inputs, beam_width, 1, scorers, rule)[0].token_ids
        return ctc_greedy_decode(*inputs).token_ids

    return decode


def _ctc_head(recognizer: Recognizer) -> Any:
    if recognizer.ctc_head is None:
        raise ValueError("Expected a recogniser with a CTC head. Received: one without")
    return recognizer.ctc_head


def lexicon_rule(num_words: int, num_characters: int, charset: Charset) -> Automaton:
    """Return an automaton of words of one length, cut from the concatenated bundled words."""
    file = resources.files("attention_ocr.synthesis").joinpath("words.txt")
    letters = "".join(file.read_text("utf-8").split())
    cuts = (letters[start : start + num_characters] for start in range(len(letters)))
    words = list(islice(dict.fromkeys(cuts), num_words))
    if len(words) < num_words:
        raise ValueError(f"`--words` must be at most {len(words)}. Received: {num_words}")
    graph = word_graph(tuple(charset.encode(word)) for word in words)
    return Automaton(*graph, charset.vocabulary_size)


def main(arguments: argparse.Namespace) -> None:
    """Time each decoding method at each batch size."""
    charset = Charset(ASCII)
    recognizer = build_recognizer(Config.from_values({"max_length": MAX_LENGTH}), charset)
    rule = lexicon_rule(arguments.words, WORD_LENGTH, charset)
    words = resources.files("attention_ocr.synthesis").joinpath("words.txt").read_text("utf-8")
    model = NgramModel(train_ngram(words.split()[: arguments.words], ORDER), charset)
    scorers = (Weighted(model, 0.5),)
    rows = []
    for batch_size in arguments.batch_sizes:
        images = tf.random.stateless_uniform((batch_size, 32, 128, 1), (1, 2), -1, 1)
        encoded = recognizer.encode(images, tf.tile([[32, 128]], (batch_size, 1)))
        decodings = {
            "CTC": ctc_decoding(recognizer, encoded),
            f"CTC, beam of {WIDTH}": ctc_decoding(recognizer, encoded, WIDTH),
            f"attention, {WORD_LENGTH} characters": attention_decoding(
                recognizer, encoded, WORD_LENGTH
            ),
            f"attention, {MAX_LENGTH} characters": attention_decoding(
                recognizer, encoded, MAX_LENGTH
            ),
            f"beam of {WIDTH}, {WORD_LENGTH} characters": attention_decoding(
                recognizer, encoded, WORD_LENGTH, WIDTH
            ),
            f"beam of {WIDTH}, {arguments.words} words": attention_decoding(
                recognizer, encoded, WORD_LENGTH, WIDTH, rule
            ),
            f"CTC, beam of {WIDTH}, {arguments.words} words": ctc_decoding(
                recognizer, encoded, WIDTH, rule
            ),
            f"joint, beam of {WIDTH}": joint_decoding(recognizer, encoded, WORD_LENGTH, WIDTH),
            f"beam of {WIDTH}, {ORDER}-gram": attention_decoding(
                recognizer, encoded, WORD_LENGTH, WIDTH, scorers=scorers
            ),
            f"CTC, beam of {WIDTH}, {ORDER}-gram": ctc_decoding(
                recognizer, encoded, WIDTH, scorers=scorers
            ),
        }
        work = {name: partial(_sample, decode) for name, decode in decodings.items()}
        times = measure.time_alternately(work, CALLS, arguments.rounds)
        rows += [{"decoding, a batch": n, "batch": batch_size, **c} for n, c in times.items()]
    measure.report(rows, arguments.json)


def _sample(decode: Callable[[], tf.Tensor]) -> measure.Sample:
    def call() -> None:
        for _ in range(CALLS):
            decode().numpy()

    return measure.take_sample(call)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--words", type=int, default=90_000, help="size of the lexicon")
    parser.add_argument("--rounds", type=int, default=15)
    main(parser.parse_args())
