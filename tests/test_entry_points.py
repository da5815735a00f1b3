"""The commands of the README, their flags and their error messages."""

import csv
import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags

from attention_ocr.cli import evaluate, export, train
from attention_ocr.cli.settings_flags import settings_in_flags
from attention_ocr.cli.train_on_cluster import CLUSTER_FLAGS
from attention_ocr.settings.config import Config
from tests import tiny, tiny_model

REPOSITORY = Path(__file__).parents[1]
FIELDS = {
    field.name: field
    for section in dataclasses.fields(Config)
    for field in dataclasses.fields(section.default)
}
COMMANDS = {"train": train.COMMAND, "eval": evaluate.COMMAND, "export": export.COMMAND}
"""The command behind each script."""


def parse(script: str, *arguments: object) -> flags.FlagValues:
    """Return the flags of a script parsed from arguments."""
    return COMMANDS[script].parse(f"{script}.py", [str(argument) for argument in arguments])


def call(script: str, *arguments: object) -> None:
    """Run a script in this process."""
    COMMANDS[script].call(f"{script}.py", parse(script, *arguments))


def failure_of(script: str, *arguments: object) -> str:
    """Run a script in this process and return its error message."""
    with pytest.raises(SystemExit) as end:
        call(script, *arguments)
    # A string makes the exit status 1 and goes to standard error.
    line = end.value.code
    assert isinstance(line, str)
    assert "\n" not in line
    return line


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def run_well(*command: object) -> str:
    result = run(*command)
    assert result.returncode == 0, result.stderr
    return result.stdout


def own_flags(script: str) -> set[str]:
    """Return the names of a script's own flags, without those of absl."""
    values = flags.FlagValues()
    COMMANDS[script].define_flags(values)
    return set(values)


def test_every_setting_is_a_flag_and_every_flag_a_setting():
    assert own_flags("train") == {"work_dir", "preset", *CLUSTER_FLAGS, *FIELDS}


def test_without_flags_the_settings_are_the_defaults():
    assert train.config_from_flags(parse("train", "--work_dir=runs/mine")) == Config()


def test_flags_reach_their_settings():
    values = {
        "image_height": 48,
        "encoder": "vgg",
        "dropout": 0.25,
        "train_data": "my words/labels.tsv,every=5,part=train",
        "bucket_widths": (80, 160),
        "bucket_lengths": (),
        "deterministic": True,
        "seed": 7,
        "widths": (0.75, 2.0),
        "deskew_below": 0.5,
    }
    arguments = [
        f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in values.items()
    ]
    parsed = parse("train", "--work_dir=runs/mine", *arguments)
    assert train.config_from_flags(parsed) == Config.from_values(values)


def test_flags_not_given_inherit_the_settings_of_the_pretrained_model(work_dir):
    old = Config.load(work_dir)
    # A flag counts as given even with its default.
    arguments = ("--work_dir=x", f"--init_from={work_dir}", "--max_length=24")
    config = train.config_from_flags(parse("train", *arguments))
    assert config.image == old.image
    assert config.model == dataclasses.replace(old.model, max_length=24)
    assert config.data == Config().data
    assert config.training == dataclasses.replace(Config().training, init_from=str(work_dir))


@pytest.mark.filterwarnings("ignore:Even though the")
def test_the_same_command_resumes_with_the_inherited_settings(work_dir, tmp_path):
    shutil.copytree(work_dir, tmp_path / "old", ignore=shutil.ignore_patterns("export"))
    labels = work_dir / "words/labels.tsv"
    arguments = [
        *(f"--work_dir={tmp_path / 'new'}", f"--init_from={tmp_path / 'old'}"),
        *(f"--train_data={labels}", f"--eval_data={labels}", "--batch_size=4", "--steps=1"),
        *("--warmup_steps=0", "--precision=float32", "--bucket_widths=", "--bucket_lengths="),
    ]
    for times in range(2):
        with tiny.running_eagerly():
            call("train", *arguments)
        assert Config.load(tmp_path / "new").model == Config.load(work_dir).model
        report = json.loads((tmp_path / "new/initial_weights.json").read_text("utf-8"))
        assert report["left"] == {}, times
        # The run resumes without it.
        shutil.rmtree(tmp_path / "old", ignore_errors=True)
    contradiction = [*arguments, "--decoder_units=24"]
    assert "holds a model with decoder_units=16" in failure_of("train", *contradiction)


