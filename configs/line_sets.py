r"""Write a published set of lines or signs as images and a label file, for the experiments on them.

    git clone https://github.com/jbaiter/archiscribe-corpus runs/clones/fraktur
    git -C runs/clones/fraktur checkout fda2ef6c416bee84a4b700f3a5ae82bed8e6c4d3
    python configs/line_sets.py fraktur runs/clones/fraktur runs/data/archiscribe_lines

    git clone https://github.com/zzzDavid/ICDAR-2019-SROIE runs/clones/receipts
    git -C runs/clones/receipts checkout 27be4271b251c256f695acbade9a801bffe85994
    python configs/line_sets.py receipts runs/clones/receipts runs/data/sroie_lines

    git clone https://github.com/HTR-United/CREMMA-AN-TestamentsDePoilus runs/clones/testaments
    git -C runs/clones/testaments checkout 8ffa4a8cd40f691d68f188e2ed1c6458bf2d6ec9
    python configs/line_sets.py handwriting runs/clones/testaments runs/data/poilus_lines

    git clone --filter=blob:none --no-checkout https://github.com/alexgorban/models \
        runs/clones/signs
    git -C runs/clones/signs sparse-checkout set research/attention_ocr/python
    git -C runs/clones/signs checkout 5a864a81f8fa5f29835bf83e2d278d3ac2bc5a9a
    python configs/line_sets.py signs runs/clones/signs runs/data/fsns_samples

Names of the images begin with the document, so that `group=(.*)_` (handwriting: `group=(.*)-`)
splits by document. Lines without text are left out. The measured sets were parts of these: 700
lines of Fraktur, 1,500 of receipts, 900 of handwriting; all 37 signs. Five signs are in a record
file, which TensorFlow reads.
"""

import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from PIL import Image

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
PREFIX = "TestamentsDePoilus_"
EXPECTED_SIGN = re.compile(r"^ *u?'([^'\n░]+)░+',?(?: *# GT='([^'\n]+)')?$", re.MULTILINE)
"""A padded prediction that the demo's test expects, and the truth if it differs."""
Line = tuple[str, Image.Image, str]
"""Name of a line, its image and its text."""


def fraktur(clone: Path) -> Iterator[Line]:
    """Yield lines that are files: `transcriptions/YEAR/BOOK_ID.png` and `.txt`."""
    for path in sorted(clone.glob("transcriptions/*/*.png")):
        text = path.with_suffix(".txt")
        if text.is_file():
            with Image.open(path) as image:
                name = f"{path.parent.name}_{path.stem}"
                yield name, image.convert("L"), text.read_text("utf-8")


def receipts(clone: Path) -> Iterator[Line]:
    """Yield lines of `data/img/ID.jpg` by `data/box/ID.csv`: eight coordinates and the text."""
    for boxes in sorted(clone.glob("data/box/*.csv")):
        with Image.open(clone / "data" / "img" / f"{boxes.stem}.jpg") as page:
            for index, row in enumerate(boxes.read_text("utf-8", "replace").splitlines()):
                # The text is not quoted, and may hold commas.
                *numbers, text = row.split(",", 8)
                if len(numbers) != 8:
                    raise ValueError(
                        f"{boxes}, line {index + 1}: expected a box. Received: {row!r}"
                    )
                xs, ys = [int(x) for x in numbers[::2]], [int(y) for y in numbers[1::2]]
                box = (min(xs), min(ys), max(xs), max(ys))
                yield f"{boxes.stem}_{index:03d}", page.crop(box).convert("L"), text


def handwriting(clone: Path) -> Iterator[Line]:
    """Yield lines of pages by their ALTO files, `data/batch-1/PAGE.xml` beside `PAGE.jpg`."""
    for path in sorted(clone.glob("data/batch-1/*.xml")):
        with Image.open(path.with_suffix(".jpg")) as page:
            lines = ET.parse(path).iter(f"{ALTO}TextLine")
            for index, line in enumerate(lines):
                left, top, width, height = (
                    int(line.attrib[name]) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")
                )
                words = [word.attrib["CONTENT"] for word in line.iter(f"{ALTO}String")]
                crop = page.crop((left, top, left + width, top + height)).convert("L")
                yield f"{path.stem.removeprefix(PREFIX)}_{index:03d}", crop, " ".join(words)


def signs(clone: Path) -> Iterator[Line]:
    """Yield signs of a record file, and image files whose texts a test of the demo expects."""
    import tensorflow as tf

    folder = clone / "research" / "attention_ocr" / "python"
    records = folder / "datasets" / "testdata" / "fsns" / "fsns-00000-of-00001"
    for index, record in enumerate(tf.data.TFRecordDataset(str(records)).as_numpy_iterator()):
        features = tf.train.Example.FromString(record).features.feature
        content, text = (
            features[name].bytes_list.value[0] for name in ("image/encoded", "image/text")
        )
        yield f"fsns_testdata_{index:02d}", Image.open(io.BytesIO(content)), text.decode("utf-8")
    expected = EXPECTED_SIGN.findall((folder / "demo_inference_test.py").read_text("utf-8"))
    for index, (prediction, truth) in enumerate(expected):
        with Image.open(folder / "testdata" / f"fsns_train_{index:02d}.png") as image:
            yield f"fsns_train_{index:02d}", image, truth or prediction


SETS: dict[str, Callable[[Path], Iterator[Line]]] = {
    "fraktur": fraktur,
    "receipts": receipts,
    "handwriting": handwriting,
    "signs": signs,
}


def write(lines: Iterator[Line], folder: Path) -> int:
    """Write the images, then the label file; return the number of lines.

    Raises:
        FileNotFoundError: If there are none.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for name, image, written in lines:
        text = " ".join(written.split())
        if not text or 0 in image.size:
            continue
        file = f"images/{name}.png"
        image.save(folder / file)
        rows.append((file, text))
    if not rows:
        raise FileNotFoundError("Expected a clone that holds lines. Received: one without")
    labels = "".join(f"{file}\t{text}\n" for file, text in rows)
    (folder / "labels.tsv").write_text(labels, encoding="utf-8", newline="\n")
    return len(rows)


def main(arguments: list[str]) -> None:
    """Write one set."""
    if len(arguments) != 3 or arguments[0] not in SETS:
        sys.exit(f"usage: python configs/line_sets.py {'|'.join(SETS)} CLONE FOLDER")
    name, clone, folder = arguments[0], Path(arguments[1]), Path(arguments[2])
    num_lines = write(SETS[name](clone), folder)
    sys.stdout.write(f"{folder}: {num_lines} lines\n")


if __name__ == "__main__":
    main(sys.argv[1:])
