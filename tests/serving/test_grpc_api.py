import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from attention_ocr.serving.grpc_api import tensor_proto
from tests.serving import tiny_server


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as opened:
        yield opened


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def for_model(request):
    request.model_spec.name = tiny_server.NAME
    return request


def images(*files):
    request = for_model(predict_pb2.PredictRequest())
    request.inputs["images"].CopyFrom(tf.make_tensor_proto(files, tf.string))
    return request


def refused(call, *arguments):
    with pytest.raises(grpc.RpcError) as error:
        call(*arguments)
    return error.value.code(), error.value.details()


def test_an_answer_says_which_version_and_signature_it_is_of(stub):
    response = stub.Predict(images(b"ab"))
    assert response.model_spec.name == tiny_server.NAME
    assert response.model_spec.version.value == 3
    assert response.model_spec.signature_name == "serving_default"
    assert set(response.outputs) == {"text", "confidence", "character_confidences", "status"}


def test_values_are_sent_one_by_one_as_tf_serving_does(stub):
    outputs = stub.Predict(images(b"ab", b"abc")).outputs
    assert list(outputs["text"].string_val) == [b"2", b"3"]
    assert list(outputs["confidence"].float_val) == pytest.approx([0.002, 0.003])
    assert outputs["confidence"].tensor_content == b""


