"""The recording guide, which the command line prints and docs/recording.md repeats."""

from __future__ import annotations

from pathlib import Path


def guide_text() -> str:
    """The guide, in Markdown."""
    return Path(__file__).with_name("guide.md").read_text(encoding="utf-8")
