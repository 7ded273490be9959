"""Calls: what happened to this call?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.kernel.terms import Sensitivity
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from governance.registry.picking import by_title
from telemetry.ledger import exporting, seals
from telemetry.ledger.arithmetic import adds_up, cost_lines
from telemetry.ledger.bodies import can_open_bodies, open_payload
from telemetry.ledger.filters import ANY, CallFilters, page_of
from telemetry.ledger.legal_holds import holds_on
from telemetry.ledger.models import Call, LedgerEntry
from telemetry.ledger.registries import call_panels, finding_codes
from telemetry.ledger.rules import CONFIDENCE_METHODS, CallMode, CallState
from telemetry.ledger.selectors import calls_visible_to, sees_only_cost

MOST_OFFERED = 200
"""Use cases that the filter lists; past them a short name is typed."""


@requires(Permission.CALL_VIEW)
def call_list(request: HttpRequest) -> HttpResponse:
    """Newest first, by filters in the URL, fifty at a time by keyset; `live=1` looks again."""
    user, now = cast(User, request.user), timezone.now()
    only_cost = sees_only_cost(user)
    filters = CallFilters.from_query(request.GET, only_cost=only_cost)
    before = request.GET.get("before", "")
    calls, cursor = page_of(filters.apply(calls_visible_to(user)), before)
    context = {
        "calls": calls,
        "cursor": cursor,
        "filters": filters,
        "is_live": request.GET.get("live") == "1" and not before,
        "looked_at": now,
        "only_cost": only_cost,
    } | _offered(user)
    return page(
        request, "telemetry/ledger/list.html", context, fragment="telemetry/ledger/_list.html"
    )


def _offered(user: User) -> dict[str, Any]:
    """What the form offers. Lazy: the fragment, which asks again and again, reads none of it."""
    visible = by_title(UseCase.objects.visible_to(user)).values("slug", "title")
    reach = user.reach(Permission.CALL_VIEW)
    teams = Team.objects.order_by("name").values("slug", "name")
    deployments = Deployment.objects.order_by("name").values("slug", "name")
    return {
        "use_cases": visible[: MOST_OFFERED + 1],
        "most_offered": MOST_OFFERED,
        "teams": (teams if reach.everywhere else teams.filter(pk__in=reach.team_ids))[
            :MOST_OFFERED
        ],
        "deployments": deployments[:MOST_OFFERED] if user.may(Permission.MODEL_VIEW) else [],
        "states": list(CallState),
        "modes": [one for one in CallMode if one != CallMode.REPLAY],
        "sensitivities": list(Sensitivity),
        "confidence_methods": CONFIDENCE_METHODS,
        "finding_codes": [ANY, *finding_codes],
    }


@requires(Permission.CALL_VIEW)
def call_csv(request: HttpRequest) -> HttpResponse:
    """The filtered list for a spreadsheet, streamed."""
    return _download(request, exporting.as_csv, "text/csv", "calls.csv")


@requires(Permission.CALL_VIEW)
def call_json_lines(request: HttpRequest) -> HttpResponse:
    """The filtered list for programs, streamed."""
    return _download(request, exporting.as_json_lines, "application/jsonl", "calls.jsonl")


def _download(
    request: HttpRequest, write: Callable[..., Iterator[str]], content_type: str, name: str
) -> HttpResponse:
    user = cast(User, request.user)
    only_cost = sees_only_cost(user)
    filters = CallFilters.from_query(request.GET, only_cost=only_cost)
    lines = write(filters.apply(Call.objects.visible_to(user)), user, only_cost=only_cost)
    response = StreamingHttpResponse(lines, content_type=f"{content_type}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)  # both answer a request; Django only types them apart


@requires(Permission.CALL_VIEW)
def call_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One call on its way through the pipeline; no bodies."""
    call = _visible_call(request, pk)
    return page(request, "telemetry/ledger/detail.html", _detail(request, call, timezone.now()))


