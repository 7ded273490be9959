"""Between HTTP and the services: declared rules, error mapping, pages and fragments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

import structlog
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework import exceptions as drf
from rest_framework.pagination import CursorPagination as BaseCursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, NotFound, PlacetError, Unavailable

log = structlog.get_logger(__name__)

PUBLIC = "public"
SIGNED_IN = "signed_in"
Rule = Permission | str
View = TypeVar("View", bound=Callable[..., HttpResponse])


def requires(*rules: Rule) -> Callable[[View], View]:
    """Declare who may open a page: any one of the permissions, somewhere (or SIGNED_IN, PUBLIC).

    The rule stands on the view as `access_rule`, so that the authorisation table can be
    generated. Which rows the person sees is the selector's business.
    """

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
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
    """Puts `request.actor` beside `request.user`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            request.actor = Actor.person(request.user)  # type: ignore[attr-defined]
            structlog.contextvars.bind_contextvars(actor=str(request.user.pk))
        return self.get_response(request)


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
    return {"type": f"/help/errors/#{code}", "title": title, "status": status, "code": code} | members


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error as application/problem+json."""
    if isinstance(error, PlacetError):
        return _problem_of(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    code = getattr(error, "default_code", "error")
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


class DeclaredPermission(BasePermission):
    """An API view without a `required_permission` is refused: every endpoint declares its rule.

    `required_permission` is one rule, or a mapping from HTTP method to rule. A rule is a
    permission, a tuple of alternatives, SIGNED_IN, PUBLIC, or "key" for applications only.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        rule = getattr(view, "required_permission", None)
        if isinstance(rule, dict):
            rule = rule.get(request.method or "")
        if rule is None:
            return False
        if rule == PUBLIC:
            return True
        if request.auth is not None and hasattr(request.auth, "as_actor"):
            return rule == "key" or "key" in rule if isinstance(rule, tuple) else rule == "key"
        if not request.user or not request.user.is_authenticated:
            return False
        rules = rule if isinstance(rule, tuple) else (rule,)
        if SIGNED_IN in rules:
            return True
        user = cast(Any, request.user)
        return any(user.may(Permission(one)) for one in rules if one != "key")


class CursorPagination(BaseCursorPagination):
    """Newest first; `page_size` up to 200."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-pk"


def not_found_json(request: HttpRequest) -> JsonResponse:
    """A problem details body for an unknown path below /api/."""
    body = problem(404, "not_found", f"There is nothing at {request.path}.")
    return JsonResponse(body, status=404, content_type="application/problem+json")


def get_or_404(queryset: Any, **lookup: Any) -> Any:
    """The one row of an already narrowed queryset, or NotFound with a sentence."""
    found = queryset.filter(**lookup).first()
    if found is None:
        name = queryset.model._meta.verbose_name
        raise NotFound(f"There is no such {name}, or it is not yours to see.")
    return found
