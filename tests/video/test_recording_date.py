"""When a recording was made: by the tags of videos, by EXIF, and what a diary makes of it."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import cv2
import numpy as np
import pytest

from hfs_vision.diary import open_diary
from hfs_vision.diary.adding import UserFields, add_session
from hfs_vision.diary.importing import find_inputs
from hfs_vision.errors import HfsVisionError
from hfs_vision.schema import SourceInfo
from hfs_vision.video import open_source
from hfs_vision.video.exif import taken
from hfs_vision.video.recording_date import RecordingDate, recorded_by_clock, recorded_by_tags
from tests import clips
from tests.diary_support import new_diary, result_folder

APPLE = "com.apple.quicktime.creationdate"
CREATED = "creation_time"
MORNING = RecordingDate("2026-03-01T08:30:15+00:00", "2026-03-01T09:30:15+01:00")


def tagged(path: Path, **tags: str) -> Path:
    clips.write_clip(path.with_name("plain.mp4"))
    options = {"movflags": "use_metadata_tags"} if path.suffix != ".mkv" else {}
    with (
        av.open(str(path.with_name("plain.mp4"))) as given,
        av.open(str(path), "w", container_options=options) as out,
    ):
        out.metadata.update(tags)
        stream = out.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return path


def info(path: Path, fps: float | None = None) -> SourceInfo:
    with open_source(path, fps=fps) as source:
        return source.info


@pytest.mark.parametrize("name", ["a.mov", "a.mp4", "a.mkv"])
def test_the_day_of_recording_comes_before_that_of_an_export(tmp_path: Path, name: str) -> None:
    tags = {CREATED: "2026-03-20T10:00:00Z", APPLE: "2026-03-01T09:30:15+0100"}
    found = info(tagged(tmp_path / name, **tags))
    assert (found.recorded_utc, found.recorded_local) == MORNING


@pytest.mark.parametrize(
    ("tags", "right"),
    [
        pytest.param(
            {"date": "2026-03-01T09:30:15+0100", CREATED: "2026-03-20T10:00:00Z"}, MORNING
        ),
        pytest.param(
            {"com.samsung.android.utc_offset": "+0100", CREATED: "2026-03-01T08:30:15Z"}, MORNING
        ),
        pytest.param({"CREATION_TIME": "2026-03-01T08:30:15Z"}, RecordingDate(MORNING.utc)),
        pytest.param({CREATED: "2026-03-01 09:30:15"}, RecordingDate(None, "2026-03-01T09:30:15")),
        pytest.param(
            {"DATE_RECORDED": "2026-03-01 09:30"}, RecordingDate(None, "2026-03-01T09:30:00")
        ),
        pytest.param(
            {CREATED: "1904-01-01T00:00:00Z", "date": "2026-03-01 09:30:15"},
            RecordingDate(None, "2026-03-01T09:30:15"),
            id="a clock that was never set says nothing",
        ),
        pytest.param(
            {APPLE: "2026-03-01T09:30:15", CREATED: "2026-03-01T08:30:15Z"},
            RecordingDate(MORNING.utc),
            id="what has a zone comes before what has none",
        ),
        pytest.param({"date": "2026"}, RecordingDate(), id="a year is no date"),
        pytest.param({APPLE: "2026-02-30T09:30:15+0100"}, RecordingDate(), id="no such day"),
        pytest.param(
            {APPLE: "2026-03-01T09:30:15+9900"}, RecordingDate(None, "2026-03-01T09:30:15")
        ),
        pytest.param({CREATED: "0001-01-01T00:00:00+1400"}, RecordingDate()),
    ],
)
def test_by_tags(tags: dict[str, str], right: RecordingDate) -> None:
    assert recorded_by_tags(tags) == right


def test_the_zone_may_move_the_day() -> None:
    found = recorded_by_tags({APPLE: "2026-03-01T23:30:00-0800"})
    assert found == ("2026-03-02T07:30:00+00:00", "2026-03-01T23:30:00-08:00")


def exif(order: str = "<", **texts: str) -> bytes:
    """EXIF data, as cameras write them: the EXIF part with texts, in either order of bytes."""
    names = {"taken": 0x9003, "offset": 0x9011, "digitized": 0x9004, "changed": 0x0132}
    entries, body = b"", b""
    at = 8 + 2 + 12 + 4
    beyond = at + 2 + 12 * len(texts) + 4
    for name, text in sorted(texts.items(), key=lambda item: names[item[0]]):
        data = text.encode() + b"\0"
        entries += struct.pack(order + "HHII", names[name], 2, len(data), beyond + len(body))
        body += data
    first = struct.pack(order + "H", 1) + struct.pack(order + "HHII", 0x8769, 4, 1, at) + bytes(4)
    part = struct.pack(order + "H", len(texts)) + entries + bytes(4) + body
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", 8) + first + part


def photograph(path: Path, data: bytes) -> Path:
    """A picture that carries EXIF data, where its format keeps them."""
    ok, plain = cv2.imencode(path.suffix, np.full((16, 16, 3), 90, np.uint8))
    assert ok
    image = plain.tobytes()
    if path.suffix == ".jpg":
        body = b"Exif\0\0" + data
        image = image[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + image[2:]
    elif path.suffix == ".png":
        crc = struct.pack(">I", zlib.crc32(b"eXIf" + data))
        image = image[:33] + struct.pack(">I", len(data)) + b"eXIf" + data + crc + image[33:]
    else:
        body = data + b"\0" * (len(data) % 2)
        image += b"EXIF" + struct.pack("<I", len(data)) + body
        image = image[:4] + struct.pack("<I", len(image) - 8) + image[8:]
    path.write_bytes(image)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_by_exif(tmp_path: Path, suffix: str, order: str) -> None:
    data = exif(order, taken="2026:03:01 09:30:15", offset="+01:00")
    assert taken(photograph(tmp_path / f"a{suffix}", data)) == MORNING


@pytest.mark.parametrize(
    ("texts", "right"),
    [
        ({"taken": "2026:03:01 09:30:15"}, RecordingDate(None, "2026-03-01T09:30:15")),
        ({"digitized": "2026:03:01 09:30:15"}, RecordingDate(None, "2026-03-01T09:30:15")),
        ({"changed": "2026:03:01 09:30:15"}, RecordingDate()),
        ({"taken": "0000:00:00 00:00:00"}, RecordingDate()),
        ({"taken": "    :  :     :  :  "}, RecordingDate()),
    ],
)
def test_by_a_camera_that_says_less(
    tmp_path: Path, texts: dict[str, str], right: RecordingDate
) -> None:
    assert taken(photograph(tmp_path / "a.jpg", exif(**texts))) == right


def test_exif_data_of_any_bytes_are_no_error(tmp_path: Path) -> None:
    sound = exif(taken="2026:03:01 09:30:15", offset="+01:00")
    random = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(sound)
        for at in random.integers(0, len(data), 4):
            data[at] = random.integers(256)
        taken(photograph(tmp_path / "a.jpg", bytes(data[: random.integers(4, len(data) + 1)])))
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff")
    assert taken(tmp_path / "b.jpg") == taken(tmp_path / "none.jpg") == RecordingDate()


def test_a_folder_is_dated_by_its_first_image(tmp_path: Path) -> None:
    for number in (1, 2):
        text = f"2026:03:01 09:30:{14 + number}"
        photograph(tmp_path / f"{number}.jpg", exif(taken=text, offset="+01:00"))
    found = info(tmp_path, fps=30)
    assert (found.recorded_utc, found.recorded_local) == MORNING


def test_a_clock_without_a_zone_is_read_in_the_zone_of_the_diary(tmp_path: Path) -> None:
    folder = result_folder(tmp_path / "a", recorded_utc=None)
    summary = json.loads((folder / "summary.json").read_text())
    summary["source"]["recorded_local"] = recorded_by_clock("2026:03:01 00:30:00").local
    (folder / "summary.json").write_text(json.dumps(summary))
    (given,), zone = find_inputs(folder), ZoneInfo("America/New_York")
    with open_diary(new_diary(tmp_path / "d.diary")) as store:
        session = store.session(add_session(store, given, UserFields(), zone).number)
    there = session.started_utc.astimezone(zone)
    assert there.isoformat() == "2026-03-01T00:30:00-05:00"


@pytest.mark.parametrize(
    ("local", "told"),
    [
        (None, "give the day by --date"),
        ("soon", "recorded_local is 'soon'"),
        (7, "recorded_local is 7"),
        ("2026-13-01T00:00:00", "recorded_local is"),
        (["2026-03-01"], "recorded_local is"),
    ],
)
def test_a_summary_that_was_edited_gives_no_date(tmp_path: Path, local: object, told: str) -> None:
    folder = result_folder(tmp_path / "a", recorded_utc=None)
    summary = json.loads((folder / "summary.json").read_text())
    summary["source"]["recorded_local"] = local
    (folder / "summary.json").write_text(json.dumps(summary))
    (given,) = find_inputs(folder)
    with (
        open_diary(new_diary(tmp_path / "d.diary")) as store,
        pytest.raises(HfsVisionError, match=told),
    ):
        add_session(store, given, UserFields(), ZoneInfo("UTC"))
