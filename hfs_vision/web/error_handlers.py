"""What a page is told of a request that cannot be done."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from hfs_vision.errors import HfsVisionError, UsageError


def tell_refusals(app: FastAPI) -> None:
    """Answers errors with ``{"error": ...}``: 422 where the request was wrong, else 500."""
    app.add_exception_handler(HfsVisionError, _told)
    app.add_exception_handler(RequestValidationError, _not_understood)


def _told(_: Request, error: Exception) -> JSONResponse:
    status = 422 if isinstance(error, UsageError) else 500
    return JSONResponse({"error": str(error)}, status)


def _not_understood(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return JSONResponse({"error": f"{place or 'the request'}: {first['msg']}"}, 422)
