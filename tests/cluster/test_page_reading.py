"""Pages read on a cluster: each once, as one process reads them, however often it is killed."""

import json
import os
import random
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from attention_ocr.cli.main import main
from attention_ocr.cli.read_on_cluster import _listed, _pages
from attention_ocr.cluster.pages import page_items
from attention_ocr.cluster.reading import PageOptions, ReadingOptions, read_on
from attention_ocr.cluster.result_shards import WRITERS
from attention_ocr.data.image_items import EncodedImage, ListedImage
from attention_ocr.images.formats import PAGE_SUFFIXES
from attention_ocr.images.headers import PAGE_LIMITS
from tests.cluster.in_process import InProcess, Killed
from tests.cluster.test_reading import files_of, rows
from tests.networks import network
from tests.pages.rendered import LINES, draw, page
from tests.pages.scripted import BandDetector

DETECTOR = "tests.pages.scripted:BandDetector"
OPTIONS = ReadingOptions(
    "jsonl", shard_size=2, limits=PAGE_LIMITS, pages=PageOptions(DETECTOR, dpi=72)
)


def write_pages(path, texts):
    images = [Image.fromarray(draw([(text, 60, 50)], size=(500, 160))) for text in texts]
    images[0].save(path, save_all=True, append_images=images[1:], resolution=72)


@pytest.fixture
def files(tmp_path):
    """A photo, a TIFF of two pages, and a PDF of three."""
    pytest.importorskip("pypdfium2")
    folder = tmp_path / "scans"
    folder.mkdir()
    Image.fromarray(page()).save(folder / "photo.png")
    write_pages(folder / "fax.tif", ["first fax", "second fax"])
    write_pages(folder / "scan.pdf", ["one", "two", "three"])
    return [ListedImage(str(path), path.name) for path in sorted(folder.iterdir())]


def test_pages_have_the_keys_the_text_and_the_lines_of_the_command_without_a_cluster(
    files, tmp_path, capsys
):
    paths = [file.path for file in files]
    arguments = [f"--detector={DETECTOR}", "--dpi=72", "--format=jsonl"]
    assert main(["read", "--detect", *paths, *arguments]) == 0
    expected = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counts = read_on(InProcess(), page_items(files), tmp_path / "out", options=OPTIONS)
    assert (counts.num_read, counts.num_rejected, counts.num_shards) == (6, 0, 3)
    found = rows(tmp_path / "out")
    assert [row["key"] for row in found] == [
        *("fax.tif#1", "fax.tif#2"),
        "photo.png",
        *(f"scan.pdf#{number}" for number in (1, 2, 3)),
    ]
    assert found[2]["text"] == "\n".join(LINES)
    for row, record in zip(found, expected, strict=True):
        assert row["path"] == Path(record["path"]).name
        for name in ("number", "width", "height", "lines"):
            assert row[name] == record[name]


def test_a_page_that_cannot_be_read_is_listed_with_its_reason_and_the_others_are_read(
    files, tmp_path
):
    broken = EncodedImage("broken.pdf", "", b"%PDF-1.7 cut off")
    missing = ListedImage(str(tmp_path / "none.pdf"), "none.pdf")
    other = replace(OPTIONS, pages=PageOptions("tests.pages.scripted:FailingDetector,number=2"))
    items = list(page_items([broken, *files, missing]))
    counts = read_on(InProcess(), items, tmp_path / "out", options=other)
    assert (counts.num_read, counts.num_rejected) == (4, 4)
    rejected = {
        row["key"]: (row["reason"], row["detail"]) for row in rows(tmp_path / "out", "rejected")
    }
    assert rejected.pop("none.pdf") == ("missing", "no such file")
    reason, detail = rejected.pop("broken.pdf")
    assert (reason, detail.partition(":")[0]) == ("unreadable", "unreadable PDF")
    failed = ("unreadable", "no lines found: the network is out of memory")
    assert rejected == {"fax.tif#2": failed, "scan.pdf#2": failed}


def test_a_killed_command_reads_no_finished_page_again(files, tmp_path):
    read_on(InProcess(runs_twice=True), page_items(files), tmp_path / "whole", options=OPTIONS)
    with pytest.raises(Killed):
        read_on(InProcess(killed_after=2), page_items(files), tmp_path / "cut", options=OPTIONS)
    engine = InProcess()
    counts = read_on(engine, page_items(files), tmp_path / "cut", options=OPTIONS)
    assert (engine.num_run, counts.num_kept) == (1, 2)
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "whole")


def test_a_pdf_that_changes_after_its_pages_were_counted_leaves_no_results(files, tmp_path):
    pdf = files[-1]
    items = list(page_items([pdf]))
    write_pages(pdf.path, ["other", "pages", "now"])
    with pytest.raises(ValueError, match="Received: .*scan.pdf, which has changed"):
        read_on(InProcess(), items, tmp_path / "out", options=OPTIONS)
    assert list((tmp_path / "out").iterdir()) == []


def test_another_version_of_a_pdf_does_not_continue_the_results(files, tmp_path):
    with pytest.raises(Killed):
        read_on(InProcess(killed_after=2), page_items(files), tmp_path / "out", options=OPTIONS)
    write_pages(files[-1].path, ["other", "pages", "now"])
    with pytest.raises(ValueError, match="Received: other examples in part 1"):
        read_on(InProcess(), page_items(files), tmp_path / "out", options=OPTIONS)


