"""``hfs-vision simulate``: videos with known movements, from a portrait or a clip."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from hfs_vision import simulate
from hfs_vision.cli import terminal
from hfs_vision.cli.options import FiniteRange
from hfs_vision.errors import UsageError
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.results import check_replaceable
from hfs_vision.schema import LANDMARKERS, FloatArray, Frame, SourceInfo
from hfs_vision.simulate import Script
from hfs_vision.support.interrupts import stop_on_signal
from hfs_vision.video import open_source, read_picture

_DEFAULT_PRESET = "left_eyelid_twitches"

Progress = Callable[[SourceInfo | None, int, float], None]
"""Told what is known of the clip, how many frames are done and the time of the last in seconds."""


@click.command("simulate")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--samples", is_flag=True, help="Write all sample videos into the folder OUT.")
@click.option("--portrait", type=click.Path(path_type=Path), help="Picture of a face to move.")
@click.option(
    "--inject", "clip", type=click.Path(path_type=Path), help="Add the movements to this video."
)
@click.option(
    "--preset",
    type=click.Choice(sorted(simulate.PRESETS)),
    help=f"Ready mix of movements.  [default: {_DEFAULT_PRESET}]",
)
@click.option(
    "--script", type=click.Path(path_type=Path), help="Movements from a CSV like OUT.truth.csv."
)
@click.option("--seed", type=int, help="Same seed, same video.  [default: the preset's]")
@click.option("--duration", type=FiniteRange(1, 36000), help="Seconds of a portrait video.")
@click.option("--fps", type=FiniteRange(1, 240), help="Frames/s of a portrait video.")
@click.option("--size", type=click.IntRange(128, 2160), help="Its side in px.  [default: 480]")
@click.option(
    "--landmarker",
    type=click.Choice(("auto", *LANDMARKERS)),
    default="auto",
    show_default=True,
    help="What finds the face.",
)
@click.option("--force", is_flag=True, help="Replace files that are already there.")
def simulate_command(
    out: Path,
    samples: bool,
    portrait: Path | None,
    clip: Path | None,
    preset: str | None,
    script: Path | None,
    seed: int | None,
    duration: float | None,
    fps: float | None,
    size: int | None,
    landmarker: str,
    force: bool,
) -> None:
    """Writes OUT.mp4 with simulated one-sided movements, and OUT.truth.csv that lists them.

    The face is scikit-image's public-domain portrait, your own picture (--portrait), or a video of
    yours whose face is followed (--inject). With --samples OUT is a folder.
    """
    _check_paths(out, [portrait, clip, script], force or samples)
    _check_faces(samples, clip, portrait=portrait, duration=duration, fps=fps, size=size)
    if preset is not None and script is not None:
        raise UsageError("--preset and --script exclude each other: give one source of movements")
    with stop_on_signal() as caught, terminal.frame_progress(out.name) as bar:
        progress = partial(_go_on, caught, bar)
        if samples:
            bar.expect(sum(len(preset.times()) for preset in simulate.PRESETS.values()))
            done = itertools.count(1)
            videos = simulate.write_samples(
                out,
                lambda frame: _landmarks(frame, landmarker),
                on_frame=lambda name, frame: progress(None, next(done), frame.time_s),
            )
            terminal.out.print(f"{len(videos)} videos and truths are in {out}", soft_wrap=True)
            return
        chosen = simulate.PRESETS[preset or _DEFAULT_PRESET]
        if script is not None:
            movements = simulate.read_script(script)
            # Without a length of its own the video lasts a little longer than its movements.
            duration = duration or max((m.offset_s for m in movements), default=9.0) + 1.0
        elif clip is not None:
            movements = _for_clip(clip, chosen, seed)
        else:
            movements = chosen.script(duration, seed)
        if clip is not None:
            _inject(out, clip, movements, landmarker, progress)
        else:
            times = chosen.times(duration, fps, seed)
            bar.expect(len(times))
            picture, landmarks = _portrait(portrait, size or 480, landmarker)
            drawn = simulate.render_portrait(
                picture,
                landmarks,
                movements,
                times.tolist(),
                seed=chosen.seed if seed is None else seed,
            )
            simulate.write_video(out, _shown(drawn, None, progress))
    truth = simulate.truth_path(out)
    simulate.write_truth(truth, movements)
    terminal.out.print(f"{out} and its truth {truth.name} are written", soft_wrap=True)


def _check_faces(samples: bool, clip: Path | None, **of_portrait: object) -> None:
    """Refuses options that would be ignored: a clip keeps its own face, length, rate and size."""
    instead = "--samples" if samples else "--inject" if clip is not None else None
    given = [name for name, value in of_portrait.items() if value is not None]
    if samples and clip is not None:
        given.append("inject")
    if instead and given:
        raise UsageError(f"--{given[0]} does not go with {instead}: leave one of them out")


def _check_paths(out: Path, inputs: list[Path | None], force: bool) -> None:
    for path in inputs:
        if path is not None and not path.exists():
            raise UsageError(f"{path} does not exist: check the path")
    for path in (out, simulate.truth_path(out)):
        check_replaceable(path, force=True, inputs=[given for given in inputs if given])
        if (path.is_file() or path.is_symlink()) and not force:
            raise UsageError(f"{path} is already there: replace it with --force")


def _for_clip(clip: Path, preset: simulate.Preset, seed: int | None) -> Script:
    """The preset's movements at the clip's length and on its clock, without those of the head."""
    with open_source(clip) as source:
        length_s = source.info.duration_s or preset.duration_s
        start_s = next(iter(source)).time_s
    script = preset.script(length_s, seed)
    return tuple(
        replace(movement, onset_s=movement.onset_s + start_s)
        for movement in script
        if movement.region != "head"
    )


def _go_on(
    caught: list[int],
    bar: terminal.FrameProgress,
    info: SourceInfo | None,
    frames: int,
    time_s: float,
) -> None:
    """Ends the command where a signal was caught: as an exception it may strike inside a callback
    of a library, which swallows it.
    """
    if caught:
        terminal.show_error("interrupted")
        raise click.exceptions.Exit(128 + caught[0])
    bar(info, frames, time_s)


def _inject(out: Path, clip: Path, script: Script, landmarker: str, progress: Progress) -> None:
    finder = open_landmarker(landmarker)
    missed: list[float] = []
    try:
        with open_source(clip) as source:
            frames = simulate.inject(
                source, finder, script, on_missing=lambda frame: missed.append(frame.time_s)
            )
            simulate.write_video(out, _shown(frames, source.info, progress))
    finally:
        finder.close()
    if missed:
        terminal.show_warnings(
            [
                f"no face in {len(missed)} frames from {missed[0]:.2f} s to {missed[-1]:.2f} s: "
                "movements that the truth lists there are not in the picture"
            ]
        )


def _portrait(path: Path | None, size: int, landmarker: str) -> tuple[simulate.Rgb, FloatArray]:
    """The square portrait and its landmarks, ``(478, 3)`` pixels."""
    if path is None:
        square = simulate.default_portrait(size)
    else:
        picture = read_picture(path)
        square = simulate.square_portrait(
            picture, _landmarks(Frame(0, 0.0, picture), landmarker), size
        )
    return square, _landmarks(Frame(0, 0.0, square), landmarker)


def _landmarks(frame: Frame, landmarker: str) -> FloatArray:
    """Landmarks of a picture by itself."""
    finder = open_landmarker(landmarker)
    try:
        return finder(frame)
    finally:
        finder.close()


def _shown(frames: Iterable[Frame], info: SourceInfo | None, progress: Progress) -> Iterator[Frame]:
    for frame in frames:
        progress(info, frame.index + 1, frame.time_s)
        yield frame
