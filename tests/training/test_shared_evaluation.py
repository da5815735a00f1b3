"""Workers share the validation data: each example once, in order, and all score the whole."""

from types import SimpleNamespace

import pytest

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.training.shared_evaluation import share_predictions
from tests import tiny

TEXTS = ["cab", "abc", "b0", "a1", "10"]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_the_shares_of_all_workers_make_up_the_data_in_order(tmp_path, count):
    labels = tiny.write_label_file(tmp_path / "words", TEXTS)
    config = tiny.config(train_data=str(labels))
    shares, sent = [], []
    for index in range(count):
        batches = evaluation_batches(open_source(str(labels)), config, (index, count))
        texts = [text.decode() for batch in batches for text in batch["text"].numpy()]
        shares.append([Prediction(text, text, "é\x00", 0.1 + 0.2, True, False) for text in texts])
    for share in shares:
        share_predictions(share, SimpleNamespace(gather_bytes=lambda b: sent.append(b) or [b]))
    for own in shares:
        workers = SimpleNamespace(gather_bytes=lambda _: sent)
        predictions = share_predictions(own, workers)
        assert [prediction.label for prediction in predictions] == TEXTS
        assert predictions[0] == Prediction("cab", "cab", "é\x00", 0.1 + 0.2, True, False)