@requires(Permission.CALL_BODY_VIEW)
@never_cache
def call_bodies(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The call with its redacted bodies: an explicit, audited POST; a reload asks again."""
    call, now = _visible_call(request, pk), timezone.now()
    if request.method != "POST":
        return redirect("ledger:detail", pk=pk)
    bodies = open_payload(actor=actor_of(request), call=call, now=now)
    context = _detail(request, call, now) | {"bodies": bodies}
    return page(request, "telemetry/ledger/detail.html", context)


@requires(Permission.CALL_VIEW)
def call_proof(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The Merkle proof that this call is under its seal, as JSON."""
    call = get_or_404(calls_visible_to(cast(User, request.user)).select_related("seal"), pk=pk)
    return JsonResponse(seals.seal_proof(call))


def _visible_call(request: HttpRequest, pk: UUID) -> Call:
    calls = calls_visible_to(cast(User, request.user)).select_related(
        "api_key", "requester", "seal", "replay_batch", "payload__erasure"
    )
    call: Call = get_or_404(calls, pk=pk)
    return call


def _detail(request: HttpRequest, call: Call, now: datetime) -> dict[str, Any]:
    user = cast(User, request.user)
    only_cost = sees_only_cost(user)
    entries = list(call.entries.select_related("deployment", "rate").order_by("pk"))
    return {
        "call": call,
        "only_cost": only_cost,
        "trail": [] if only_cost else _trail(call),
        "placeholders": None if only_cost else _placeholders(call),
        "attempts": [] if only_cost else _attempts(call),
        "findings": [] if only_cost else _findings(call),
        "entries": [_priced(call, entry) for entry in entries],
        "payload": getattr(call, "payload", None),
        "holds": holds_on(call),
        "may_hold": actor_of(request).may(Permission.LEGAL_HOLD_MANAGE),
        "may_erase": actor_of(request).may(Permission.ERASURE_MANAGE),
        "may_open": can_open_bodies(actor_of(request), call),
        "panels": _panels(request, call, now, only_cost=only_cost),
    }


def _trail(call: Call) -> list[dict[str, Any]]:
    """The stages, each with the whole time beside its own, for the bars."""
    total = sum(int(one.get("took_ms", 0)) for one in call.stage_trail)
    return [dict(one, total_ms=max(total, 1)) for one in call.stage_trail]


def _placeholders(call: Call) -> dict[str, Any] | None:
    """How many the answer has, how many are restored, and which types policy kept."""
    noted = [one["placeholders"] for one in call.stage_trail if "placeholders" in one]
    return noted[-1] if noted else None


def _attempts(call: Call) -> list[dict[str, Any]]:
    """Every request to a provider, in order, with the stage that made it."""
    return [
        dict(attempt, stage=one["stage"])
        for one in call.stage_trail
        for attempt in one.get("attempts", [])
    ]


def _findings(call: Call) -> list[dict[str, Any]]:
    """Each with what its code says, where an app has said it."""
    return [
        dict(one, says=finding_codes[one["code"]] if one["code"] in finding_codes else "")
        for one in call.findings
    ]


def _priced(call: Call, entry: LedgerEntry) -> dict[str, Any]:
    """The money line with the products that explain it, if the kept prices do."""
    lines = cost_lines(
        call.price_snapshot,
        tokens_input=entry.tokens_input,
        tokens_cached=entry.tokens_cached,
        tokens_output=entry.tokens_output,
        tokens_reasoning=entry.tokens_reasoning,
        images=entry.images,
    )
    priced = entry.amount if entry.priced_amount is None else entry.priced_amount
    return {"entry": entry, "lines": lines if adds_up(lines, priced) else []}


def _panels(
    request: HttpRequest, call: Call, now: datetime, *, only_cost: bool
) -> list[dict[str, str]]:
    """What other apps know of the call; each panel is rendered with its own context alone."""
    user = cast(User, request.user)
    shown = []
    for panel in sorted(call_panels.values(), key=lambda panel: panel.order):
        if only_cost and not panel.is_cost:
            continue
        if any(user.may(permission) for permission in panel.permissions):
            context = panel.context(call, user, now)
            if context:
                names = {"call": call, "panel": context} | context
                html = render_to_string(panel.template, names, request)
                shown.append({"title": panel.title, "html": html})
    return shown
