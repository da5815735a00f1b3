import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from attention_ocr.evaluation.evaluate import Evaluation, Prediction
from attention_ocr.metrics.accuracy import compute_metrics
from benchmarks import rulers
from benchmarks.flag_files import CONFIGS, read_flags
from tests import tiny, tiny_model


def test_a_model_is_measured_on_every_image_of_a_source(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "bc", "0123", "cab", "ab"])
    work_dir = tiny_model.write_work_dir(tmp_path / "model")
    model = rulers.load_trained_model(work_dir)
    evaluation = rulers.read_source(model, model.config, f"{labels}")
    assert evaluation.metrics.num_examples == 5


def test_every_image_is_read_as_by_users(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "bc", "0123"])

    class Reader:
        def read(self, image):
            assert image
            return [SimpleNamespace(text="bc", confidence=0.5)]

    evaluation = rulers.read_as_shipped(Reader(), f"{labels}")
    assert [row.label for row in evaluation.predictions] == ["a", "bc", "0123"]
    assert evaluation.metrics.exact_match == pytest.approx(1 / 3)


def test_the_decoding_chooses_who_reads(export):
    read = rulers.make_reading(str(export), "shipped")
    assert read.func is rulers.read_as_shipped
    assert read.args[0].charset == tiny.CHARSET


def evaluation_of(labels, texts):
    predictions = [
        Prediction(str(number), label, text, 0.9, False, True)
        for number, (label, text) in enumerate(zip(labels, texts, strict=True))
    ]
    return Evaluation(compute_metrics(labels, texts), predictions)


def test_a_row_holds_the_match_without_case_and_its_interval():
    row = rulers.describe("tags", evaluation_of(["AB-1", "c", "d"], ["ab1", "c", "x"]))
    assert (row["ruler"], row["images"]) == ("tags", 3)
    assert round(row["match %"], 1) == 66.7
    assert round(row["strict %"], 1) == 33.3
    low, high = map(float, row["95 % interval"].split(" to "))
    assert low < row["match %"] < high


def test_a_row_holds_words_with_plain_marks_and_errors_in_any_case():
    row = rulers.describe("sentences", evaluation_of(["it’s A – b… x"], ["it's a - b... y"]))
    assert round(row["words %"]) == 0
    assert round(row["words, plain %"]) == 60
    assert row["CER, any case %"] < row["CER %"]
    assert row["CER, any case %"] == pytest.approx(100 * 6 / 13)


def test_no_ruler_is_trained_on():
    # Of a set that both use, training takes the part that the ruler leaves out.
    trained = read_flags(CONFIGS / "default_model" / "train.flags")["train_data"].split(";")
    for ruler in rulers.RULERS.values():
        folder = Path(ruler).parts[0]
        parts = [source for source in trained if f"/{folder}/" in source]
        if folder in ("plates", "svhn_small"):
            assert parts == []
        for source in parts:
            options = source.split(f"{folder}/", 1)[1].rsplit(",weight=", 1)[0]
            assert options == ruler.split(f"{folder}/", 1)[1].replace("part=eval", "part=train")
    seeds = re.findall(r"seed=(\d+)", ";".join(trained))
    assert len(seeds) > 3
    assert not set(seeds) & set(re.findall(r"seed=(\d+)", " ".join(rulers.RENDERED.values())))


@pytest.fixture
def scripted(monkeypatch):
    """Read every source as one label, with a text that is right for sources of receipts."""
    sources = []

    def read(source):
        sources.append(source)
        return evaluation_of(["ab"], ["ab" if "sroie" in source else "ax"])

    monkeypatch.setattr(rulers, "make_reading", lambda *_: read)
    return sources


def arguments(**values):
    defaults = {"model": None, "decoding": "ctc", "data": Path("data"), "words": Path("lists")}
    return SimpleNamespace(**defaults | {"lines": False, "rulers": None, "json": None} | values)


def test_rulers_of_words_are_real_sets_and_rendered_words(scripted, capsys):
    rulers.main(arguments())
    rows = capsys.readouterr().out.splitlines()[1:-1]
    assert len(rows) == len(rulers.RULERS) + len(rulers.RENDERED) + 1
    assert scripted[0] == "data/ic15_train/labels.tsv,every=5,part=eval"
    assert scripted[-1].startswith("synthetic,")
    assert rows[-1].startswith("mean of rulers")


def test_rulers_of_lines_are_receipts_and_sentences_of_each_language(scripted, capsys):
    rulers.main(arguments(lines=True))
    assert len(scripted) == 2 + len(rulers.LANGUAGES) + 1
    assert sum("words_file=lists/de.txt" in source for source in scripted) == 1
    # Two of fifteen rulers are right.
    mean = capsys.readouterr().out.splitlines()[-2].split()
    assert mean[:5] == ["mean", "of", "rulers", "15", "13.33"]


def test_seeds_of_sentences_are_all_different():
    sources = rulers.list_line_rulers(Path("data"), Path("lists")).values()
    seeds = [seed for source in sources for seed in re.findall(r"seed=(\d+)", source)]
    assert len(seeds) == len(set(seeds)) == len(rulers.LANGUAGES) + 1


def test_some_rulers_are_chosen_by_name(scripted, capsys):
    rulers.main(arguments(rulers=["tags", "rendered signs"]))
    assert len(scripted) == 2
    assert [row.split()[0] for row in capsys.readouterr().out.splitlines()[1:3]] == [
        "tags",
        "rendered",
    ]


def test_an_unknown_ruler_is_refused_before_a_model_is_loaded(monkeypatch):
    monkeypatch.setattr(rulers, "make_reading", lambda *_: pytest.fail("loaded"))
    with pytest.raises(ValueError, match=r"Expected rulers of ic15, .*\. Received: signs"):
        rulers.main(arguments(rulers=["ic15", "signs"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("‘a’", "'a'"), ("„b“ «c»", '"b" "c"'), ("1–2—3", "1-2-3"), ("…", "..."), ("a-b", "a-b")],
)
def test_marks_become_those_of_a_typewriter(text, expected):
    assert rulers.typewritten(text) == expected
