"""Each worker predicts its share of the validation data; all of them score the whole."""

import itertools
import json
from collections.abc import Sequence
from typing import Protocol

from attention_ocr.evaluation.evaluate import Prediction


class Exchange(Protocol):
    """The processes that evaluate together, see `workers.Workers`."""

    def gather_bytes(self, content: bytes) -> list[bytes]:
        """Return the bytes of every process."""
        ...


def share_predictions(own: Sequence[Prediction], workers: Exchange) -> list[Prediction]:
    """Return the predictions of all workers in the order of the data.

    All workers must call it at the same point.

    Args:
        own: Those of this worker, of each `count`-th example.
        workers: All workers.
    """
    shares = [
        [Prediction(*row) for row in json.loads(content)]
        for content in workers.gather_bytes(json.dumps(own).encode("utf-8"))
    ]
    rounds = itertools.zip_longest(*shares)
    return [prediction for row in rounds for prediction in row if prediction is not None]