def test_another_detector_does_not_continue_the_results(files, tmp_path):
    with pytest.raises(Killed):
        read_on(InProcess(killed_after=1), page_items(files), tmp_path, options=OPTIONS)
    other = replace(OPTIONS, pages=PageOptions("rapidocr", dpi=72))
    with pytest.raises(ValueError, match=f"Received: detector='rapidocr' instead of '{DETECTOR}'"):
        read_on(InProcess(), page_items(files), tmp_path, options=other)


@pytest.mark.parametrize("suffix", WRITERS)
def test_columns_of_pages_are_written(suffix, files, tmp_path):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    read_on(InProcess(), page_items(files[1:2]), tmp_path / "a", options=OPTIONS)
    (row,) = rows(tmp_path / "a")
    path = tmp_path / f"pages.{suffix}"
    assert WRITERS[suffix](path, iter([row]), "pages") == 1
    if suffix == "jsonl":
        found = json.loads(path.read_text("utf-8"))
    else:
        from pyarrow import parquet

        (found,) = parquet.read_table(path).to_pylist()
    assert set(found) == {"key", "text", "path", "number", "width", "height", "lines"}
    assert [line["text"] for line in found["lines"]] == list(LINES)
    for line, expected in zip(found["lines"], row["lines"], strict=True):
        assert line["polygon"] == [pytest.approx(point) for point in expected["polygon"]]
        assert [word["text"] for word in line["words"]] == expected["text"].split()


def test_the_number_of_pages_is_known_before_unless_a_file_may_have_several(files):
    folder = Path(files[0].path).parent

    def total(*names):
        return _pages(_listed([str(folder / name) for name in names], False, PAGE_SUFFIXES)).total

    assert total("photo.png", "scan.pdf") == 4
    assert total("") is None
    (folder / "fax.tif").unlink()
    assert total("") == 4


class ThreadedDetector(BandDetector):
    """Says how many threads it may use."""

    def __init__(self, num_threads: int = 0) -> None:
        super().__init__()
        self.num_threads = num_threads


def test_a_detector_with_threads_gets_one_unless_told_otherwise():
    from attention_ocr.pages.detector import open_detector

    name = f"{__name__}:ThreadedDetector"
    assert open_detector(name, num_threads=1).num_threads == 1
    assert open_detector(f"{name},num_threads=3", num_threads=1).num_threads == 3
    assert open_detector(name).num_threads == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--detect", "--format=hocr"], "--engine=ray writes parquet or jsonl"),
        (["--detect", "--output_dir=x"], "Received: --output_dir"),
        (["--detect", "--dpi=0"], "--dpi must be above 0"),
        (["--detect", "--detector=none"], "`detector` must be"),
        (["--detect", "--detector=rapidocr,size=1"], "Received: 'size'"),
        (["--dpi=100"], "--dpi goes with --detect"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments, message, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["read", "word.png", "--engine=ray", f"--out={out}", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
def test_a_node_killed_at_random_moments_loses_and_repeats_no_page(tmp_path):
    pytest.importorskip("ray")
    pytest.importorskip("pypdfium2")
    from tests.cluster.ray_cluster import RayCluster

    num_kills = int(os.environ.get("ATTENTION_OCR_NUM_KILLS", "20"))
    scans = tmp_path / "scans"
    scans.mkdir()
    write_pages(scans / "long.pdf", [f"page {number}" for number in range(60)])
    write_pages(scans / "short.tif", ["left", "right"])
    Image.fromarray(page()).save(scans / "photo.png")
    (scans / "broken.pdf").write_bytes(b"%PDF-1.7 cut off")
    flags = ["--detect", f"--detector={DETECTOR}", "--dpi=72", "--format=jsonl", "--shard_size=6"]
    chance = random.Random(time.time_ns() % 10**6)
    with network(3) as net, RayCluster(net) as cluster:

        def start(name: str) -> "subprocess.Popen[bytes]":
            """Start the command, and wait until it has a job."""
            out, log = tmp_path / name, tmp_path / f"{name}.log"
            process = cluster.start(log, "read", scans, "--engine=ray", *flags, f"--out={out}")
            while not (out / "parts/job.json").exists() and process.poll() is None:
                time.sleep(0.05)
            return process

        undisturbed = start("whole")
        begun = time.monotonic()
        # One file could not be read.
        assert undisturbed.wait(600) == 1, (tmp_path / "whole.log").read_text()
        window_s = time.monotonic() - begun
        expected = files_of(tmp_path / "whole")
        keys = [row["key"] for row in rows(tmp_path / "whole")]
        assert len(keys) == len(set(keys)) == 63
        (rejected,) = rows(tmp_path / "whole", "rejected")
        assert rejected["key"] == str(scans / "broken.pdf")
        for kill in range(num_kills):
            process = start(f"cut{kill}")
            try:
                time.sleep(chance.uniform(0.0, window_s))
                victim = chance.choice([1, 2])
                cluster.kill_node(victim)
                cluster.start_node(victim)
                log = tmp_path / f"cut{kill}.log"
                assert process.wait(600) == 1, log.read_text("utf-8", "replace")
            finally:
                process.kill()
                process.wait()
            assert files_of(tmp_path / f"cut{kill}") == expected, f"kill {kill}"