def test_only_the_outputs_that_are_asked_for_are_sent(stub):
    request = images(b"ab")
    request.output_filter.extend(["text", "status"])
    assert set(stub.Predict(request).outputs) == {"text", "status"}
    request.output_filter.append("texts")
    code, details = refused(stub.Predict, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "Received: ['texts']" in details


@pytest.mark.parametrize(
    "array",
    [
        np.array([b"a", b"", b"\xff\x00"], object),
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array(-3, np.int64),
        np.zeros((0, 4), np.float32),
        np.array([True, False]),
        np.array([[1, 255]], np.uint8),
    ],
)
def test_an_array_becomes_a_tensor_that_tensorflow_reads(array):
    read = tf.make_ndarray(tensor_proto(array))
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype


def test_pixels_go_in_as_any_client_writes_them(stub):
    for pixels in (
        tf.make_tensor_proto(np.array([[3, 5]], np.uint8)),
        TensorProto(dtype=4, tensor_shape=shape(1, 2), int_val=[3, 5]),
        # One value stands for all.
        TensorProto(dtype=4, tensor_shape=shape(1, 2), int_val=[4]),
    ):
        request = for_model(predict_pb2.PredictRequest())
        request.model_spec.signature_name = "darkness"
        request.inputs["pixels"].CopyFrom(pixels)
        request.inputs["inverted"].CopyFrom(tf.make_tensor_proto([True]))
        (score,) = stub.Predict(request).outputs["score"].float_val
        assert score == pytest.approx(np.log(4.0))


def shape(*sizes):
    return tf.TensorShape(sizes).as_proto()


@pytest.mark.parametrize(
    "tensor",
    [
        TensorProto(dtype=7, tensor_shape=shape(2**40), string_val=[b"a"]),
        TensorProto(dtype=7, tensor_shape=shape(2), string_val=[b"a"]),
        TensorProto(dtype=7, tensor_shape=shape(1), string_val=[b"a", b"b"]),
        TensorProto(dtype=7, tensor_shape=shape(2**40, 2**40), string_val=[]),
        TensorProto(dtype=7, string_val=[b"a"], tensor_shape={"dim": [{"size": -1}]}),
        TensorProto(dtype=7, string_val=[b"a"], tensor_shape={"unknown_rank": True}),
        TensorProto(dtype=4, tensor_shape=shape(2**40), int_val=[1]),
        TensorProto(dtype=4, tensor_shape=shape(3), tensor_content=b"ab"),
        TensorProto(dtype=4, tensor_shape=shape(3), int_val=[]),
        TensorProto(dtype=0),
        TensorProto(dtype=20, tensor_shape=shape(1)),
        TensorProto(dtype=9999, tensor_shape=shape(1)),
    ],
)
def test_a_tensor_that_announces_more_than_it_holds_is_refused(stub, tensor):
    request = for_model(predict_pb2.PredictRequest())
    request.inputs["images"].CopyFrom(tensor)
    code, details = refused(stub.Predict, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert details


def test_inputs_of_other_names_are_refused(stub):
    request = images(b"a")
    request.inputs["more"].CopyFrom(tf.make_tensor_proto([1]))
    code, details = refused(stub.Predict, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "expects the inputs ['images']. Received: ['images', 'more']" in details
    assert "Received: []" in refused(stub.Predict, for_model(predict_pb2.PredictRequest()))[1]


def test_what_the_graph_refuses_is_the_clients_fault_and_nobody_elses(stub):
    waiting = [stub.Predict.future(images(file)) for file in (b"good", b"bad!", b"better")]
    assert waiting[1].code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "a bad row" in waiting[1].details()
    assert list(waiting[0].result().outputs["text"].string_val) == [b"4"]
    assert list(waiting[2].result().outputs["text"].string_val) == [b"6"]


def test_examples_share_a_context(stub):
    request = for_model(classification_pb2.ClassificationRequest())
    request.model_spec.signature_name = "classify"
    both = request.input.example_list_with_context
    both.context.features.feature["image/encoded"].bytes_list.value.append(b"abcd")
    both.examples.add()
    both.examples.add().features.feature["other"].int64_list.value.append(1)
    response = stub.Classify(request)
    assert response.model_spec.version.value == 3
    rows = response.result.classifications
    assert [row.classes[0].label for row in rows] == ["4", "4"]


@pytest.mark.parametrize("content", [b"\xff\xff", b"no example", b"\xff\n\x80", b"a" * 100_000])
def test_what_is_no_example_is_the_clients_fault(stub, content):
    request = for_model(predict_pb2.PredictRequest())
    request.model_spec.signature_name = "classify"
    good = tf.train.Example().SerializeToString()
    request.inputs["inputs"].CopyFrom(tf.make_tensor_proto([good, content], tf.string))
    code, details = refused(stub.Predict, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert details


def test_the_reason_quotes_what_is_no_example(stub):
    request = for_model(predict_pb2.PredictRequest())
    request.model_spec.signature_name = "classify"
    request.inputs["inputs"].CopyFrom(tf.make_tensor_proto([b"\xff\xfe"], tf.string))
    assert "Could not parse example input, value: '\\xff\\xfe'" in refused(stub.Predict, request)[1]


def test_no_example_is_refused(stub):
    request = for_model(classification_pb2.ClassificationRequest())
    request.model_spec.signature_name = "classify"
    assert refused(stub.Classify, request) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "Input is empty.",
    )


def test_metadata_are_asked_for_by_name(stub):
    request = for_model(get_model_metadata_pb2.GetModelMetadataRequest())
    code, details = refused(stub.GetModelMetadata, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "Received: []" in details


def test_a_label_instead_of_a_version_is_refused(stub):
    request = images(b"a")
    request.model_spec.version_label = "stable"
    code, details = refused(stub.Predict, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "Received: label 'stable'" in details


def test_what_a_recogniser_has_no_use_for_is_not_implemented(stub, channel):
    models = model_service_pb2_grpc.ModelServiceStub(channel)
    request = model_management_pb2.ReloadConfigRequest()
    assert refused(models.HandleReloadConfigRequest, request)[0] == grpc.StatusCode.UNIMPLEMENTED
    request = for_model(regression_pb2.RegressionRequest())
    assert refused(stub.Regress, request)[0] == grpc.StatusCode.UNIMPLEMENTED


def test_the_status_names_the_version(channel):
    models = model_service_pb2_grpc.ModelServiceStub(channel)
    request = for_model(get_model_status_pb2.GetModelStatusRequest())
    (entry,) = models.GetModelStatus(request).model_version_status
    assert (entry.version, entry.state) == (3, 30)
    assert entry.status.error_code == 0
