"""Simulated spasms, blinks and smiles with known truth, on a portrait or in a clip.

`movements` says what a face does, `scripts` draws random ones, `warp` and `head` move a picture,
`render` makes frames of it, `writing` and `truth` write video and CSV, `samples` holds presets.
Landmarks come in as an argument: nothing here finds faces.
"""

from hfs_vision.simulate.faces import Rgb
from hfs_vision.simulate.movements import KINDS, FaceState, Movement, Script, state_at
from hfs_vision.simulate.render import (
    SimulatedCamera,
    default_portrait,
    inject,
    render_portrait,
    square_portrait,
)
from hfs_vision.simulate.samples import PRESETS, Preset, truth_path, write_samples
from hfs_vision.simulate.scripts import (
    ONE_SIDED_KINDS,
    Part,
    compose,
    irregular_times,
    random_script,
    steady_times,
)
from hfs_vision.simulate.truth import read_script, write_truth
from hfs_vision.simulate.video_file import write_video
from hfs_vision.simulate.warp import warp_face

__all__ = [
    "KINDS",
    "ONE_SIDED_KINDS",
    "PRESETS",
    "FaceState",
    "Movement",
    "Part",
    "Preset",
    "Rgb",
    "Script",
    "SimulatedCamera",
    "compose",
    "default_portrait",
    "inject",
    "irregular_times",
    "random_script",
    "read_script",
    "render_portrait",
    "square_portrait",
    "state_at",
    "steady_times",
    "truth_path",
    "warp_face",
    "write_samples",
    "write_truth",
    "write_video",
]
