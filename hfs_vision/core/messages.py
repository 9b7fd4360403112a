"""Warnings by code and values: what is stored. Their text is made when it is shown.

A test can ask for a code, a file can be read by a program, and another language needs nothing but
other texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Value = str | int | float | None

TEXTS = {
    # how well a face could be measured
    "low_frame_rate": "low frame rate ({fps:.1f} frames/s): movements under about "
    "{shortest_ms:.0f} ms can be missed; record at 30, better 60 frames/s",
    "small_face": "small face ({face_px:.0f} px between the outer corners of the eyes; "
    "{wanted_px:.0f} or more are needed): come nearer or record at a higher resolution",
    "lids_differ": "the lids differ at rest: the {side} eye opens to {share:.0%} of the {other}; "
    "a look down or a slow blink may then read as a closure of one side",
    "no_usable_face": "no usable face in {count} of {frames} frames ({share:.0%}): away, turned "
    "aside, hidden or frozen",
    "short_recording": "short recording ({valid_s:.0f} s of valid time): rates per minute are "
    "uncertain below {wanted_s:.0f} s",
    "no_blink": "no movement and not one blink in {valid_s:.0f} s: it may be a photograph, or lids "
    "that cannot be read (dark glasses, glare, a picture out of focus)",
    # what was read
    "ends_early": "the file ends early: what is missing at its end was not analysed",
    "frames_not_decoded": "{count} frames{share} could not be decoded",
    "frames_after_damage": "{count} frames{share} followed a damaged frame and were left out",
    "frames_out_of_order": "{count} frames{share} had a time that repeats or goes back and were "
    "left out",
    "frames_without_time": "{count} frames{share} had no time of their own and were timed by the "
    "nominal rate",
    "holes": "{count} times no frame came for more than {longest_s:g} s, {total_s:.1f} s in all: "
    "movements were not seen there",
    "size_changes": "the size of the picture changes {count} times",
    "picture_froze": "the picture froze {count} times, {total_s:.1f} s in all: movements were not "
    "seen there",
    "pictures_repeat": "{share:.0%} of the pictures repeat the one before: {shown_fps:.1f} "
    "different ones a second, not {fps:.1f}; movements under about {shortest_ms:.0f} ms can be "
    "missed",
    "file_changed": "the file was changed while it was read ({before} bytes before, {after} "
    "after): what was added or cut off may be missing here; run again once it is complete",
    "images_added": "{count} images were added to the folder while it was read, and left out: run "
    "again once it is complete",
    "rows_missing": "{count} of the {frames} frames that were measured are missing from the table "
    "of signals: it was cut off or edited",
    # what the source says of its times
    "slow_motion": "it was recorded at {recorded_fps:.4g} frames/s and plays at {fps:.4g} (slow "
    "motion): durations are {times:.1f} times too long; give it at its true speed",
    "time_lapse": "it was recorded at {recorded_fps:.4g} frames/s and plays at {fps:.4g} (time "
    "lapse): durations are {times:.1f} times too short, and most of what moved was not recorded; "
    "record at the usual speed",
    "two_rates": "its header states {fps:.1f} frames/s in one place and {other_fps:.1f} in "
    "another: times, durations and rates may be wrong; record or convert it again",
    "sound_of_other_length": "its pictures last {pictures_s:.1f} s and its sound {sound_s:.1f} s: "
    "one was cut, or its speed was changed, and then times and rates are wrong",
    "edited_speed": "its edit list changes the speed ({slowest:g} to {fastest:g} times the "
    "recorded one): times here are those at which the camera recorded, each picture once; players "
    "show others",
    "edited_order": "its edit list repeats parts or changes their order: times here are those at "
    "which the camera recorded, each picture once; players show others",
    "images_not_numbered": "the names of the images do not number them from first to last: they "
    "are timed by their order, and it cannot be known whether some are missing",
    "images_numbered_by_time": "the numbers of the images step by about {step}, as times in {unit} "
    "do at {fps:g} images/s: they are read as times",
    "images_step": "the numbers of the images step by {step} throughout: {fps:g} images/s is taken "
    "as the rate of those that are there; if it is the rate of all numbers, give --fps "
    "{other_fps:g}",
    "images_missing": "{count} images are missing by their numbers, at most {longest} in a row "
    "({longest_s:.2f} s): nothing was seen there",
    # who is in view
    "turned_upside_down": "the picture is upside down: it is turned by {degrees} degrees "
    "clockwise; left and right are the subject's own, as always. A camera or a file that is "
    "upright needs no turning",
    "turned_on_side": "the picture lies on its side: it is turned by {degrees} degrees clockwise; "
    "left and right are the subject's own, as always. A camera or a file that is upright needs no "
    "turning",
    "several_faces": "{count} faces are in view; the one at {followed} is followed, not that at "
    "{others}: --subject X Y follows another",
    "subject_without_landmarks": "the face nearest to {wanted} gives no landmarks; another one is "
    "followed from {from_s:.2f} s on",
    "passed_by": "from {from_s:.2f} s to {to_s:.2f} s the landmarks may be another person's, who "
    "passed the subject; from then on the subject's again",
    "looks_changed": "from {from_s:.2f} s to {to_s:.2f} s and perhaps later the followed face does "
    "not look as before: covered, in another light, or another person's",
    "picture_turned": "from {from_s:.2f} s on the picture is turned by {degrees} degrees against "
    "its start: nothing is measured until it turns back; cut the recording there and analyse each "
    "part by itself",
    "only_another_person": "the subject was lost at {lost_s:.2f} s; at {from_s:.2f} s only a "
    "person who was seen beside the subject is in view and is not followed",
    "looks_unlike_start": "the face followed from {from_s:.2f} s on does not look as at the start: "
    "in another light, or another person's (likeness {likeness:.2f} of 1)",
    "found_elsewhere": "the subject was lost at {lost_s:.2f} s; the face followed from "
    "{from_s:.2f} s on is at another place or of another size and may be another person's "
    "(likeness {likeness:.2f} of 1)",
    "found_unlike": "the subject was lost at {lost_s:.2f} s; the face followed from {from_s:.2f} s "
    "on is of another look and may be another person's (likeness {likeness:.2f} of 1)",
    "models_disagree": "the two landmark models followed different faces in {count} frame(s), "
    "which were left out; --subject chooses one",
    # how it was run
    "other_patch_networks": "{files} are not those of this version (damaged, or trained anew): how "
    "well they do is not known",
    "worker_killed": "a worker process was killed, perhaps because memory ran out; one process "
    "alone measured the rest, and nothing is missing: use fewer --workers",
    "frames_dropped": "{count} of {frames} frames were dropped because this machine was too slow "
    "for them: close other programs, or ask for a smaller picture",
    "camera_lost": "the camera was lost {count} times",
    "camera_slow": "the camera gave {fps:.1f} frames/s where {wanted_fps:g} were asked for: many "
    "cameras slow down in weak light",
    "camera_size": "the camera gives {width}x{height} where {wanted_width}x{wanted_height} was "
    "asked for",
    "video_not_recorded": "the video was not recorded to its end: {reason}",
    "video_frames_missing": "{count} frames are missing in the recorded video",
}
"""Text of each code in English, a template for its values."""


class Message(str):
    """A warning: its text, together with the code and the values that it is made of.

    >>> found = Message("camera_lost", count=2)
    >>> found.code, found.values, str(found)
    ('camera_lost', {'count': 2}, 'the camera was lost 2 times')
    """

    code: str
    values: dict[str, Value]

    def __new__(cls, code: str, /, **values: Value) -> Message:
        """Args: as in `TEXTS`; numbers, texts or ``None``."""
        made = super().__new__(cls, _text(code, values))
        made.code, made.values = code, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.code, self.values)

    def as_dict(self) -> dict[str, Any]:
        """What is stored."""
        return {"code": self.code, "values": self.values}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Message:
        """What `as_dict` gave, also one of a later version, whose text is not known here.

        Raises:
            ValueError: It is none.
        """
        code, values = stored.get("code"), stored.get("values", {})
        if not isinstance(code, str) or not isinstance(values, dict):
            raise ValueError(f"{stored!r} is no message")
        if not all(isinstance(value, Value) for value in values.values()):
            raise ValueError(f"{stored!r} is no message")
        return _again(code, values)


def stored_messages(messages: Iterable[str]) -> list[Any]:
    """What is stored of messages; a text alone stays one."""
    return [each.as_dict() if isinstance(each, Message) else each for each in messages]


def read_messages(stored: Sequence[object]) -> list[str]:
    """Messages as they were stored; a text, as an early version stored it, stays a text.

    Raises:
        ValueError: One is neither.
    """
    found: list[str] = []
    for each in stored:
        if isinstance(each, dict):
            found.append(Message.from_dict(each))
        elif isinstance(each, str):
            found.append(each)
        else:
            raise ValueError(f"{each!r} is no message")
    return found


def _again(code: str, values: dict[str, Value]) -> Message:
    return Message(code, **values)


def _text(code: str, values: Mapping[str, Value]) -> str:
    try:
        return TEXTS[code].format(**values)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        told = ", ".join(f"{name} {value}" for name, value in values.items())
        return code.replace("_", " ") + (f" ({told})" if told else "")
