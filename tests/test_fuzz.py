"""The saved corpus of `tests.fuzz` through every reader."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("skimage")  # what reads the scripts of simulate loads it

from hfs_vision.errors import TableError
from hfs_vision.evaluation.read_references import read_event_file
from hfs_vision.results import read_events, read_reviewed
from tests.fuzz.readers import READERS, Reader, accepts, prepared

FUZZ = Path(__file__).with_name("fuzz")
CORPUS = FUZZ / "corpus"


@pytest.mark.parametrize("name", READERS)
def test_a_reader_gives_a_value_that_can_be_written_or_refuses_the_file(name, tmp_path):
    reader, taken = READERS[name], []
    for number, path in enumerate(sorted((CORPUS / name).iterdir())):
        folder = prepared(reader, tmp_path / str(number))
        taken.append(accepts(reader, folder, path.read_bytes()))
    assert any(taken), "a corpus that is refused as a whole looks at little"


def test_the_corpus_is_small_and_of_the_readers_that_there_are():
    assert {folder.name for folder in CORPUS.iterdir()} == set(READERS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 300_000


def test_an_error_that_is_not_ours_is_a_finding(tmp_path):
    reader = Reader("a.csv", lambda path: [][len(path.name)])
    with pytest.raises(IndexError):
        accepts(reader, prepared(reader, tmp_path), b"")


def test_a_first_line_beyond_what_csv_takes_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('"' + "a" * 140_000 + '",onset_s\n')  # too long for the corpus
    for read in (read_events, read_reviewed, read_event_file):
        with pytest.raises(TableError, match="field larger than field limit"):
            read(path)
