"""Each part of a job is made once, from one source, and only with its report."""

import json

import pytest

from attention_ocr.cluster.parts import Job, Part, digest_of_keys, make_parts, open_job, report_name
from attention_ocr.data.shared_folder import SharedFolder
from tests.cluster.in_process import InProcess, Killed

SETTINGS = {"source": "words", "num_shards": 3}


def make(job: Job, index: int, text: str) -> dict[str, object]:
    """Write one file, as a node does."""
    name = f"{index}.txt"
    job.output.write_text(name, text)
    return {"files": {name: len(text)}, "text": text}


def parts(*texts: str) -> list[Part]:
    return [Part(index, text, digest_of_keys([text])) for index, text in enumerate(texts)]


@pytest.fixture
def folder(tmp_path):
    return SharedFolder(tmp_path / "job")


def made(engine: InProcess, job: Job, *texts: str) -> list[tuple[str, bool]]:
    return sorted(
        (report["text"], kept) for report, kept in make_parts(engine, job, make, parts(*texts))
    )


def test_a_new_job_makes_every_part(folder):
    engine = InProcess(runs_twice=True)
    job = open_job(folder, SETTINGS)
    assert made(engine, job, "one", "two", "three") == [
        ("one", False),
        ("three", False),
        ("two", False),
    ]
    assert engine.num_run == 3
    assert [job.report(index)["text"] for index in range(3)] == ["one", "two", "three"]
    assert job.report(3) is None


def test_a_continued_job_yields_what_was_there_and_makes_the_rest(folder):
    with pytest.raises(Killed):
        made(InProcess(killed_after=2), open_job(folder, SETTINGS), "one", "two", "three")
    engine = InProcess()
    assert made(engine, open_job(folder, SETTINGS), "one", "two", "three") == [
        ("one", True),
        ("three", False),
        ("two", True),
    ]
    assert engine.num_run == 1


def test_a_finished_job_makes_nothing(folder):
    made(InProcess(), open_job(folder, SETTINGS), "one", "two")
    engine = InProcess()
    assert made(engine, open_job(folder, SETTINGS), "one", "two") == [("one", True), ("two", True)]
    assert engine.num_run == 0


@pytest.mark.parametrize("content", [None, "on"])
def test_a_part_counts_only_with_its_files_in_their_sizes(folder, content):
    job = open_job(folder, SETTINGS)
    made(InProcess(), job, "one", "two")
    folder.remove("1.txt")
    if content is not None:
        folder.write_text("1.txt", content)
    assert job.report(0) is not None
    assert job.report(1) is None
    assert made(InProcess(), job, "one", "two") == [("one", True), ("two", False)]


def test_files_may_lie_apart_from_the_reports(folder, tmp_path):
    output = SharedFolder(tmp_path / "images")
    output.make()
    made(InProcess(), open_job(folder, SETTINGS, output=output), "one")
    assert output.names() == ["0.txt"]
    assert folder.names() == ["00000.json", "job.json"]


def test_drafts_of_killed_nodes_are_removed_at_the_end(folder):
    job = open_job(folder, SETTINGS)
    folder.write_draft("0.txt.0123456789ab.tmp", b"half")
    made(InProcess(), job, "one")
    assert folder.names() == ["0.txt", "00000.json", "job.json"]


def test_the_same_settings_continue_with_the_same_token(folder):
    token = open_job(folder, SETTINGS).token
    # Values are compared as JSON holds them.
    assert open_job(folder, {**SETTINGS}).token == token
    assert open_job(folder, SETTINGS, overwrite=True).token == token


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "lines", "num_shards": 3}, "source='lines' instead of 'words'"),
        ({"source": "words"}, "num_shards=None instead of 3"),
        ({**SETTINGS, "charset": "a"}, "charset='a' instead of None"),
    ],
)
def test_other_settings_are_named_and_replace_the_job_only_if_told_so(folder, settings, message):
    token = open_job(folder, SETTINGS).token
    folder.write_text(report_name(0), "{}")
    with pytest.raises(ValueError, match=f"other settings.*Received: {message}"):
        open_job(folder, settings)
    assert open_job(folder, settings, overwrite=True).token != token
    assert folder.names() == ["job.json"]
    assert json.loads(folder.read_text("job.json"))["settings"]["format_version"] == 1


def test_a_folder_with_other_files_is_not_taken_for_a_job(folder):
    folder.make()
    folder.write_text("mine.txt", "mine")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="no files in .*Received: mine.txt"):
            open_job(folder, SETTINGS, overwrite)
    assert folder.names() == ["mine.txt"]


def test_a_job_whose_beginning_or_removal_was_killed_can_be_begun_again(folder, monkeypatch):
    folder.make()
    folder.write_draft("job.json.0123456789ab.tmp", b"{")
    job = open_job(folder, SETTINGS)
    made(InProcess(), job, "one", "two", "three")
    removed = []

    def remove(self, name):
        if len(removed) == 3:
            raise KeyboardInterrupt
        removed.append(name)
        original(self, name)

    original = SharedFolder.remove
    monkeypatch.setattr(SharedFolder, "remove", remove)
    with pytest.raises(KeyboardInterrupt):
        job.remove()
    monkeypatch.undo()
    assert "job.json" in folder.names()
    open_job(folder, {**SETTINGS, "source": "other"}, overwrite=True)
    assert folder.names() == ["job.json"]


def test_a_part_of_another_source_is_refused_by_its_number(folder):
    made(InProcess(), open_job(folder, SETTINGS), "one", "two")
    with pytest.raises(ValueError, match="Received: other examples in part 1"):
        made(InProcess(), open_job(folder, SETTINGS), "one", "too")


def test_a_node_that_sees_another_folder_of_that_path_makes_nothing(folder):
    job = open_job(folder, SETTINGS)
    folder.remove_all()
    other = open_job(folder, SETTINGS)
    with pytest.raises(OSError, match="folder that all nodes share. Received: .*job"):
        made(InProcess(), job, "one")
    assert other.report(0) is None


def test_digests_tell_where_a_key_ends():
    assert digest_of_keys(["ab", "c"]) != digest_of_keys(["a", "bc"])
    assert digest_of_keys(["ab"]) != digest_of_keys(["ab", ""])
    assert digest_of_keys("ab") == digest_of_keys(iter(["a", "b"]))
    # Names of files that are not UTF-8.
    assert len(digest_of_keys(["\udcff.png"])) == 32
