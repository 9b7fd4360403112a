"""What was observed -> findings. Every border between verdicts is here, with where it is from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import MIN_VISIBILITY
from hfs_vision.core.summary import (
    LOW_FPS,
    OPEN_PERCENTILE,
    SMALL_FACE_PX,
    lids_differ,
    of_open_eyes,
)
from hfs_vision.live.hints import DARK, DELIVERED_SHARE
from hfs_vision.quality.findings import FIX, OK, YOURS, Finding, share_text
from hfs_vision.quality.sampling import Observed
from hfs_vision.schema import FloatArray
from hfs_vision.video.repeats import REPEATED

MISSED, SOME_MISSED = 0.2, 0.05
"""Share of the frames without a face, turned away or covered: the first is that of the warning of
an analysis."""

TURNED_DEG = 20.0
"""Thresholds grow with the square of the turn and are doubled at 25 degrees."""

DIM = 60.0
BURNT, SOME_BURNT = 0.3, 0.05
UNEVEN = 0.5
"""Darker cheek over the brighter one; real clips in even light show 0.7 and more, one with a window
on one side 0.52."""

NOISY, VERY_NOISY = 8.0, 20.0
SOFT_MM, BLURRED_MM = 5.4, 7.5
BLOCKY, VERY_BLOCKY = 1.6, 3.0
"""Chosen by ``tests/benchmarks/check.py`` (docs/recording.md), as those of light, noise and blur:
`look` from where good real clips end, `fix` from where known movements are missed."""

UNSTEADY = 0.75
"""The slowest second has so much of the usual rate, or less."""

DROPPED = 0.05
SHORT_S = 60.0
FAST = 50.0
_HEADER_S = 1.0  # headers are rounded, and sound may outlast the picture a little

_LIMITS = Settings()


def judge(seen: Observed) -> list[Finding]:
    """Findings in the order of `findings.TOPICS`.

    Where no face was seen at all, only what needs none is judged.
    """
    steps: list[Callable[[Observed], Iterator[Finding]]] = [_face]
    if np.isfinite(seen.measured.yaw_deg).any():
        steps += [_upright, _others, _place, _lids, _light, _clear]
    steps += [_rate, _whole, _origin]
    return [finding for step in steps for finding in step(seen)]


def _graded(value: float, look: float, fix: float) -> str:
    """Verdict on a value that is the worse the larger it is; NaN is no fault."""
    return FIX if value >= fix else YOURS if value >= look else OK


def _face(seen: Observed) -> Iterator[Finding]:
    there = np.isfinite(seen.measured.yaw_deg)
    missing = 1.0 - float(there.mean()) if len(there) else 1.0
    verdict = _graded(missing, SOME_MISSED, MISSED)
    found = f"in {share_text(1.0 - missing)} of the pictures"
    advice = "Keep the whole face, from forehead to chin, in the middle of the picture"
    yield _finding("face", verdict, 1.0 - missing, "", found, advice)


def _upright(seen: Observed) -> Iterator[Finding]:
    turned_deg = float(seen.look.turned_deg)
    verdict = YOURS if turned_deg else OK
    found = seen.look.turn_text or "upright"
    advice = "Counting turns it too; better turn the camera, or the file by its rotation tag"
    yield _finding("upright", verdict, turned_deg, "degrees", found, advice)


def _others(seen: Observed) -> Iterator[Finding]:
    found = "none"
    several = bool(seen.others or seen.look.faces_text or seen.people)
    if seen.look.faces_text:
        found = seen.look.faces_text
    elif seen.others:
        found = "more than one face is in view"
    elif seen.people:
        found = "it is not sure throughout that the face is the same one"
    advice = "Be alone in the picture, pictures on the wall included, or name the face by --subject"
    yield _finding("others", YOURS if several else OK, float(several), "", found, advice)


def _place(seen: Observed) -> Iterator[Finding]:
    face = seen.measured.take(np.flatnonzero(np.isfinite(seen.measured.yaw_deg)))
    size = float(np.median(face.face_px))
    verdict = FIX if size < SMALL_FACE_PX else YOURS if size < 1.25 * SMALL_FACE_PX else OK
    found = f"{size:.0f} px between the outer corners of the eyes"
    advice = f"Come nearer or record a larger picture: {SMALL_FACE_PX:.0f} px at least, better 120"
    yield _finding("size", verdict, size, "px", found, advice)
    yaw, pitch, roll = face.yaw_deg, face.pitch_deg, face.roll_deg
    over = (np.abs(yaw) > _LIMITS.max_yaw_deg) | (np.abs(pitch) > _LIMITS.max_pitch_deg)
    usual = float(max(abs(np.median(yaw)), abs(np.median(pitch))))
    verdict = _graded(float(over.mean()), SOME_MISSED, MISSED)
    verdict = YOURS if verdict == OK and usual >= TURNED_DEG else verdict
    found = (
        f"turned {np.median(yaw):+.0f}, up {np.median(pitch):+.0f}, tilted "
        f"{np.median(roll):+.0f} degrees; too far in {share_text(float(over.mean()))}"
    )
    advice = "Put the camera straight ahead at the height of the eyes, and look at it"
    yield _finding("head", verdict, usual, "degrees", found, advice)
    hidden = float((face.visibility[~over] < MIN_VISIBILITY).mean()) if (~over).any() else 0.0
    yield _finding(
        "cover",
        _graded(hidden, SOME_MISSED, MISSED),
        hidden,
        "",
        f"an eye or a corner of the mouth is hidden in {share_text(hidden)}"
        if hidden
        else "both eyes and both corners of the mouth are in view",
        "Keep hands, hair, scarf and mask away from eyes and mouth, and the face within the "
        "picture",
    )


def _lids(seen: Observed) -> Iterator[Finding]:
    apertures = of_open_eyes(seen.measured)
    if not len(apertures):
        return
    left, right = np.percentile(apertures, OPEN_PERCENTILE, axis=0).tolist()
    widest = max(left, right)
    share = max(min(left, right), 0.0) / widest if widest > 0 else math.nan
    differ = lids_differ(left, right)
    found = differ[0] if differ else f"one opens to {share_text(share)} of the other"
    advice = "Look straight ahead; judge by eye what is found while the subject looks down"
    yield _finding("lids", YOURS if differ else OK, share, "", found, advice)


def _light(seen: Observed) -> Iterator[Finding]:
    brightness, burnt = _middle(seen, "brightness"), _middle(seen, "burnt")
    verdict = FIX if brightness < DARK else YOURS if brightness < DIM else OK
    found = f"{brightness:.0f} of 255"
    advice = "Put more light on the face: sit facing a window or a lamp"
    yield _finding("brightness", verdict, brightness, "of 255", found, advice)
    verdict = _graded(burnt, SOME_BURNT, BURNT)
    advice = "Less light, or move away from the lamp or the sun: where it is white nothing is seen"
    found = f"{share_text(burnt)} of the face is white" if burnt >= 0.005 else "none"
    yield _finding("burnt", verdict, burnt, "", found, advice)
    left, right = (_middle(seen, f"cheek_{side}") for side in ("left", "right"))
    ratio = min(left, right) / max(left, right) if max(left, right) > 0 else math.nan
    darker = "left" if left < right else "right"
    verdict = YOURS if ratio < UNEVEN else OK
    if ratio < UNEVEN and min(left, right) < 0.5 * DARK:
        verdict = FIX
    found = f"the {darker} cheek has {share_text(ratio)} of the light of the other"
    advice = f"Bring light to the {darker} side: turn towards the light until both sides match"
    yield _finding("sides", verdict, ratio, "", found, advice)


def _clear(seen: Observed) -> Iterator[Finding]:
    noise, edge, blocks = (_middle(seen, name) for name in ("noise", "edge_mm", "blocks"))
    verdict = _graded(noise, NOISY, VERY_NOISY)
    advice = "More light on the face: cameras make noise in the dark"
    yield _finding("noise", verdict, noise, "grey levels", f"{noise:.1f} grey levels", advice)
    known = seen.samples["edge_mm"][np.isfinite(seen.samples["edge_mm"])]
    worst = float(np.percentile(known, 90)) if len(known) else math.nan
    verdict = _graded(edge, SOFT_MM, BLURRED_MM)
    found = f"edges at the eyes are {edge:.1f} mm wide"
    advice = "Clean the lens, let it focus on the face, switch off soft focus and beauty filters"
    if verdict == OK and worst >= BLURRED_MM:
        verdict, found = YOURS, f"{found}, {worst:.1f} mm while moving"
        advice = "More light, so that the camera exposes for a shorter time"
    yield _finding("sharpness", verdict, edge, "mm", found, advice)
    verdict = _graded(blocks, BLOCKY, VERY_BLOCKY)
    found = f"steps at block borders are {blocks:.1f} times those beside them"
    advice = "Record at a higher quality; take the original file, not one sent by a messenger"
    yield _finding("compression", verdict, blocks, "times", found, advice)


def _rate(seen: Observed) -> Iterator[Finding]:
    rate, again = seen.timing.rate, seen.repeats
    shown = rate * (1.0 - again.filled) if again.filled >= REPEATED else rate
    # FFmpeg makes up a rate for streams without times.
    claimed = 0.0 if seen.source.kind == "stream" else seen.source.nominal_fps or 0.0
    slow = shown < DELIVERED_SHARE * claimed
    unsteady = seen.timing.slowest < UNSTEADY * rate
    found = f"{rate:.1f} pictures a second"
    if again.filled >= REPEATED:
        found = f"{shown:.1f} different ones a second in a video of {rate:.1f}"
    elif slow:
        found += f" of {claimed:.0f} that are claimed"
    found += f"; {seen.timing.slowest:.0f} in the slowest second" if unsteady else ""
    advice = "Set the camera to 60 frames a second (30 will do), and give it more light"
    verdict = YOURS if slow or unsteady or math.isnan(shown) else OK
    # Half a frame: 23.976 is called 24, and clocks of cameras differ.
    verdict = FIX if shown < LOW_FPS - 0.5 or seen.source.time_doubts else verdict
    found = "; ".join([found, *seen.source.time_doubts])
    if verdict == OK and shown < FAST:
        found += "; 60 would show shorter twitches"
    yield _finding("rate", verdict, shown, "frames/s", found, advice)
    share = 0.0 if math.isnan(again.share) else again.share
    found = f"{share_text(share)} of the pictures repeat the one before"
    if math.isnan(again.share):
        found = "too little moves to tell"
    elif share < REPEATED:
        found = "none to speak of" if share < 0.01 else f"{share_text(share)}: usual"
    elif again.filled < REPEATED:
        found = f"{share_text(share)}: the picture froze"
    advice = "Take the file as the camera stored it; converters fill a rate up with repeats"
    verdict = YOURS if share >= REPEATED else OK
    yield _finding("repeats", verdict, again.share, "", found, advice)


def _whole(seen: Observed) -> Iterator[Finding]:
    parts, advice = [], "Record it again; close other programs, and copy the file whole"
    if seen.timing.gaps:
        longest = seen.timing.longest_gap_s
        parts.append(f"{seen.timing.gaps} gaps, the longest of {longest:.1f} s")
    if seen.dropped >= 0.005:
        parts.append(f"this machine is too slow for {share_text(seen.dropped)} of the frames")
        advice = "Close other programs, or ask for a smaller picture by --size"
    if seen.damaged:
        parts.append(f"{seen.damaged} damaged frames")
    if seen.cut_short_s > _HEADER_S:
        parts.append(f"the file ends {seen.cut_short_s:.0f} s before its header says")
    if seen.losses:
        parts.append(f"the camera was lost {seen.losses} times")
    frozen = seen.repeats.frozen / max(len(seen.measured), 1)
    if seen.repeats.freezes:
        freezes, frozen_s = seen.repeats.freezes, seen.repeats.frozen_s
        parts.append(f"the picture froze {freezes} times, {frozen_s:.1f} s in all")
    verdict = YOURS if parts else OK
    verdict = FIX if seen.losses or seen.dropped >= DROPPED or frozen >= MISSED else verdict
    share = seen.dropped
    yield _finding("gaps", verdict, share, "", "; ".join(parts) or "none", advice)
    if seen.length_s is not None:
        verdict = YOURS if seen.length_s < SHORT_S else OK
        found = f"{seen.length_s:.0f} s"
        advice = "A minute or longer: rates per minute are uncertain below"
        yield _finding("length", verdict, seen.length_s, "s", found, advice)
        found = f"the picture changes at once at {', '.join(f'{t:.1f} s' for t in seen.cuts[:5])}"
        if seen.size_changes:
            found = f"the picture changes its size {seen.size_changes} times"
        cut = bool(seen.cuts) or bool(seen.size_changes)
        advice = "Give one uncut recording: what is left out counts as if it had not been"
        found = found if cut else "none in the seconds looked at"
        yield _finding("cuts", YOURS if cut else OK, float(len(seen.cuts)), "", found, advice)


def _origin(seen: Observed) -> Iterator[Finding]:
    if seen.history is not None:
        programs = ", ".join(seen.history.programs)
        found = f"its tags name {programs}" if programs else "its tags name no editing program"
        if not programs and not seen.history.camera:
            found += " and no camera; messengers leave such files"
        advice = "If the camera's own file is at hand, take that: converting loses detail"
        yield _finding(
            "history",
            YOURS if programs else OK,
            float(len(seen.history.programs)),
            "",
            found,
            advice,
        )
    found = "cannot be detected from the picture"
    if seen.flipped:
        found = "the file asks to be shown mirrored, which is done; more cannot be detected"
    yield _finding(
        "mirror",
        YOURS,
        math.nan,
        "",
        found,
        "Hold up your left hand: it must be on the right of the stored picture. Switch off "
        "beauty, portrait and mirror settings",
    )


def _middle(seen: Observed, name: str) -> float:
    column: FloatArray = seen.samples[name]
    known = column[np.isfinite(column)]
    return float(np.median(known)) if len(known) else math.nan


def _finding(topic: str, verdict: str, value: float, unit: str, found: str, advice: str) -> Finding:
    return Finding(topic, verdict, value, unit, found, "" if verdict == OK else advice)
