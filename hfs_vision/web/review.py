"""The application behind the page of a review: its files, its data, its video."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Query
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from hfs_vision.errors import UsageError
from hfs_vision.web.error_handlers import tell_refusals
from hfs_vision.web.session import Answer, ReviewSession
from hfs_vision.web.traces import COLUMNS, MOST_POINTS, decimated
from hfs_vision.web.video import byte_range

PAGE_FILES = {
    "review.html": "text/html; charset=utf-8",
    "review.css": "text/css; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "model.js": "text/javascript; charset=utf-8",
    "table.js": "text/javascript; charset=utf-8",
    "editor.js": "text/javascript; charset=utf-8",
    "traces.js": "text/javascript; charset=utf-8",
    "player.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What is served of ``static``, and nothing besides."""

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
"""The report brings its style along and has no script."""

_LONGEST_COMMENT = 4000


class RevisionRequest(BaseModel):
    """What every request that changes something carries."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    revision: int = -1


class ChangeRequest(RevisionRequest):
    """Fields of an event that are to change."""

    verdict: Literal["", "accepted", "rejected", "added"] | None = None
    side: str | None = None
    region: str | None = None
    component: str | None = None
    kind: str | None = None
    onset_s: float | None = None
    offset_s: float | None = None
    comment: str | None = Field(None, max_length=_LONGEST_COMMENT)


class Addition(RevisionRequest):
    """An event that the program has missed."""

    onset_s: float
    offset_s: float
    side: str
    region: str
    component: str | None = None
    comment: str = Field("", max_length=_LONGEST_COMMENT)


def create_app(session: ReviewSession) -> FastAPI:
    """The application; `hfs_vision.web.server` decides who may talk to it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    tell_refusals(app)
    _add_page(app, session)
    _add_data(app, session)
    _add_changes(app, session)
    return app


def _add_page(app: FastAPI, session: ReviewSession) -> None:
    static = files("hfs_vision.web") / "static"

    @app.get("/")
    def page() -> Response:
        return Response((static / "review.html").read_bytes(), media_type=PAGE_FILES["review.html"])

    @app.get("/static/{name}")
    def file(name: str) -> Response:
        if name not in PAGE_FILES:
            return Response("there is no such file\n", 404, media_type="text/plain")
        return Response((static / name).read_bytes(), media_type=PAGE_FILES[name])

    @app.get("/report")
    def report() -> Response:
        if session.reporter is None:
            return Response("a second reviewer's file has no report\n", 404)
        failure = session.reporter.bring_up_to_date()
        if failure:
            return Response(f"the report could not be made: {failure}\n", 500)
        headers = {"content-security-policy": REPORT_POLICY}
        body = session.reporter.path.read_bytes()
        return Response(body, headers=headers, media_type="text/html; charset=utf-8")


def _add_data(app: FastAPI, session: ReviewSession) -> None:
    @app.get("/api/session")
    def facts() -> JSONResponse:
        return JSONResponse(session.facts())

    @app.get("/api/state")
    def state(revision: int = -1) -> JSONResponse:
        return JSONResponse(session.since(revision))

    @app.get("/api/traces")
    def traces(
        from_s: Annotated[float, Query(alias="from")],
        to_s: Annotated[float, Query(alias="to")],
        points: Annotated[int, Query(ge=1, le=MOST_POINTS)] = 1200,
    ) -> Response:
        table = decimated(session.folder.signals, from_s, to_s, points)
        headers = {"x-columns": str(len(COLUMNS))}
        body = table.astype("<f4").tobytes()
        return Response(body, headers=headers, media_type="application/octet-stream")

    @app.get("/video")
    def video(range_: Annotated[str | None, Header(alias="range")] = None) -> Response:
        media = session.player.media
        if media is None:
            return Response("there is no video to be played\n", 404, media_type="text/plain")
        headers = {"accept-ranges": "bytes"}
        found = byte_range(range_, media.size)
        if found is None:
            return Response(status_code=416, headers={"content-range": f"bytes */{media.size}"})
        start, stop = found
        headers["content-length"] = str(stop - start)
        if range_ is not None:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{media.size}"
        return StreamingResponse(
            media.read(start, stop), 206 if range_ else 200, headers, media.media_type
        )

    @app.post("/api/video/copy")
    def copy(_: RevisionRequest) -> JSONResponse:
        session.player.make_copy()
        return JSONResponse(session.showing())


def _add_changes(app: FastAPI, session: ReviewSession) -> None:
    @app.post("/api/events/{number}")
    def change(number: int, wanted: ChangeRequest) -> JSONResponse:
        values = _given(wanted)
        if not values:
            raise UsageError("nothing is to change: name a field and its new value")
        return JSONResponse(session.apply(wanted.revision, lambda r: r.change(number, **values)))

    @app.post("/api/events")
    def add(wanted: Addition) -> JSONResponse:
        values = _given(wanted)
        return JSONResponse(session.apply(wanted.revision, lambda r: r.add(**values)))

    @app.post("/api/undo")
    def undo(seen: RevisionRequest) -> JSONResponse:
        return JSONResponse(session.apply(seen.revision, lambda r: r.undo()))

    @app.post("/api/save")
    def save(seen: RevisionRequest) -> JSONResponse:
        return JSONResponse(session.apply(seen.revision, lambda r: r.save()))

    @app.post("/api/reload")
    def reload(_: RevisionRequest) -> JSONResponse:
        return JSONResponse(session.apply(-1, lambda r: r.reload()))

    @app.post("/api/keep")
    def keep(seen: RevisionRequest) -> JSONResponse:
        answer: Answer = {"file": session.keep_apart().name}
        return JSONResponse({**session.since(seen.revision), **answer})


def _given(wanted: RevisionRequest) -> dict[str, Any]:
    """What the request names; null stands for a field that it leaves out."""
    values = wanted.model_dump(exclude={"revision"}, exclude_none=True)
    return dict(values)