def test_training_names_the_flags_that_the_weights_do_not_fit(work_dir, tmp_path):
    labels = work_dir / "words/labels.tsv"
    line = failure_of(
        *("train", f"--work_dir={tmp_path / 'run'}", f"--init_from={work_dir}"),
        *(f"--train_data={labels}", "--eval_data=", "--decoder_units=24", "--max_length=9"),
    )
    assert line.startswith(f"train.py: Weights of init_from={work_dir} do not fit this network")
    assert "which has decoder_units=16" in line
    assert line.endswith("Received: decoder_units=24")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["eval", "export"])
def test_only_given_decoding_flags_override_settings(name):
    needed = ["--model=x"] + ["--export_dir=y"] * (name == "export")
    assert settings_in_flags(parse(name, *needed), "decoding") == {}
    values = parse(name, *needed, "--decoding=ctc")
    assert settings_in_flags(values, "decoding") == {"decoding": "ctc"}


def test_only_given_flags_of_second_looks_override_settings_of_an_export():
    needed = ["--model=x", "--export_dir=y"]
    assert settings_in_flags(parse("export", *needed), "second_looks") == {}
    values = parse("export", *needed, "--widths=1.5", "--widths_below=0")
    expected = {"widths": (1.5,), "widths_below": 0.0}
    assert settings_in_flags(values, "second_looks") == expected


PROGRAMS = [
    (script, *call)
    for script, name in (("train", "train"), ("eval", "evaluate"), ("export", "export"))
    for call in (
        ((f"{script}.py",), f"{script}.py"),
        (("-m", "attention_ocr", name), f"attention-ocr {name}"),
    )
]
"""Each script, the two ways to call it, and its program name."""


@pytest.mark.parametrize(("script", "command", "program"), PROGRAMS)
def test_help_lists_the_flags(script, command, program):
    result = run(*command, "--help")
    assert result.returncode == 0
    call = f"python {program}" if program.endswith(".py") else program
    assert result.stdout.startswith(f"usage: {call} ")
    assert f"\n  {call} --" in result.stdout
    for flag in own_flags(script):
        assert f"\n  --{flag} " in result.stdout or f"\n  --[no]{flag}" in result.stdout
    assert "\nDecoding:\n" in result.stdout
    assert "--log_dir" not in result.stdout


def test_full_help_also_lists_the_logging_flags():
    result = run("-m", "attention_ocr", "export", "--helpfull")
    assert result.returncode == 0
    assert "--export_dir" in result.stdout
    assert "--log_dir" in result.stdout
    assert run("eval.py", "--helpshort").stdout == run("eval.py", "-h").stdout


