"""``hfs-vision live`` and ``hfs-vision cameras``."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import click

from hfs_vision.cli import terminal
from hfs_vision.cli.camera_url import read_url, url_options
from hfs_vision.cli.live_display import Wanted, open_display
from hfs_vision.cli.live_source import LiveRequest
from hfs_vision.cli.open_page import port_option
from hfs_vision.cli.options import (
    FPS,
    FiniteRange,
    landmarker_options,
    read_settings,
    settings_options,
)
from hfs_vision.cli.report import no_report_option, settle_report
from hfs_vision.live import SESSION_FILES, open_protocol, run_live, session_clock
from hfs_vision.results import REPORT_FILE, RETIRED_FILES, check_folder
from hfs_vision.schema import Event
from hfs_vision.support.interrupts import stop_on_signal
from hfs_vision.video import RECORDING_FILE, list_cameras

_DEFAULT_FPS = 30.0


@click.command(
    "live",
    help=f"""Counts one-sided facial movements in front of a camera, as they happen.

    \b
      hfs-vision live                            the first webcam, in a window
      hfs-vision live --web                      in a page of the browser instead
      hfs-vision live --protocol clinical        led through rest, closing the eyes, talking ...
      hfs-vision live --camera "HD Pro"          by a part of its name; see hfs-vision cameras
      hfs-vision live --url rtsp://192.0.2.7/1   a network camera
      hfs-vision live --file clip.mp4 --realtime a file at its own pace, to try it out

    Keep still with both eyes open for the first 10 seconds: rest is learned then. q in the window
    or the page, or Ctrl-C, ends the session. {", ".join(SESSION_FILES)} grow in the folder given by
    --out while it runs, so that nothing is lost if it breaks off.""",
)
@click.option("--camera", metavar="INDEX|NAME", help="Which camera.  [default: 0]")
@url_options("A network camera: http:// (MJPEG) or rtsp://.")
@click.option("--file", "video", type=click.Path(path_type=Path), help="A video file instead.")
@click.option("--realtime", is_flag=True, help="Play the file at its own pace.")
@click.option("--size", metavar="WIDTHxHEIGHT", help="Ask the camera for it.  [default: 640x480]")
@click.option("--fps", type=FPS, help="Ask the camera for it.  [default: 30]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the results.  [default: live-DATE-TIME.results in the current folder]",
)
@click.option("--force", is_flag=True, help="Replace results that are already in that folder.")
@click.option("--no-display", is_flag=True, help="Open no window: counts on the terminal alone.")
@click.option("--web", is_flag=True, help="Show it in the browser instead of a window.")
@port_option(", with --web")
@click.option("--no-browser", is_flag=True, help="With --web, only print the address of the page.")
@click.option("--record", is_flag=True, help=f"Also keep the video, in {RECORDING_FILE}.")
@click.option(
    "--protocol",
    metavar="NAME|FILE",
    help="Lead through the steps of a protocol and end with it; see hfs-vision protocol.",
)
@click.option("--duration", type=FiniteRange(min=0, min_open=True), help="End after seconds.")
@no_report_option
@landmarker_options
@settings_options
def live_command(
    camera: str | None,
    url: str | None,
    url_file: Path | None,
    video: Path | None,
    realtime: bool,
    size: str | None,
    fps: float | None,
    out: Path | None,
    force: bool,
    no_display: bool,
    web: bool,
    port: int | None,
    no_browser: bool,
    record: bool,
    protocol: str | None,
    duration: float | None,
    no_report: bool,
    landmarker: str,
    model: Path | None,
    subject: tuple[float, float] | None,
    settings_file: Path | None,
    **options: float | None,
) -> int:
    """Runs one session."""
    url = read_url(url, url_file)
    asked = LiveRequest(
        camera=camera,
        url=url,
        file=video,
        realtime=realtime,
        size=size,
        fps=fps,
        usual_fps=_DEFAULT_FPS,
    )
    shown = Wanted(no_display, web, port, no_browser)
    shown.check()
    settings = read_settings(settings_file, options)
    tasks = open_protocol(protocol) if protocol else None
    folder = out if out is not None else Path(f"live-{datetime.now():%Y%m%d-%H%M%S}.results")
    check_folder(
        folder,
        (*SESSION_FILES, RECORDING_FILE),
        force=force,
        renewed=[REPORT_FILE] * (not no_report),
        retired=RETIRED_FILES,
        inputs=[path for path in (video, settings_file, model) if path is not None],
    )
    clock = session_clock()
    source = asked.open(clock)
    if record:
        terminal.err.print(f"the video is being recorded, to {RECORDING_FILE}")
    with stop_on_signal() as caught, open_display(shown) as place:
        session = run_live(
            source,
            folder,
            force=force,
            clock=clock,
            settings=settings,
            landmarker=landmarker,
            model=model,
            subject=subject,
            lossless=video is not None and not realtime,
            record=record,
            tasks=tasks,
            duration_s=duration or math.inf,
            asked_fps=asked.asked_fps,
            display=place.display,
            tell=_tell,
            notice=lambda text: terminal.show_warnings([text]),
            stop=lambda: bool(caught) or place.end_asked(),
        )
        place.finish(session)
    terminal.show_summary(session.summary)
    terminal.show_segments(session.segments)
    terminal.show_warnings(session.warnings)
    terminal.show_set_aside(session.set_aside)
    if session.failure:
        raise session.failure
    written = [name for name in (*SESSION_FILES, RECORDING_FILE) if (folder / name).exists()]
    terminal.out.print(f"{', '.join(written)} are in {folder}", soft_wrap=True)
    return settle_report(folder, wanted=not no_report, force=force)


@click.command("cameras")
def cameras_command() -> None:
    """Lists the cameras of this machine by index and name."""
    cameras = list_cameras()
    for found in cameras:
        terminal.out.print(f"{found.index}  {found.name}  {found.path}".rstrip(), soft_wrap=True)
    if not cameras:
        terminal.err.print(
            "no camera is here: connect one, and let programs use it in the system's settings"
        )


def _tell(event: Event) -> None:
    terminal.out.print(
        f"{event.onset_s:8.2f} s  {event.side:5}  {event.kind:16}  {event.duration_s:.2f} s"
    )
