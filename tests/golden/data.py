"""Reading and writing of golden data, and matching of events with a simulated truth.

A landmark file holds the 67 measured points (`POINTS`) of each frame in steps of 1/64 pixel, as
differences along time and from point to point, and what the patches of the frame show in steps of
1/100,000, as differences along time, both split into bytes: what compresses best.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.landmarks import COMMISSURE, LID_MARGINS, RIGID_MIDLINE, RIGID_PAIRS
from hfs_vision.landmarks import model_files
from hfs_vision.landmarks.patch_networks import readings
from hfs_vision.schema import N_LANDMARKS, SIDES, Event, FloatArray, ModelIdentity
from tests.paths import ROOT, SAMPLES

FOLDER = Path(__file__).parent
SHARED = ROOT.parent / "shared"

SAMPLE_NAMES = (
    "left_eyelid_twitches",
    "right_hemifacial_spasms",
    "healthy_blinks_smiles_turns",
    "variable_frame_rate",
)
LANDMARKERS = ("facemesh", "facelandmarker")

POINTS = np.array(
    [
        *RIGID_MIDLINE,
        *(left for left, _ in RIGID_PAIRS),
        *(right for _, right in RIGID_PAIRS),
        *(point for side in LID_MARGINS for margin in zip(*side, strict=True) for point in margin),
        *COMMISSURE,
    ]
)
"""All points that are measured, neighbours mostly side by side, because they move alike."""

STEPS_PER_PX = 64
STEPS_PER_READING = 100_000
"""A tenth of what a step of 1/64 pixel moves in these videos."""

_MISSING = np.iinfo(np.int16).min
_NO_READING = np.iinfo(np.int32).min
_TICKS_PER_S = 1_000_000  # measuring rounds times to microseconds


@dataclass(frozen=True)
class Golden:
    """What was seen in one sample.

    Attributes:
        time_s: ``(n,)``.
        landmarks: ``(n, 478, 3)``, zero if not stored.
        looks: ``(n, 7)``, a row of the patch networks for each frame.
        model: The landmark model, and the weights that read the patches.
    """

    time_s: FloatArray
    landmarks: FloatArray
    looks: FloatArray
    model: ModelIdentity

    def measured(self) -> Measurements:
        # Points that are not measured are not stored; a number in their place changes nothing.
        looks = readings(list(self.looks))
        return measure(self.time_s, self.landmarks, looks, lid_leak=self.model.lid_leak)


def landmark_file(sample: str, landmarker: str) -> Path:
    return FOLDER / f"{sample}.{landmarker}.npz"


def event_file(sample: str, landmarker: str) -> Path:
    return FOLDER / f"{sample}.{landmarker}.events.csv"


def write_golden(path: Path, golden: Golden) -> None:
    points = golden.landmarks[:, POINTS]
    steps = np.round(points * STEPS_PER_PX)
    if np.nanmax(np.abs(steps)) >= -_MISSING:
        raise ValueError(f"{path.name}: a coordinate is beyond {-_MISSING / STEPS_PER_PX} pixels")
    whole = np.where(np.isfinite(steps), steps, _MISSING).astype(np.int16)
    change = np.diff(whole, axis=0, prepend=np.int16(0) * whole[:1])  # int16: wraps around
    change = np.diff(change, axis=1, prepend=np.int16(0) * change[:, :1]).transpose(1, 2, 0)
    as_bytes = _to_bytes(change)
    looks = np.round(golden.looks * STEPS_PER_READING)
    looks = np.where(np.isfinite(looks), looks, _NO_READING).astype(np.int32)
    ticks = np.round(golden.time_s * _TICKS_PER_S).astype(np.int64)
    np.savez_compressed(
        path,
        points=POINTS.astype(np.int16),
        ticks=np.diff(ticks, prepend=0).astype(np.int32),
        low=as_bytes[..., 0],
        high=as_bytes[..., 1],
        looks=np.moveaxis(
            _to_bytes(np.diff(looks, axis=0, prepend=np.int32(0) * looks[:1]).T), -1, 0
        ),
        model=np.array(json.dumps(asdict(golden.model))),
    )


def read_golden(sample: str, landmarker: str) -> Golden:
    with np.load(landmark_file(sample, landmarker)) as stored:
        change = _from_bytes(np.stack([stored["low"], stored["high"]], axis=-1), np.int16)
        whole = np.cumsum(change.transpose(2, 0, 1), axis=1, dtype=np.int16)
        whole = np.cumsum(whole, axis=0, dtype=np.int16)
        time_s = np.cumsum(stored["ticks"].astype(np.int64)) / _TICKS_PER_S
        looks = _from_bytes(np.moveaxis(stored["looks"], 0, -1), np.int32).T
        looks = np.cumsum(looks, axis=0, dtype=np.int32)
        model = ModelIdentity(**json.loads(str(stored["model"])))
        points = stored["points"]  # those of then, so that a wrong number in the core shows
    landmarks = np.zeros((len(time_s), N_LANDMARKS, 3))
    landmarks[:, points] = np.where(whole == _MISSING, np.nan, whole / STEPS_PER_PX)
    looks = np.where(looks == _NO_READING, np.nan, looks / STEPS_PER_READING)
    return Golden(time_s, landmarks, looks, model)


def _to_bytes(change: NDArray[Any]) -> NDArray[np.uint8]:
    """Bytes of whole numbers along a new last axis, low ones first; small numbers of either sign
    have zeros in all but the first."""
    bits = 8 * change.itemsize
    coded = (change << 1) ^ (change >> (bits - 1))  # the sign in bit 0
    coded = np.ascontiguousarray(coded.astype(f"<u{change.itemsize}"))
    return coded.view(np.uint8).reshape(*change.shape, change.itemsize)


def _from_bytes(parts: NDArray[np.uint8], dtype: type[np.signedinteger[Any]]) -> NDArray[Any]:
    """The numbers again."""
    coded = np.ascontiguousarray(parts).view(f"<u{parts.shape[-1]}")[..., 0]
    return np.asarray((coded >> 1).astype(dtype) ^ -(coded & 1).astype(dtype))


def task_file() -> Path | None:
    """The FaceLandmarker's bundle, if it is on this machine."""
    shared = SHARED / "models" / model_files.FACE_LANDMARKER.file
    return model_files.find("face_landmarker") or (shared if shared.is_file() else None)


