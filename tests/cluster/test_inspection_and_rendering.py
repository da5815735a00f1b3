"""What a cluster finds in a data source, and renders, equals what one process does."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from attention_ocr.cli.main import main
from attention_ocr.cluster.inspection import inspect_on
from attention_ocr.cluster.rendering import render_on
from attention_ocr.data.inspection import Inspection, inspect_source
from attention_ocr.data.sources import open_source
from attention_ocr.settings.image import ImageConfig
from attention_ocr.synthesis.settings import SynthesisConfig
from tests.cluster.in_process import InProcess, Killed
from tests.networks import network
from tests.synthesis.rendered import fail_on_sevens

CONFIG = SynthesisConfig(fonts="bundled", kinds=("words",), seed=3)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", ["list", "address", "rendered", "records", "mixture"])
@pytest.mark.parametrize("limit", [None, 5, 20])
def test_the_report_equals_that_of_one_process(tmp_path, kind, limit):
    pytest.importorskip("fsspec")
    for index in range(7):
        Image.new("L", (20 + index, 9), 30 * index).save(tmp_path / f"{index}.png")
    (tmp_path / "6.png").write_bytes((tmp_path / "5.png").read_bytes())
    (tmp_path / "3.png").unlink()
    lines = [f"{index}.png\t word é{index}\n" for index in range(7)]
    (tmp_path / "labels.tsv").write_text("".join(lines), "utf-8")
    rendered = "synthetic,num_examples=8,fonts=bundled,kinds=words"
    sources = {
        "list": f"{tmp_path}/labels.tsv",
        "address": f"local://{tmp_path}/labels.tsv",
        "rendered": rendered,
        "records": f"{tmp_path}/records/*.tfrecord",
        "mixture": f"{rendered},weight=1;{tmp_path}/labels.tsv,weight=2",
    }
    if kind == "records":
        main(["records", rendered, str(tmp_path / "records"), "--num_workers=1"])
    source = sources[kind]
    here = inspect_source(open_source(source), Inspection(ImageConfig()), limit)
    there = inspect_on(InProcess(), source, Inspection(ImageConfig()), limit)
    assert there.to_dict() == here.to_dict()
    assert here.num_examples == limit or limit != 5


def test_each_task_measures_other_images_of_an_endless_source(monkeypatch):
    monkeypatch.setattr("attention_ocr.cluster.inspection._AT_ONCE", 4)
    source, engine = "synthetic,fonts=bundled,kinds=words", InProcess()
    here = inspect_source(open_source(source), Inspection(ImageConfig()), 10)
    there = inspect_on(engine, source, Inspection(ImageConfig()), 10)
    assert there.to_dict() == here.to_dict()
    assert engine.num_run == 3


@pytest.mark.parametrize("source", ["{}", "{},weight=1;{},num_examples=2,weight=1"])
def test_an_endless_source_is_refused_before_any_task(source):
    engine = InProcess()
    with pytest.raises(ValueError, match="rendered text, or --limit. Received: synthetic, endless"):
        inspect_on(
            engine, source.format(*["synthetic,fonts=bundled"] * 2), Inspection(ImageConfig())
        )
    assert engine.num_run == 0


def test_a_source_that_changes_underway_is_an_error(tmp_path):
    Image.new("L", (20, 9)).save(tmp_path / "0.png")
    source = tmp_path / "labels.tsv"
    source.write_text("0.png\tword\n")

    class Changing(InProcess):
        def run(self, function, tasks, in_order=False):
            yield from super().run(function, tasks, in_order)
            source.write_text("0.png\tother\n")

    with pytest.raises(ValueError, match="Received: .*labels.tsv, which has changed"):
        inspect_on(Changing(), str(source), Inspection(ImageConfig()))


def test_rendered_images_equal_those_of_one_process(tmp_path):
    config = ["--fonts=bundled", "--kinds=words", "--seed=3"]
    main(["render", f"--out_dir={tmp_path / 'here'}", "--count=12", "--start=2", *config])
    render_on(InProcess(), CONFIG, str(tmp_path / "there"), count=12, start=2)
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")


def test_a_killed_command_renders_no_finished_part_again(tmp_path, monkeypatch):
    monkeypatch.setattr("attention_ocr.cluster.rendering._AT_ONCE", 4)
    render_on(InProcess(runs_twice=True), CONFIG, str(tmp_path / "whole"), count=10)
    with pytest.raises(Killed):
        render_on(InProcess(killed_after=1), CONFIG, str(tmp_path / "cut"), count=10)
    assert not (tmp_path / "cut/labels.tsv").exists()
    engine = InProcess()
    render_on(engine, CONFIG, str(tmp_path / "cut"), count=10)
    assert engine.num_run == 2
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "whole")


def test_a_command_that_was_given_up_leaves_no_images_among_those_of_the_next(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("attention_ocr.cluster.rendering._AT_ONCE", 4)
    with pytest.raises(Killed):
        render_on(InProcess(killed_after=2), CONFIG, str(tmp_path), count=20)
    for name in ("mine.png", "2026.png"):
        (tmp_path / "images" / name).write_bytes(b"")
    render_on(InProcess(), CONFIG, str(tmp_path), count=3, overwrite=True)
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == [
        "000000000.png",
        "000000001.png",
        "000000002.png",
        "2026.png",
        "mine.png",
    ]


def test_a_node_with_other_fonts_is_an_error(tmp_path, monkeypatch):
    class Elsewhere(InProcess):
        def run(self, function, tasks, in_order=False):
            module = "attention_ocr.cluster.rendering"
            monkeypatch.setattr(f"{module}.digest_of_fonts", lambda _: "others")
            yield from super().run(function, tasks, in_order)

    with pytest.raises(ValueError, match="same fonts on all nodes"):
        render_on(Elsewhere(), CONFIG, str(tmp_path), count=2)


@pytest.mark.slow
def test_a_node_killed_while_it_renders_or_measures_costs_time_only(tmp_path):
    pytest.importorskip("ray")
    from tests.cluster.ray_cluster import RayCluster

    config = ["--fonts=bundled", "--kinds=words", "--seed=3", "--count=4000"]
    source, here, there = (tmp_path / name for name in ("here/labels.tsv", "here", "there"))
    main(["render", f"--out_dir={here}", *config])
    main(["inspect", str(source), f"--json={tmp_path / 'here.json'}"])
    with network(3) as net, RayCluster(net) as cluster:

        def run_and_kill(begun: Callable[[], object], *arguments: object) -> None:
            """Run a command; kill a node of it, and start it again, once `begun` holds."""
            log = tmp_path / f"{arguments[0]}.log"
            process = cluster.start(log, *arguments, "--engine=ray")
            try:
                while not begun() and process.poll() is None:
                    time.sleep(0.05)
                assert process.poll() is None, log.read_text("utf-8", "replace")
                cluster.kill_node(1)
                cluster.start_node(1)
                assert process.wait(600) == 0, log.read_text("utf-8", "replace")
            finally:
                process.kill()
                process.wait()

        def measures() -> bool:
            """Return whether the killed node runs a task: Ray names processes by their task."""
            pids = ",".join(map(str, net.processes(1)))
            listed = subprocess.run(
                ["ps", "-o", "args=", "-p", pids], capture_output=True, text=True, check=False
            )
            return "ray::_call" in listed.stdout

        run_and_kill(lambda: list(there.glob("images/*")), "render", f"--out_dir={there}", *config)
        run_and_kill(measures, "inspect", source, f"--json={tmp_path / 'there.json'}")
    assert files_of(there) == files_of(here)
    reports = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("here", "there")]
    assert reports[0] == reports[1]
    assert reports[0]["num_examples"] == 4000


def test_images_that_cannot_be_rendered_are_left_out_as_by_one_process(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr("attention_ocr.cluster.rendering._AT_ONCE", 4)
    fail_on_sevens(monkeypatch)
    settings = ["--fonts=bundled", "--kinds=numbers", "--max_length=3", "--seed=8"]
    main(["render", f"--out_dir={tmp_path / 'here'}", "--count=40", "--num_workers=1", *settings])
    config = SynthesisConfig(fonts="bundled", kinds=("numbers",), max_length=3, seed=8)
    caplog.clear()
    num_written = render_on(InProcess(), config, str(tmp_path / "there"), count=40)
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")
    assert 0 < caplog.text.count("cannot be rendered: TypeError") == 40 - num_written
    first = int(caplog.text.split("left out: Image ")[1].split()[0])
    with pytest.raises(ValueError, match="an image that can be rendered. Received: none; Image"):
        render_on(InProcess(), config, str(tmp_path / "none"), count=1, start=first)
    monkeypatch.undo()
    assert render_on(InProcess(), config, str(tmp_path / "none"), count=1, start=first) == 1
