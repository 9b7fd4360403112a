"""A dataset of the Brain Imaging Data Structure: behaviour without imaging, in ``beh/``.

Movements are ``_events.tsv``. The signals are ``_beh.tsv``, not ``_physio.tsv.gz``: that one
demands a constant ``SamplingFrequency``, which the frames of phones and webcams do not have, and
has no place for the time of each sample. In ``_beh.tsv`` each row carries the frame's own time.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from hfs_vision.errors import TableError, UsageError
from hfs_vision.exports.column_descriptions import (
    EVENTS,
    FREE_TEXT,
    KIND_LEVELS,
    NUMBER,
    REVIEW,
    SEGMENT,
    SIGNALS,
    ColumnDescription,
)
from hfs_vision.exports.content import Content
from hfs_vision.exports.export_format import ExportFormat, ExportJob, PathRequest
from hfs_vision.exports.staging import tsv
from hfs_vision.results import signal_lines, write_json, write_result
from hfs_vision.schema import NOT_A_DEVICE

BIDS_VERSION = "1.10.0"
DESCRIPTION_FILE, PARTICIPANTS_FILE = "dataset_description.json", "participants.tsv"

_README = """\
One-sided movements of the face, counted in video by hfs-vision.

{notice}

Each _events.tsv has a row for each movement of one side, for each segment of a session
(trial_type "segment"), for each time in which no face was measured ("not_measured") and for each
moment that was marked ("mark"). Each _beh.tsv has a row for each frame of the video with its own
time: frames of video come at no constant rate, so the signals are no _physio files.

