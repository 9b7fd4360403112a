"""What is rendered: a seeded, balanced draw from the factors, never their full product.

A `Recipe` says everything that an item's pictures depend on; equal recipes give equal pictures.
Movements come from cells of region x amplitude x duration that are dealt out like cards: every
cell is used once before any is used again, whoever the person is. The condition factors
(resolution, frame rate, yaw, compression, light) are dealt out the same way, each by itself.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np

from hfs_vision.schema import SIDES
from hfs_vision.simulate import PRESETS, Movement, Script
from tests.benchmarks.clips import Label

CLOSURES = (0.35, 0.5, 0.75, 1.0)
EXCURSIONS = (0.03, 0.04, 0.06, 0.10)
DURATIONS_S = (0.12, 0.2, 0.4, 1.5)
REGIONS = ("eye", "mouth", "eye+mouth")

# A level that is named twice is dealt twice as often: what the floors speak of is half or more.
HEIGHTS = (240, 360, 480, 480, 720, 1080)
FPS = (24.0, 30.0, 30.0, 30.0, 48.0, 60.0)
YAWS_DEG = (0.0, 0.0, 0.0, 8.0, -8.0, 14.0, -14.0, 20.0, -20.0)
COMPRESSIONS = ("none", "jpeg70", "jpeg35", "crf23", "crf32")
LIGHTS = {
    "normal": (1.0, 1.0, 0.0),  # gain, gamma, standard deviation of the noise in grey levels
    "dim, noisy": (0.45, 1.0, 5.0),
    "bright": (1.45, 1.0, 0.0),
    "low contrast": (0.8, 0.65, 2.0),
}
_LIGHT_DECK = ("normal", "normal", *list(LIGHTS)[1:])

BASE_PX = 480
"""Portraits are rendered at this height and then scaled: their source is no sharper."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One recording to be made.

    Attributes:
        person: Who is seen; clips and portraits are taken to show a person each.
        source: ``clip`` or ``portrait``.
        path: Of the clip or picture; empty for the default portrait.
        script: Movements, on the recording's clock.
        height: Pixels of the picture's height; 0 leaves a clip as it is.
        fps, duration_s: Of a portrait's recording; 0 for a clip, which keeps its own times.
        yaw_deg: Turn of a portrait's head throughout.
        compression: One of `COMPRESSIONS`; light: one of `LIGHTS`.
        mesh: Landmark model that tells the warp where the face is.
    """

    person: str
    source: str
    path: str
    script: Script = ()
    height: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    yaw_deg: float = 0.0
    compression: str = "none"
    light: str = "normal"
    mesh: str = "facemesh"
    seed: int = 0

    def key(self) -> str:
        """Hash of everything above and of the source's bytes."""
        text = json.dumps(asdict(self), sort_keys=True)
        data = Path(self.path).read_bytes() if self.path else b"default"
        return hashlib.sha256(text.encode() + hashlib.sha256(data).digest()).hexdigest()[:24]

    @property
    def ideal(self) -> bool:
        """Whether the accuracy targets apply: 480p or more, 25 fps or more, frontal."""
        sharp = self.height == 0 or self.height >= 480
        return sharp and (self.fps == 0 or self.fps >= 25) and abs(self.yaw_deg) <= 15


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A recipe and how it is scored.

    Attributes:
        kind: ``injected``, ``healthy`` (rendered negative), ``clip`` (a clip as it is, no
            one-sided movement) or ``acted`` (a clip with labelled one-sided movements).
        situation: What the recording shows, for the negatives.
        regions: Regions that are scored; events of others are dropped.
        wanted, situations, unsure: Labels of a clip; an injected item's are in its script.
    """

    recipe: Recipe
    kind: str
    situation: str = ""
    regions: str = "eye+mouth"
    wanted: tuple[Label, ...] = ()
    situations: tuple[Label, ...] = ()
    unsure: tuple[Label, ...] = ()

    @property
    def negative(self) -> bool:
        """Whether it holds no one-sided movement."""
        return self.kind in ("healthy", "clip")


def deck(cards: Sequence[T], seed: Sequence[int]) -> Iterator[T]:
    """The cards for ever, shuffled anew each time that all are dealt."""
    rng = np.random.default_rng(list(seed))
    while True:
        for row in rng.permutation(len(cards)):
            yield cards[int(row)]


def movement_cells() -> list[tuple[str, int, int, float]]:
    """Region, rank of closure, rank of excursion, duration: every cell once.

    Where both move, the two ranks are paired so that each meets each over the durations.
    """
    return [
        (region, rank, (rank + turn) % 4 if region == "eye+mouth" else rank, duration_s)
        for (region, rank), (turn, duration_s) in product(
            product(REGIONS, range(4)), enumerate(DURATIONS_S)
        )
    ]


def movement(cell: tuple[str, int, int, float], side: str, onset_s: float) -> Movement:
    """A movement of a cell."""
    region, closure, excursion, duration_s = cell
    tonic = duration_s >= 1.0
    kind = {
        "eye": ("eyelid_twitch", "forced_closure"),
        "mouth": ("lower_face_spasm", "mouth_pull"),
        "eye+mouth": ("hemifacial_spasm", "hemifacial_spasm"),
    }[region][tonic]
    return Movement(
        kind,
        side,
        round(onset_s, 3),
        duration_s,
        CLOSURES[closure] if "eye" in region else 0.0,
        EXCURSIONS[excursion] if "mouth" in region else 0.0,
    )


def lay_out(
    cells: Iterator[tuple[str, int, int, float]],
    duration_s: float,
    rng: np.random.Generator,
    *,
    blinks: bool,
    busy: Sequence[Label] = (),
    start_s: float = 2.0,
) -> Script:
    """Movements of one side one after another, at random distances, clear of what is busy."""
    side = SIDES[int(rng.integers(2))]
    script: list[Movement] = []
    now, pending = start_s + rng.uniform(0.0, 0.5), next(cells)
    while True:
        end = now + pending[3]
        hit = next((b for b in busy if now < b.offset_s + 0.4 and b.onset_s < end + 0.4), None)
        if end > duration_s - 0.4:
            return tuple(script)
        if hit is not None:
            now = max(hit.offset_s + 0.41, now + 0.1)
            continue
        script.append(movement(pending, side, now))
        pending, now = next(cells), end + rng.uniform(0.9, 1.4)
        if blinks and rng.random() < 0.4:
            blink = Movement("blink", "both", round(now - 0.3, 3), 0.25, rng.uniform(0.7, 1.0))
            script.append(blink)
            now += 0.6


def of_portraits(
    portraits: Sequence[tuple[str, str]], *, items: int, length_s: float, seed: int = 0
) -> list[Plan]:
    """Injected items and one healthy one for each portrait ``(person, path)``."""
    decks = [
        deck(cards, (seed, row))
        for row, cards in enumerate((HEIGHTS, FPS, YAWS_DEG, COMPRESSIONS, _LIGHT_DECK))
    ]
    cells = deck(movement_cells(), (seed, 9))
    plans = []
    for number, (person, path) in enumerate(portraits):
        for take in range(items + 1):
            height, fps, yaw, compression, light = (next(d) for d in decks)
            rng = np.random.default_rng([seed, 10, number, take])
            healthy = take == items
            if healthy:
                script = PRESETS["healthy_blinks_smiles_turns"].script(length_s, 100 + number)
            else:
                script = lay_out(cells, length_s, rng, blinks=True)
            recipe = Recipe(
                person=person,
                source="portrait",
                path=path,
                script=script,
                height=height,
                fps=fps,
                duration_s=length_s,
                yaw_deg=0.0 if healthy else yaw,
                compression=compression,
                light=light,
                mesh=("facemesh", "facelandmarker")[(number + take) % 2],
                seed=1000 * number + take,
            )
            plans.append(Plan(recipe=recipe, kind="healthy" if healthy else "injected"))
    return plans


@dataclass(frozen=True)
class Clip:
    """A clip with its labels: one-sided movements, doubtful ones, and everything else."""

    path: Path
    wanted: tuple[Label, ...]
    unsure: tuple[Label, ...]
    others: tuple[Label, ...]
    duration_s: float
    absent: tuple[tuple[float, float], ...] = ()
    """Intervals without a usable face: nothing can be added there."""


def of_clips(clips: Sequence[Clip], *, items: int, seed: int = 0) -> list[Plan]:
    """The clips as they are, and, where they show no one-sided movement, injected copies."""
    cells = deck(movement_cells(), (seed, 19))
    decks = [
        deck(cards, (seed, 20 + row))
        for row, cards in enumerate((HEIGHTS, COMPRESSIONS, _LIGHT_DECK))
    ]
    plans = []
    for number, clip in enumerate(clips):
        situation, regions, inject = situation_of(clip.path.stem)
        plain = Recipe(person=clip.path.stem, source="clip", path=str(clip.path))
        plans.append(
            Plan(
                recipe=plain,
                kind="acted" if clip.wanted else "clip",
                situation=situation,
                regions=regions,
                wanted=clip.wanted,
                situations=clip.others,
                unsure=clip.unsure,
            )
        )
        if clip.wanted or clip.unsure or not inject:
            continue
        busy = [row for row in clip.others if row.kind in ("blink", "forced_closure", "other")]
        for take in range(items):
            height, compression, light = (next(d) for d in decks)
            rng = np.random.default_rng([seed, 30, number, take])
            script = lay_out(cells, clip.duration_s, rng, blinks=False, busy=busy, start_s=0.7)
            script = tuple(m for m in script if not _within(m, clip.absent))
            if not script:
                continue
            recipe = Recipe(
                person=clip.path.stem,
                source="clip",
                path=str(clip.path),
                script=script,
                height=height,
                compression=compression,
                light=light,
                mesh=("facemesh", "facelandmarker")[(number + take) % 2],
                seed=500_000 + 1000 * number + take,
            )
            plans.append(Plan(recipe=recipe, kind="injected", situations=clip.others))
    return plans


def _within(movement: Movement, spans: Sequence[tuple[float, float]]) -> bool:
    return any(movement.onset_s < end and start < movement.offset_s for start, end in spans)


def situation_of(stem: str) -> tuple[str, str, bool]:
    """Situation, regions that are scored, and whether to inject, by a clip's name."""
    with Path(__file__).with_name("situations.csv").open(newline="", encoding="utf-8") as file:
        row = next(r for r in csv.DictReader(file) if fnmatch(stem, r["pattern"]))
    return row["situation"], row["regions"], row["inject"] == "yes"
