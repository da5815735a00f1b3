"""The plugins of `examples/plugins`: parts of another distribution, taken by name alone."""

import importlib
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.data.augmentation.augment import augment
from attention_ocr.data.sources import DATA_READERS, Walk, open_source
from attention_ocr.models.build import build_recognizer, make_encoder
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.augmentation import OPS, Policy, parse_policy
from attention_ocr.settings.config import Config
from attention_ocr.settings.decoder import DECODERS
from attention_ocr.settings.formats import EXPORT_FORMATS, FILES, FORMATS, parse_formats
from attention_ocr.settings.model import ENCODERS
from attention_ocr.text.charset import END_ID, START_ID
from tests import tiny, tiny_model
from tests.models import test_conformance, test_decoder_conformance
from tests.models.encoders import test_encoders

REPOSITORY = Path(__file__).parents[2]
PLUGINS = REPOSITORY / "examples" / "plugins"
READER = "attention_ocr_plugins.line_pairs:open_source"
OP = "attention_ocr_plugins.shading:shade"
FORMAT = "attention_ocr_plugins.saved_model_zip:SavedModelZip"
BATCH = tiny.random_batch()
SVTR = {
    "encoder": "attention_ocr_plugins.svtr:SVTREncoder",
    "encoder_options": "depths=1,2,1,local=2,head_width=8",
}
TRANSFORMER = {
    "decoder": "attention_ocr_plugins.transformer:TransformerDecoder",
    "decoder_options": "heads=4",
}
PARALLEL = TRANSFORMER | {"decoder_options": "heads=4,parallel=true"}


@pytest.fixture(scope="module", autouse=True)
def plugins_on_path():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PLUGINS)
        yield
    for name in [name for name in sys.modules if name.startswith("attention_ocr_plugins")]:
        del sys.modules[name]


def checks_of(module: ModuleType, fixtures: Collection[str]) -> list[object]:
    """Return the tests of a module of conformance that take these fixtures, as parameters."""
    checks = [
        value
        for name, value in vars(module).items()
        if name.startswith("test_") and inspect.signature(value).parameters.keys() & set(fixtures)
    ]
    assert checks
    slow = [any(mark.name == "slow" for mark in getattr(c, "pytestmark", ())) for c in checks]
    return [
        pytest.param(check, id=check.__name__, marks=pytest.mark.slow if is_slow else ())
        for check, is_slow in zip(checks, slow, strict=True)
    ]


def run_check(check: Callable[..., None], **fixtures: object) -> None:
    wanted = inspect.signature(check).parameters
    check(**{name: fixtures[name] for name in wanted})


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    encoder = make_encoder(tiny.config(**SVTR, image_height=test_encoders.HEIGHT))
    encoder(test_encoders.noise(), test_encoders.SIZES)
    test_encoders.unsettle(encoder)
    return encoder


@pytest.mark.parametrize("check", checks_of(test_encoders, ("encoder",)))
def test_the_encoder_does_what_every_encoder_does(check, encoder):
    run_check(check, encoder=encoder)


@pytest.fixture(scope="module", params=["ctc", "attention"])
def encoder_config(request):
    weights = {"ctc": {"attention_weight": 0.0}, "attention": {"ctc_weight": 0.0}}
    return tiny.config(
        **SVTR,
        **{"attention_weight": 1.0, "ctc_weight": 1.0} | weights[request.param],
        decoding=request.param,
        sequence_layers=0,
    )


@pytest.fixture(scope="module")
def encoder_recognizer(encoder_config):
    return build_recognizer(encoder_config, tiny.CHARSET)


@pytest.mark.parametrize("check", checks_of(test_conformance, ("recognizer",)))
def test_a_recogniser_with_the_encoder_conforms(
    check, encoder_config, encoder_recognizer, tmp_path
):
    run_check(
        check,
        config=encoder_config,
        recognizer=encoder_recognizer,
        batch=tiny.random_batch(),
        tmp_path=tmp_path,
    )


@pytest.fixture(scope="module", params=[TRANSFORMER, PARALLEL], ids=["stepwise", "parallel"])
def decoder_config(request):
    return tiny.config(**request.param, ctc_weight=0.0, sequence_layers=0, decoder_layers=2)


