"""Every request gets an id that its log lines, its reply and its audit events carry."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from governance.kernel.canonical import uuid7

log = structlog.get_logger("placet.request")
_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestContext:
    """Binds `request_id`; logs method, path, status and time, never a query or a body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("x-request-id", "")
        request_id = given if _GIVEN.fullmatch(given) else str(uuid7())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response.headers["x-request-id"] = request_id
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            took_ms=round((time.perf_counter() - started) * 1000),
        )
        return response
