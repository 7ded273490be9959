"""Every API error as problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import exception_handler

from governance.kernel.errors import Invalid, PlacetError, Unavailable
from governance.kernel.web import problem


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error as application/problem+json."""
    if isinstance(error, PlacetError):
        return _problem_of(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    codes = error.get_codes() if isinstance(error, drf.APIException) else None
    code = codes if isinstance(codes, str) else getattr(error, "default_code", "error")
    detail = response.data
    if isinstance(error, drf.ValidationError):
        body = problem(response.status_code, "invalid", "The input does not fit.", errors=detail)
    else:
        title = str(detail.get("detail", error)) if isinstance(detail, dict) else str(error)
        body = problem(response.status_code, str(code), title)
    headers = {k: v for k, v in response.items() if k.lower() != "content-type"}
    return Response(
        body, response.status_code, headers=headers, content_type="application/problem+json"
    )


def _problem_of(error: PlacetError) -> Response:
    members: dict[str, Any] = {}
    headers = {}
    if isinstance(error, Invalid) and error.fields:
        members["errors"] = error.fields
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    body = problem(error.status, error.code, error.message, **members)
    return Response(body, error.status, headers=headers, content_type="application/problem+json")