@pytest.mark.parametrize(("script", "command", "program"), PROGRAMS)
def test_a_command_reports_the_name_it_was_called_by(script, command, program, tmp_path):
    needed = {
        "train": [f"--work_dir={tmp_path / 'run'}"],
        "eval": ["--model=x"],
        "export": ["--model=x", f"--export_dir={tmp_path / 'served'}"],
    }
    result = run(*command, *needed[script], "--joint_weight=2", "runs/mine")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"{program}: Expected flags only. Received: runs/mine\n"
    result = run(*command, *needed[script], "--beam_width=many")
    assert result.returncode == 1
    assert result.stderr.startswith(f"{program}: flag --beam_width=many: ")
    assert "\nSee " in result.stderr


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train.py", "Flag --work_dir must have a value other than None."),
        ("train.py --work_dir=x --stpes=9", "Unknown command line flag 'stpes'. Did you mean: st"),
        ("train.py --work_dir=x --encoder=resnt", "or one of compact, compact_flat, vgg, "),
        ("train.py --work_dir=x --steps=many", "flag --steps=many"),
        ("train.py --work_dir=x --flagfile=no.flags", "no.flags"),
        ("train.py --work_dir=x --seed", "Missing value for flag --seed"),
        ("eval.py", "Flag --model must have a value other than None."),
        ("eval.py --model=x --eval_batch_size=0", "flag --eval_batch_size=0"),
        ("export.py --model=x", "Flag --export_dir must have a value other than None."),
        ("export.py --model=x --export_dir=y --encoder=vgg", "Unknown command line flag 'encoder'"),
        ("export.py --model=x --export_dir=y --num_check_images=0", "flag --num_check_images=0"),
    ],
)
def test_a_wrong_flag_is_named_in_one_line_and_the_status_is_1(command, message):
    result = run(*command.split())
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert any(message in line for line in result.stderr.splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs/mine"], "Expected flags only. Received: runs/mine"),
        (["--image_height=30"], "`image_height` must be a multiple of 16. Received: 30"),
        (["--image_channels=2"], "`image_channels` must be 1 (gray) or 3 (colour). Received: 2"),
        (
            ["--steps=9", "--warmup_steps=9"],
            "`warmup_steps` must be below `steps` (9). Received: 9",
        ),
        (["--bucket_widths=80,64"], "`bucket_widths` must ascend from above 0."),
        (["--bucket_widths=wide"], "--bucket_widths must be whole numbers. Received: ['wide']"),
        (["--widths=wide"], "--widths must be numbers. Received: ['wide']"),
        (["--train_data="], "`train_data` must name a source. Received: ''"),
        (
            ["--encoder=resnet", "--image_height=48"],
            "be divisible by 32 for encoder=resnet. Received: 48",
        ),
        (
            ["--encoder=application", "--encoder_backbone=VGG16", "--encoder_layer=pool9"],
            "`encoder_layer` must be a layer of VGG16, such as",
        ),
        (["--encoder=inception_v3", "--encoder_weights=no.h5"], "No weights at no.h5"),
        (["--train_data=no/labels.tsv"], "no/labels.tsv"),
        (["--train_data=no-*.tfrecord"], "No data found at no-*.tfrecord"),
        (["--train_data=synthetic,kind=words"], "kind"),
    ],
)
def test_training_names_what_is_wrong_and_writes_nothing(tmp_path, arguments, message):
    line = failure_of("train", f"--work_dir={tmp_path / 'run'}", *arguments)
    assert line.startswith("train.py: ")
    assert message in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a.png no tab\n", "labels.tsv, line 1: expected path, tab, text"),
        ("", "Expected images and their texts"),
    ],
)
def test_training_on_a_damaged_label_file_names_the_line(tmp_path, content, message):
    labels = tmp_path / "labels.tsv"
    labels.write_text(content, encoding="utf-8")
    assert message in failure_of("train", f"--work_dir={tmp_path}", f"--train_data={labels}")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.tsv"]


def test_training_without_any_existing_image_names_missing_ones(tmp_path):
    (tmp_path / "labels.tsv").write_text("missing.png\tword\n", encoding="utf-8")
    arguments = (f"--work_dir={tmp_path / 'run'}", f"--train_data={tmp_path}", "--eval_data=")
    assert "unreadable image: missing.png" in failure_of("train", *arguments)


def test_training_in_the_directory_of_another_model_changes_nothing(work_dir):
    before = {path: path.read_bytes() for path in work_dir.iterdir() if path.is_file()}
    labels = work_dir / "words/labels.tsv"
    line = failure_of(
        "train", f"--work_dir={work_dir}", f"--train_data={labels}", f"--eval_data={labels}"
    )
    assert "holds a model with image_height=16" in line
    assert "Received: image_height=32" in line
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("name", ["eval", "export"])
def test_a_missing_model_is_named(name, tmp_path):
    arguments = [f"--export_dir={tmp_path / 'served'}"] if name == "export" else []
    line = failure_of(name, f"--model={tmp_path / 'nowhere'}", *arguments)
    assert line == (
        f"{name}.py: No trained model found: {tmp_path / 'nowhere'} has no config.json."
    )
    assert failure_of(name, "--model=x", *arguments, "y") == (
        f"{name}.py: Expected flags only. Received: y"
    )


