"""Readings of a cluster: each image once, in whole shards, however often it is killed."""

import json
import os
import random
import subprocess
import sys
import time
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from attention_ocr.cli.main import main
from attention_ocr.cluster.reading import ReadingOptions, read_on
from attention_ocr.cluster.source_guard import SourceGuard
from attention_ocr.data.image_items import EncodedImage, ListedImage
from attention_ocr.inference.reader import load
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from tests.cluster.in_process import InProcess, Killed
from tests.image_files import encode
from tests.io.test_progress import Terminal
from tests.networks import network

OPTIONS = ReadingOptions("jsonl", shard_size=3, batch_size=2)


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    return write_items(tmp_path_factory.mktemp("words"), 7)


def write_items(folder: Path, count: int) -> list[ListedImage]:
    renderer = Renderer(SynthesisConfig(fonts="bundled", kinds=("words",), difficulty=0.0))
    items = []
    for index in range(count):
        path = folder / f"{index}.png"
        path.write_bytes(encode(renderer.render(index)[0], "PNG"))
        items.append(ListedImage(str(path), path.name))
    return items


def rows(folder: Path, name: str = "readings") -> list[dict[str, object]]:
    paths = sorted(folder.glob(f"{name}-*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_texts_are_those_of_a_reader(items, tmp_path):
    counts = read_on(InProcess(), items, tmp_path, options=OPTIONS)
    assert (counts.num_read, counts.num_rejected, counts.num_shards) == (7, 0, 3)
    expected = load().read([item.path for item in items])
    assert [(row["key"], row["text"]) for row in rows(tmp_path)] == [
        (item.key, reading.text) for item, reading in zip(items, expected, strict=True)
    ]
    assert set(files_of(tmp_path)) == {
        "readings-00000.jsonl",
        "readings-00001.jsonl",
        "readings-00002.jsonl",
        "readings.json",
    }


def test_each_image_is_read_once_and_a_bad_one_is_listed_with_its_reason(items, tmp_path):
    bad = [ListedImage("none.png", "none.png"), EncodedImage("bad", "", b"no image")]
    good = [EncodedImage("good", "", Path(items[0].path).read_bytes())]
    counts = read_on(InProcess(), [*bad, *items, *good], tmp_path, options=OPTIONS)
    assert (counts.num_read, counts.num_rejected) == (8, 2)
    assert [row["key"] for row in rows(tmp_path)] == [*(item.key for item in items), "good"]
    rejected = rows(tmp_path, "rejected")
    assert [(row["key"], row["reason"]) for row in rejected] == [
        ("none.png", "missing"),
        ("bad", "unreadable"),
    ]


@pytest.mark.parametrize("killed_after", range(3))
def test_a_killed_command_reads_no_finished_shard_again(items, tmp_path, killed_after):
    read_on(InProcess(runs_twice=True), items, tmp_path / "whole", options=OPTIONS)
    with pytest.raises(Killed):
        read_on(InProcess(killed_after=killed_after), items, tmp_path / "cut", options=OPTIONS)
    assert not (tmp_path / "cut/readings.json").exists()
    (tmp_path / "cut/readings-00002.jsonl.0123456789ab.tmp").write_bytes(b"of a killed process")
    engine = InProcess()
    counts = read_on(engine, items, tmp_path / "cut", options=OPTIONS)
    assert (engine.num_run, counts.num_kept) == (3 - killed_after, killed_after)
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "whole")


def test_a_bar_counts_images_rejected_ones_and_shards_that_were_there(items, tmp_path):
    images = [*items, EncodedImage("bad", "", b"no image")]
    with pytest.raises(Killed):
        read_on(InProcess(killed_after=1), images, tmp_path, options=OPTIONS)
    with redirect_stderr(Terminal()) as terminal:
        read_on(InProcess(), images, tmp_path, options=OPTIONS, total=len(images))
    last = terminal.getvalue().rstrip().rpartition("\r")[2]
    for counter in ("8/8", "rejected=1", "shards_kept=1"):
        assert counter in last


def test_other_images_do_not_continue_the_results_of_an_interrupted_command(items, tmp_path):
    with pytest.raises(Killed):
        read_on(InProcess(killed_after=1), items, tmp_path, options=OPTIONS)
    with pytest.raises(ValueError, match="Received: other examples in part 0"):
        read_on(InProcess(), items[1:], tmp_path, options=OPTIONS)
    with pytest.raises(ValueError, match="Received: shard_size=2 instead of 3"):
        read_on(InProcess(), items, tmp_path, options=ReadingOptions("jsonl", shard_size=2))


def test_a_source_that_changes_underway_leaves_no_results(items, tmp_path):
    source = tmp_path / "labels.tsv"
    source.write_text("0.png\tword\n")

    class Changing(InProcess):
        def run(self, function, tasks, in_order=False):
            yield from super().run(function, tasks, in_order)
            source.write_text("0.png\tword\n1.png\tmore\n")

    out, guard = tmp_path / "out", SourceGuard(str(source))
    with pytest.raises(ValueError, match="Received: .*labels.tsv, which has changed"):
        read_on(Changing(), items, out, options=OPTIONS, guard=guard)
    assert list(out.iterdir()) == []


def test_finished_results_are_replaced_only_if_told_so(items, tmp_path):
    read_on(InProcess(), items, tmp_path, options=OPTIONS)
    with pytest.raises(FileExistsError, match="--overwrite. Received: .*readings.json"):
        read_on(InProcess(), items[:2], tmp_path, options=OPTIONS)
    own = ["readings-corrected-by-hand.xlsx", "readings-00000.jsonl.bak", "rejected-00000.parquet"]
    for name in own:
        (tmp_path / name).write_bytes(b"mine")
    read_on(InProcess(), items[:2], tmp_path, options=OPTIONS, overwrite=True)
    assert [row["key"] for row in rows(tmp_path)] == ["0.png", "1.png"]
    assert set(files_of(tmp_path)) == {*own, "readings-00000.jsonl", "readings.json"}


def test_a_command_that_was_given_up_leaves_no_shard_among_those_of_the_next(items, tmp_path):
    read_on(InProcess(), items, tmp_path / "whole", options=OPTIONS)
    out = tmp_path / "out"
    smaller = ReadingOptions("jsonl", shard_size=1, batch_size=2)
    with pytest.raises(Killed):
        read_on(InProcess(killed_after=6), items, out, options=smaller)
    assert len(list(out.glob("readings-*"))) > 3
    (out / "readings-of-mine.jsonl").write_text("{}")
    read_on(InProcess(), items, out, options=OPTIONS, overwrite=True)
    (out / "readings-of-mine.jsonl").unlink()
    assert files_of(out) == files_of(tmp_path / "whole")


def test_an_image_that_was_missing_at_first_is_not_listed_as_rejected(items, tmp_path):
    own = tmp_path / "late.png"
    late = [ListedImage(str(own), own.name), *items[:2]]
    with pytest.raises(Killed):
        read_on(InProcess(killed_after=1), [*late, *items[2:]], tmp_path / "out", options=OPTIONS)
    # Killed between the files of the part and its report.
    (tmp_path / "out/parts/00000.json").unlink()
    own.write_bytes(Path(items[0].path).read_bytes())
    counts = read_on(InProcess(), [*late, *items[2:]], tmp_path / "out", options=OPTIONS)
    assert (counts.num_read, counts.num_rejected) == (8, 0)
    assert list((tmp_path / "out").glob("rejected-*")) == []


def test_parquet_holds_the_same_rows(items, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    read_on(InProcess(), items, tmp_path / "lines", options=OPTIONS)
    read_on(InProcess(), items, tmp_path / "table", options=ReadingOptions())
    table = parquet.read_table(tmp_path / "table/readings-00000.parquet").to_pylist()
    for found, expected in zip(table, rows(tmp_path / "lines"), strict=True):
        assert found == {
            **expected,
            "confidence": pytest.approx(expected["confidence"]),
            "character_confidences": pytest.approx(expected["character_confidences"]),
        }


def test_processes_that_read_import_no_tensorflow():
    code = "import sys, attention_ocr.cluster.reading; print('tensorflow' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert output.stdout.strip() == b"False"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine=ray"], "--engine=ray needs --out"),
        (["--out=x"], "--out needs --engine=ray. Received: --engine=auto"),
        (["--engine=ray", "--out=x", "--format=csv"], "Received: --format=csv"),
        (["--engine=ray", "--out=x", "--beam_width=3"], "Received: --beam_width"),
        (["--engine=ray", "--out=x", "-o", "y"], "Received: --output"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments, message, capsys):
    assert main(["read", "word.png", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_node_killed_at_random_moments_loses_and_repeats_no_image(tmp_path):
    pytest.importorskip("ray")
    from tests.cluster.ray_cluster import RayCluster

    num_kills = int(os.environ.get("ATTENTION_OCR_NUM_KILLS", "20"))
    (tmp_path / "words").mkdir()
    write_items(tmp_path / "words", 400)
    flags = ["--engine=ray", "--format=jsonl", "--shard_size=25"]
    chance = random.Random(time.time_ns() % 10**6)
    with network(3) as net, RayCluster(net) as cluster:

        def start(name: str) -> subprocess.Popen[bytes]:
            """Start the command, and wait until it has a job."""
            out, log = tmp_path / name, tmp_path / f"{name}.log"
            command = ("read", tmp_path / "words", *flags, f"--out={out}")
            process = cluster.start(log, *command)
            while not (out / "parts/job.json").exists() and process.poll() is None:
                time.sleep(0.05)
            return process

        undisturbed = start("whole")
        begun = time.monotonic()
        assert undisturbed.wait(600) == 0, (tmp_path / "whole.log").read_text()
        window_s = time.monotonic() - begun
        expected = files_of(tmp_path / "whole")
        assert len(rows(tmp_path / "whole")) == 400
        num_underway = 0
        for kill in range(num_kills):
            process = start(f"cut{kill}")
            try:
                time.sleep(chance.uniform(0.0, window_s))
                num_underway += process.poll() is None
                victim = chance.choice([1, 2])
                cluster.kill_node(victim)
                cluster.start_node(victim)
                log = tmp_path / f"cut{kill}.log"
                assert process.wait(600) == 0, log.read_text("utf-8", "replace")
            finally:
                process.kill()
                process.wait()
            assert files_of(tmp_path / f"cut{kill}") == expected, f"kill {kill}"
        assert num_underway >= num_kills // 4
