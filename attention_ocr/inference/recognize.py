"""From images to texts: encoder, head and decoding in one call."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from attention_ocr.decoding.beam import BeamOptions, beam_decode
from attention_ocr.decoding.cascade import search_uncertain
from attention_ocr.decoding.constraints import Nest, with_shapes_of
from attention_ocr.decoding.context import Decoding
from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.decoding.ctc_beam import ctc_beam_decode
from attention_ocr.decoding.ctc_prefix import CTCPrefixScorer, PortableCTCPrefixScorer
from attention_ocr.decoding.ctc_scores import ctc_log_probabilities
from attention_ocr.decoding.greedy import Step, greedy_decode
from attention_ocr.decoding.parallel import parallel_decode
from attention_ocr.decoding.protocols import Weighted
from attention_ocr.decoding.result import Alternatives, DecoderOutput
from attention_ocr.decoding.words import word_mask
from attention_ocr.models.attention.interface import Memory
from attention_ocr.models.decoder_interface import Decoder
from attention_ocr.models.recognizer import EncoderOutput, Recognizer
from attention_ocr.text.charset_in_graph import decode_in_graph


class RecognizedAlternatives(NamedTuple):
    """The n best texts of a search, the best first.

    Attributes:
        texts: string [B, n], UTF-8; empty if there are fewer.
        confidences: float32 [B, n] in [0, 1], probability of each; 0 if there are fewer.
        scores: float32 [B, n], scores of the search, descending; -inf if there are fewer.
    """

    texts: tf.Tensor
    confidences: tf.Tensor
    scores: tf.Tensor


class RecognitionOutput(NamedTuple):
    """The result of recognition.

    Attributes:
        text: string [B], UTF-8.
        confidence: float32 [B] in [0, 1], probability of the whole text.
        character_confidences: float32 [B, L] in [0, 1]; 0 after the last character.
        attention: float32 [B, L, H', W'], where each character was read; 0 after the last.
        alternatives: The n best texts of a beam wider than 1; otherwise None.
    """

    text: tf.Tensor
    confidence: tf.Tensor
    character_confidences: tf.Tensor
    attention: tf.Tensor
    alternatives: RecognizedAlternatives | None = None


def recognize(
    recognizer: Recognizer,
    decoding: Decoding,
    images: tf.Tensor,
    image_sizes: tf.Tensor,
) -> RecognitionOutput:
    """Read a batch of prepared images.

    Args:
        recognizer: The network.
        decoding: From `decoding.context.prepare_decoding`.
        images: float [B, H, W, C], as `images.graph_fitting` prepares them.
        image_sizes: int32 [B, 2], height and width of each image without its padding.

    Raises:
        ValueError: If the recogniser lacks the head of the decoding.
    """
    return recognize_encoded(recognizer, decoding, recognizer.encode(images, image_sizes))


def recognize_encoded(
    recognizer: Recognizer, decoding: Decoding, encoded: EncoderOutput
) -> RecognitionOutput:
    """Read a batch of encoded images.

    Args:
        recognizer: As for `recognize`.
        decoding: As for `recognize`.
        encoded: From `recognizer.encode`.

    Raises:
        ValueError: If the recogniser lacks the head of the decoding.
    """
    decoded, found, attention = _decode_grid(recognizer, decoding, encoded)
    alternatives = None
    if found is not None and decoding.settings.beam_width > 1:
        flat_ids = tf.reshape(found.token_ids, (-1, decoding.max_length))
        texts = decode_in_graph(decoding.charset, flat_ids)
        texts = tf.reshape(texts, (-1, decoding.settings.num_best))
        alternatives = RecognizedAlternatives(texts, found.confidence, found.scores)
    return RecognitionOutput(
        text=decode_in_graph(decoding.charset, decoded.token_ids),
        confidence=decoded.confidence,
        character_confidences=decoded.character_confidences,
        attention=attention,
        alternatives=alternatives,
    )


def recognize_ids(
    recognizer: Recognizer,
    decoding: Decoding,
    images: tf.Tensor,
    image_sizes: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Read a batch of prepared images for engines without strings.

    Args:
        recognizer: As for `recognize`.
        decoding: As for `recognize`.
        images: As for `recognize`.
        image_sizes: As for `recognize`.

    Returns:
        `token_ids` int32 [B, L], padding after the last character; `confidence`,
        `character_confidences` and `attention` of a `RecognitionOutput`.
    """
    encoded = recognizer.encode(images, image_sizes)
    decoded, _, attention = _decode_grid(recognizer, decoding, encoded)
    return {
        "token_ids": decoded.token_ids,
        "confidence": decoded.confidence,
        "character_confidences": decoded.character_confidences,
        "attention": attention,
    }


def _decode_grid(
    recognizer: Recognizer, decoding: Decoding, encoded: EncoderOutput
) -> tuple[DecoderOutput, Alternatives | None, tf.Tensor]:
    """Decode; also return the attention as float32 [B, L, H', W']."""
    grid_shape = tf.shape(encoded.feature_grid)
    batch_size, rows, columns = grid_shape[0], grid_shape[1], grid_shape[2]
    decoded, found = _decode(recognizer, encoded, decoding)
    if decoding.settings.decoding == "ctc":
        rows = tf.constant(1)
    shape = (batch_size, decoding.max_length, rows, columns)
    return decoded, found, tf.reshape(decoded.attention, shape)