@pytest.fixture(scope="module")
def decoder_recognizer(decoder_config):
    return build_recognizer(decoder_config, tiny.CHARSET)


@pytest.mark.parametrize("check", checks_of(test_decoder_conformance, ("config", "recognizer")))
def test_a_recogniser_with_the_decoder_conforms(
    check, decoder_config, decoder_recognizer, tmp_path
):
    run_check(check, config=decoder_config, recognizer=decoder_recognizer, tmp_path=tmp_path)


def test_local_mixing_sees_a_window_alone():
    in_window = importlib.import_module("attention_ocr_plugins.svtr").in_window
    near = in_window(3, tf.constant(4), (1, 3)).numpy().reshape(3, 4, 3, 4)
    for row, column in ((0, 0), (1, 2)):
        expected = np.zeros((3, 4), bool)
        expected[row, max(0, column - 1) : column + 2] = True
        np.testing.assert_array_equal(near[row, column], expected)


def test_a_local_block_is_told_nothing_from_afar():
    def last_cell(options: str, shift: float) -> np.ndarray:
        keras.utils.set_random_seed(0)
        encoder = make_encoder(tiny.config(encoder=SVTR["encoder"], encoder_options=options))
        images = np.random.default_rng(0).uniform(-1, 1, (1, 16, 96, 1)).astype(np.float32)
        images[:, :, :8] += shift
        return encoder(images, np.array([[16, 96]], np.int32))[0][0, 0, -1].numpy()

    for local, differs in ((3, False), (0, True)):
        options = f"depths=1,1,1,local={local}"
        difference = np.abs(last_cell(options, 0.5) - last_cell(options, 0.0)).max()
        assert (difference > 0.0) == differs


def make_decoder(options: str) -> tuple[Recognizer, object, object]:
    config = tiny.config(**TRANSFORMER | {"decoder_options": options}, ctc_weight=0.0)
    recognizer = build_recognizer(config, tiny.CHARSET)
    # As they are drawn, the places hardly differ.
    recognizer.decoder.places.assign(recognizer.decoder.places * 50.0)
    encoded = recognizer.encode(BATCH["images"], BATCH["image_sizes"])
    return recognizer, *recognizer.start_decoding(encoded)


def test_the_first_pass_in_parallel_sees_the_start_alone():
    recognizer, state, memory = make_decoder("heads=4,parallel=true,refinements=0")
    logits = recognizer.decoder.decode_parallel(memory, state, 7).logits
    first, _, _ = recognizer.decoder.step(tf.fill((4,), START_ID), state, memory)
    np.testing.assert_allclose(logits[:, 0], first, atol=1e-5)
    # Each place reads what it would read if it were asked alone.
    np.testing.assert_allclose(
        logits[:, :3], recognizer.decoder.decode_parallel(memory, state, 3).logits, atol=1e-5
    )


def test_a_refinement_sees_the_other_characters_up_to_the_end():
    recognizer, state, memory = make_decoder("heads=4,parallel=true,refinements=1")
    decoder = recognizer.decoder
    decoder.refinements = 0
    first = decoder.decode_parallel(memory, state, 7)
    decoder.refinements = 1
    second = decoder.decode_parallel(memory, state, 7)
    read = np.argmax(first.logits, axis=-1)
    queries = tf.repeat(decoder.places[None, :7], 4, axis=0)
    for example in range(4):
        length = next((t for t in range(7) if read[example, t] == END_ID), 7)
        for place in range(7):
            visible = [0, *(t + 1 for t in range(min(length, 6)) if t != place)]
            tokens = np.array([[START_ID, *read[example, :6]]])
            mask = np.isin(np.arange(7), visible)[None, None, None]
            alone = decoder._read_with(
                queries[:1, place : place + 1],
                tf.constant(tokens, tf.int32),
                tf.constant(mask),
                tf.nest.map_structure(lambda part, row=example: part[row : row + 1], memory),
            )
            np.testing.assert_allclose(second.logits[example, place], alone.logits[0, 0], atol=1e-4)


