"""``summary.json``, read once and checked: what a result says of itself.

Anybody may have edited it. A key that is missing, or null, is what the defaults below say; one that
the program does not know is passed over; one of a wrong type is refused, and never guessed at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from hfs_vision.core.messages import read_messages
from hfs_vision.core.settings import Settings
from hfs_vision.errors import TableError, UsageError
from hfs_vision.results.json_files import read_json, sound_json
from hfs_vision.results.time_limits import doubts_of_times
from hfs_vision.schema import FIRST_YEAR, LARGEST, LAST_YEAR, StrPath, in_years

_NAN = math.nan


@dataclass(frozen=True, kw_only=True)
class Source:
    """What was read; as in `hfs_vision.schema.SourceInfo`, empty or NaN where it is not said."""

    kind: str = ""
    codec: str = ""
    width: int | None = None
    height: int | None = None
    nominal_fps: float = _NAN
    zero_s: float = _NAN
    recorded_utc: datetime | None = None
    recorded_local: datetime | None = None
    turned_deg: int = 0
    passed_over: tuple[tuple[float, float, float], ...] = ()
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Live:
    """What a live session says of itself."""

    started_utc: datetime | None = None
    protocol: str = ""
    frames_dropped: int | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """Which weights ran; as in `hfs_vision.schema.ModelIdentity`, empty where it is not said."""

    landmarker: str = ""
    sha256: str = ""
    mediapipe: str = ""
    appearance_sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Versions:
    """Of what the result was made with."""

    hfs_vision: str = ""
    python: str = ""


@dataclass(frozen=True, kw_only=True)
class SummaryFile:
    """What ``summary.json`` says; NaN and ``None`` where it says nothing.

    Attributes:
        partial: Whether the recording was not read to its end.
        warnings, source_warnings: As in `hfs_vision.analysis.result.Analysis`.
        frames, blinks: How many.
        counted: Events of all kinds and both sides.
        start_s, end_s: Time of the first frame and end of the last, in seconds.
        duration_s, valid_s: Length, and time in which both sides were measured, in seconds.
        coverage, fps, face_px, blink_rate_per_min: As in `hfs_vision.core.summary.Summary`.
        settings: What was decided by; the default of each setting that is not said.
        given_settings: Those that are said, as they stand; empty where none are.
        subject: Whom the user asked to follow, as `hfs_vision.analysis.pipeline.analyze` takes it.
        source, model, versions: Of what, and by what, it was made.
        live: ``None`` of a recording.
        doubts: What in it contradicts itself, in sentences.
        values: All that the file holds: to be passed on, not to be looked at.
    """

    partial: bool = False
    warnings: tuple[str, ...] = ()
    source_warnings: tuple[str, ...] = ()
    frames: int | None = None
    blinks: int | None = None
    counted: int | None = None
    start_s: float = _NAN
    end_s: float = _NAN
    duration_s: float = _NAN
    valid_s: float = _NAN
    coverage: float = _NAN
    fps: float = _NAN
    face_px: float = _NAN
    blink_rate_per_min: float = _NAN
    settings: Settings = field(default_factory=Settings)
    given_settings: Mapping[str, Any] = field(default_factory=dict)
    subject: tuple[float, float] | None = None
    source: Source = field(default_factory=Source)
    model: Model = field(default_factory=Model)
    versions: Versions = field(default_factory=Versions)
    live: Live | None = None
    doubts: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_summary(path: StrPath) -> SummaryFile | None:
    """Reads and checks the file; ``None`` where there is none.

    Raises:
        TableError: If it cannot be read, or a value is not of its type: names file, key and value,
            and says what is expected.
    """
    path = Path(path)
    try:
        values = sound_json(read_json(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise TableError(f"{path} cannot be read as a summary: {error}") from error
    if not isinstance(values, dict):
        raise TableError(f"{path} cannot be read as a summary: it must be a JSON object")
    return _summary(path, values)


def _summary(path: Path, values: dict[str, Any]) -> SummaryFile:
    part = _Part(path, "", values)
    source, model, versions = (part.part(name) for name in ("source", "model", "versions"))
    live = part.part("live")
    for passed_on in ("decoding", "repeats", "speed"):
        part.part(passed_on)
    given = part.part("settings")
    return SummaryFile(
        partial=part.flag("partial"),
        warnings=part.messages("warnings"),
        source_warnings=part.messages("source_warnings"),
        frames=part.whole("frames"),
        blinks=part.whole("blinks"),
        counted=_counted(part),
        start_s=part.number("start_s"),
        end_s=part.number("end_s"),
        duration_s=part.number("duration_s", least=0.0),
        valid_s=part.number("valid_s", least=0.0),
        coverage=part.number("coverage", least=0.0),
        fps=part.number("fps", least=0.0),
        face_px=part.number("face_px", least=0.0),
        blink_rate_per_min=part.number("blink_rate_per_min", least=0.0),
        settings=_settings(given),
        given_settings=given.values,
        subject=part.place("subject"),
        source=Source(
            kind=source.text("kind"),
            codec=source.text("codec"),
            width=source.whole("width"),
            height=source.whole("height"),
            nominal_fps=source.number("nominal_fps", least=0.0),
            zero_s=source.number("zero_s"),
            recorded_utc=source.moment("recorded_utc"),
            recorded_local=source.moment("recorded_local", zoned=False),
            turned_deg=source.turn("turned_deg"),
            passed_over=source.faces("passed_over"),
            sha256=source.text("sha256") or None,
        ),
        model=Model(**{f.name: model.text(f.name) for f in fields(Model)}),
        versions=Versions(**{f.name: versions.text(f.name) for f in fields(Versions)}),
        live=Live(
            started_utc=live.moment("started_utc"),
            protocol=live.text("protocol"),
            frames_dropped=live.whole("frames_dropped"),
        )
        if live.values
        else None,
        doubts=doubts_of_times(
            path,
            start_s=part.number("start_s"),
            end_s=part.number("end_s"),
            told_s=part.number("duration_s", least=0.0),
            valid_s=part.number("valid_s", least=0.0),
            coverage=part.number("coverage", least=0.0),
        ),
        values=values,
    )


def _counted(part: _Part) -> int | None:
    rows = part.parts("counts")
    found = (row for row in rows if row.text("side") == row.text("kind") == "all")
    return next((row.whole("count") for row in found), None)


def _settings(given: _Part) -> Settings:
    """Those that are said, the defaults of the rest; names of another version are passed over."""
    values = Settings().as_dict()
    for name, default in values.items():
        value = given.number(name)
        values[name] = default if math.isnan(value) else given.values[name]
    try:
        return Settings(**values)
    except UsageError as error:
        raise TableError(f"{given.path} cannot be read as a summary: {error}") from error


_T = TypeVar("_T")


@dataclass(frozen=True)
class _Part:
    """An object of the file; each reading is of a key's value, or says what is wrong with it."""

    path: Path
    prefix: str
    values: Mapping[str, Any]

    def part(self, name: str) -> _Part:
        nothing: Mapping[str, Any] = {}
        found = self._read(name, nothing, _object, "an object, {...}")
        return _Part(self.path, f"{self.prefix}{name}.", found)

    def parts(self, name: str) -> list[_Part]:
        nothing: list[Mapping[str, Any]] = []
        found = self._read(name, nothing, _objects, "a list of objects")
        return [_Part(self.path, f"{self.prefix}{name}.", inner) for inner in found]

    def flag(self, name: str) -> bool:
        return self._read(name, False, _flag, "true or false")

    def number(self, name: str, least: float = -LARGEST) -> float:
        at_least = "a number" if least == -LARGEST else f"a number of {least:g} or more"
        wanted = f"{at_least}, below {LARGEST:g}"

        def read(value: object) -> float:
            number = _number(value)
            if math.isnan(number) or least <= number < LARGEST:
                return number
            raise ValueError

        return self._read(name, _NAN, read, wanted)

    def whole(self, name: str) -> int | None:
        return self._read(name, None, _whole, "a whole number, 0 or more")

    def text(self, name: str) -> str:
        return self._read(name, "", _text, "a text")

    def messages(self, name: str) -> tuple[str, ...]:
        return self._read(name, (), _messages, "a list of texts, or of codes with their values")

    def moment(self, name: str, *, zoned: bool = True) -> datetime | None:
        """In UTC; or, where it may lack an offset, as it stands."""
        wanted = (
            f"a moment such as 2026-03-01T08:30:00{'+00:00' * zoned}, in the years "
            f"{FIRST_YEAR} to {LAST_YEAR}"
        )
        return self._read(name, None, _moment if zoned else _clock, wanted)

    def place(self, name: str) -> tuple[float, float] | None:
        return self._read(name, None, _place, "two numbers, [x, y]")

    def turn(self, name: str) -> int:
        return self._read(name, 0, _turn, "0, 90, 180 or 270")

    def faces(self, name: str) -> tuple[tuple[float, float, float], ...]:
        wanted = "a list of [x, y, width], fractions of the picture"
        return self._read(name, (), _faces, wanted)

    def _read(self, name: str, missing: _T, read: Callable[[Any], _T], wanted: str) -> _T:
        value = self.values.get(name)
        if value is None:
            return missing
        try:
            return read(value)
        except ValueError:
            told = repr(value)
            told = told if len(told) <= _LONGEST_TOLD else f"{told[:_LONGEST_TOLD]} ..."
            raise TableError(
                f"{self.path} cannot be read as a summary: {self.prefix}{name} is {told}; it must "
                f"be {wanted}, or null: correct it, or move the file away to go on without it"
            ) from None


