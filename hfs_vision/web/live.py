"""The application behind the page of a live session: its files, its stream, its pictures."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from hfs_vision.errors import UsageError
from hfs_vision.live import Action
from hfs_vision.web.error_handlers import tell_refusals
from hfs_vision.web.live_display import PageDisplay
from hfs_vision.web.live_messages import facts
from hfs_vision.web.live_pictures import outlines

LIVE_FILES = {
    "live.html": "text/html; charset=utf-8",
    "live.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "live-picture.js": "text/javascript; charset=utf-8",
    "live-trace.js": "text/javascript; charset=utf-8",
    "review.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What is served of ``static``, and nothing besides."""

NUMBER_HEADER = "x-hfs-vision-number"
"""The number of a picture: what the page asks the next one after."""

OUTLINES_HEADER = "x-hfs-vision-outlines"

_RETRY_MS = 1000
_LONGEST_LABEL = 40


class ActionRequest(BaseModel):
    """What a page asks for; see `hfs_vision.live.Action`."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["pause", "mark", "segment", "next_step", "quit"]
    label: str = Field("", max_length=_LONGEST_LABEL)

    def action(self) -> Action:
        """The same for the session.

        Raises:
            UsageError: A segment without a label, a label of anything else, or one that could not
                be told from others in a table.
        """
        label = " ".join(self.label.split())
        if (self.kind == "segment") != bool(label) or not label.isprintable():
            raise UsageError(
                f"label is {self.label!r}: give a segment 1 to {_LONGEST_LABEL} printable "
                "characters, and nothing else any"
            )
        return Action(self.kind, label)


def create_live_app(display: PageDisplay) -> FastAPI:
    """The application; `hfs_vision.web.server` decides who may talk to it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    tell_refusals(app)
    _add_page(app)
    _add_session(app, display)
    return app


def _add_page(app: FastAPI) -> None:
    static = files("hfs_vision.web") / "static"

    @app.get("/")
    def page() -> Response:
        return Response((static / "live.html").read_bytes(), media_type=LIVE_FILES["live.html"])

    @app.get("/static/{name}")
    def file(name: str) -> Response:
        if name not in LIVE_FILES:
            return Response("there is no such file\n", 404, media_type="text/plain")
        return Response((static / name).read_bytes(), media_type=LIVE_FILES[name])


def _add_session(app: FastAPI, display: PageDisplay) -> None:
    @app.get("/api/live/facts")
    def constants() -> JSONResponse:
        return JSONResponse(facts())

    @app.get("/api/live/stream")
    async def stream() -> Response:
        return StreamingResponse(_events(display), media_type="text/event-stream")

    @app.get("/api/live/picture")
    async def picture(after: Annotated[int, Query(ge=-1)] = -1) -> Response:
        found = await display.picture(after)
        if found is None or found[0].view is None:
            return Response(status_code=204)
        shown, jpeg = found
        headers = {
            NUMBER_HEADER: str(shown.number),
            OUTLINES_HEADER: json.dumps(outlines(found[0].view), separators=(",", ":")),
        }
        return Response(jpeg, headers=headers, media_type="image/jpeg")

    @app.post("/api/live/action")
    async def act(wish: ActionRequest) -> JSONResponse:
        await display.ask(wish.action())
        return JSONResponse({"kind": wish.kind})


async def _events(display: PageDisplay) -> AsyncIterator[str]:
    """Messages in the form that a browser's ``EventSource`` reads."""
    yield f"retry: {_RETRY_MS}\n\n"
    async for message in display.messages():
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
        yield f"data: {text}\n\n"
