"""Files that begin late, folders that hold more than recordings, and tables that people fill in."""

from __future__ import annotations

import csv
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import av

from tests.faults.material import write_piece
from tests.faults.results import analysed
from tests.faults.rows import Expect, Place, Row, Seen
from tests.faults.rows_source import LEFT
from tests.faults.watching import ROOT, program

_FOREIGN = "patient,date\nann,2026-03-01\n"
_WRAP_S = 2**33 / 90_000


def late(path: Path, given: Path, start_s: float) -> Path:
    """The same packets in a transport stream whose clock begins at a time."""
    with av.open(str(given)) as source, av.open(str(path), "w", format="mpegts") as out:
        taken = source.streams.video[0]
        stream = out.add_stream_from_template(taken)
        for packet in source.demux(taken):
            if packet.pts is None or packet.dts is None:
                continue
            by = round(Fraction(start_s) / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts + by, packet.dts + by, stream
            out.mux(packet)
    return path


def _late_result(place: Place, start_s: float) -> Path:

    video = late(place.file("late.ts"), write_piece(place.file("x").parent, "left"), start_s)
    out = place.file("late.results")
    command = program("analyze", video, "--out", out, "--no-report")
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return out


def _exported(start_s: float) -> Any:
    def command(place: Place) -> list[Any]:
        video = place.file("late.ts")
        result = _late_result(place, start_s)
        return ["export", result, "--to", "elan", "--media", video, "--out", place.out]

    return command


def _elan_times(seen: Seen) -> str:
    root = ET.parse(seen.place.out / "late.eaf").getroot()
    found = sorted(int(slot.get("TIME_VALUE", "0")) for slot in root.iter("TIME_SLOT"))
    wanted = [1000 * time_s for _, *span in LEFT for time_s in span]
    near = all(any(abs(ms - want) <= 100 for ms in found) for want in wanted)
    mime = next(root.iter("MEDIA_DESCRIPTOR")).get("MIME_TYPE")
    return "" if near and mime == "video/mp2t" else f"times {found} ms of a {mime}"


def _evaluated(place: Place) -> list[Any]:
    result = _late_result(place, 36_000.0)
    labels = place.file("labels.csv")
    rows = "".join(f"{on},{off},{side},eyelid_twitch\n" for side, on, off in LEFT)
    labels.write_text(f"onset_s,offset_s,side,kind\n{rows}")
    return ["evaluate", labels, result]


def _with_its_own(place: Place) -> list[Any]:
    """A recording, its annotated video, a copy of it, and a link to nothing."""
    result = analysed(place)
    video = next(result.parent.glob("*.mp4"))
    shutil.copy(video, result / "annotated.mp4")
    shutil.copy(video, place.file("copy.mp4"))
    place.file("gone.mp4").symlink_to("nowhere.mp4")
    return ["batch", result.parent, "--out", place.out, "--jobs", 1]


def _counted_once(seen: Seen) -> str:
    with (seen.place.out / "cohort.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    counts = [row["all_all_count"] for row in rows]
    return "" if counts == [str(len(LEFT))] else f"events of the rows: {counts}"


def _entered(place: Place) -> list[Any]:
    """A table of a batch that a European spreadsheet saved with a column of dates."""

    recordings = place.file("recordings")
    recordings.mkdir()
    write_piece(recordings, "left")
    call = ["batch", recordings, "--out", place.out, "--jobs", 1]
    subprocess.run(program(*call), check=True, capture_output=True, cwd=ROOT)
    table = place.out / "cohort.csv"
    header, row = table.read_text().splitlines()
    text = f"{header},date\n{row},2026-03-01\n".replace(",", ";")
    table.write_text("\ufeff" + text, encoding="utf-8")
    return call


def _date_stays(seen: Seen) -> str:
    with (seen.place.out / "cohort.csv").open(newline="") as handle:
        dates = [row.get("date") for row in csv.DictReader(handle)]
    return "" if dates == ["2026-03-01"] else f"dates: {dates}"


def _foreign(place: Place) -> list[Any]:
    place.out.mkdir()
    (place.out / "cohort.csv").write_text(_FOREIGN)
    video = write_piece(place.file("x").parent, "left")
    return ["batch", video, "--out", place.out, "--jobs", 1]


def _foreign_stays(seen: Seen) -> str:
    stays = (seen.place.out / "cohort.csv").read_text() == _FOREIGN
    return "" if stays else "cohort.csv is another one"


ROWS = [
    *(
        Row(
            "source",
            f"export for a player of a file whose clock {what}",
            _exported(start_s),
            Expect(0, check=_elan_times),
        )
        for what, start_s in (("begins at ten hours", 36_000.0), ("starts anew", _WRAP_S - 2))
    ),
    Row(
        "source",
        "labels on a player's clock of a file that begins at ten hours",
        _evaluated,
        Expect(0, "2 of 2 events fit with it"),
    ),
    Row(
        "source",
        "batch: a folder with an annotated video, a copy and a link to nothing",
        _with_its_own,
        Expect(0, "left out, a link that leads nowhere: ", check=_counted_once),
    ),
    Row(
        "writer",
        "batch: dates were entered in cohort.csv by a spreadsheet",
        _entered,
        Expect(0, "0 done, 1 skipped, 0 failed of 1", check=_date_stays),
    ),
    Row(
        "writer",
        "batch: cohort.csv is of something else",
        _foreign,
        Expect(2, "is no table of a batch", frozenset(), check=_foreign_stays),
    ),
]
