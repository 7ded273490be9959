"""What is answered while the database is away: nothing that would have to ask it."""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from governance.kernel.web import problem

log = structlog.get_logger("placet.request")
RETRY_AFTER_SECONDS = 5
SENTENCE = "The database does not answer now. Nothing was changed; send the same again in a moment."


def database_away(request: HttpRequest) -> HttpResponse:
    """503 with when to come again: problem details for programs, a plain page for people.

    The page is rendered without the request: whoever is signed in stands in the database.
    """
    log.warning("database away", path=request.path)
    response: HttpResponse
    if request.path.startswith(("/api/", "/v1/")):
        body = problem(503, "unavailable", SENTENCE)
        response = JsonResponse(body, status=503, content_type="application/problem+json")
    else:
        response = HttpResponse(render_to_string("errors/503.html"), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response.headers["Cache-Control"] = "no-store"
    return response
