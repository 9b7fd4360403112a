"""The application behind the page of a trend: the page, drawn anew for each choice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from hfs_vision.diary import Diary
from hfs_vision.errors import HfsVisionError, UsageError
from hfs_vision.trend import TrendOptions, build_trend
from hfs_vision.trend.trend_page import trend_page
from hfs_vision.web.review import REPORT_POLICY


def create_app(read: Callable[[], Diary], choice: TrendOptions) -> FastAPI:
    """The application; `hfs_vision.web.server` decides who may talk to it.

    Args:
        read: Reads the diary, for each request, so that what was added is seen.
        choice: What is shown at first.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    drawing = threading.Lock()  # a diary of years takes seconds: one at a time

    @app.get("/")
    def page(
        side: str | None = None,
        kind: str | None = None,
        segment: str | None = None,
        since: str | None = None,
    ) -> Response:
        given = {"side": side, "kind": kind, "segment": segment}
        asked = replace(choice, **{name: value for name, value in given.items() if value})
        if since is not None:  # empty stands for the calendar
            asked = replace(asked, since=since or None)
        try:
            with drawing:
                text = trend_page(build_trend(read(), asked), served=True)
        except HfsVisionError as error:
            return PlainTextResponse(f"{error}\n", 422 if isinstance(error, UsageError) else 500)
        return HTMLResponse(text, headers={"content-security-policy": REPORT_POLICY})

    return app
