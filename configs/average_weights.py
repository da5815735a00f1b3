r"""Average the weights of models that were fine-tuned from the same ones.

The mean of similar weights is often as good as the best of them on their training distribution and
better elsewhere, at the same inference time (Wortsman et al., 2022, "Model soups").

    python configs/average_weights.py runs/mean runs/one runs/other

The result is a work directory with the settings and the characters of the last model.
"""

import sys
from pathlib import Path

import numpy as np

from attention_ocr.inference.locate import find_model
from attention_ocr.inference.work_directory import WEIGHTS_FILE, read_weights, save_weights
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset


def main(folder: Path, models: list[str]) -> None:
    """Write the mean of the weights of all models into a folder, which is created.

    Raises:
        ValueError: If the models differ in their characters, or in the names or shapes of weights.
    """
    directories = [find_model(Path(model)) for model in models]
    last = directories[-1]
    weights = [read_weights(directory / WEIGHTS_FILE) for directory in directories]
    for directory, values in zip(directories, weights, strict=True):
        if Charset.load(directory).characters != Charset.load(last).characters:
            raise ValueError(f"Expected the characters of {last}. Received: those of {directory}")
        if {name: value.shape for name, value in values.items()} != {
            name: value.shape for name, value in weights[-1].items()
        }:
            raise ValueError(f"Expected the weights of {last}. Received: those of {directory}")
    means = {
        name: np.mean([values[name] for values in weights], axis=0, dtype=np.float32)
        for name in weights[-1]
    }
    folder.mkdir(parents=True, exist_ok=True)
    Config.load(last).save(folder)
    Charset.load(last).save(folder)
    save_weights(means, folder / WEIGHTS_FILE)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: python configs/average_weights.py FOLDER MODEL MODEL...")
    main(Path(sys.argv[1]), sys.argv[2:])
