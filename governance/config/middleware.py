"""What every request passes: its id, the limits of what is sent, the harmlessness of what is shown."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import escape

from governance.kernel.canonical import request_id_of
from governance.kernel.errors import Invalid, PlacetError, TooLarge
from governance.kernel.terms import cannot_be_kept, revealed
from governance.kernel.web import problem

log = structlog.get_logger("placet.request")


class RequestContext:
    """Binds `request_id`; logs method, path, status and time, never a query or a body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_of(request.headers.get("x-request-id", ""))
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


NUL = (
    "Nothing was saved: it holds a character that cannot be kept (NUL). Take it out and send again."
)


class SentLimits:
    """Refuses what is too large, and what no text may hold, with a sentence instead of a 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        most = settings.PLACET_FILE_UPLOADS.get(request.path, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        given = request.META.get("CONTENT_LENGTH") or "0"
        if not given.isdecimal() or int(given) > most:
            return refusal(
                request,
                TooLarge(f"Nothing was saved: a request holds at most {most // 1_000_000} MB."),
            )
        asked = (text for name, values in request.GET.lists() for text in (name, *values))
        if any(map(cannot_be_kept, (request.path, *asked))):
            return refusal(
                request, Invalid("The address holds a character that cannot be kept (NUL).")
            )
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A NUL in a form whose fields did not say so themselves: the database refused it."""
        if not isinstance(error, DataError | ValueError) or request.method != "POST":
            return None
        sent = (text for values in request.POST.lists() for text in values[1])
        return refusal(request, Invalid(NUL)) if any(map(cannot_be_kept, sent)) else None


def refusal(request: HttpRequest, error: PlacetError) -> HttpResponse:
    """The sentence as a page, or as problem details for programs."""
    if request.path.startswith(("/api/", "/v1/")):
        body = problem(error.status, error.code, error.message)
        return JsonResponse(body, status=error.status, content_type="application/problem+json")
    context = {"error": error, "back": "/"}
    # Early in the middleware nobody is known yet: the sentence stands on the bare page.
    name = "errors/refusal.html" if hasattr(request, "user") else "errors/refused_early.html"
    return render(request, name, context, status=error.status)


# Bytes that every unseen character begins with in UTF-8, so that most pages are not looked at.
_SUSPECT = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xcd\x8f|\xd8\x9c|\xe1[\x85\x9e\xa0]"
    rb"|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xe3\x85\xa4|\xef[\xbb\xbe\xbf]|\xf3\xa0"
    rb"|\xf0\x9d\x85"
)
_WHOLE = r"textarea|script|style"
_PARTS = re.compile(
    rf"(?P<whole><(?P<kind>{_WHOLE})\b.*?</(?P=kind)>)|(?P<bare><(?P<tag>title|option)\b[^>]*>)"
    r"(?P<inside>[^<]*)|(?P<markup><[^>]*>)|(?P<text>[^<]+)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r'(\s)(title|aria-label|placeholder|alt)="([^"]*)"')


class HarmlessText:
    """Shows overrides of direction and characters without width as marked symbols on every page.

    What stands in a field stays as it was typed. Joiners that languages and emoji need stay too;
    differences and titles, on which people decide, mark those as well (the filter `revealed`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and not response.streaming and _SUSPECT.search(response.content):
            response.content = _PARTS.sub(_marked, response.content.decode()).encode()
        return response


def _marked(part: re.Match[str]) -> str:
    if part["text"]:
        return "".join(
            f'<span class="unseen" title="{escape(what)}">{piece}</span>' if what else piece
            for piece, what in revealed(part["text"], joiners=False)
        )
    if part["bare"]:
        return part["bare"] + _words(part["inside"])
    if part["markup"]:
        return _ATTRIBUTE.sub(
            lambda found: f'{found[1]}{found[2]}="{_words(found[3])}"', part["markup"]
        )
    return part[0]


def _words(text: str) -> str:
    return "".join(piece for piece, _ in revealed(text, joiners=False))
