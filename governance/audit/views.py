"""Audit: can I prove it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.audit import packs, services
from governance.audit.contents import EVENT_COLUMNS, event_row
from governance.audit.forms import EventFilters, PackForm
from governance.audit.models import (
    AuditEvent,
    AuditEventQuerySet,
    AuditPack,
    Checkpoint,
    PendingEvent,
)
from governance.audit.rules import PRESETS, preset_period
from governance.audit.selectors import events_found, teams_to_pack
from governance.audit.tables import csv_line
from governance.audit.tasks import enqueue
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires


@requires(Permission.AUDIT_VIEW)
def index(request: HttpRequest) -> HttpResponse:
    """The state of the log, and the packs."""
    visible = AuditPack.objects.visible_to(request.user).select_related("requested_by")
    listed = Paginator(visible, 20).get_page(request.GET.get("page"))
    context = {
        "checkpoint": Checkpoint.objects.first(),
        **_size_for(request.user),
        "key": services.signer().verifier_key,
        "page": listed,
        "packs": listed.object_list,
        "may_build": actor_of(request).may(Permission.AUDIT_PACK_BUILD),
    }
    return page(request, "governance/audit/index.html", context)


def _size_for(user: Any) -> dict[str, Any]:
    """How many events are signed and how many wait: of the whole log, or of the person's part."""
    if user.reach(Permission.AUDIT_VIEW).everywhere:
        checkpoint = Checkpoint.objects.first()
        signed = checkpoint.size if checkpoint else 0
        return {"signed": signed, "pending": PendingEvent.objects.count(), "sees_all": True}
    visible = AuditEvent.objects.visible_to(user)
    signed = visible.filter(leaf__isnull=False).count()
    return {"signed": signed, "pending": visible.count() - signed, "sees_all": False}


@requires(Permission.AUDIT_PACK_BUILD)
def request_pack(request: HttpRequest) -> HttpResponse:
    """Ask for a pack of whole days; `?period=` fills in one of the usual ones."""
    form = _pack_form(request)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("audit:pack", pk=_ask(request, form.cleaned_data).pk)
        except Invalid as invalid:
            for name, sentences in invalid.fields.items() or {"": [invalid.message]}.items():
                form.add_error(name or None, sentences)
    context = {"form": form, "presets": PRESETS}
    status = 422 if form.is_bound else 200
    return page(request, "governance/audit/request_pack.html", context, status=status)


def _pack_form(request: HttpRequest) -> PackForm:
    reach = cast(Any, request.user).reach(Permission.AUDIT_PACK_BUILD)
    preset = request.GET.get("period", "")
    today = timezone.now().date()
    first, last = preset_period(preset if preset in PRESETS else "this-month", today)
    return PackForm(
        request.POST if request.method == "POST" else None,
        initial={"starts_on": first, "ends_on": last, "team": request.GET.get("team")},
        teams=teams_to_pack(request.user),
        builds_everything=reach.everywhere,
    )


@transaction.atomic
def _ask(request: HttpRequest, wanted: dict[str, Any]) -> AuditPack:
    pack = packs.request_pack(
        actor=actor_of(request),
        starts_on=wanted["starts_on"],
        ends_on=wanted["ends_on"],
        team_id=wanted["team"],
        now=timezone.now(),
    )
    enqueue(pack)
    return pack


@requires(Permission.AUDIT_VIEW)
def pack(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is; the fragment polls itself and stops when it is done."""
    found = _visible_pack(request, pk)
    context = {
        "pack": found,
        "may_build": actor_of(request).may(Permission.AUDIT_PACK_BUILD),
        "key": services.signer().verifier_key,
    }
    htmx = getattr(request, "htmx", None)
    # 286 tells htmx to stop polling.
    status = 286 if htmx and not htmx.boosted and found.is_over else 200
    return page(
        request,
        "governance/audit/pack.html",
        context,
        fragment="governance/audit/_pack.html",
        status=status,
    )


def _visible_pack(request: HttpRequest, pk: UUID) -> AuditPack:
    visible = AuditPack.objects.visible_to(request.user).select_related("requested_by")
    found: AuditPack = get_or_404(visible, pk=pk)
    return found


@requires(Permission.AUDIT_PACK_BUILD)
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _visible_pack(request, pk)
    packs.cancel_pack(actor=actor_of(request), pack_id=found.pk, now=timezone.now())
    return redirect("audit:pack", pk=pk)


@requires(Permission.AUDIT_PACK_BUILD)
@require_POST
def download(request: HttpRequest, pk: UUID) -> FileResponse:
    """The file; that it was taken is recorded first."""
    found = _visible_pack(request, pk)
    path = packs.record_download(actor=actor_of(request), pack=found, now=timezone.now())
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


@requires(Permission.AUDIT_VIEW)
def events(request: HttpRequest) -> HttpResponse:
    """Who did what, when, why? Filters live in the address; `format=csv` takes them all along."""
    filters = EventFilters(request.GET)
    found = events_found(request.user, **filters.wanted)
    if request.GET.get("format") == "csv" and filters.is_valid():
        return _csv(found)
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {"page": listed, "events": listed.object_list, "filters": filters}
    return page(request, "governance/audit/events.html", context)


def _csv(found: AuditEventQuerySet) -> HttpResponse:
    """The filtered list, streamed, safe to open in a spreadsheet."""

    def lines() -> Iterator[str]:
        yield csv_line(EVENT_COLUMNS)
        for one in found.iterator(chunk_size=1_000):
            yield csv_line(event_row(one).values())

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="events.csv"'
    return cast(HttpResponse, response)  # both answer a request; Django only types them apart


@requires(Permission.AUDIT_VIEW)
def event(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_or_404(AuditEvent.objects.visible_to(request.user).select_related("leaf"), pk=pk)
    content = cast(AuditEvent, found)
    return page(request, "governance/audit/event.html", {"event": content})
