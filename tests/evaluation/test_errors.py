import doctest

from attention_ocr.evaluation import errors
from attention_ocr.evaluation.errors import Confusion, confusions, worst_cases
from attention_ocr.evaluation.evaluate import Prediction


def prediction(label: str, text: str, confidence: float = 0.5, **values: object) -> Prediction:
    entry = Prediction(f"{label}.png", label, text, confidence, shrunk=False, readable=True)
    return entry._replace(**values)


def test_confusions_are_counted_over_all_texts_most_frequent_first():
    predictions = [
        prediction("O0O", "000"),
        prediction("ROOM", "R00M"),
        prediction("hello", "helo"),
        prediction("a", "ab"),
        prediction("same", "same"),
        prediction("gone", "", readable=False),
    ]
    assert confusions(predictions) == [
        Confusion("O", "0", 4),
        Confusion("", "b", 1),
        Confusion("l", "", 1),
    ]
    assert confusions([]) == []


def test_the_worst_cases_come_first_and_among_equals_the_most_confident():
    predictions = [
        prediction("abcd", "abcd"),
        prediction("abcd", "abcx", 0.9),
        prediction("wrong", "?", 0.2),
        prediction("label", "knock", 0.99),
        prediction("", "x", 0.1),
        prediction("gone", "", 0.0, readable=False),
    ]
    worst = worst_cases(predictions, 4)
    assert [entry.label for entry in worst] == ["label", "wrong", "", "abcd"]
    assert [entry.num_errors for entry in worst] == [5, 5, 1, 1]
    assert worst_cases(predictions, 1) == worst[:1]


def test_the_example_runs():
    assert doctest.testmod(errors).failed == 0
