"""Makes the golden files anew: ``python -m tests.golden.regenerate [--events]``.

Runs both landmark models and the networks of the patches over the sample videos (about a minute);
with ``--events`` it keeps what they saw and decides the expected events anew, as is needed after a
change of the core. Look at the difference before it is committed: the expected events are a claim
that this is right.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np

from hfs_vision.analysis.pipeline import detect
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.landmarks.model_files import FACE_LANDMARKER, FOLDER_VARIABLE, by_hand
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.results import write_events
from hfs_vision.video import open_source
from tests.golden.data import (
    LANDMARKERS,
    SAMPLE_NAMES,
    Golden,
    event_file,
    landmark_file,
    match,
    read_golden,
    sample_truth,
    task_file,
    write_golden,
)
from tests.paths import SAMPLES


def look(sample: str, landmarker: str) -> Golden:
    """Landmarks of a sample video and what its patches show, found by a model run."""
    appearance = PatchNetworks()
    model = task_file() if landmarker == "facelandmarker" else None
    finder = open_landmarker(landmarker, model=model)
    try:
        with open_source(SAMPLES / f"{sample}.mp4") as source:
            times, faces, looks = [], [], []
            for frame in source:
                times.append(frame.time_s)
                faces.append(finder(frame))
                looks.append(appearance(frame, faces[-1]))
    finally:
        finder.close()
    identity = replace(finder.identity, appearance_sha256=appearance.sha256)
    return Golden(np.array(times), np.stack(faces), np.stack(looks), identity)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", action="store_true", help="keep the landmarks and readings")
    events_only = parser.parse_args().events
    if not events_only and task_file() is None:
        sys.exit(
            f"{FACE_LANDMARKER.file} is not here: name its folder by {FOLDER_VARIABLE}, or put it "
            f"into ../shared/models. {by_hand(FACE_LANDMARKER)}"
        )
    for sample in SAMPLE_NAMES:
        for landmarker in LANDMARKERS:
            if not events_only:
                write_golden(landmark_file(sample, landmarker), look(sample, landmarker))
            result = detect(read_golden(sample, landmarker).measured())
            with event_file(sample, landmarker).open("w", encoding="utf-8", newline="") as file:
                write_events(file, result.events)
            pairs, missed, false = match(sample_truth(sample).one_sided, result.events)
            size = landmark_file(sample, landmarker).stat().st_size
            print(
                f"{sample:28} {landmarker:14} {size:7} bytes; found {len(pairs)}, missed "
                f"{len(missed)}, false {len(false)}; blinks {result.summary.blinks} of "
                f"{len(sample_truth(sample).blinks)}"
            )


if __name__ == "__main__":
    main()
