import numpy as np
import pytest

from attention_ocr.inference.work_directory import WEIGHTS_FILE, load_trained_model
from attention_ocr.models.encoders.keras_application import build_backbone
from attention_ocr.training.loop import train
from tests import tiny


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_training_starts_from_the_weights_of_a_file_and_inference_does_not_need_it(tmp_path):
    labels = tiny.write_label_file(tmp_path / "words", ["a", "b0", "c12", "ab"])
    whole = build_backbone("MobileNetV2")
    pretrained = tmp_path / "mobilenet.weights.h5"
    whole.save_weights(pretrained)
    config = tiny.config(
        encoder="application",
        **tiny.OF_ENCODER["application"],
        encoder_weights=str(pretrained),
        train_data=str(labels),
        steps=1,
        warmup_steps=0,
        learning_rate=1e-9,
        weight_decay=0.0,
        average_decay=0.0,
    )
    train(config, tmp_path / "run")
    pretrained.unlink()
    model = load_trained_model(tmp_path / "run")
    assert (tmp_path / "run" / WEIGHTS_FILE).is_file()
    kernel = model.recognizer.encoder.network.get_layer("block_1_expand").get_weights()[0]
    expected = whole.get_layer("block_1_expand").get_weights()[0]
    np.testing.assert_allclose(kernel, expected, atol=1e-7)
