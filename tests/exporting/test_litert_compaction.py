import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from attention_ocr.exporting.litert_compaction import BUFFER_ALIGNMENT, SharingBuilder, compact
from attention_ocr.inference.engines.litert_engine import find_interpreter
from attention_ocr.inference.locate import BUNDLED_WEIGHTS
from tests.exporting.test_parity import FIXTURE


@pytest.fixture(scope="module")
def original():
    """A file as converted, before it was compacted."""
    return (FIXTURE / "model.tflite").read_bytes()


def outputs_of(model, seed):
    """Run every signature of a model on noise."""
    interpreter = find_interpreter()(model_content=model, num_threads=1)
    outputs = {}
    for name in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(name)
        shape = runner.get_input_details()["images"]["shape"]
        noise = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
        sizes = np.array([shape[1:3]], np.int32)
        outputs[name] = runner(images=noise, image_sizes=sizes)
    return outputs


def test_a_compact_model_computes_the_same_in_fewer_bytes(original):
    smaller = compact(original)
    assert len(smaller) < 0.9 * len(original)
    for seed in range(2):
        before, after = outputs_of(original, seed), outputs_of(smaller, seed)
        assert before.keys() == after.keys()
        for signature, values in before.items():
            for name, value in values.items():
                np.testing.assert_array_equal(value, after[signature][name], err_msg=name)


def test_constants_are_aligned_and_stored_once(original):
    smaller = compact(original)
    model = schema.Model.GetRootAs(smaller)
    contents = []
    for index in range(model.BuffersLength()):
        data = model.Buffers(index).DataAsNumpy()
        if isinstance(data, np.ndarray) and data.size:
            place = data.ctypes.data - np.frombuffer(smaller, np.uint8).ctypes.data
            assert place % BUFFER_ALIGNMENT == 0, index
            contents.append(data.tobytes())
    assert len(contents) > 10
    assert len(set(contents)) == len(contents)


def test_a_compact_model_cannot_be_made_smaller(original):
    smaller = compact(original)
    assert len(compact(smaller)) == len(smaller)


def test_bundled_files_are_compact():
    content = (BUNDLED_WEIGHTS / "model_int8.tflite").read_bytes()
    assert len(content) - len(compact(content)) < 2**15  # The settings and characters after it.


def test_equal_numbers_are_shared_and_references_are_not():
    builder = SharingBuilder(64)

    def write(values, size=4):
        return builder.CreateNumpyVector(np.array(values, f"<i{size}"))

    first = write([1, 2, 3])
    assert write([1, 2, 3]) == first
    assert write([1, 2, 4]) != first
    assert write([1], 8) != write([1, 0])  # The same bytes, of other elements.
    texts = [builder.CreateString("a"), builder.CreateString("b")]

    def refer(offsets):
        builder.StartVector(4, len(offsets), 4)
        for offset in offsets:
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    # Relative to its own place, each reference to the same text is another number.
    assert refer(texts) != refer(texts)
