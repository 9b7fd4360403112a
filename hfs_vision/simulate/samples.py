"""Presets, and the sample videos that are made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hfs_vision.errors import OutputError
from hfs_vision.schema import FloatArray, Frame, StrPath
from hfs_vision.simulate.movements import Script
from hfs_vision.simulate.render import default_portrait, render_portrait
from hfs_vision.simulate.scripts import Part, compose, irregular_times, steady_times
from hfs_vision.simulate.truth import write_truth
from hfs_vision.simulate.video_file import write_video

_SAMPLE_CRF = 24  # keeps each sample under a megabyte


@dataclass(frozen=True)
class Preset:
    """A ready mix of movements.

    Attributes:
        about: One line for a list of presets.
        parts: The ingredients.
        duration_s: Length unless asked otherwise, in seconds.
        fps: Frame rate unless asked otherwise; None for irregular times.
        seed: Seed unless asked otherwise.
    """

    about: str
    parts: tuple[Part, ...]
    duration_s: float
    fps: float | None
    seed: int

    def script(self, duration_s: float | None = None, seed: int | None = None) -> Script:
        """The movements; the preset's own duration and seed where they are not given."""
        return compose(
            self.duration_s if duration_s is None else duration_s,
            self.seed if seed is None else seed,
            self.parts,
        )

    def times(
        self, duration_s: float | None = None, fps: float | None = None, seed: int | None = None
    ) -> FloatArray:
        """Frame times ``(n,)`` in seconds; the preset's own values where they are not given."""
        duration_s = self.duration_s if duration_s is None else duration_s
        fps = self.fps if fps is None else fps
        if fps is None:
            return irregular_times(duration_s, self.seed if seed is None else seed)
        return steady_times(duration_s, fps)


PRESETS: dict[str, Preset] = {
    "left_eyelid_twitches": Preset(
        "brief closures of the left eye among normal blinks, 60 frames/s",
        (
            Part("eyelid_twitch", "left", 24.0),
            Part("blink", "both", 15.0),
            Part("smile", "both", 2.5),
        ),
        duration_s=24.0,
        fps=60.0,
        seed=1,
    ),
    "right_hemifacial_spasms": Preset(
        "spasms of the right side, eye and mouth together or alone, brief and sustained",
        (
            Part("hemifacial_spasm", "right", 8.0),
            Part("hemifacial_spasm", "right", 4.0, tonic=True),
            Part("forced_closure", "right", 2.0),
            Part("mouth_pull", "right", 2.0),
            Part("lower_face_spasm", "right", 4.0),
            Part("blink", "both", 12.0),
        ),
        duration_s=30.0,
        fps=30.0,
        seed=2,
    ),
    "healthy_blinks_smiles_turns": Preset(
        "no one-sided movement: blinks, smiles, speech, brows, head turns and nods",
        (
            Part("blink", "both", 16.0),
            Part("smile", "both", 4.0),
            Part("talk", "both", 4.0),
            Part("brow_raise", "both", 2.0),
            Part("head_turn", "both", 6.0),
            Part("nod", "both", 4.0),
        ),
        duration_s=30.0,
        fps=30.0,
        seed=3,
    ),
    "variable_frame_rate": Preset(
        "spasms of the left side in a video whose frame rate wanders from 24 to 60 frames/s",
        (
            Part("hemifacial_spasm", "left", 9.6),
            Part("eyelid_twitch", "left", 9.6),
            Part("mouth_pull", "left", 2.4),
            Part("blink", "both", 14.4),
            Part("head_turn", "both", 2.4),
        ),
        duration_s=25.0,
        fps=None,
        seed=4,
    ),
}
"""Presets by name; each is also a sample video of that name."""


def write_samples(
    folder: StrPath,
    landmarks_of: Callable[[Frame], FloatArray],
    *,
    names: Iterable[str] = tuple(PRESETS),
    on_frame: Callable[[str, Frame], None] | None = None,
) -> tuple[Path, ...]:
    """Make the sample videos and their truths from the default portrait.

    Args:
        folder: Where ``NAME.mp4`` and ``NAME.truth.csv`` go; made if missing.
        landmarks_of: Finds the ``(478, 3)`` pixels of the portrait; called once.
        names: Presets to make.
        on_frame: Called with the sample's name and each frame, for a progress bar.

    Returns:
        The videos written.

    Raises:
        UsageError: scikit-image, which carries the portrait, is missing.
        OutputError: The folder cannot be written.
    """
    folder = Path(folder)
    portrait = default_portrait()
    landmarks = landmarks_of(Frame(0, 0.0, portrait))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error}") from error
    videos = []
    for name in names:
        preset = PRESETS[name]
        script = preset.script()
        frames = render_portrait(
            portrait, landmarks, script, preset.times().tolist(), seed=preset.seed
        )
        video = folder / f"{name}.mp4"
        write_video(video, _watched(frames, name, on_frame), crf=_SAMPLE_CRF)
        write_truth(truth_path(video), script)
        videos.append(video)
    return tuple(videos)


def truth_path(video: StrPath) -> Path:
    """Where the truth of a simulated video goes: ``clip.mp4`` has ``clip.truth.csv``."""
    video = Path(video)
    return video.with_name(f"{video.stem}.truth.csv")


def _watched(
    frames: Iterator[Frame], name: str, on_frame: Callable[[str, Frame], None] | None
) -> Iterator[Frame]:
    for frame in frames:
        if on_frame is not None:
            on_frame(name, frame)
        yield frame
