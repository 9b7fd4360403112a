"""The command line. Thin: it reads options, calls the pipeline and shows what came out."""

from __future__ import annotations

import signal
import sys
from importlib import import_module

import click

from hfs_vision.cli import terminal
from hfs_vision.cli.visible import show_control_characters
from hfs_vision.errors import HfsVisionError, library_error
from hfs_vision.schema import NOT_A_DEVICE
from hfs_vision.support.interrupts import leave_on_signal

_COMMANDS = {
    "guide": "check.guide_command",
    "check": "check.check_command",
    "analyze": "analyze.analyze_command",
    "batch": "batch.batch_command",
    "annotate": "clips.annotate_command",
    "clips": "clips.clips_command",
    "live": "live.live_command",
    "cameras": "live.cameras_command",
    "protocol": "protocol.protocol_command",
    "review": "review.review_command",
    "detect": "analyze.detect_command",
    "report": "report.report_command",
    "simulate": "simulate.simulate_command",
    "evaluate": "evaluate.evaluate_command",
    "export": "export.export_command",
    "diary": "diary.diary_group",
    "cohort": "cohort.cohort_group",
    "model": "model.model_group",
}
"""Where each command is, below this package."""

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
  hfs-vision detect clip.results/signals.csv  re-detect with other settings
  hfs-vision report clip.results              make its report.html again
  hfs-vision simulate out.mp4                 a video with known spasms
  hfs-vision evaluate truth.csv clip.results  how many of the events are right
  hfs-vision export clip.results --to bids    for BIDS, MNE, BORIS, ELAN or Parquet
  hfs-vision diary add ann.diary clip.results a person's sessions and treatments over months
  hfs-vision cohort table diaries/ --out c    many persons: one table, before and after, raters
  hfs-vision model info                       which landmark models are here

left and right are the subject's own. Everything runs on this machine.

{NOT_A_DEVICE}
"""


_NO_MEMORY = (
    "memory ran out: close other programs, or use fewer --workers or --jobs, or a smaller picture"
)


class _Commands(click.Group):
    """Imports a command when it is asked for: what the others need takes a second to load."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS and cmd_name not in self.commands:
            module, name = _COMMANDS[cmd_name].split(".")
            try:
                with leave_on_signal():
                    self.add_command(getattr(import_module(f"{__name__}.{module}"), name))
            except ImportError as error:
                raise HfsVisionError(library_error(error)) from error
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pass  # the help text lists them


@click.group(help=_HELP, cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hfs-vision")
def cli() -> None:
    """Entry point of all commands."""


def main() -> None:
    """Runs the command line; errors become one line and an exit code."""
    show_control_characters()
    asked = list[int]()

    def end(number: int, _frame: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt  # so that what a command has begun to write is removed

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
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
    except MemoryError:
        terminal.show_error(_NO_MEMORY)
        code = 1
    except (click.Abort, KeyboardInterrupt):
        terminal.show_error("interrupted")
        code = 128 + (asked or [signal.SIGINT])[0]
    except Exception as error:
        if asked:
            terminal.show_error("interrupted")  # inside a library that made another error of it
            code = 128 + asked[0]
        elif isinstance(error, RuntimeError) and "start new thread" in str(error):
            terminal.show_error(_NO_MEMORY)  # there was none left for the thread
            code = 1
        else:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    sys.exit(code if isinstance(code, int) else 0)
