"""What a check comes to: one finding for each topic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hfs_vision.schema import ModelIdentity, SourceInfo

OK, YOURS, FIX = "ok", "look", "fix"
"""Verdicts: nothing to do; look at it yourself, it may matter; fix it before recording."""

TOPICS = {
    "face": "face in view",
    "upright": "which way up",
    "others": "other faces",
    "size": "size of the face",
    "head": "head angles",
    "cover": "nothing in front",
    "lids": "lids at rest",
    "brightness": "light on the face",
    "burnt": "too bright spots",
    "sides": "light from the front",
    "noise": "picture noise",
    "sharpness": "sharpness",
    "compression": "compression",
    "rate": "frame rate",
    "repeats": "repeated pictures",
    "gaps": "gaps and losses",
    "length": "length",
    "cuts": "cuts",
    "history": "where the file is from",
    "mirror": "mirror and filters",
}
"""Every topic in the order in which it is told, what prevents counting first; and its name."""


@dataclass(frozen=True)
class Finding:
    """What was found on one topic.

    Attributes:
        topic: One of `TOPICS`.
        verdict: `OK`, `YOURS` or `FIX`.
        value: The measured value; NaN where nothing was measured.
        unit: Its unit; empty for a plain number.
        found: The same in words.
        advice: What to do; empty where there is nothing to do.
    """

    topic: str
    verdict: str
    value: float
    unit: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """Everything that a check found.

    Attributes:
        findings: In the order of `TOPICS`; topics that cannot be looked at are left out.
        frames: Frames looked at.
        seconds: The time that they cover.
        source: What the recording or camera says of itself.
        model: Which landmark model ran.
        partial: Whether it was stopped before its end.
    """

    findings: Sequence[Finding]
    frames: int
    seconds: float
    source: SourceInfo
    model: ModelIdentity
    partial: bool = False

    @property
    def to_fix(self) -> list[Finding]:
        """What must be fixed, most important first."""
        return [finding for finding in self.findings if finding.verdict == FIX]

    @property
    def good(self) -> bool:
        """Whether nothing must be fixed."""
        return not self.to_fix

    @property
    def words(self) -> str:
        """The outcome in one plain sentence or two."""
        if self.good:
            seen = [f for f in self.findings if f.verdict == YOURS and f.topic != "mirror"]
            names = ", ".join(TOPICS[finding.topic] for finding in seen)
            return "Good to go." + (f" Worth a look: {names}." if names else "")
        first, *others = self.to_fix
        text = f"Fix first: {TOPICS[first.topic]}. {first.advice}."
        return text + (
            f" Then: {', '.join(TOPICS[finding.topic] for finding in others)}." if others else ""
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; no name and no path of the recording."""
        return {
            "good": self.good,
            "partial": self.partial,
            "words": self.words,
            "frames": self.frames,
            "seconds": self.seconds,
            "findings": [asdict(finding) for finding in self.findings],
            "source": asdict(self.source),
            "model": asdict(self.model),
        }


def share_text(share: float) -> str:
    """A share as whole per cent; a dash where it is not known.

    >>> share_text(0.256)
    '26 %'
    """
    return "-" if math.isnan(share) else f"{100 * share:.0f} %"