def _decode(
    recognizer: Recognizer, encoded: EncoderOutput, decoding: Decoding
) -> tuple[DecoderOutput, Alternatives | None]:
    """Decode with the head and the search of the settings."""
    settings = decoding.settings
    decoder, ctc_head = recognizer.decoder, recognizer.ctc_head
    if settings.decoding == "attention" and decoder is not None:
        return _decode_attention(recognizer, decoder, encoded, decoding)
    if settings.decoding == "joint" and decoder is not None and ctc_head is not None:
        make_scorer = PortableCTCPrefixScorer if recognizer.portable else CTCPrefixScorer

        def joined() -> Weighted:
            columns, lengths = _of_branch((encoded.columns, encoded.column_lengths))
            scorer = make_scorer(ctc_log_probabilities(ctc_head(columns), lengths))
            return Weighted(scorer, settings.joint_weight)

        return _decode_attention(recognizer, decoder, encoded, decoding, joined)
    if settings.decoding == "ctc" and ctc_head is not None:
        return _decode_ctc(ctc_head(encoded.columns), encoded.column_lengths, decoding)
    raise ValueError(f"The recogniser lacks the head of decoding={settings.decoding!r}.")


def _decode_attention(
    recognizer: Recognizer,
    decoder: Decoder,
    encoded: EncoderOutput,
    decoding: Decoding,
    joined: Callable[[], Weighted] | None = None,
) -> tuple[DecoderOutput, Alternatives | None]:
    settings = decoding.settings
    state, memory = recognizer.start_decoding(encoded)

    def sizes_of(memory: Memory) -> tuple[tf.Tensor, tf.Tensor, int]:
        batch_size, num_cells = tf.unstack(tf.shape(memory.cells))
        return batch_size, num_cells, decoding.max_length

    def make_step(memory: Memory, width: int) -> Step:
        repeated = memory
        if width > 1:
            repeated = tf.nest.map_structure(lambda part: tf.repeat(part, width, axis=0), memory)

        def step(token_ids: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
            return decoder.step(token_ids, state, repeated)

        return step

    def read_greedily() -> DecoderOutput:
        if decoder.parallel:
            parallel = decoder.decode_parallel(memory, state, decoding.max_length + 1)
            return parallel_decode(*parallel, decoding.temperature)
        return greedy_decode(make_step(memory, 1), state, *sizes_of(memory), decoding.temperature)

    options = BeamOptions(
        settings.beam_width,
        settings.num_best,
        settings.length_normalization,
        settings.length_alpha,
        attention_weight=1.0 if joined is None else 1.0 - settings.joint_weight,
    )

    def search(scorers: Sequence[Weighted]) -> tuple[DecoderOutput, Alternatives]:
        start, cells = _of_branch((state, memory))
        step = make_step(cells, settings.beam_width)
        constraints = (scorers, decoding.rule, decoding.temperature)
        return beam_decode(step, start, *sizes_of(cells), options, *constraints)

    return _search_where_needed(decoding, read_greedily, search, joined)


def _decode_ctc(
    logits: tf.Tensor, column_lengths: tf.Tensor, decoding: Decoding
) -> tuple[DecoderOutput, Alternatives | None]:
    settings = decoding.settings
    inputs = (logits, column_lengths, decoding.max_length)

    def read_greedily() -> DecoderOutput:
        return ctc_greedy_decode(*inputs, decoding.temperature)

    def search(scorers: Sequence[Weighted]) -> tuple[DecoderOutput, Alternatives]:
        return ctc_beam_decode(
            *_of_branch((logits, column_lengths)),
            decoding.max_length,
            settings.beam_width,
            settings.num_best,
            scorers,
            decoding.rule,
            decoding.temperature,
        )

    return _search_where_needed(decoding, read_greedily, search)


def _search_where_needed(
    decoding: Decoding,
    read_greedily: Callable[[], DecoderOutput],
    search: Callable[[Sequence[Weighted]], tuple[DecoderOutput, Alternatives]],
    joined: Callable[[], Weighted] | None = None,
) -> tuple[DecoderOutput, Alternatives | None]:
    """Read greedily, by a search, or by a search where the greedy reading is uncertain.

    Args:
        decoding: Settings and scorers.
        read_greedily: Reads without a search.
        search: Returns the best and the n best texts, given the scorers.
        joined: Makes a scorer beside those of `decoding`.
    """
    settings = decoding.settings
    scorers = decoding.scorers
    if settings.beam_width == 1 and joined is None and not scorers and decoding.rule is None:
        return read_greedily(), None
    # Greedy decoding applies no rule, and returns one text.
    is_cascade = settings.search_below < 1 and decoding.rule is None and settings.num_best == 1
    has_gate = bool(scorers) and settings.language_model_texts == "words"

    def search_with(scorers: Sequence[Weighted]) -> tuple[DecoderOutput, Alternatives]:
        return search(scorers if joined is None else (joined(), *scorers))

    if is_cascade:
        greedy = read_greedily()
        # A search of strings, without the language model, is not worth its time: docs/trials.md.
        words = word_mask(decoding.charset, greedy.token_ids) > 0 if has_gate else None
        return search_uncertain(greedy, lambda: search_with(scorers), settings.search_below, words)
    if has_gate:
        return search_with(_silent_outside_words(decoding, read_greedily()))
    return search_with(scorers)


def _of_branch(parts: Nest) -> Nest:
    """Return tensors as the branch of a `tf.cond` sees them: converters forget their shapes."""
    return with_shapes_of(parts, parts)


def _silent_outside_words(decoding: Decoding, greedy: DecoderOutput) -> tuple[Weighted, ...]:
    """Return the language models with a weight of 0 for texts that are read as no words."""
    is_word = word_mask(decoding.charset, greedy.token_ids)
    rows = tf.expand_dims(tf.repeat(is_word, decoding.settings.beam_width), 1)
    return tuple(Weighted(entry.scorer, entry.weight * rows) for entry in decoding.scorers)
