"""A lexicon and a pattern, from the settings to what an export reads without the file."""

import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.inference.reader import load
from attention_ocr.settings.config import Config
from tests import tiny_model

WORDS = ("a", "cab", "b01", "ab12", "3a2b1c", "02")


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\n".join(WORDS), encoding="utf-8")
    return path


def texts(reader, num_images: int = 6) -> list[str]:
    return [reading.text for reading in reader.read(tiny_model.files(num_images))]


@pytest.mark.parametrize("decoding", ["attention", "ctc", "joint"])
def test_every_decoding_reads_words_of_the_lexicon_alone(work_dir, lexicon, decoding):
    free = texts(load(work_dir, decoding=decoding))
    assert not set(free) <= set(WORDS)
    assert set(texts(load(work_dir, decoding=decoding, lexicon=str(lexicon)))) <= set(WORDS)


@pytest.mark.slow
def test_an_export_holds_its_lexicon(work_dir, lexicon, tmp_path):
    decoding = {"lexicon": str(lexicon), "beam_width": 3, "num_best": 2}
    expected = load(work_dir, **decoding).read(tiny_model.files(6))
    directory = attention_ocr.export(work_dir, tmp_path / "served", decoding=decoding)
    lexicon.unlink()
    assert Config.load(directory).decoding.lexicon == str(lexicon)
    for reading, other in zip(load(directory).read(tiny_model.files(6)), expected, strict=True):
        assert reading.text == other.text
        assert {text for text, _ in reading.alternatives} <= set(WORDS)
        np.testing.assert_allclose(reading.confidence, other.confidence, rtol=1e-3)


def test_the_command_names_the_error_in_a_rule(work_dir, lexicon, tmp_path, capsys):
    path = tmp_path / "word.png"
    path.write_bytes(tiny_model.files(1)[0])
    lexicon.write_text("a\nword\n", encoding="utf-8")
    command = ["read", str(path), f"--model={work_dir}"]
    for flag, message in (
        (f"--lexicon={lexicon}", "'word' with 'w', 'o', 'r', 'd'"),
        ("--lexicon=no.txt", "no.txt: No such file or directory"),
        ("--pattern=[a-c", "`pattern`: expected a ] at character 5. Received: '[a-c'"),
        ("--allowed_characters=ax", "`allowed_characters` must be characters of the model."),
    ):
        assert main([*command, flag]) == 1
        lines = capsys.readouterr().err.splitlines()
        assert len([line for line in lines if message in line]) == 1, lines
