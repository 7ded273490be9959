"""Calls: what happened to this call?"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry.models import UseCase
from governance.registry.picking import by_title
from telemetry.ledger import seals
from telemetry.ledger.arithmetic import adds_up, cost_lines
from telemetry.ledger.bodies import can_open_bodies, open_payload
from telemetry.ledger.filters import CallFilters, page_of
from telemetry.ledger.legal_holds import holds_on
from telemetry.ledger.models import Call, LedgerEntry
from telemetry.ledger.registries import call_panels
from telemetry.ledger.rules import CallSource, CallState
from telemetry.ledger.selectors import calls_visible_to, sees_only_cost

MOST_OFFERED = 200
"""Use cases that the filter lists; past them a short name is typed."""


@requires(Permission.CALL_VIEW)
def call_list(request: HttpRequest) -> HttpResponse:
    """Newest first, by filters in the URL, fifty at a time by keyset."""
    user = cast(User, request.user)
    filters = CallFilters.from_query(request.GET)
    calls, cursor = page_of(filters.apply(calls_visible_to(user)), request.GET.get("before", ""))
    visible = by_title(UseCase.objects.visible_to(user)).values("slug", "title")
    use_cases = list(visible[: MOST_OFFERED + 1])
    context = {
        "calls": calls,
        "cursor": cursor,
        "filters": filters,
        "use_cases": use_cases[:MOST_OFFERED],
        "has_more_use_cases": len(use_cases) > MOST_OFFERED,
        "states": list(CallState),
        "sources": list(CallSource),
        "only_cost": sees_only_cost(user),
    }
    return page(
        request, "telemetry/ledger/list.html", context, fragment="telemetry/ledger/_list.html"
    )


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
    entries = list(call.entries.select_related("deployment").order_by("pk"))
    return {
        "call": call,
        "only_cost": only_cost,
        "trail": [] if only_cost else _trail(call),
        "entries": [_priced(call, entry) for entry in entries],
        "payload": getattr(call, "payload", None),
        "holds": holds_on(call),
        "may_hold": actor_of(request).may(Permission.LEGAL_HOLD_MANAGE),
        "may_erase": actor_of(request).may(Permission.ERASURE_MANAGE),
        "may_open": can_open_bodies(actor_of(request), call),
        "panels": [] if only_cost else _panels(request, call, now),
    }


def _trail(call: Call) -> list[dict[str, Any]]:
    """The stages, each with the whole time beside its own, for the bars."""
    total = sum(int(one.get("took_ms", 0)) for one in call.stage_trail)
    return [dict(one, total_ms=max(total, 1)) for one in call.stage_trail]


def _priced(call: Call, entry: LedgerEntry) -> dict[str, Any]:
    """The money line with the products that explain it, if the kept prices do."""
    lines = cost_lines(
        call.price_snapshot,
        tokens_input=entry.tokens_input,
        tokens_cached=entry.tokens_cached,
        tokens_output=entry.tokens_output,
    )
    return {"entry": entry, "lines": lines if adds_up(lines, entry.amount) else []}


def _panels(request: HttpRequest, call: Call, now: datetime) -> list[dict[str, str]]:
    """What other apps know of the call; each panel is rendered with its own context alone."""
    user = cast(User, request.user)
    shown = []
    for panel in sorted(call_panels.values(), key=lambda panel: panel.order):
        if any(user.may(permission) for permission in panel.permissions):
            context = panel.context(call, user, now)
            if context:
                names = {"call": call, "panel": context} | context
                html = render_to_string(panel.template, names, request)
                shown.append({"title": panel.title, "html": html})
    return shown