# Truth


@dataclass(frozen=True)
class Truth:
    """Movements of a simulated video as dictionaries of text, and their times as numbers."""

    rows: tuple[dict[str, Any], ...]

    @property
    def one_sided(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["side"] in SIDES]

    @property
    def blinks(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["kind"] == "blink"]


def read_truth(path: Path) -> Truth:
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    for row in rows:
        row["onset_s"], row["offset_s"] = float(row["onset_s"]), float(row["offset_s"])
    return Truth(tuple(rows))


def sample_truth(sample: str) -> Truth:
    return read_truth(SAMPLES / f"{sample}.truth.csv")


def match(
    truth: Sequence[dict[str, Any]], events: Sequence[Event]
) -> tuple[list[tuple[dict[str, Any], Event]], list[dict[str, Any]], list[Event]]:
    """Pairs one to one those of one side that overlap; then what was missed and what is false."""
    pairs, missed, left = [], [], list(events)
    for row in sorted(truth, key=lambda row: row["onset_s"]):
        overlap = [
            event
            for event in left
            if event.side == row["side"]
            and event.onset_s < row["offset_s"]
            and row["onset_s"] < event.offset_s
        ]
        if overlap:
            nearest = min(overlap, key=lambda event: abs(event.onset_s - row["onset_s"]))
            left.remove(nearest)
            pairs.append((row, nearest))
        else:
            missed.append(row)
    return pairs, missed, left