def test_orders_are_drawn_in_training_and_keep_what_is_read_hidden():
    permuted = importlib.import_module("attention_ocr_plugins.transformer").permuted
    inputs = tf.repeat(BATCH["decoder_inputs"][1:2], 64, axis=0)
    masks = [permuted(inputs, [0, seed]).numpy()[:, 0] for seed in range(2)]
    assert (masks[0] != masks[1]).any()
    num_steps = inputs.shape[1]
    causal = np.tril(np.ones((num_steps, num_steps), bool))
    written = (masks[0] == causal).all(axis=(1, 2))
    assert 16 < written.sum() < 48
    assert masks[0][:, :, 0].all()
    for t in range(num_steps - 1):
        assert not masks[0][:, t, t + 1].any()
    # In an order, of two places one sees the other's character.
    one, other = masks[0][:, 1, 3], masks[0][:, 2, 2]
    np.testing.assert_array_equal(one, ~other)


def test_settings_that_the_decoder_does_not_use_are_refused():
    for values, name in (
        ({"attention": "dot"}, "attention"),
        ({"decoder_cell": "gru"}, "decoder_cell"),
        ({"scheduled_sampling": "linear"}, "scheduled_sampling"),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be .* for decoder=attention_ocr_plu"):
            build_recognizer(tiny.config(**TRANSFORMER, **values), tiny.CHARSET)
    wrong = {"decoder_options": "haeds=4"}
    with pytest.raises(ValueError, match="may set heads, parallel, refinements of TransformerDec"):
        build_recognizer(tiny.config(**TRANSFORMER | wrong), tiny.CHARSET)


def write_pairs(folder: Path, texts: Sequence[str]) -> Path:
    tiny.write_label_file(folder, texts)
    (folder / "labels.tsv").unlink()
    for index, text in enumerate(texts):
        (folder / f"{index}.gt.txt").write_text(f"{text}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "source", ["attention_ocr_plugins.line_pairs:open_source:{}", "{},format=" + READER]
)
def test_a_reader_is_taken_by_its_place(source, tmp_path):
    folder = write_pairs(tmp_path / "lines", ("a b", "c", "01"))
    opened = open_source(source.format(folder))
    assert (opened.num_examples, list(opened.texts())) == (3, ["a b", "c", "01"])
    examples = list(opened.examples(Walk()).as_numpy_iterator())
    assert [example["key"] for example in examples] == [b"0.png", b"1.png", b"2.png"]
    assert all(example["image"].size for example in examples)
    (folder / "1.gt.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"text of .*1.png. Received: no file .*1.gt.txt"):
        open_source(source.format(folder))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("no_such_package.readers:open_it:x", ImportError, "needs the module no_such_package"),
        (f"{READER}:no/such/folder", FileNotFoundError, "Received: no/such/folder"),
        (READER, FileNotFoundError, f"Received: {READER}"),
        ("x,format=builtins:repr", ValueError, "must open a source as attention_ocr.data.sources"),
        ("no_such_module:words", FileNotFoundError, "No data found at no_such_module:words"),
        ("x,format=xlsx", ValueError, "one of synthetic, .*or `package.module:function`. Rec"),
    ],
)
def test_a_wrong_reader_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        open_source(source)


def test_an_op_is_taken_by_its_place_beside_those_of_the_package():
    policy = parse_policy(f"{OP}+default,num_ops=2")
    assert policy == Policy((*OPS, OP), 2)
    assert parse_policy(f"{OP}+jpeg") == Policy(("jpeg", OP), 2)
    images = np.zeros((2, 16, 32, 1), np.float32)
    images[1, :, 20:] = 0.0
    changed = augment(images, [[16, 32], [16, 20]], [1, 2], parse_policy(OP), 1.0, full=True)
    for image, width in zip(changed.numpy(), (32, 20), strict=True):
        light = image[:, :width] + 1.0
        assert light.min() < 0.75 < light.max() <= 1.0
        np.testing.assert_array_equal(image[:, width:], 0.0)
    assert np.abs(changed[0, :, :20] - changed[1, :, :20]).max() > 0.05
    in_pipeline = tf.data.Dataset.from_tensors(images).map(
        lambda batch: augment(batch, [[16, 32], [16, 20]], [1, 2], parse_policy(OP), 1.0, full=True)
    )
    np.testing.assert_allclose(next(iter(in_pipeline)), changed, atol=1e-6)


