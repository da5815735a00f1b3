import pytest

from attention_ocr.data.sources import Walk, open_source

LINES = ["./2425/1/115_Lube_2.jpg 2", "./2425/1/114_SPENCERIAN_1.jpg 1"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lexicon.txt").write_text("a\nspencerian\nlube\n")
    (tmp_path / "annotation_train.txt").write_text("\n".join(LINES) + "\n")
    (tmp_path / "annotation_test.txt").write_text(LINES[0] + "\n")
    (tmp_path / "2425/1").mkdir(parents=True)
    (tmp_path / "2425/1/115_Lube_2.jpg").write_bytes(b"image")
    return tmp_path


@pytest.mark.parametrize("suffix", ["", ",split=train", "/annotation_train.txt"])
def test_the_label_stands_in_the_name_of_the_file(suffix, folder):
    source = open_source(f"{folder}{suffix}")
    rows = list(source.files(Walk()).as_numpy_iterator())
    assert rows == [
        {"key": b"2425/1/115_Lube_2.jpg", "text": b"Lube", "encoded": b"image"},
        {"key": b"2425/1/114_SPENCERIAN_1.jpg", "text": b"SPENCERIAN", "encoded": b""},
    ]


def test_another_split_is_another_file(folder):
    assert list(open_source(f"{folder},split=test").labels()) == ["Lube"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("./1/1/1_open_1.jpg", "line 1: expected a path N_LABEL_M.jpg and a number"),
        ("./1/1/1-open-1.jpg 2", "line 1: expected a path N_LABEL_M.jpg and a number"),
        ("./1/1/1_open_2.jpg 2", "line 1: expected word 2 of lexicon.txt. Received: 'open'"),
        ("./1/1/1_open_3.jpg 3", "line 1: expected word 3 of lexicon.txt"),
    ],
)
def test_a_line_of_another_format_is_refused(line, message, folder):
    (folder / "annotation_train.txt").write_text(line + "\n")
    with pytest.raises(ValueError, match=message):
        open_source(str(folder))


def test_an_unknown_split_is_refused(folder):
    with pytest.raises(ValueError, match="must be one of train, val, test, all. Received: dev"):
        open_source(f"{folder},split=dev")
    with pytest.raises(FileNotFoundError):
        open_source(f"{folder},split=val")
