"""Legal holds and erasures: count first, then do; lift, watch, take the certificate."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.ledger import erasing, legal_holds
from telemetry.ledger.keeping_forms import ErasureForm, HoldForm, LiftForm
from telemetry.ledger.models import Erasure, LegalHold
from telemetry.ledger.tasks import enqueue

HOLDS = LegalHold.objects.select_related("use_case", "team", "call", "placed_by", "lifted_by")
ERASURES = Erasure.objects.select_related("call", "requested_by")


@requires(Permission.LEGAL_HOLD_MANAGE)
def hold_list(request: HttpRequest) -> HttpResponse:
    listed = Paginator(HOLDS.order_by("-pk"), 50).get_page(request.GET.get("page"))
    return page(request, "telemetry/ledger/holds.html", {"page": listed})


@requires(Permission.LEGAL_HOLD_MANAGE)
@never_cache
def new_hold(request: HttpRequest) -> HttpResponse:
    """Say what to keep, see how much that is, place the hold."""
    form = HoldForm(
        request.POST if request.method == "POST" else None,
        initial={"call": request.GET.get("call", "")[:36]},
    )
    counted = None
    if request.POST.get("do") == "place":
        hold = form.carry_out(legal_holds.place_hold, actor=actor_of(request), now=timezone.now())
        if hold is not None:
            messages.success(request, "Placed. Nothing in its scope is destroyed any more.")
            return redirect("ledger:hold", hold.pk)
    elif form.is_bound:
        counted = form.counted(actor_of(request))
    status = 422 if form.errors else 200
    context = {"form": form, "counted": counted}
    return page(request, "telemetry/ledger/hold_new.html", context, status=status)


@requires(Permission.LEGAL_HOLD_MANAGE)
def hold_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What it covers, what it keeps back now, and how it ends. A POST lifts it."""
    hold: LegalHold = get_or_404(HOLDS.all(), pk=pk)
    form = LiftForm(request.POST if request.method == "POST" else None)
    if form.is_bound:
        lifted = form.carry_out(
            legal_holds.lift_hold, actor=actor_of(request), hold_id=hold.pk, now=timezone.now()
        )
        if lifted is not None:
            messages.success(request, "Lifted. What it kept back follows its retention again.")
            return redirect("ledger:hold", pk)
    context = {"hold": hold, "form": form, "counted": legal_holds.counted(hold.calls())}
    status = 422 if form.errors else 200
    return page(request, "telemetry/ledger/hold.html", context, status=status)


@requires(Permission.ERASURE_MANAGE)
def erasure_list(request: HttpRequest) -> HttpResponse:
    listed = Paginator(ERASURES.order_by("-requested_at", "-pk"), 50)
    context = {"page": listed.get_page(request.GET.get("page"))}
    return page(request, "telemetry/ledger/erasures.html", context)


@requires(Permission.ERASURE_MANAGE)
@never_cache
def new_erasure(request: HttpRequest) -> HttpResponse:
    """Say whose texts go, see how many those are, have them erased."""
    form = ErasureForm(
        request.POST if request.method == "POST" else None,
        initial={"call": request.GET.get("call", "")[:36]},
    )
    before, now = None, timezone.now()
    if request.POST.get("do") == "erase":
        erasure = form.carry_out(erasing.request_erasure, actor=actor_of(request), now=now)
        if erasure is not None:
            enqueue(erasure)
            return redirect("ledger:erasure", erasure.pk)
    elif form.is_bound:
        before = form.counted(actor_of(request), now)
    status = 422 if form.errors else 200
    context = {"form": form, "before": before}
    return page(request, "telemetry/ledger/erasure_new.html", context, status=status)


@requires(Permission.ERASURE_MANAGE)
def erasure_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is; asks again by itself while it runs."""
    erasure: Erasure = get_or_404(ERASURES.all(), pk=pk)
    return page(
        request,
        "telemetry/ledger/erasure.html",
        {"erasure": erasure},
        fragment="telemetry/ledger/_erasure.html",
    )


@requires(Permission.ERASURE_MANAGE)
@require_POST
def erasure_certificate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The certificate as a signed note; that it was taken is recorded."""
    erasure: Erasure = get_or_404(ERASURES.all(), pk=pk)
    note = erasing.certificate(actor=actor_of(request), erasure=erasure, now=timezone.now())
    reply = HttpResponse(note, content_type="text/plain; charset=utf-8")
    reply.headers["Content-Disposition"] = f'attachment; filename="erasure-{erasure.pk}.txt"'
    reply.headers["Cache-Control"] = "no-store"
    return reply
