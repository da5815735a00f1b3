"""Labels that are probably wrong, and images to label next."""

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.evaluation.labels import next_to_label, probably_mislabelled


def prediction(label: str, text: str, confidence: float, readable: bool = True) -> Prediction:
    return Prediction(f"{label}.png", label, text, confidence, shrunk=False, readable=readable)


RIGHT = [prediction(text, text, confidence) for text, confidence in
         zip("abcde", (0.7, 0.8, 0.9, 0.9, 0.95), strict=True)]  # fmt: skip


def test_a_label_is_suspect_if_another_text_is_as_certain_as_correct_ones():
    doubtful = [
        prediction("f", "g", 0.9),
        prediction("h", "i", 0.6),
        prediction("j", "k", 0.99),
        prediction("l", "", 0.99, readable=False),
        prediction("£", "E", 0.99),
    ]
    assert probably_mislabelled(RIGHT + doubtful, unreachable=["£.png"]) == [7, 5]


def test_without_correct_predictions_no_label_is_suspect():
    assert probably_mislabelled([*RIGHT[:4], prediction("j", "k", 0.99)]) == []


def test_images_to_label_have_low_confidences_and_different_texts():
    found = next_to_label(
        [
            prediction("", "sure", 0.99),
            prediction("", "maybe", 0.4),
            prediction("", "Maybe", 0.3),
            prediction("", "", 0.1),
            prediction("", "", 0.2),
            prediction("", "broken", 0.0, readable=False),
        ],
        count=4,
    )
    assert found == [3, 4, 2, 0]
