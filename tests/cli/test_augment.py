import numpy as np
from PIL import Image

from attention_ocr.cli.main import main
from tests import tiny


def test_a_sheet_shows_images_unchanged_and_at_each_strength(tmp_path, capsys):
    labels = tiny.write_label_file(tmp_path, ["abc", "b"])
    sheet = tmp_path / "sheet.png"
    options = [f"--sheet={sheet}", "--count=2", "--augmentation=inversion"]
    assert main(["augment", str(labels), *options]) == 0
    assert "1 rows" in capsys.readouterr().out
    pixels = np.asarray(Image.open(sheet)).astype(int)
    # A caption of 20 rows, two images of 32 and their edges; five columns of one width.
    assert pixels.shape[0] == 20 + 2 * 34
    columns = np.split(pixels[20:54], 5, axis=1)
    inside = np.s_[1:33, 2:20]
    np.testing.assert_allclose(columns[4][inside], 255 - columns[0][inside], atol=1)


def test_wrong_options_are_refused(tmp_path, capsys):
    labels = tiny.write_label_file(tmp_path, ["a"])
    for option, message in {
        "--augmentation=turn": "Received: 'turn'",
        "--count=0": "Received: 0",
        "--sheet=x.jpg": "Received: x.jpg",
        "--skip=5": "Expected images",
    }.items():
        sheet = f"--sheet={tmp_path / 'sheet.png'}"
        assert main(["augment", str(labels), sheet, option]) == 1
        assert message in capsys.readouterr().err
