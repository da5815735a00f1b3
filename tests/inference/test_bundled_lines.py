"""`lines`, the bundled model of lines."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.inference.engines.metadata import appended_metadata, check_source_digest
from attention_ocr.inference.locate import BUNDLED_LINES, BUNDLED_WEIGHTS, find_model, is_bundled
from attention_ocr.metrics.accuracy import compute_metrics
from attention_ocr.settings.formats import FILES
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import parse_options
from attention_ocr.text.charset import LATIN

FILE_LIMIT_MB, LIMIT_MB = 10, 25


@pytest.fixture(scope="module")
def reader():
    return attention_ocr.load("lines")


def rendered(number, **options):
    """Render lines whose words training never drew: images uint8 [h, w, 3] and their texts."""
    common = {"kinds": "sentences", "characters": "latin", "look": "documents", "part": "eval"}
    renderer = Renderer(parse_options(common | {"difficulty": "0.2", "fonts": "bundled"} | options))
    return [renderer.render(index) for index in range(number)]


def drawn(text):
    """Draw a text in dark print on light paper: uint8 [h, w, 3]."""
    font = ImageFont.load_default(size=28)
    left, top, right, bottom = map(int, font.getbbox(text))
    image = Image.new("RGB", (right - left + 12, bottom - top + 12), (235, 235, 230))
    ImageDraw.Draw(image).text((6 - left, 6 - top), text, (20, 20, 20), font)
    return np.asarray(image)


def test_the_model_is_found_by_its_name_and_small():
    assert find_model("lines") == BUNDLED_LINES
    assert is_bundled("lines")
    path = BUNDLED_LINES / FILES["litert_int8"]
    check_source_digest(path, appended_metadata(path, path.read_bytes()), BUNDLED_LINES)
    sizes = [file.stat().st_size for file in BUNDLED_WEIGHTS.parent.rglob("*") if file.is_file()]
    assert max(sizes) < FILE_LIMIT_MB * 1e6
    assert sum(sizes) < LIMIT_MB * 1e6


def test_spaces_and_letters_of_european_languages_are_in_the_charset(reader):
    assert set(reader.charset.characters) == set(LATIN)
    assert set(" éßłőŠ“„–€£§°") <= set(LATIN)


def test_rendered_sentences_are_read(reader):
    lines = rendered(60, max_length="50", min_length="10", seed="77")
    readings = reader.read([image for image, _ in lines])
    metrics = compute_metrics([text for _, text in lines], [reading.text for reading in readings])
    assert metrics.wer < 0.12
    assert metrics.cer < 0.03


def test_a_line_of_a_hundred_characters_is_read_and_not_shrunk(reader):
    text = "It was the best of times, it was the worst of times, it was the age of wisdom, it was"
    text += " the age of"
    (reading,) = reader.read([drawn(text)])
    assert not reading.shrunk
    assert compute_metrics([text], [reading.text]).cer < 0.03


def test_words_keep_their_spaces(reader):
    texts = ["NO EXIT", "Platform 7"]
    assert [reading.text for reading in reader.read(list(map(drawn, texts)))] == texts


def test_the_command_reads_lines_by_name(tmp_path, capsys):
    Image.fromarray(drawn("TOTAL 12.50")).save(tmp_path / "line.png")
    assert main(["read", "--model=lines", str(tmp_path / "line.png")]) == 0
    assert capsys.readouterr().out.split("\t")[1] == "TOTAL 12.50"
