"""MediaPipe's face landmarks of one subject, raw; only this and `mesh_graph` see MediaPipe.

Two models, one interface (`hfs_vision.schema.Landmarker`):

- ``facemesh``: the attention Face Mesh inside the wheel of MediaPipe 0.10.21. Nothing to download.
- ``facelandmarker``: the Tasks FaceLandmarker, with the bundle ``face_landmarker.task``.

``fused`` is the mean of both (`hfs_vision.landmarks.fused`).

No landmark is smoothed in time. Face Mesh never is; the FaceLandmarker is when it reads a video
with ``num_faces=1``, which takes 60 % of the height off a short twitch, so it runs with more.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hfs_vision.errors import ModelError, UsageError, library_hint
from hfs_vision.landmarks import model_files
from hfs_vision.landmarks.face_identity import AppearanceVector, FacePosition, Picture
from hfs_vision.landmarks.fused import FusedLandmarker
from hfs_vision.landmarks.mesh_graph import MeshGraph, pixel_scale
from hfs_vision.landmarks.native_output import quiet_native, without_sound
from hfs_vision.landmarks.subject_landmarker import Faces, SubjectLandmarker
from hfs_vision.schema import LANDMARKERS, FloatArray, Landmarker, ModelIdentity, StrPath

_CHOICES = ("auto", *LANDMARKERS)
"""Names that `open_landmarker` takes."""

MAX_FACES = 4
"""Faces that the FaceLandmarker tracks at a time. Two or more keep its smoothing filter off."""

_MESH_FILES = (
    "modules/face_detection/face_detection_short_range.tflite",
    "modules/face_landmark/face_landmark_with_attention.tflite",
)
"""The weights that the Face Mesh graph loads, by their path in the MediaPipe package."""

_LID_LEAK = 0.22
"""Of FaceLandmarker: where one eye closes alone, the open one follows by 0.23 to 0.33 of what the
model gives for the closing one; Face Mesh shows none (`python -m tests.benchmarks.lid_leak`)."""

_BLANK = np.zeros((64, 64, 3), np.uint8)
"""The models load their kernels, and write about it, at the first picture."""


def open_landmarker(
    name: str = "auto",
    *,
    model: StrPath | None = None,
    subject: tuple[float, float] | None = None,
    known: AppearanceVector | None = None,
    passed_over: tuple[FacePosition, ...] = (),
) -> Landmarker:
    """Load a landmark model that follows one subject.

    Args:
        name: ``facemesh``, ``facelandmarker``, ``fused`` (the mean of both) or ``auto``: Face Mesh
            where the installed MediaPipe carries it, else the FaceLandmarker.
        model: A bundle for the FaceLandmarker; without it the published one is looked for.
        subject: Whom to follow where several faces are in view, as fractions of width and height
            of the first picture with a face; without it the largest face.
        known: Look of the subject in an earlier part of the recording (`subject.look_of`), which
            is followed rather than either.
        passed_over: Faces that are never followed, such as photographs on a wall, in fractions of
            the picture (`FacePosition.fraction_of`).

    Returns:
        A landmarker; close it after use. It expects the frames of one recording in their order.

    Raises:
        UsageError: An unknown name, or ``subject`` outside 0..1.
        ModelError: The model is missing, damaged, or not supported by the installed MediaPipe.
    """
    model = Path(model) if model is not None else None
    _check(name, model)
    check_subject(subject)
    mediapipe = _import_mediapipe()
    name = _carried(mediapipe, model) if name == "auto" else name
    whom: dict[str, Any] = {"subject": subject, "known": known, "passed_over": passed_over}
    opened = []
    for part in _PARTS.get(name, (name,)):
        identity, tracker = _MODELS[part].tracker(mediapipe, model)
        opened.append(SubjectLandmarker(tracker, identity, **whom))
    return FusedLandmarker(*opened) if len(opened) > 1 else opened[0]


def open_faces(name: str = "auto", *, model: Path | None = None) -> Faces:
    """Load the same model to find all faces of single pictures; for ``fused``, Face Mesh.

    Raises:
        UsageError, ModelError: As `open_landmarker`.
    """
    _check(name, model)
    mediapipe = _import_mediapipe()
    name = _carried(mediapipe, model) if name == "auto" else name
    return _MODELS[_PARTS.get(name, (name,))[0]].faces(mediapipe, model)


def check_subject(subject: tuple[float, float] | None) -> None:
    """Raises a UsageError where it is no point of a picture."""
    if subject is not None and not all(0.0 <= fraction <= 1.0 for fraction in subject):
        raise UsageError(f"subject must be fractions of width and height, 0..1, got {subject}")


def _check(name: str, model: Path | None) -> None:
    if name not in _CHOICES:
        raise UsageError(f"unknown landmarker {name!r}; choose one of {', '.join(_CHOICES)}")
    if model is not None and name in _MODELS and not _MODELS[name].takes_file:
        raise UsageError(f"{name} runs the model inside MediaPipe and takes no model file")


def _carried(mediapipe: Any, model: Path | None) -> str:
    """The model that runs where none is named."""
    carried = hasattr(mediapipe, "solutions") and model is None
    return "facemesh" if carried else "facelandmarker"


class _FaceMesh:
    """Face Mesh for one face, and MediaPipe's detector for the places of all of them.

    For one face, because then the detector runs only while nothing is tracked.
    """

    def __init__(self, mediapipe: Any) -> None:
        self._mediapipe = mediapipe
        self._still: MeshGraph | None = None
        self._seen = False
        with quiet_native():
            self._video = _open_mesh(mediapipe, static_image_mode=False, max_num_faces=1)
            self._detector = mediapipe.solutions.face_detection.FaceDetection(model_selection=0)
            self._video(_BLANK)
            self._detector.process(_BLANK)

    def track(self, rgb: Picture, time_s: float) -> list[FloatArray]:
        if self._seen:
            return self._video(rgb)
        with quiet_native():  # some of the chatter waits for the first face
            faces = self._video(rgb)
        self._seen = bool(faces)
        return faces

    def survey(self, rgb: Picture) -> list[FacePosition]:
        height, width = rgb.shape[:2]
        found = self._detector.process(rgb).detections or []
        boxes = [detection.location_data.relative_bounding_box for detection in found]
        return [
            FacePosition.of_box(
                box.xmin * width,
                box.ymin * height,
                (box.xmin + box.width) * width,
                (box.ymin + box.height) * height,
            )
            for box in boxes
        ]

    def examine(self, rgb: Picture) -> list[FloatArray]:
        if self._still is None:  # rarely needed, and 80 ms to load
            with quiet_native():
                self._still = _open_still(self._mediapipe)
                return self._still(rgb)
        return self._still(rgb)

    def close(self) -> None:
        for graph in (self._video, self._detector, self._still):
            if graph is not None:
                graph.close()


class _FaceLandmarker:
    """Tasks FaceLandmarker: one instance for the video, one for pictures by themselves."""

    def __init__(self, mediapipe: Any, path: Path, weights: bytes) -> None:
        self._mediapipe = mediapipe
        self._path = path
        self._weights = weights
        self._last_ms = -1
        self._start_s: float | None = None
        self._still: Any = None
        self._seen = False
        self._video = _open_task(mediapipe, path, weights, "VIDEO")

    def _stamp(self, time_s: float) -> int:
        """Strictly increasing milliseconds for MediaPipe, which uses them only in the filter that
        is off: sources may begin below 0 and have frames closer than 1 ms.
        """
        if self._start_s is None:
            self._start_s = time_s
        elapsed = (time_s - self._start_s) * 1000.0
        wanted = round(elapsed) if math.isfinite(elapsed) else 0
        self._last_ms = max(self._last_ms + 1, wanted)
        return self._last_ms

    def track(self, rgb: Picture, time_s: float) -> list[FloatArray]:
        stamp = self._stamp(time_s)
        if self._seen:
            return _task_faces(
                self._video.detect_for_video(_image(self._mediapipe, rgb), stamp), rgb
            )
        with quiet_native():
            faces = _task_faces(
                self._video.detect_for_video(_image(self._mediapipe, rgb), stamp), rgb
            )
        self._seen = bool(faces)
        return faces

    def survey(self, rgb: Picture) -> list[FacePosition]:
        return [FacePosition.of(face) for face in self.examine(rgb)]

    def examine(self, rgb: Picture) -> list[FloatArray]:
        if self._still is None:
            self._still = _open_task(self._mediapipe, self._path, self._weights, "IMAGE")
        return _task_faces(self._still.detect(_image(self._mediapipe, rgb)), rgb)

    def close(self) -> None:
        for task in (self._video, self._still):
            if task is not None:
                task.close()


def _open_task(mediapipe: Any, path: Path, weights: bytes, mode: str) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=weights),
        running_mode=vision.RunningMode[mode],
        num_faces=MAX_FACES,
    )
    try:
        with quiet_native():
            return vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(f"MediaPipe cannot load {path}: {error}{library_hint(error)}") from error


def _open_mesh(mediapipe: Any, **options: Any) -> MeshGraph:
    return MeshGraph(mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True, **options))


def _open_still(mediapipe: Any) -> MeshGraph:
    return _open_mesh(mediapipe, static_image_mode=True, max_num_faces=MAX_FACES)


def _image(mediapipe: Any, rgb: Picture) -> Any:
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)


def _task_faces(result: Any, rgb: Picture) -> list[FloatArray]:
    """Faces of a FaceLandmarker result in pixels."""
    scale = pixel_scale(rgb)
    return [
        np.array([(point.x, point.y, point.z) for point in face], np.float64) * scale
        for face in result.face_landmarks
    ]


def _mesh_still(mediapipe: Any, _: Path | None) -> Faces:
    _mesh_identity(mediapipe)
    with quiet_native():
        mesh = _open_still(mediapipe)
        mesh(_BLANK)
    return Faces(mesh, mesh.close)


def _task_tracker(mediapipe: Any, model: Path | None) -> tuple[ModelIdentity, _FaceLandmarker]:
    path, weights, digest = model_files.read(model_files.FACE_LANDMARKER.name, model)
    identity = ModelIdentity("facelandmarker", path.name, digest, _version(mediapipe), _LID_LEAK)
    return identity, _FaceLandmarker(mediapipe, path, weights)


def _task_still(mediapipe: Any, model: Path | None) -> Faces:
    path, weights, _ = model_files.read(model_files.FACE_LANDMARKER.name, model)
    task = _open_task(mediapipe, path, weights, "IMAGE")
    return Faces(lambda rgb: _task_faces(task.detect(_image(mediapipe, rgb)), rgb), task.close)


@dataclass(frozen=True)
class _LandmarkModel:
    """How a model is loaded: to follow a subject in a video, and for single pictures."""

    tracker: Callable[[Any, Path | None], tuple[ModelIdentity, _FaceMesh | _FaceLandmarker]]
    faces: Callable[[Any, Path | None], Faces]
    takes_file: bool


_MODELS = {
    "facemesh": _LandmarkModel(
        lambda mediapipe, _: (_mesh_identity(mediapipe), _FaceMesh(mediapipe)),
        _mesh_still,
        takes_file=False,
    ),
    "facelandmarker": _LandmarkModel(_task_tracker, _task_still, takes_file=True),
}
_PARTS = {"fused": ("facemesh", "facelandmarker")}
"""Models that are the mean of others."""


def _import_mediapipe() -> Any:
    try:
        with quiet_native(), without_sound(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its libraries use what Python 3.12 will drop
            import mediapipe
    except ImportError as error:
        raise ModelError(
            f"MediaPipe cannot be imported ({error}); `pip install hfs-vision` installs the "
            "version that this program is tested with"
        ) from error
    return mediapipe


def _version(mediapipe: Any) -> str:
    return model_files.mediapipe_version() or str(mediapipe.__version__)


def _mesh_identity(mediapipe: Any) -> ModelIdentity:
    """Identity of the weights that the wheel carries.

    Raises:
        ModelError: This MediaPipe has no Face Mesh.
    """
    root = Path(mediapipe.__file__).parent
    paths = [root / file for file in _MESH_FILES]
    if not hasattr(mediapipe, "solutions") or not all(path.is_file() for path in paths):
        raise ModelError(
            f"MediaPipe {_version(mediapipe)} carries no Face Mesh (0.10.21 does, on Python 3.10 "
            "to 3.12). Use the landmarker `facelandmarker`. "
            + model_files.how_to_get(model_files.FACE_LANDMARKER)
        )
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    files = "+".join(path.name for path in paths)
    return ModelIdentity("facemesh", files, digest.hexdigest(), _version(mediapipe))


def carries_face_mesh() -> bool:
    """Whether the installed MediaPipe holds the weights of Face Mesh. Does not import it."""
    found = importlib.util.find_spec("mediapipe")
    roots = list(found.submodule_search_locations or ()) if found else []
    return any(all((Path(root) / file).is_file() for file in _MESH_FILES) for root in roots)
