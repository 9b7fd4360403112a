"""The command line. Thin: it reads options, calls the pipeline and shows what came out."""

from __future__ import annotations

import io
import signal
import sys

import click

from hfs_vision.cli import terminal
from hfs_vision.cli.analyze import analyze_command, detect_command
from hfs_vision.cli.batch import batch_command
from hfs_vision.cli.check import check_command, guide_command
from hfs_vision.cli.clips import annotate_command, clips_command
from hfs_vision.cli.evaluate import evaluate_command
from hfs_vision.cli.export import export_command
from hfs_vision.cli.live import cameras_command, live_command
from hfs_vision.cli.model import model_group
from hfs_vision.cli.protocol import protocol_command
from hfs_vision.cli.report import report_command
from hfs_vision.cli.review import review_command
from hfs_vision.cli.simulate import simulate_command
from hfs_vision.errors import HfsVisionError
from hfs_vision.pipeline import NOT_A_DEVICE

_HELP = f"""Counts one-sided facial movements (hemifacial spasm) in ordinary video.

\b
  hfs-vision guide                            how to record: distance, light, frame rate
  hfs-vision check clip.mp4                   is a recording, or --camera 0, good to count?
  hfs-vision analyze clip.mp4                 events and counts of a recording
  hfs-vision batch recordings/ --out results  the same of many, in one table
  hfs-vision annotate clip.results            the recording with marks, counts and traces
  hfs-vision clips clip.results               a short video or a picture of each event
  hfs-vision live                             count at the webcam, as it happens
  hfs-vision cameras                          which cameras are here
  hfs-vision protocol                         tasks that live can lead through
  hfs-vision review clip.results              look through the events, correct them
  hfs-vision detect clip.results/signals.csv  decide again with other settings
  hfs-vision report clip.results              make its report.html anew
  hfs-vision simulate out.mp4                 a video with known spasms
  hfs-vision evaluate truth.csv clip.results  how many of the events are right
  hfs-vision export clip.results --to bids    for BIDS, MNE, BORIS, ELAN or Parquet
  hfs-vision model info                       which landmark models are here

left and right are the subject's own. Everything runs on this machine.

{NOT_A_DEVICE}
"""


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hfs-vision")
def cli() -> None:
    """Entry point of all commands."""


for _command in (
    guide_command,
    check_command,
    analyze_command,
    batch_command,
    annotate_command,
    clips_command,
    live_command,
    cameras_command,
    protocol_command,
    detect_command,
    report_command,
    evaluate_command,
    export_command,
    review_command,
    simulate_command,
    model_group,
):
    cli.add_command(_command)


def main() -> None:
    """Runs the command line; errors become one line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal's encoding does not know must not end the program.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli(standalone_mode=False)
    except HfsVisionError as error:
        terminal.show_error(str(error))
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except OSError as error:  # a path that the system refuses even to look at
        terminal.show_error(f"{error.filename or 'input or output'}: {error.strerror or error}")
        code = 1
    except (click.Abort, KeyboardInterrupt):
        terminal.show_error("interrupted")
        code = 128 + signal.SIGINT
    sys.exit(code if isinstance(code, int) else 0)
