"""``hfs-vision export`` as its user meets it."""

import json
import sys

import pytest

from tests.cli.support import files_in
from tests.export_support import FORMATS


@pytest.mark.parametrize("to", FORMATS)
def test_one_result_is_written_beside_itself(hfs, results, to):
    before = files_in(results)
    outcome = hfs("export", results, "--to", to)
    assert outcome.code == 0, outcome.err
    out = results.with_name(f"results.{to}")
    written = [path for path in out.rglob("*") if path.is_file()]
    assert f"{len(written)} file" in outcome.out
    assert str(out) in outcome.out
    assert all(path.relative_to(out).as_posix() in outcome.out for path in written)
    assert files_in(results) == before


def test_deidentified_the_place_does_not_carry_the_name(hfs, results):
    outcome = hfs("export", results, "--to", "mne", "--deidentify")
    assert outcome.code == 0
    assert (results.parent / "deidentified.mne" / "recording-01_annot.txt").is_file()


def test_what_is_there_is_kept_unless_forced(hfs, results):
    hfs("export", results, "--to", "elan")
    outcome = hfs("export", results, "--to", "elan")
    assert outcome.code == 2
    assert "--force" in outcome.message
    assert hfs("export", results, "--to", "elan", "--force").code == 0


def test_subjects_and_sessions_are_labels_of_bids(hfs, results, tmp_path):
    options = ("--subject", "P7", "--session", "pre", "--task", "rest", "--out", tmp_path / "d")
    outcome = hfs("export", results, "--to", "bids", *options)
    assert outcome.code == 0, outcome.err
    name = "sub-P7/ses-pre/beh/sub-P7_ses-pre_task-rest_events.tsv"
    assert (tmp_path / "d" / name).is_file()


def test_a_missing_library_is_told_with_what_to_install(hfs, results, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = hfs("export", results, "--to", "parquet")
    assert outcome.code == 2
    assert "pip install 'hfs-vision[export]'" in outcome.message
    assert not results.with_name("results.parquet").exists()


def test_a_result_of_another_version_is_exported_with_a_warning(hfs, results):
    path = results / "summary.json"
    summary = json.loads(path.read_text())
    summary["versions"]["hfs_vision"] = "0.0.1"
    path.write_text(json.dumps(summary))
    outcome = hfs("export", results, "--to", "boris")
    assert outcome.code == 0
    assert "warning:" in outcome.err
    assert "0.0.1" in outcome.err


def test_what_is_no_result_folder_is_told(hfs, tmp_path):
    outcome = hfs("export", tmp_path / "nowhere", "--to", "bids")
    assert outcome.code == 2
    assert "is not a folder" in outcome.message
