"""Two small networks that read lids and mouth corners from patches (`.patches`).

They are ours, lie in ``models/`` (with their cards and the scripts that train them), and are run
by ONNX Runtime, on one thread: they are too small to gain from more. Each sees one patch of one
frame by itself: nothing is remembered, so a frame's reading does not depend on where a recording
is cut, and one side's reading not on the other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from hfs_vision.core.geometry import PatchMeasurements
from hfs_vision.core.messages import Message
from hfs_vision.errors import ModelError
from hfs_vision.landmarks import model_files
from hfs_vision.landmarks.patches import EYE, MOUTH, FacePatches, PatchPlan, cut_patches
from hfs_vision.schema import FloatArray, Frame

FILES = model_files.OWN_FILES
"""Weights of the eyes, and of the corners of the mouth."""

_SHA256 = "3d77dee05d03f6d567f52521d8ab8621c56405acd69938387afeb1880253f32c"
"""Of both as they come with this version: what the accuracy was measured with."""

_APERTURE_UNIT = 0.1
"""Interocular units of one unit of the eye network's output."""

_CORNER_UNITS = MOUTH.unit * np.array([-np.cos(np.deg2rad(MOUTH.tilt_deg)), -1.0])
"""The same of the mouth network's two: pixels of the patch to the right and down."""

_AT_ONCE = 16
"""Frames read at once: a tenth cheaper than one by one; more gain nothing."""

_LEAST_CONTRAST = 4.0
"""Grey levels added to a patch's standard deviation, so that noise in the dark is not blown up."""


class PatchNetworks:
    """Reads both eyes and both corners of the mouth of a face.

    Raises:
        ModelError: The weights are missing or damaged.
    """

    def __init__(self) -> None:
        paths = [model_files.own_weights(file) for file in FILES]
        weights = [_content(path) for path in paths]
        self._eye, self._mouth = map(_load, paths, weights, (EYE, MOUTH))
        self._sha256 = model_files.sha256_hex(b"".join(weights))

    @property
    def sha256(self) -> str:
        """SHA-256 over the weights of both networks, hexadecimal."""
        return self._sha256

    @property
    def warnings(self) -> tuple[Message, ...]:
        """Tells where other weights run than come with the program."""
        if self._sha256 == _SHA256:
            return ()
        return (Message("other_patch_networks", files=" and ".join(FILES)),)

    def __call__(self, frame: Frame, landmarks: FloatArray) -> FloatArray:
        """What the patches of one frame show.

        Args:
            frame: The picture.
            landmarks: ``(478, 3)`` pixels of it; NaN where there is no face.

        Returns:
            ``(7,)``: apertures, shift of the left corner (lateral, up) and of the right one,
            visibility; `readings` takes a stack of them. NaN without a face.
        """
        return np.asarray(self.read([cut_patches(frame.rgb, landmarks)])[0])

    def read(self, patches: Sequence[FacePatches | None]) -> FloatArray:
        """The same, ``(n, 7)``, of what was cut from ``n`` frames.

        How many are read at once changes no digit, only the time that each takes.
        """
        found = np.full((len(patches), 7), np.nan)
        seen = [row for row, cut in enumerate(patches) if cut is not None]
        for first in range(0, len(seen), _AT_ONCE):
            rows = seen[first : first + _AT_ONCE]
            faces = [cut for row in rows if (cut := patches[row]) is not None]
            eyes = self._run(self._eye, np.concatenate([face.eyes for face in faces]))
            corners = self._run(self._mouth, np.concatenate([face.mouths for face in faces]))
            visible = np.stack([eyes[:, -1], corners[:, -1]]).reshape(2, -1, 2)
            found[rows, :2] = eyes[:, 0].reshape(-1, 2) * _APERTURE_UNIT
            found[rows, 2:6] = (corners[:, :2] * _CORNER_UNITS).reshape(-1, 4)
            found[rows, 6] = (1.0 / (1.0 + np.exp(-visible))).min(axis=(0, 2))
        return found

    @staticmethod
    def _run(net: onnxruntime.InferenceSession, patches: NDArray[np.uint8]) -> FloatArray:
        (output,) = net.run(None, {net.get_inputs()[0].name: normalised(patches)})
        return np.asarray(output, dtype=np.float64)


def readings(rows: Sequence[FloatArray] | FloatArray) -> PatchMeasurements:
    """What `PatchNetworks` gave for consecutive frames, as columns."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    return PatchMeasurements(table[:, :2], table[:, 2:6].reshape(-1, 2, 2), table[:, 6])


def normalised(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``(n, h, w, 3)`` uint8 -> ``(n, 3, h, w)``: mean 0, deviation 1 over each patch."""
    x = patches.transpose(0, 3, 1, 2).astype(np.float32)
    x -= x.mean(axis=(1, 2, 3), keepdims=True)
    x /= np.sqrt(np.square(x).mean(axis=(1, 2, 3), keepdims=True)) + np.float32(_LEAST_CONTRAST)
    return np.ascontiguousarray(x)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error})") from error


def _load(path: Path, weights: bytes, plan: PatchPlan) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is said once, by the error
    hint = model_files.how_to_restore(path)
    # Bytes rather than a path, so that what was hashed is what runs.
    try:
        net = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes of errors have no common base
        raise ModelError(f"{path} is damaged; {hint} (ONNX Runtime: {error})") from error
    wanted, taken = [3, plan.height, plan.width], net.get_inputs()[0].shape[1:]
    if taken != wanted:
        raise ModelError(f"{path} takes pictures of {taken}, not {wanted}; {hint}")
    return net
