"""Between HTTP and the services: declared rules, error mapping, pages and fragments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from functools import wraps
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed, NotFound, PlacetError, Unavailable
from governance.kernel.terms import name_fault

log = structlog.get_logger(__name__)

PUBLIC = "public"
SIGNED_IN = "signed_in"
Rule = Permission | str
View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def requires(*rules: Rule) -> Callable[[View], View]:
    """Declare who may open a page: any one of the permissions, somewhere (or SIGNED_IN, PUBLIC).

    The rule stands on the view as `access_rule`, so that the authorisation table can be
    generated. Which rows the person sees is the selector's business.
    """

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if PUBLIC in rules:
                return view(request, *args, **kwargs)
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            check_rules(request, rules)
            return view(request, *args, **kwargs)

        guarded.access_rule = rules  # type: ignore[attr-defined]
        return cast(View, guarded)

    return declare


def check_rules(request: HttpRequest, rules: tuple[Rule, ...]) -> None:
    """Raise NotAllowed unless one rule lets the signed-in person in."""
    user = cast(Any, request.user)
    if SIGNED_IN in rules or any(user.may(Permission(rule)) for rule in rules):
        return
    raise NotAllowed(
        "Your roles do not include this page. Ask an administrator if your work needs it."
    )


def actor_of(request: Any) -> Actor:
    """The actor behind a request: its API key if it came with one, else the person."""
    key = getattr(request, "auth", None)
    if key is not None and hasattr(key, "as_actor"):
        return cast(Actor, key.as_actor())
    return Actor.person(request.user)


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page, or for an htmx request that does not boost, its fragment from the same context."""
    htmx = getattr(request, "htmx", None)
    wants_fragment = bool(fragment and htmx and not htmx.boosted)
    name = fragment if wants_fragment and fragment else template
    response = render(request, name, dict(context or {}), status=status)
    if fragment:
        response.headers["Vary"] = "HX-Request"
    return response


class ActorMiddleware:
    """Puts `request.actor` beside `request.user`, and their time zone on the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            request.actor = Actor.person(request.user)  # type: ignore[attr-defined]
            structlog.contextvars.bind_contextvars(actor=str(request.user.pk))
            with timezone.override(_zone_for(request)):
                return self.get_response(request)
        return self.get_response(request)


def _zone_for(request: HttpRequest) -> tzinfo:
    """Pages show and read times in the person's zone; programs get UTC."""
    if request.path.startswith(("/api/", "/v1/")):
        return UTC
    try:
        return ZoneInfo(cast(Any, request.user).time_zone)
    except (ZoneInfoNotFoundError, ValueError):  # a zone that the tz database gave up
        return UTC


class ErrorMiddleware:
    """Turns the kernel's errors into pages (or a fragment with the sentence, for htmx)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, PlacetError):
            return None
        log.info("refused", code=error.code, status=error.status, path=request.path)
        context = {"error": error, "back": request.META.get("HTTP_REFERER", "/")}
        htmx = getattr(request, "htmx", None)
        name = "errors/_refusal.html" if htmx else "errors/refusal.html"
        response = render(request, name, context, status=error.status)
        if isinstance(error, Unavailable):
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response


def problem(status: int, code: str, title: str, **members: Any) -> dict[str, Any]:
    """A problem details object (RFC 9457)."""
    return {
        "type": f"/help/errors/#{code}",
        "title": title,
        "status": status,
        "code": code,
    } | members


def not_found_json(request: HttpRequest) -> JsonResponse:
    """A problem details body for an unknown path below /api/."""
    body = problem(404, "not_found", f"There is nothing at {request.path}.")
    return JsonResponse(body, status=404, content_type="application/problem+json")


def get_or_404(queryset: Any, **lookup: Any) -> Any:
    """The one row of an already narrowed queryset, or NotFound with a sentence."""
    rows = queryset.filter(**lookup)
    found = rows.first()
    if found is None and rows.query.select_for_update and rows.query.select_related:
        # A locked row is lost where what it joins was changed while it was waited for: look again.
        found = rows.all().first()
    if found is None:
        name = queryset.model._meta.verbose_name
        raise NotFound(f"There is no such {name}, or it is not yours to see.")
    return found


def plain_name(value: str) -> None:
    """A validator of forms and serializers: names and titles read as they are written."""
    if fault := name_fault(value):
        raise ValidationError(fault, code="unseen")
