"""LMDB databases in the layout of bgshih/crnn, the deep-text-recognition-benchmark and PARSeq.

`num-samples` holds a decimal number N; `image-000000001` to `image-%09d` of N hold image files,
`label-%09d` their texts in UTF-8, and `lexicon-%09d`, in some, candidate words separated by spaces.
"""

import functools
from pathlib import Path
from typing import Any

from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, EncodedReader, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import LEXICON, Source, digest_of
from attention_ocr.io.extras import extra


def open_source(spec: SourceSpec) -> Source:
    """Open an LMDB database: a folder with `data.mdb`, or a single file.

    Options: `every`, `part`, `group`, and `lexicon=lexicon` for the entries `lexicon-%09d`.

    Raises:
        FileNotFoundError: If there is no database.
        ImportError: If the extra `lmdb` is not installed.
        ValueError: If the database is damaged or of another format.
    """
    refuse_unknown_options(spec, (*SPLIT_OPTIONS, LEXICON))
    return indexed_source(spec, LmdbReader(spec.name, spec.options.get(LEXICON, "")))


class LmdbReader(EncodedReader):
    """The examples of a database.

    Args:
        path: Folder or file of the database.
        lexicon: Prefix of the names of the lexicons; empty ignores them.

    Raises:
        ValueError: If the database is damaged or of another format, or the first image has no such
            lexicon.
    """

    def __init__(self, path: str, lexicon: str = "") -> None:
        self._path = path
        self._lexicon = lexicon
        if lexicon:
            self.columns = (*self.columns, LEXICON)
        self._environment = _environment(_file(path))
        number = self._get(b"num-samples")
        if number is None or not number.isdigit() or int(number) == 0:
            raise ValueError(
                f"Expected a number above 0 under `num-samples` in {path}. Received: {number!r}"
            )
        self._num_examples = int(number)
        first = f"{lexicon}-{1:09}"
        if lexicon and self._get(first.encode()) is None:
            raise ValueError(
                f"Expected {first} in {path}. Received: no such entry for lexicon={lexicon}"
            )

    def __len__(self) -> int:
        return self._num_examples

    def key(self, index: int) -> str:
        return f"image-{index + 1:09}"

    def text(self, index: int) -> str:
        return self._label(index).decode("utf-8", errors="replace")

    def digest(self) -> str:
        # Reading every label would take as long as an epoch.
        information = self._environment.info()
        # A write increments the transaction number; a copy keeps it.
        counts = (self._num_examples, information["last_pgno"], information["last_txnid"])
        return digest_of(*map(str, counts))

    def read(self, index: int) -> tuple[bytes, ...]:
        key = self.key(index).encode()
        # A missing image is an unreadable example; a missing label is a damaged database.
        row = (key, self._label(index), self._get(key) or b"")
        if not self._lexicon:
            return row
        words = self._get(f"{self._lexicon}-{index + 1:09}".encode()) or b""
        return *row, b"\n".join(words.split())

    def _label(self, index: int) -> bytes:
        name = f"label-{index + 1:09}"
        label = self._get(name.encode())
        if label is None:
            raise ValueError(f"Expected {name} in {self._path}. Received: no such entry")
        return label

    def _get(self, key: bytes) -> bytes | None:
        import lmdb

        try:
            with self._environment.begin() as transaction:
                value: bytes | None = transaction.get(key)
        except lmdb.Error as error:
            raise ValueError(f"{self._path} is damaged: {error}") from error
        return value


def _file(path: str) -> Path:
    """Return the file of a database, the same one for all spellings of its path."""
    return (Path(path, "data.mdb") if Path(path).is_dir() else Path(path)).resolve()


@functools.cache  # A process may open LMDB only once, and training and validation may share it.
def _environment(file: Path) -> Any:
    """Open a database for reading."""
    with extra("lmdb", f"Reading {file}"):
        import lmdb
    if not file.is_file():
        raise FileNotFoundError(f"No LMDB database at {file}: no such file")
    try:
        # Read-only, so no lock file, which a read-only disk could not hold.
        environment = lmdb.open(str(file), subdir=False, readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise ValueError(f"Expected an LMDB database. Received: {file}: {error}") from error
    # Reading a page beyond the end of the file would crash the process.
    expected = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    found = file.stat().st_size
    if found < expected:
        environment.close()
        raise ValueError(
            f"Expected {file} of at least {expected} bytes. Received: {found}; it was truncated"
        )
    return environment