def test_evaluation_names_missing_data(work_dir, tmp_path):
    line = failure_of("eval", f"--model={work_dir}", f"--eval_data={tmp_path / 'no.tsv'}")
    assert str(tmp_path / "no.tsv") in line
    assert not (work_dir / "evaluation").exists()


def test_evaluation_uses_the_given_decoding(work_dir, tmp_path):
    readings = []
    for decoding in ("attention", "ctc"):
        out_dir = tmp_path / decoding
        call("eval", f"--model={work_dir}", f"--out_dir={out_dir}", f"--decoding={decoding}")
        readings.append((out_dir / "predictions.csv").read_text("utf-8"))
    assert readings[0] != readings[1]


def test_evaluation_requires_data_if_the_training_had_none(tmp_path):
    model = tiny_model.write_work_dir(tmp_path / "model", eval_data="")
    assert failure_of("eval", f"--model={model}").endswith("(--eval_data). Received: None")


def test_an_export_never_replaces_a_version(work_dir, export):
    before = (export / "saved_model.pb").read_bytes()
    arguments = [f"--model={work_dir}", f"--export_dir={export.parent}"]
    line = failure_of("export", *arguments, "--version=1")
    assert line == f"export.py: Expected a new version. Received: {export}, which exists"
    assert "above 0. Received: 0" in failure_of("export", *arguments, "--version=0")
    assert (export / "saved_model.pb").read_bytes() == before
    assert [path.name for path in export.parent.iterdir()] == ["1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with 8 images in `my words`, 2 held out, and `run`, trained on the others."""
    folder = tmp_path_factory.mktemp("read me")
    texts = ["ab", "b0", "cab", "01", "3", "abc", "10", "ca"]
    labels = tiny.write_label_file(folder / "my words", texts, height=20)
    own = {"train_data": f"{labels},every=4,part=train", "eval_data": f"{labels},every=4,part=eval"}
    settings = {**tiny.SETTINGS, **own, "precision": "bfloat16", "steps": 12, "learning_rate": 0.02}
    arguments = [
        f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in settings.items()
    ]
    output = run_well("train.py", f"--work_dir={folder / 'run'}", *arguments)
    assert output.splitlines()[-1].startswith(f"{folder / 'run'}: weights of step ")
    return folder


@pytest.mark.slow
def test_train_evaluate_export_and_read_as_the_readme_says(trained):
    model, served = trained / "run", trained / "served"
    for name in ("config.json", "charset.txt", "weights.npz"):
        assert (model / name).is_file()

    data = f"{trained / 'my words/labels.tsv'}"
    table = run_well("eval.py", f"--model={model}", f"--eval_data={data}", "--eval_batch_size=3")
    assert table.splitlines()[0].split() == ["images", "8"]
    metrics = json.loads((model / "evaluation/metrics.json").read_text("utf-8"))
    assert metrics["num_examples"] == 8
    with (model / "evaluation/predictions.csv").open(encoding="utf-8", newline="") as file:
        predictions = list(csv.DictReader(file))

    output = run_well("export.py", f"--model={model}", f"--export_dir={served}")
    assert output.startswith(f"{served / '1'}: checked on images")

    images = [trained / "my words" / f"{index}.png" for index in range(8)]
    lines = run_well(
        *("-m", "attention_ocr.cli.main", "read", *images, f"--model={served}"),
        *("--format=jsonl", f"--overlay_dir={trained / 'overlays'}"),
    )
    records = [json.loads(line) for line in lines.splitlines()]
    # After training in bfloat16, the float32 export predicts the same as the model in memory.
    assert [record["text"] for record in records] == [row["prediction"] for row in predictions]
    for record, row in zip(records, predictions, strict=True):
        assert record["confidence"] == pytest.approx(float(row["confidence"]), abs=1e-4)
    assert all(Path(record["overlay"]).is_file() for record in records)
