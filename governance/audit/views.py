"""Audit: can I prove it?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.audit import packs, services
from governance.audit.models import AuditEvent, AuditPack, Checkpoint, PendingEvent
from governance.audit.tasks import build_pack
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires


@requires(Permission.AUDIT_VIEW)
def index(request: HttpRequest) -> HttpResponse:
    """The state of the log, and the packs."""
    today = timezone.now().date()
    context = {
        "checkpoint": Checkpoint.objects.first(),
        "pending": PendingEvent.objects.count(),
        "key": services.signer().verifier_key,
        "packs": AuditPack.objects.select_related("requested_by")[:30],
        "may_build": actor_of(request).may(Permission.AUDIT_PACK_BUILD),
        "starts_on": today.replace(day=1),
        "ends_on": today,
    }
    return page(request, "governance/audit/index.html", context)


@requires(Permission.AUDIT_PACK_BUILD)
@require_POST
def request_pack(request: HttpRequest) -> HttpResponse:
    """Ask for a pack of whole days, both included."""
    starts_on, ends_on = (_day(request.POST.get(name, "")) for name in ("starts_on", "ends_on"))
    with transaction.atomic():
        pack = packs.request_pack(
            actor=actor_of(request),
            starts_at=datetime.combine(starts_on, datetime.min.time(), UTC),
            ends_at=datetime.combine(ends_on + timedelta(days=1), datetime.min.time(), UTC),
            now=timezone.now(),
        )
        pack_id = str(pack.pk)
        transaction.on_commit(lambda: build_pack.delay(pack_id))
    return redirect("audit:pack", pk=pack.pk)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("No pack was asked for: give both days as year-month-day.") from None


@requires(Permission.AUDIT_PACK_BUILD)
def pack(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is; the fragment polls itself and stops when it is done."""
    found: AuditPack = get_or_404(AuditPack.objects.select_related("requested_by"), pk=pk)
    is_over = found.state in ("ready", "failed", "expired")
    context = {"pack": found, "is_over": is_over, "key": services.signer().verifier_key}
    htmx = getattr(request, "htmx", None)
    # 286 tells htmx to stop polling.
    status = 286 if htmx and is_over else 200
    return page(
        request,
        "governance/audit/pack.html",
        context,
        fragment="governance/audit/_pack.html",
        status=status,
    )


@requires(Permission.AUDIT_PACK_BUILD)
@require_POST
def download(request: HttpRequest, pk: UUID) -> FileResponse:
    found: AuditPack = get_or_404(AuditPack.objects.all(), pk=pk)
    path = packs.record_download(actor=actor_of(request), pack=found, now=timezone.now())
    messages.success(request, "Downloaded; that is in the log too.")
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


@requires(Permission.AUDIT_VIEW)
def events(request: HttpRequest) -> HttpResponse:
    """Who did what, when, why? Filters live in the address."""
    found = AuditEvent.objects.visible_to(request.user).select_related("leaf")
    for name in ("action", "subject_type", "subject_id"):
        if value := request.GET.get(name):
            found = found.filter(**{name: value})
    if actor := request.GET.get("actor"):
        found = found.filter(actor_label__icontains=actor)
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {"page": listed, "events": listed.object_list}
    return page(request, "governance/audit/events.html", context)


@requires(Permission.AUDIT_VIEW)
def event(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_or_404(AuditEvent.objects.visible_to(request.user).select_related("leaf"), pk=pk)
    content = cast(AuditEvent, found)
    return page(request, "governance/audit/event.html", {"event": content})
