"""The register: who holds which role since when, and is trained for it; and one's own training."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access import training
from governance.access.forms import ReasonForm
from governance.access.models import Training, TrainingRecord, User
from governance.access.training import MAY_RECORD
from governance.access.training_forms import (
    RegisterFilterForm,
    TrainingForm,
    TrainingRecordForm,
)
from governance.access.training_selectors import RegisterRow, records_of, register, trainings_of
from governance.audit.tables import csv_line
from governance.kernel.authority import Permission
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires

CSV_HEAD = (
    "person",
    "email",
    "role",
    "where",
    "since",
    "until",
    "training",
    "state",
    "valid until",
)


@requires(Permission.PEOPLE_VIEW)
def training_register(request: HttpRequest) -> HttpResponse:
    """People by role and since when, with the trainings that the role requires."""
    form = RegisterFilterForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {"role": "", "state": ""}
    rows = register(timezone.now(), role=chosen["role"], state=chosen["state"])
    if request.GET.get("format") == "csv":
        return _csv(rows)
    context = {
        "page": Paginator(rows, 50).get_page(request.GET.get("page")),
        "form": form,
        "is_filtered": bool(chosen["role"] or chosen["state"]),
        "trainings": Training.objects.all(),
        "may_record": _may_record(request),
        "may_define": actor_of(request).may(Permission.SIGN_COMPLIANCE),
    }
    return page(request, "governance/access/training_register.html", context)


def _may_record(request: HttpRequest) -> bool:
    return any(actor_of(request).may(one) for one in MAY_RECORD)


def _csv(rows: list[RegisterRow]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="training-register.csv"'
    response.write(csv_line(CSV_HEAD))
    for row in rows:
        grant = row.grant
        until = grant.ends_at.isoformat(timespec="minutes") if grant.ends_at else ""
        since = grant.starts_at.isoformat(timespec="minutes")
        who = (grant.user.name, grant.user.email, grant.title, str(grant.scope), since, until)
        for one in row.trainings:
            day = one.valid_until.isoformat() if one.valid_until else ""
            response.write(csv_line((*who, one.training.title, one.state.replace("_", " "), day)))
        if not row.trainings:
            response.write(csv_line((*who, "", "", "")))
    return response


@requires(SIGNED_IN)
def my_training(request: HttpRequest) -> HttpResponse:
    """What one's roles require, how each stands, and where it is taken."""
    user, now = cast(User, request.user), timezone.now()
    context = {"required": trainings_of(user, now), "records": records_of(user)}
    return page(request, "governance/access/training_mine.html", context)


@requires(Permission.SIGN_COMPLIANCE)
def training_new(request: HttpRequest) -> HttpResponse:
    """Define one; for whom it is required is proposed afterwards."""
    form = TrainingForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        made = form.carry_out(training.define_training, actor=actor_of(request), now=timezone.now())
        if made is not None:
            messages.success(request, f"{made} is defined. Propose for which roles it is required.")
            return redirect("approvals:training", code=made.code)
    status = 422 if form.is_bound else 200
    return page(request, "governance/access/training_new.html", {"form": form}, status=status)


@requires(*MAY_RECORD)
def training_record(request: HttpRequest) -> HttpResponse:
    """Record that somebody completed a training."""
    user = cast(User, request.user)
    initial: dict[str, Any] = {name: request.GET.get(name) for name in ("person", "training")}
    form = TrainingRecordForm(
        request.POST if request.method == "POST" else None, initial=initial, user=user
    )
    if request.method == "POST":
        made = form.carry_out(training.record_training, actor=actor_of(request), now=timezone.now())
        if made is not None:
            messages.success(request, f"Recorded. It holds until {made.valid_until:%d %b %Y}.")
            return redirect("access:training-register")
    status = 422 if form.is_bound else 200
    return page(request, "governance/access/training_record.html", {"form": form}, status=status)


@requires(*MAY_RECORD)
@require_POST
def revoke_record(request: HttpRequest, pk: int) -> HttpResponse:
    found: TrainingRecord = get_or_404(TrainingRecord.objects.all(), pk=pk)
    form = ReasonForm(request.POST)
    reason = str(form.cleaned_data["reason"]) if form.is_valid() else ""
    training.revoke_training_record(
        actor=actor_of(request), record_id=pk, reason=reason, now=timezone.now()
    )
    messages.success(request, "Revoked. It counts no longer, and stays on record.")
    return redirect("access:person", pk=found.person_id)
