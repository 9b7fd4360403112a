"""Measurements -> one-sided events and blinks. The same object runs over a file and live.

An event is a stretch in which a side's score stays at half of the threshold or more and reaches
the threshold; stretches of one side that are closer than the merge gap, of lid or corner, are one
event, which keeps them as its twitches (`hfs_vision.core.twitches`). Nothing depends on how the
samples are handed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hfs_vision.core.events import describe_event
from hfs_vision.core.frame_times import frame_ends
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.intervals import IntervalArray, hysteresis, merge, runs
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import EXIT_THRESHOLD, SignalBuilder, Signals
from hfs_vision.core.twitches import find_twitches
from hfs_vision.regions import FACE_REGIONS, Region
from hfs_vision.schema import SIDES, Blink, BoolArray, Event, FloatArray

_CONFIDENT_SCORE = 1.5
"""Stretches briefer than `Region.brief_s` must reach this score."""

_MIN_DURATION_NEAR_GAP_S = 0.11
_HOLE_NEAR_S = 0.5
_HOLE_STEPS = 1.6
"""Movements of this length (three frames at 30 frames/s) or shorter do not count where frames have
no face or are missing within `_HOLE_NEAR_S` before them, or within the merge gap after them: the
step is `_HOLE_STEPS` times the usual one. There the picture may be damaged, or a hand in it."""

_USUAL_OF = 5
"""So many steps before a frame tell what step is usual."""

_AT_ONCE = 2048
"""Rows that are looked at in one go, or as many as are still open where those are more: the cost of
a row then does not grow with the length of the recording, nor with that of an event."""

_HELD_CLOSURE = 0.5
_HELD_IN_BLINK = 0.25
_BLINK_NEAR_S = 0.15
_BLINK_BRIDGE_S = 0.6
"""A lid is held while it stays closed by `_HELD_CLOSURE`, or within `_BLINK_NEAR_S` of the other
one's blink by `_HELD_IN_BLINK`: spasms often narrow the eye and no more. So long its event may
lose its one-sidedness for `_BLINK_BRIDGE_S`: blinks of more than 0.5 s are rare (Ousler 2014, doi
10.2147/OPTH.S56783)."""

_BLINK_CLOSURE = 0.4
_BLINK_STAY = 0.2
_BLINK_MAX_S = 1.0


@dataclass(frozen=True)
class DetectorUpdate:
    """What has become final: signal rows, and events and blinks in the order of their ends."""

    signals: Signals
    events: list[Event]
    blinks: list[Blink]

    @classmethod
    def joined(cls, steps: Sequence[DetectorUpdate]) -> DetectorUpdate:
        """Consecutive steps as one."""
        return cls(
            Signals.concatenate([step.signals for step in steps]),
            [event for step in steps for event in step.events],
            [blink for step in steps for blink in step.blinks],
        )


class Detector:
    """Finds events in measurements as they arrive.

    Args:
        settings: Thresholds and durations.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._builder = SignalBuilder(self._settings)
        self._window = Signals.empty()
        self._row_end: FloatArray = np.empty(0)
        self._usual_s: FloatArray = np.empty(0)
        self._held = (np.empty(0, dtype=np.bool_),) * len(SIDES)
        self._broken: BoolArray = np.empty(0, dtype=np.bool_)
        self._told_s = [-np.inf, -np.inf]
        self._blinked_s = -np.inf

    def update(self, samples: Measurements) -> DetectorUpdate:
        """Takes the next samples in order of time."""
        steps: list[DetectorUpdate] = []
        done = 0
        while not steps or done < len(samples):
            piece = samples[slice(done, done + max(_AT_ONCE, len(self._window)))]
            steps.append(self._advance(self._builder.update(piece), last=False))
            done += len(piece)
        return DetectorUpdate.joined(steps) if len(steps) > 1 else steps[0]

    def finish(self) -> DetectorUpdate:
        """Ends the recording: what was still open becomes final."""
        return self._advance(self._builder.finish(), last=True)

    @property
    def rest_known_s(self) -> float | None:
        """When rest is first known, before which nothing becomes final; ``None`` before a face."""
        return self._builder.rest_known_s

    def ongoing(self) -> frozenset[tuple[str, str]]:
        """Side and name of each region of which an event has begun and not ended, for a display."""
        rows, found = self._window, set()
        broken = self._broken[len(self._broken) - len(rows) :]
        for region in FACE_REGIONS:
            for side, score in zip(SIDES, rows.score(region).T, strict=True):
                begun = hysteresis(score, high=1.0, low=EXIT_THRESHOLD, broken=broken)
                if len(begun) and begun[-1, 1] == len(rows):
                    found.add((side, region.name))
        return frozenset(found)

    def _advance(self, rows: Signals, *, last: bool) -> DetectorUpdate:
        self._window = Signals.concatenate([self._window, rows])
        window = self._window
        if not len(window):
            return DetectorUpdate(rows, [], [])
        self._row_end = frame_ends(window.time_s, self._settings.max_gap_s)
        self._usual_s = usual_steps(window.time_s)
        self._held = tuple(self._held_rows(side) for side in range(len(SIDES)))
        self._broken = np.diff(window.time_s, prepend=window.time_s[0]) > self._settings.max_gap_s
        now_s = np.inf if last else float(window.time_s[-1])
        events, open_from = self._events(now_s)
        blinks, blink_open_from = self._blinks(now_s)
        self._trim(min(open_from, blink_open_from))
        return DetectorUpdate(rows, events, blinks)

    def _events(self, now_s: float) -> tuple[list[Event], int]:
        """Events of the groups that nothing can be joined to any more, in that order.

        Also the first row that is still needed.
        """
        found, open_from = [], len(self._window)
        for side in range(len(SIDES)):
            reach_s = self._reach(side)
            groups = merge(
                runs(_over(self._window, side), self._broken), self._window.time_s, reach_s
            )
            settled_s, end_s = reach_s[groups[:, 1] - 1], self._row_end[groups[:, 1] - 1]
            is_open = settled_s >= now_s
            if is_open.any():
                open_from = min(open_from, int(groups[is_open][0, 0]))
            for row in np.flatnonzero(~is_open & (end_s > self._told_s[side])):
                group = slice(*groups[row].tolist())
                for event in self._in_group(group, side, reach_s):
                    found.append((settled_s[row], event.onset_s, side, event))
                self._told_s[side] = end_s[row]
        return [item[-1] for item in sorted(found, key=lambda item: item[:3])], open_from

    def _reach(self, side: int) -> FloatArray:
        """``(n,)`` time before which a movement must begin to be one with what ends at each row.

        That is the merge gap; or longer, where the side's own lid is held while the other one
        closes too: a blink in the middle of a long closure does not end it.
        """
        reach_s = self._row_end + self._settings.merge_gap_s
        held = self._held[side]
        for start, stop in runs(held, self._broken).tolist():
            before = start if self._broken[start] else max(start - 1, 0)
            held_s = np.minimum(
                self._row_end[before:stop] + _BLINK_BRIDGE_S,
                self._row_end[stop - 1] + self._settings.merge_gap_s,
            )
            reach_s[before:stop] = np.maximum(reach_s[before:stop], held_s)
        return np.asarray(reach_s)

    def _held_rows(self, side: int) -> BoolArray:
        """``(n,)`` rows in which the lid has not opened, be it one-sided or not.

        No row is looked at that is not there once the merge gap has passed.
        """
        time_s, closure = self._window.time_s, self._window.closure
        near_s = min(_BLINK_NEAR_S, self._settings.merge_gap_s)
        with np.errstate(invalid="ignore"):
            blinks = np.append(0, np.cumsum(closure[:, 1 - side] >= _BLINK_CLOSURE))
            first = np.searchsorted(time_s, time_s - near_s)
            stop = np.searchsorted(time_s, time_s + near_s, side="right")
            in_blink = blinks[stop] > blinks[first]
            own = closure[:, side]
            return np.asarray((own >= _HELD_CLOSURE) | in_blink & (own >= _HELD_IN_BLINK))

    def _in_group(self, group: slice, side: int, reach_s: FloatArray) -> list[Event]:
        window, row_end, held, events = self._window, self._row_end, self._held[side], []
        found = [self._stretches(group, side, region) for region in FACE_REGIONS]
        together = np.concatenate(found)
        together = together[np.lexsort(together.T[::-1])]
        for start, stop in merge(together, window.time_s, reach_s).tolist():
            parts = [x[(x[:, 0] >= start) & (x[:, 1] <= stop)] for x in found]
            twitches = find_twitches(window, row_end, parts, held, side)
            event = describe_event(
                window, row_end, slice(start, stop), side, self._settings, twitches
            )
            events.append(event)
        return events

    def _stretches(self, group: slice, side: int, region: Region) -> IntervalArray:
        """``(k, 2)`` rows of the group in which a region moves surely."""
        window = self._window
        score = window.score(region)[:, side]
        found = hysteresis(score[group], high=1.0, low=EXIT_THRESHOLD, broken=self._broken[group])
        found = found + group.start
        sure = []
        for start, stop in found.tolist():
            begin_s = window.time_s[start]
            # What comes before a gap was not seen to last into it.
            end_s = min(self._row_end[stop - 1], window.time_s[stop - 1] + self._usual_s[stop - 1])
            lasts = end_s - begin_s >= region.brief_s or score[start:stop].max() >= _CONFIDENT_SCORE
            plain = end_s - begin_s >= _MIN_DURATION_NEAR_GAP_S or not self._has_hole(
                begin_s, end_s
            )
            sure.append(lasts and plain)
        return np.asarray(found[np.array(sure, dtype=np.bool_)])

    def _has_hole(self, begin_s: float, end_s: float) -> bool:
        """Whether frames have no face or are missing around these times."""
        window = self._window
        until_s = end_s + self._settings.merge_gap_s
        first = int(np.searchsorted(window.time_s, begin_s - _HOLE_NEAR_S))
        stop = int(np.searchsorted(window.time_s, until_s, side="right"))
        blank = np.isnan(window.closure[first:stop]).any()
        first = max(first - 1, 0)  # the steps that lead into that time and out of it
        steps = np.diff(window.time_s[first : stop + 1])
        usual_s = self._usual_s[first : first + len(steps)]
        return bool(blank or (steps > _HOLE_STEPS * usual_s).any())

    def _blinks(self, now_s: float) -> tuple[list[Blink], int]:
        time_s, both = self._window.time_s, self._window.closure.min(axis=1)
        found, open_from = [], len(both)
        closures = hysteresis(both, high=_BLINK_CLOSURE, low=_BLINK_STAY, broken=self._broken)
        for start, stop in closures.tolist():
            onset_s, offset_s = float(time_s[start]), float(self._row_end[stop - 1])
            if stop == len(both) and now_s < np.inf:
                open_from = min(open_from, start)
            elif offset_s > self._blinked_s:
                self._blinked_s = offset_s
                if offset_s - onset_s <= _BLINK_MAX_S:
                    found.append(Blink(onset_s, offset_s, float(both[start:stop].max())))
        return found, open_from

    def _trim(self, open_from: int) -> None:
        """Forgets rows that no later event can touch, except those just before."""
        time_s = self._window.time_s
        needed = min(open_from, len(time_s) - 1)
        near = int(np.searchsorted(time_s, time_s[needed] - _HOLE_NEAR_S)) - _USUAL_OF - 1
        self._window = self._window[slice(max(near, 0), None)]


def usual_steps(time_s: FloatArray) -> FloatArray:
    """``(n,)`` median of the last steps up to each row; infinity for the first, which has none.

    >>> usual_steps(np.array([0.0, 1.0, 2.0, 3.0, 8.0])).tolist()
    [inf, 1.0, 1.0, 1.0, 1.0]
    """
    usual, steps = np.full(len(time_s), np.inf), np.diff(time_s)
    for row in range(1, min(len(time_s), _USUAL_OF)):
        usual[row] = np.median(steps[:row])
    if len(time_s) > _USUAL_OF:
        latest = np.lib.stride_tricks.sliding_window_view(steps, _USUAL_OF)
        usual[_USUAL_OF:] = np.median(latest, axis=1)
    return usual


def _over(rows: Signals, side: int) -> BoolArray:
    with np.errstate(invalid="ignore"):
        return np.asarray(rows.top_score[:, side] >= EXIT_THRESHOLD)
