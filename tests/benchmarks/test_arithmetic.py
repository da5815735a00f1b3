import pytest

from attention_ocr.models.build import build_recognizer
from benchmarks.arithmetic import encoder_flop, training_gflop
from tests import tiny


def test_the_operations_of_a_small_network_are_those_worked_out_by_hand():
    config = tiny.config(
        encoder="compact_flat",
        encoder_width=0.5,
        image_height=32,
        sequence_units=5,
        attention_units=6,
        decoder_units=7,
        embedding_units=3,
    )
    recognizer = build_recognizer(config, tiny.CHARSET)
    # 8, 16, 32 and 64 channels; 32 x 48 pixels give 16 x 24, 8 x 12, 4 x 12 and 2 x 12 cells.
    products = 16 * 24 * 9 * 1 * 8
    products += 8 * 12 * (9 * 8 * 16 + 9 * 16 * 16 + 8 * 16)
    products += 4 * 12 * (9 * 16 * 32 + 3 * 9 * 32 * 32 + 16 * 32)
    products += 2 * 12 * (9 * 32 * 64 + 9 * 64 * 64 + 32 * 64)
    assert encoder_flop(recognizer, 32, 48) == 2 * products
    vocabulary, columns, steps = tiny.CHARSET.vocabulary_size, 12, 4
    products += columns * (2 * 64 * 2 * 20 + 2 * 5 * 20)  # both directions over 2 rows of 64
    products += columns * 10 * 6  # keys
    products += columns * 10 * vocabulary  # CTC
    products += 10 * 14  # initial state
    products += steps * ((3 + 10) * 28 + 7 * 28)  # LSTM of character and context
    products += steps * (7 * 6 + columns * 6)  # query and scores
    products += steps * (7 + 10) * vocabulary
    assert training_gflop(recognizer, 32, 48, steps) == pytest.approx(3 * 2 * products / 1e9)