def run(*command: object, path: Sequence[Path]) -> str:
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A work directory of plugins alone, trained by the command."""
    folder = tmp_path_factory.mktemp("plugins")
    source = f"{READER}:{write_pairs(folder / 'lines', tiny_model.TEXTS)}"
    settings = {
        "work_dir": folder / "run",
        "train_data": source,
        "eval_data": source,
        **SVTR,
        **PARALLEL,
        "augmentation": f"{OP}+jpeg",
        "decoder_units": 16,
        "sequence_layers": 0,
        "image_height": 16,
        "max_image_width": 32,
        "max_length": 6,
        "encoder_width": 0.25,
        "batch_size": 4,
        "steps": 2,
        "warmup_steps": 1,
        "precision": "float32",
        "ctc_weight": 0,
        "bucket_widths": "",
        "bucket_lengths": "",
        "shuffle_buffer": 8,
    }
    run("train.py", *(f"--{name}={value}" for name, value in settings.items()), path=[PLUGINS])
    return folder / "run"


@pytest.mark.slow
def test_plugins_are_trained_by_flags_and_kept_in_the_settings(trained):
    config = Config.load(trained)
    assert (config.model.encoder, config.model.encoder_options) == tuple(SVTR.values())
    assert (config.decoder.decoder, config.decoder.decoder_options) == tuple(PARALLEL.values())
    assert config.augmentation.augmentation == f"{OP}+jpeg"
    output = run("eval.py", f"--model={trained}", path=[PLUGINS])
    assert "7" in output


@pytest.mark.slow
def test_every_format_reads_as_the_model_where_the_plugins_are_not(trained, tmp_path):
    formats = ",".join((*EXPORT_FORMATS, FORMAT))
    export = tmp_path / "export"
    arguments = (f"--model={trained}", f"--export_dir={export}", f"--format={formats}")
    run("export.py", *arguments, path=[PLUGINS])
    version = export / "1"
    assert {"saved_model.pb", "saved_model.zip", *FILES.values()} <= {
        path.name for path in version.iterdir()
    }
    images = tmp_path / "images"
    images.mkdir()
    for index, content in enumerate(tiny_model.files(3)):
        (images / f"{index}.png").write_bytes(content)
    read = (
        "import sys; from pathlib import Path; from attention_ocr.inference.reader import load;"
        "print([r.text for r in load(sys.argv[1]).read(sorted(Path(sys.argv[2]).iterdir()))])"
    )
    expected = run("-c", read, trained, images, path=[PLUGINS])
    for model in (version, version / FILES["litert"], version / FILES["onnx"]):
        assert run("-c", read, model, images, path=[]) == expected


@pytest.mark.slow
def test_a_distribution_that_is_installed_gives_its_names(tmp_path, monkeypatch):
    shutil.copytree(PLUGINS, tmp_path / "source")
    install = ("install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    target = tmp_path / "installed"
    run("-m", "pip", *install, f"--target={target}", tmp_path / "source", path=[])
    monkeypatch.syspath_prepend(target)
    assert ENCODERS.names()[-1] == "svtr"
    assert DECODERS.names() == ("attention", "transformer")
    assert (DATA_READERS.names()[-1], FORMATS.names()[-1]) == ("line_pairs", "saved_model_zip")
    config = tiny.config(encoder="svtr", decoder="transformer", augmentation="shading+jpeg")
    assert config.model.encoder == SVTR["encoder"]
    assert config.decoder.decoder == TRANSFORMER["decoder"]
    assert config.augmentation.augmentation == f"{OP}+jpeg"
    assert parse_formats("saved_model_zip,onnx") == ("onnx", FORMAT)
    folder = write_pairs(tmp_path / "lines", ("a", "b"))
    assert list(open_source(f"line_pairs:{folder}").texts()) == ["a", "b"]
    build_recognizer(config, tiny.CHARSET)