_LONGEST_TOLD = 60


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError
    return value


def _objects(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise ValueError
    return list(map(_object, value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError
    return float(value)


def _whole(value: object) -> int:
    number = _number(value)
    if not (0 <= number < LARGEST and number == int(number)):
        raise ValueError
    return int(number)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _messages(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(read_messages(value))


def _clock(value: object) -> datetime:
    found = datetime.fromisoformat(_text(value).replace("Z", "+00:00"))
    if not in_years(found):
        raise ValueError
    return found


def _moment(value: object) -> datetime:
    found = _clock(value)
    if found.tzinfo is None:
        raise ValueError
    return found.astimezone(timezone.utc)


def _place(value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError
    x, y = map(_number, value)
    if not abs(x) + abs(y) < LARGEST:
        raise ValueError
    return x, y


def _turn(value: object) -> int:
    turn = _whole(value)
    if turn not in (0, 90, 180, 270):
        raise ValueError
    return turn


def _faces(value: object) -> tuple[tuple[float, float, float], ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(map(_face, value))


def _face(value: object) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError
    x, y, width = map(_number, value)
    if not all(0 < number < LARGEST for number in (x, y, width)):
        raise ValueError
    return x, y, width


def settings_told(summary: SummaryFile) -> dict[str, float]:
    """Settings of this version that a result says, by name."""
    used = asdict(summary.settings)
    return {name: value for name, value in used.items() if name in summary.given_settings}
