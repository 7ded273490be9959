"""Deliveries: set one up, see what was sent and what was not, send again, fetch the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.home import mailing
from governance.kernel.authority import Permission
from governance.kernel.errors import WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.deliveries import rights, services
from telemetry.deliveries.delivering import path_of
from telemetry.deliveries.forms import ScheduleForm
from telemetry.deliveries.models import DeliverySchedule, DocumentDelivery
from telemetry.documents.files import PIECE


@requires(Permission.CHARGEBACK_VIEW)
def schedule_list(request: HttpRequest) -> HttpResponse:
    found = DeliverySchedule.objects.visible_to(cast(User, request.user))
    related = found.select_related("team", "owner", "recipient", "endpoint__use_case")
    context = {
        "page": Paginator(related, 50).get_page(request.GET.get("page")),
        "has_mail": mailing.is_configured(),
    }
    return page(request, "telemetry/deliveries/list.html", context)


@requires(Permission.CHARGEBACK_VIEW)
def new_schedule(request: HttpRequest) -> HttpResponse:
    """Set one up; `team` in the query chooses it."""
    user = cast(User, request.user)
    form = ScheduleForm(
        user,
        request.POST if request.method == "POST" else None,
        initial={
            "team": request.GET.get("team", ""),
            "time_zone": user.time_zone,
            "recipient": user.email if mailing.is_configured() else "",
        },
    )
    if request.method == "POST":
        made = form.carry_out(services.create_schedule, actor=actor_of(request), now=timezone.now())
        if made is not None:
            messages.success(request, "Set up. What is sent stands below once its time has come.")
            return redirect("deliveries:detail", made.pk)
    context = {"form": form, "has_mail": mailing.is_configured()}
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/deliveries/new.html", context, status=status)


def _found(request: HttpRequest, pk: int) -> DeliverySchedule:
    visible = DeliverySchedule.objects.visible_to(cast(User, request.user))
    found: DeliverySchedule = get_or_404(
        visible.select_related("team", "owner", "recipient", "endpoint__use_case"), pk=pk
    )
    return found


@requires(Permission.CHARGEBACK_VIEW)
def schedule_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What, when, to whom, and its history."""
    schedule = _found(request, pk)
    context = {
        "schedule": schedule,
        "may_change": rights.may_change(actor_of(request), schedule),
        "keeps_webhook": schedule.endpoint is not None
        and rights.keeps(cast(User, request.user), schedule.endpoint),
        "has_mail": mailing.is_configured(),
        "page": Paginator(schedule.deliveries.all(), 25).get_page(request.GET.get("page")),
    }
    return page(request, "telemetry/deliveries/detail.html", context)


@requires(Permission.CHARGEBACK_VIEW)
@require_POST
def turn(request: HttpRequest, pk: int) -> HttpResponse:
    found, on = _found(request, pk), request.POST.get("on") == "1"
    services.turn(actor=actor_of(request), schedule_id=found.pk, on=on, now=timezone.now())
    messages.success(request, f"Turned {'on' if on else 'off'}.")
    return redirect("deliveries:detail", pk)


@requires(Permission.CHARGEBACK_VIEW)
@require_POST
def send_now(request: HttpRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    services.send_now(actor=actor_of(request), schedule_id=found.pk, now=timezone.now())
    messages.success(request, "It is on its way. Look below in a moment.")
    return redirect("deliveries:detail", pk)


@requires(Permission.CHARGEBACK_VIEW)
@require_POST
def send_again(request: HttpRequest, pk: int, delivery: UUID) -> HttpResponse:
    found = get_or_404(DocumentDelivery.objects.filter(schedule=_found(request, pk)), pk=delivery)
    services.send_again(actor=actor_of(request), delivery_id=found.pk, now=timezone.now())
    messages.success(request, "The same file is on its way again.")
    return redirect("deliveries:detail", pk)


@requires(Permission.CHARGEBACK_VIEW)
@never_cache
def file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The file as it was sent, to whoever sees the document now."""
    return download(cast(User, request.user), pk)


def download(user: User, pk: UUID) -> HttpResponse:
    """Raises WrongState where there is no file yet, or none any more."""
    mine = DocumentDelivery.objects.filter(schedule__in=DeliverySchedule.objects.visible_to(user))
    delivery: DocumentDelivery = get_or_404(mine, pk=pk)
    path = path_of(delivery)
    if not delivery.has_file or not path.is_file():
        raise WrongState(
            "There is no file: it was not made yet, or is older than 90 days. "
            "The document itself can be downloaded from its own page."
        )
    response = StreamingHttpResponse(_pieces(path), content_type=delivery.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{delivery.file_name}"'
    response.headers["Content-Length"] = str(delivery.size)
    return cast(HttpResponse, response)  # both answer a request; Django only types them apart


def _pieces(path: Path) -> Iterator[bytes]:
    """Opened when the first piece is asked for, closed when the last is sent or the reader leaves."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
