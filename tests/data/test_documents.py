"""Splits by document."""

import pytest

from attention_ocr.data.documents import guess_group, split_by_document
from attention_ocr.data.sources import Walk, open_source
from tests import tiny

PAGES = [f"images/page{page:02d}_{line}.png" for page in range(25) for line in range(4)]


def keys_of(source: str) -> set[str]:
    rows = open_source(source).rows(Walk())
    return {row["key"].decode() for row in rows.as_numpy_iterator()}


def write(folder, names):
    (folder / "images").mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return tiny.write_labels(folder, dict.fromkeys(names, "a"))


@pytest.mark.parametrize(
    ("names", "group"),
    [
        (PAGES, r"(.*)[_-][^_./-]*\d[^_./-]*\.\w+$"),
        ([f"book{book}/{page}.png" for book in range(20) for page in range(2)], "(.*)/"),
        # Too few documents, one image each, or names without a document.
        (PAGES[:40], ""),
        ([f"page_{number}.png" for number in range(100)], ""),
        ([f"{number}x_0.png" for number in range(100)], ""),
        ([f"{number}.png" for number in range(100)], ""),
        ([*PAGES, "cover.png"], ""),
    ],
)
def test_documents_are_recognised_by_folders_or_names(names, group):
    assert guess_group(names) == group


def test_no_document_is_in_two_parts_and_every_image_is_in_one(tmp_path):
    data = str(write(tmp_path, PAGES))
    split = split_by_document(data)
    parts = [keys_of(part) for part in split[:3]]
    assert split.num_documents == 25
    assert sum(map(len, parts)) == len(PAGES)
    documents = [{key.rpartition("_")[0] for key in part} for part in parts]
    assert [len(part) for part in documents] == [20, 2, 3]
    assert len(set.union(*documents)) == 25


def test_a_given_group_wins_and_none_splits_by_image(tmp_path):
    data = str(write(tmp_path, PAGES))
    named = split_by_document(data, r"(images/page\d)")
    assert (named.group, named.num_documents) == (r"(images/page\d)", 3)
    # Keys without the document, of which the split tells, are none.
    assert split_by_document(data, r"(images/page0)?").num_documents == 1
    plain = split_by_document(data, "none")
    assert (plain.group, plain.num_documents) == ("", 0)
    assert len(keys_of(plain.held_out)) == 23


def test_no_document_changes_its_part_when_others_are_added(tmp_path):
    first = split_by_document(str(write(tmp_path / "first", PAGES[:80])))
    later = split_by_document(str(write(tmp_path / "later", PAGES)))
    assert (first.num_documents, later.num_documents) == (20, 25)
    for before, after in zip(first[:3], later[:3], strict=True):
        assert keys_of(after) & set(PAGES[:80]) == keys_of(before)


@pytest.mark.parametrize(
    ("ending", "group", "message"),
    [
        (",every=5,part=train", "", "which is split here. Received: .*every=5"),
        (";other.tsv", "", "not a mixture"),
        ("", "(", "must be a regular expression with a group"),
        ("", "images", "must be a regular expression with a group"),
    ],
)
def test_what_cannot_be_split_is_refused(tmp_path, ending, group, message):
    data = f"{write(tmp_path, PAGES)}{ending}"
    with pytest.raises(ValueError, match=message):
        split_by_document(data, group)


def test_too_few_images_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Expected 15 images or more.* Received: 9 in"):
        split_by_document(str(write(tmp_path, PAGES[:9])))
