import pytest
import tensorflow as tf

from attention_ocr.data.records import FEATURES, parse_example, serialize_example

EXAMPLES = [
    {"encoded": b"\x89PNG\x00\xff", "text": "été 5 €", "key": "my images/ä b.png"},
    {"encoded": b"", "text": "", "key": "1"},
    {"encoded": b"GIF89a", "text": "one\u2028two\ttab", "key": "c"},
]


def serialize(example: dict) -> bytes:
    return serialize_example(**example, height=7, width=19)


@pytest.mark.parametrize("example", EXAMPLES)
def test_parsing_gives_back_what_was_written(example):
    parsed = parse_example(tf.constant(serialize(example)))
    assert parsed.keys() == {"key", "encoded", "text"}
    assert parsed["encoded"].numpy() == example["encoded"]
    assert parsed["text"].numpy().decode() == example["text"]
    assert parsed["key"].numpy().decode() == example["key"]


def test_a_batch_parses_like_its_examples():
    parsed = parse_example(tf.constant([serialize(example) for example in EXAMPLES]))
    for name in ("key", "encoded", "text"):
        single = [parse_example(tf.constant(serialize(e)))[name].numpy() for e in EXAMPLES]
        assert parsed[name].numpy().tolist() == single


def test_parsing_works_in_a_tf_data_pipeline():
    records = tf.data.Dataset.from_tensor_slices([serialize(example) for example in EXAMPLES])
    dataset = records.map(parse_example)
    assert dataset.element_spec == {
        name: tf.TensorSpec([], tf.string) for name in ("key", "encoded", "text")
    }
    texts = [element["text"].decode() for element in dataset.as_numpy_iterator()]
    assert texts == [example["text"] for example in EXAMPLES]


def test_text_is_stored_composed():
    serialized = serialize_example(b"", "e\u0301", "k", height=2, width=3)
    assert parse_example(tf.constant(serialized))["text"].numpy().decode() == "\u00e9"


def test_height_and_width_are_stored():
    serialized = serialize_example(b"", "", "k", height=7, width=19)
    parsed = tf.io.parse_single_example(serialized, FEATURES)
    assert (parsed["image/height"].numpy(), parsed["image/width"].numpy()) == (7, 19)


def test_a_record_of_another_schema_is_refused_by_name():
    features = {"label": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"one"]))}
    foreign = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    with pytest.raises(tf.errors.InvalidArgumentError, match="image/"):
        parse_example(tf.constant(foreign))
