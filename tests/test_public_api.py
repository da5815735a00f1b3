"""The public API, and that inspecting it does not import TensorFlow."""

import importlib
import inspect
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import attention_ocr

REPOSITORY = Path(__file__).parents[1]

PUBLIC = {
    "attention_ocr": """
        load Reader Reading PageReader read_page ImageLimits Config Charset train evaluate export
    """,
    "attention_ocr.layers": """
        ApplicationEncoder CompactEncoder FlatCompactEncoder InceptionV3Encoder RecursiveEncoder
        ResNetEncoder VGGEncoder
        ConvolutionUnit FusedBatchNormalization RecursiveUnit ResidualUnit valid_cells
        AdditiveAttention DotAttention HardAttention LocationAttention MeanAttention
        Attention AttentionOutput Choice Memory attention_weights weighted_sum
        AttentionDecoder Choices ClippedLSTMCell Decoder DecoderState ParallelOutput
        TeacherForcedOutput
        BidirectionalGRU BidirectionalLSTM CTCHead
        AffineTransform Rectifier ThinPlateSpline OneHotCoordinates SinusoidalCoordinates
    """,
    "attention_ocr.models": """
        Recognizer EncoderOutput build_recognizer portable_copy load_recognizer
        RecognitionLoss attention_loss ctc_loss reinforce_loss
        TrainedModel load_trained_model save_trained_model
    """,
    "attention_ocr.decoding": """
        greedy_decode beam_decode BeamOptions ctc_greedy_decode ctc_beam_decode
        DecoderOutput Alternatives Decoding prepare_decoding make_rule Rule Scorer Weighted
        CTCPrefixScorer AlignedTexts align ctc_log_probabilities text_log_probability
    """,
    "attention_ocr.metrics": """
        exact_match alphanumeric_match cer wer ned edit_distance wilson_interval
        TextMetrics compute_metrics LengthAccuracy accuracy_by_length
        google_character_accuracy google_sequence_accuracy aocr_soft_accuracy
        Calibration RiskAtCoverage compute_calibration fit_temperature negative_log_likelihood
    """,
    "attention_ocr.data": """
        Source SourceSpec Walk open_source parse_source training_batches evaluation_batches
        SkipReport LabelledImage read_labels held_out_split ShardsReport write_shards
        Inspection inspect_source
    """,
}

NAMES = [(module, name) for module, names in PUBLIC.items() for name in names.split()]


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these(module):
    names = set(PUBLIC[module].split())
    namespace = importlib.import_module(module)
    assert set(namespace.__all__) == names
    assert names <= set(dir(namespace))


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_public_name_exists_and_is_documented(module, name):
    value = getattr(importlib.import_module(module), name)
    assert value.__name__ == name
    documentation = inspect.cleandoc(value.__doc__ or "")
    # Without a docstring, Python gives named tuples and data classes their signature.
    assert documentation
    assert not documentation.startswith(f"{name}(")


@pytest.mark.parametrize("module", PUBLIC)
def test_help_shows_the_public_names(module):
    shown = pydoc.render_doc(importlib.import_module(module), renderer=pydoc.plaintext)
    for name in PUBLIC[module].split():
        assert name in shown, name


def test_an_unknown_name_is_an_attribute_error():
    for module in PUBLIC:
        with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'Reeder'"):
            _ = importlib.import_module(module).Reeder


def test_a_namespace_is_an_attribute_of_the_package():
    for module in PUBLIC:
        _, _, name = module.partition(".")
        if name:
            assert getattr(attention_ocr, name) is importlib.import_module(module)
            assert name in dir(attention_ocr)


def test_inspecting_the_package_does_not_import_tensorflow():
    program = (
        "import sys\n"
        f"for module in {list(PUBLIC)}:\n"
        "    __import__(module)\n"
        "    dir(sys.modules[module])\n"
        "import attention_ocr\n"
        "assert attention_ocr.Charset('ab')\n"
        "assert attention_ocr.Config() == attention_ocr.Config.from_values({})\n"
        "assert attention_ocr.metrics.cer(['ab'], ['a']) == 0.5\n"
        "print(sorted({'tensorflow', 'keras', 'cv2', 'PIL'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
