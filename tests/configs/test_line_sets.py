"""The script that writes published sets of lines, on small folders in the original layouts."""

import importlib.util
from pathlib import Path

import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.data.labels import read_labels
from attention_ocr.data.sources import open_source

FILE = Path(__file__).parents[2] / "configs" / "line_sets.py"
PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout><Page><PrintSpace><TextBlock>
<TextLine HPOS="2" VPOS="3" WIDTH="20" HEIGHT="8"><String CONTENT="Ceci est"/></TextLine>
<TextLine HPOS="2" VPOS="13" WIDTH="21" HEIGHT="9"><String CONTENT=" "/></TextLine>
<TextLine HPOS="2" VPOS="23" WIDTH="22" HEIGHT="7"><String CONTENT="mon"/><String CONTENT="é"/>
</TextLine></TextBlock></PrintSpace></Page></Layout></alto>
"""


@pytest.fixture(scope="module")
def line_sets():
    spec = importlib.util.spec_from_file_location("line_sets", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def save(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "white").save(path)


def written(folder):
    found = {}
    for labelled in read_labels(folder / "labels.tsv"):
        with Image.open(labelled.path) as image:
            found[Path(labelled.key).stem] = (labelled.text, image.size)
    return found


def test_fraktur_lines_are_files(line_sets, tmp_path):
    clone = tmp_path / "clone"
    for name in ("book$1_0cef", "book$2_1d", "without_2e"):
        save(clone / "transcriptions" / "1800" / f"{name}.png", (30, 9))
    for name, text in (("book$1_0cef", "Art iſt\n"), ("book$2_1d", "\n")):
        (clone / "transcriptions" / "1800" / f"{name}.txt").write_text(text, encoding="utf-8")
    line_sets.main(["fraktur", str(clone), str(tmp_path / "out")])
    assert written(tmp_path / "out") == {"1800_book$1_0cef": ("Art iſt", (30, 9))}


def test_receipts_are_cut_by_their_boxes(line_sets, tmp_path):
    clone = tmp_path / "clone"
    for name in ("001", "002"):
        save(clone / "data" / "img" / f"{name}.jpg", (60, 40))
        boxes = clone / "data" / "box" / f"{name}.csv"
        boxes.parent.mkdir(exist_ok=True)
        boxes.write_text("4,5,24,5,24,15,4,15,NO 290, JALAN\n4,20,34,20,34,28,4,28,5.00\n", "utf-8")
    line_sets.main(["receipts", str(clone), str(tmp_path / "out")])
    found = written(tmp_path / "out")
    assert found["001_000"] == ("NO 290, JALAN", (20, 10))
    assert found["002_001"] == ("5.00", (30, 8))
    fit = open_source(f"{tmp_path / 'out' / 'labels.tsv'},every=2,part=train,group=(.*)_")
    assert set(fit.texts()) == {"NO 290, JALAN", "5.00"}
    (clone / "data" / "box" / "002.csv").write_text("4,5,CASH\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"002.csv, line 1: expected a box. Received: '4,5,CASH'"):
        line_sets.main(["receipts", str(clone), str(tmp_path / "again")])


def test_handwriting_is_cut_by_its_alto_files(line_sets, tmp_path):
    page = tmp_path / "clone" / "data" / "batch-1" / "TestamentsDePoilus_will_AD78_0005-0.jpg"
    save(page, (60, 40))
    page.with_suffix(".xml").write_text(PAGE, encoding="utf-8")
    line_sets.main(["handwriting", str(tmp_path / "clone"), str(tmp_path / "out")])
    assert written(tmp_path / "out") == {
        "will_AD78_0005-0_000": ("Ceci est", (20, 8)),
        "will_AD78_0005-0_002": ("mon é", (22, 7)),
    }


def test_signs_are_a_record_file_and_images_of_the_demo(line_sets, tmp_path):
    folder = tmp_path / "clone" / "research" / "attention_ocr" / "python"
    for index in range(2):
        save(folder / "testdata" / f"fsns_train_{index:02d}.png", (24, 6 + index))
    image = (folder / "testdata" / "fsns_train_00.png").read_bytes()
    features = {"image/encoded": image, "image/text": "Rue de la Taillée".encode()}
    record = tf.train.Example()
    for name, value in features.items():
        record.features.feature[name].bytes_list.value.append(value)
    shard = folder / "datasets" / "testdata" / "fsns" / "fsns-00000-of-00001"
    shard.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(shard)) as writer:
        writer.write(record.SerializeToString())
    expected = (
        "    _NAME = 'fsns'\n      u'Rue d‘Orbey░░░',\n      'Rue Théresa░░',  # GT='Rue Thérésa'\n"
    )
    (folder / "demo_inference_test.py").write_text(expected, encoding="utf-8")
    line_sets.main(["signs", str(tmp_path / "clone"), str(tmp_path / "out")])
    assert written(tmp_path / "out") == {
        "fsns_testdata_00": ("Rue de la Taillée", (24, 6)),
        "fsns_train_00": ("Rue d‘Orbey", (24, 6)),
        "fsns_train_01": ("Rue Thérésa", (24, 7)),
    }
    with Image.open(tmp_path / "out" / "images" / "fsns_train_00.png") as sign:
        assert sign.mode == "RGB"


def test_a_folder_without_lines_is_refused(line_sets, tmp_path):
    with pytest.raises(FileNotFoundError, match="clone that holds lines"):
        line_sets.main(["fraktur", str(tmp_path), str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="usage: "):
        line_sets.main(["plates", "a", "b"])
