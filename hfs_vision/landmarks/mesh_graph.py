"""MediaPipe's Face Mesh graph, fed and read directly."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from hfs_vision.errors import ModelError
from hfs_vision.landmarks.face_identity import Picture
from hfs_vision.schema import N_LANDMARKS, FloatArray

# The protobuf bytes of one face are 478 times these 17: tag and length, then x, y and z as float32,
# each after a tag of its own. Reading them directly takes a tenth of the time of 1434 attributes.
_POINT_HEAD, _POINT_BYTES, _FLOAT_BYTES = b"\x0a\x0f\x0d", 17, 5


class MeshGraph:
    """A Face Mesh graph, fed and read without what its Python wrapper adds.

    Left to itself the wrapper makes a class for each picture, and 478 objects for each face out of
    bytes that are read below as they are. The members are private, but Face Mesh exists for one
    pinned MediaPipe only; where they are missing the wrapper is used.
    """

    _OUTPUT = "multi_face_landmarks"
    _STEP_US = 33_333  # what the wrapper counts up; the graph's filters are off

    def __init__(self, solution: Any) -> None:
        self._solution = solution
        self._as_bytes: Any = None
        self._graph: Any = None
        with contextlib.suppress(ImportError, AttributeError, ValueError):
            from mediapipe.python._framework_bindings import _packet_getter

            ((self._stream, self._kind),) = solution._input_stream_type_info.items()
            self._outputs, self._graph = solution._graph_outputs, solution._graph
            self._as_bytes = _packet_getter._get_serialized_proto_list

    def __call__(self, rgb: Picture) -> list[FloatArray]:
        """Meshes ``(478, 3)`` in pixels of the next picture."""
        if self._as_bytes is None:
            found = self._solution.process(rgb).multi_face_landmarks or ()
            return [_pixels(face, rgb) for face in found]
        self._outputs.clear()
        self._solution._simulated_timestamp += self._STEP_US
        packet = self._solution._make_packet(self._kind, rgb)
        self._graph.add_packet_to_input_stream(
            stream=self._stream, packet=packet.at(self._solution._simulated_timestamp)
        )
        self._graph.wait_until_idle()
        answer = self._outputs.get(self._OUTPUT)
        if answer is None or answer.is_empty():
            return []
        return [_pixels(face, rgb) for face in self._as_bytes(answer)]

    def close(self) -> None:
        """Releases the graph."""
        self._solution.close()
        self._graph = None  # which lets its threads and their memory go


def _pixels(face: Any, rgb: Picture) -> FloatArray:
    """Pixels ``(478, 3)`` of a Face Mesh protobuf or of its bytes."""
    data = face if isinstance(face, bytes) else face.SerializeToString()
    if len(data) != N_LANDMARKS * _POINT_BYTES or not data.startswith(_POINT_HEAD):
        raise ModelError(
            f"Face Mesh gave {len(data)} bytes for a face, {N_LANDMARKS * _POINT_BYTES} were "
            "expected; this MediaPipe is not the one that the program is tested with"
        )
    strides = (_POINT_BYTES, _FLOAT_BYTES)
    return np.ndarray((N_LANDMARKS, 3), "<f4", data, len(_POINT_HEAD), strides) * pixel_scale(rgb)


def pixel_scale(rgb: Picture) -> FloatArray:
    """Pixels per unit of ``(x, y, z)``; MediaPipe's z is on the scale of x."""
    height, width = rgb.shape[:2]
    return np.array((width, height, width), np.float64)
