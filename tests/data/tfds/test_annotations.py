import pytest

from attention_ocr.data.tfds.annotations import icdar_rows, image_list_rows


def test_quotes_and_commas_belong_to_the_text(tmp_path):
    path = tmp_path / "gt.txt"
    path.write_bytes('\ufeffword_1.png, "a, \\"b\\" \\\\ c"\r\nword_2.png,"""\r\n'.encode())
    assert list(icdar_rows(path)) == [("word_1.png", 'a, "b" \\ c'), ("word_2.png", '"')]


@pytest.mark.parametrize("line", ["word_1.png", 'word_1.png "a"', "word_1.png, a"])
def test_a_wrong_line_of_the_competition_is_named(line, tmp_path):
    (tmp_path / "gt.txt").write_text(line + "\n")
    with pytest.raises(ValueError, match='gt.txt, line 1: expected a file name and "text"'):
        list(icdar_rows(tmp_path / "gt.txt"))


def test_a_list_of_images_may_have_lexicons(tmp_path):
    (tmp_path / "imagelist.txt").write_text("a.jpg ONE 2 ONE,TWO\nb.jpg TWO\n")
    rows = list(image_list_rows(tmp_path / "imagelist.txt"))
    assert rows == [("a.jpg", "ONE", ["ONE", "TWO"]), ("b.jpg", "TWO", [])]


@pytest.mark.parametrize("line", ["a.jpg", "a.jpg ONE 2", "a.jpg ONE 3 ONE,TWO"])
def test_a_wrong_line_of_an_image_list_is_named(line, tmp_path):
    (tmp_path / "imagelist.txt").write_text(line + "\n")
    with pytest.raises(ValueError, match="imagelist.txt, line 1: expected a path, a text"):
        list(image_list_rows(tmp_path / "imagelist.txt"))
