"""``hfs-vision model``: which landmark models are here, and how to get the published one."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import DownloadColumn, Progress

from hfs_vision.cli import terminal
from hfs_vision.landmarks import model_files
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh


@click.group("model")
def model_group() -> None:
    """The landmark models: which are here, and how to get the one that is published elsewhere."""


@model_group.command("info")
def model_info() -> None:
    """Lists the known model bundles, the weights of our own, and where they are."""
    for record in model_files.info():
        state = "not here" if record.path is None else str(record.path)
        if record.path is not None and not record.hash_ok:
            state += "  (NOT the published file: its SHA-256 differs)"
        terminal.out.print(f"{record.name}  for --landmarker {record.landmarker}", style="bold")
        terminal.out.print(f"  {state}", soft_wrap=True)
        terminal.out.print(
            f"  {record.size:,} bytes, {record.licence}, {record.url}", soft_wrap=True
        )
    built_in = "yes" if carries_face_mesh() else "no"
    version = model_files.mediapipe_version() or "is not installed"
    terminal.out.print(f"MediaPipe {version}; Face Mesh inside: {built_in}")
    for own in model_files.own_info():
        terminal.out.print(f"{own.file}  comes with hfs-vision", style="bold")
        terminal.out.print(f"  {own.path}", soft_wrap=True)
        terminal.out.print(f"  {own.size:,} bytes, SHA-256 {own.sha256}", soft_wrap=True)


@model_group.command("fetch")
@click.argument("name", default=model_files.FACE_LANDMARKER.name)
@click.option("--url", help="Another address of the same file, such as a mirror.")
@click.option("--dest", type=click.Path(path_type=Path), help="Folder to put it into.")
def model_fetch(name: str, url: str | None, dest: Path | None) -> None:
    """Downloads a model bundle and checks its SHA-256.

    Besides `live --url`, the only command that uses the network.
    """
    columns = (*Progress.get_default_columns(), DownloadColumn())
    with Progress(*columns, console=terminal.err, disable=not terminal.err.is_terminal) as bar:
        task = bar.add_task(name, total=None, visible=False)  # nothing to show before the answer

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        path = model_files.fetch(name, dest, url=url, progress=show)
    terminal.out.print(f"{path} is there, its SHA-256 is the published one", soft_wrap=True)