left and right are the subject's own. What the columns mean is in the .json files.
The video is no part of this dataset.
"""
_STRETCH_LEVELS = {
    "segment": "A labelled stretch of the session; its label is in the column segment",
    "not_measured": "No face, or no frames: what happens here is not counted",
    "mark": "A moment that was marked; its label is in the column segment",
}
_EVENT_NAMES = ("onset", "duration", "trial_type")
_TIME = ColumnDescription("Time of the frame, counted from the first one", "s")
_SIGNALS = {name: _TIME if name == "time_s" else column for name, column in SIGNALS.items()}
_OWN = tuple(n for n in EVENTS if n not in ("onset_s", "duration_s", "offset_s", "kind"))


def stem(subject: str, session: str, task: str) -> str:
    """Folder and first part of the name of one recording's files.

    >>> stem("01", "pre", "face")
    'sub-01/ses-pre/beh/sub-01_ses-pre_task-face'

    Raises:
        UsageError: If a label is not made of letters and digits.
    """
    for option, label in (("subject", subject), ("session", session), ("task", task)):
        if not re.fullmatch("[0-9A-Za-z]+", label) and not (option == "session" and not label):
            raise UsageError(f"--{option} is {label!r}: BIDS allows letters and digits only")
    parts = [f"sub-{subject}", *([f"ses-{session}"] if session else [])]
    return "/".join([*parts, "beh", "_".join([*parts, f"task-{task}"])])


def check_dataset(out: Path) -> None:
    """Refuses a folder that holds something else than a dataset.

    Raises:
        UsageError: If there are files in it, but no description of a dataset.
    """
    if out.is_dir() and not (out / DESCRIPTION_FILE).exists():
        others = [path.name for path in out.iterdir() if not path.name.startswith(".")]
        if others:
            raise UsageError(
                f"{out} is no BIDS dataset: it holds no {DESCRIPTION_FILE}, but {others[0]}; "
                "choose another folder with --out"
            )


def write_recording(folder: Path, name: str, content: Content, *, deidentify: bool) -> None:
    """Writes the files of one recording below ``folder``; ``name`` is what `stem` gives."""
    content = content.from_first_frame
    hidden = FREE_TEXT if deidentify else ("reviewer", "reviewed_utc")
    columns = _event_columns(hidden)
    task = name.rpartition("_task-")[2]
    done = "A face in front of a camera; the column segment of the events says what was done"
    about = {"TaskName": task, "TaskDescription": done}
    files: dict[str, Callable[[TextIO], None]] = {
        f"{Path(name).name}_events.tsv": partial(_write_text, text=_events(content, columns)),
        f"{Path(name).name}_events.json": partial(
            write_json, values={**about, **_described(columns), "HfsVision": _facts(content)}
        ),
    }
    if len(content.signals):
        files[f"{Path(name).name}_beh.tsv"] = partial(_write_signals, content=content)
        files[f"{Path(name).name}_beh.json"] = partial(
            write_json, values={**about, **_described(_SIGNALS), "HfsVision": _clock(content)}
        )
    write_result(folder / Path(name).parent, files)


def write_dataset(folder: Path, subjects: Sequence[str], out: Path) -> None:
    """Writes what describes the dataset as a whole; what ``out`` has of it already stays.

    Args:
        folder: Where to write.
        subjects: Labels of the subjects that are added.
        out: The dataset as it is, or a folder that does not exist.

    Raises:
        TableError: If the list of participants that is there cannot be read.
    """
    generated = {
        "Name": "hfs-vision",
        "Version": version("hfs-vision"),
        "Description": NOT_A_DEVICE,
    }
    values: dict[str, dict[str, Any]] = {
        DESCRIPTION_FILE: {
            "Name": "One-sided facial movements in video",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [generated],
        },
        "participants.json": {"participant_id": {"Description": "Label of the participant"}},
    }
    files: dict[str, Callable[[TextIO], None]] = {
        name: partial(write_json, values=value)
        for name, value in values.items()
        if not (out / name).exists()
    }
    if not any((out / name).exists() for name in ("README", "README.md", "README.txt")):
        files["README"] = partial(_write_text, text=_README.format(notice=NOT_A_DEVICE))
    text = _participants(out / PARTICIPANTS_FILE, subjects)
    write_result(folder, {**files, PARTICIPANTS_FILE: partial(_write_text, text=text)})


def _participants(path: Path, subjects: Sequence[str]) -> str:
    """The list with the subjects that it lacks; columns that somebody added stay as they are."""
    known = [["participant_id"]]
    try:
        if path.exists():
            lines = path.read_text(encoding="utf-8-sig")
            known = list(csv.reader(io.StringIO(lines), delimiter="\t"))
    except (OSError, ValueError, csv.Error) as error:
        raise TableError(f"{path} cannot be read: {error}") from error
    if not known or known[0][:1] != ["participant_id"]:
        raise TableError(f"{path}: the first column must be participant_id")
    for subject in dict.fromkeys(subjects):
        if f"sub-{subject}" not in [row[0] for row in known if row]:
            known.append([f"sub-{subject}", *["n/a"] * (len(known[0]) - 1)])
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(known)
    return text.getvalue()


def _event_columns(hidden: Sequence[str]) -> dict[str, ColumnDescription]:
    text = "Onset, counted from the first frame, which is the first row of the _beh.tsv beside"
    columns = {
        "onset": ColumnDescription(text, "s"),
        "duration": ColumnDescription("Length; 0 of a mark", "s"),
        "trial_type": ColumnDescription("What it is", "", "text", KIND_LEVELS | _STRETCH_LEVELS),
        "number": NUMBER,
        **{name: EVENTS[name] for name in _OWN},
        "segment": SEGMENT,
        **REVIEW,
    }
    return {name: column for name, column in columns.items() if name not in hidden}


def _events(content: Content, columns: dict[str, ColumnDescription]) -> str:
    rows = sorted(_event_rows(content), key=lambda row: row["onset"])
    cells = ([row.get(name) for name in columns] for row in rows)
    return tsv([list(columns), *cells], "n/a")


def _event_rows(content: Content) -> Iterator[dict[str, Any]]:
    for stretch in content.stretches:
        times = (stretch.start_s, stretch.end_s - stretch.start_s, stretch.kind)
        yield dict(zip(_EVENT_NAMES, times, strict=True)) | {"segment": stretch.label}
    for number, record in enumerate(content.events, start=1):
        event = record.event
        times = (event.onset_s, event.duration_s, event.kind)
        own = {name: getattr(event, name) for name in _OWN}
        own["twitches"] = len(event.twitches) or None
        texts = {name: getattr(record, name) for name in REVIEW}
        texts["segment"] = content.segment_at(record.event.onset_s)
        yield dict(zip(_EVENT_NAMES, times, strict=True)) | {"number": number} | own | texts


def _described(columns: dict[str, ColumnDescription]) -> dict[str, Any]:
    described: dict[str, dict[str, Any]] = {}
    for name, column in columns.items():
        described[name] = {"Description": column.text}
        if column.unit:
            described[name]["Units"] = column.unit
        if column.kind == "truth":
            described[name]["Levels"] = {"0": "No", "1": "Yes"}
        if column.levels:
            described[name]["Levels"] = column.levels
    return described


def _clock(content: Content) -> dict[str, Any]:
    return {"clock": content.clock, "first_frame_on_own_clock_s": content.moved_s}


def _facts(content: Content) -> dict[str, Any]:
    return {
        **_clock(content),
        "start_s": content.start_s,
        "end_s": content.end_s,
        "valid_s": content.valid_s,
        "fps": content.fps,
        "reviewed": content.reviewed,
        "started_utc": content.started_utc.isoformat() if content.started_utc else None,
        **content.facts,
    }


def _write_signals(handle: TextIO, content: Content) -> None:
    handle.write("\t".join(SIGNALS) + "\n")
    for text in signal_lines(content.measurements, content.signals):
        handle.write("\t".join(cell or "n/a" for cell in text[:-1].split(",")) + "\n")


def _write_text(handle: TextIO, text: str) -> None:
    handle.write(text)


def _labels(request: PathRequest) -> list[tuple[str, str]]:
    """Subject and session of each recording.

    One subject for several recordings makes them its sessions; no subject makes each recording
    a subject of its own.
    """
    n = len(request.folders)
    numbered = [f"{number:02d}" for number in range(1, n + 1)]
    subjects = list(request.subjects) or numbered
    sessions = list(request.sessions) or [""] * n
    if len(subjects) == 1 < n:
        sessions = list(request.sessions) or numbered
    subjects, sessions = (x * n if len(x) == 1 else x for x in (subjects, sessions))
    pairs = list(zip(subjects, sessions, strict=True))
    twice = next((pair for pair in pairs if pairs.count(pair) > 1), None)
    if twice is not None:
        raise UsageError(
            f"two results are of subject {twice[0]!r}, session {twice[1]!r}: give each its own"
        )
    return pairs


def _targets(request: PathRequest, _: Sequence[str]) -> list[str]:
    return [f"{stem(*labels, request.task)}_events.tsv" for labels in _labels(request)]


def _write(folder: Path, job: ExportJob) -> None:
    labels = _labels(job.request)
    for (subject, session), content in zip(labels, job.contents, strict=True):
        name = stem(subject, session, job.request.task)
        write_recording(folder, name, content, deidentify=job.request.deidentify)
    write_dataset(folder, [subject for subject, _ in labels], job.out)


FORMAT = ExportFormat(
    name="bids",
    title="BIDS",
    targets=_targets,
    write=_write,
    options=("subject", "session"),
    check=check_dataset,
    renewed=(PARTICIPANTS_FILE,),
)
