"""Batches: upload, watch, pause, resume, cancel, download."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import NotAllowed
from governance.kernel.web import actor_of, get_or_404, page, requires
from prompts.batches import results, services
from prompts.batches.forms import BatchForm, BudgetForm
from prompts.batches.models import Batch, BatchLine
from prompts.batches.rules import BATCH_STATES, LineState

JSON_LINES = "application/jsonl"
FAULTS_SHOWN = 50


@requires(Permission.CALL_TRY)
def batch_list(request: HttpRequest) -> HttpResponse:
    """Newest first, with how far each is."""
    batches = Batch.objects.visible_to(cast(User, request.user)).select_related("use_case")
    listed = Paginator(batches, 50).get_page(request.GET.get("page"))
    shown = BatchLine.objects.filter(batch__in=[one.pk for one in listed]).order_by()
    is_over = ~Q(state=LineState.WAITING)
    counted = shown.values("batch").annotate(total=Count("pk"), over=Count("pk", is_over))
    counts: dict[Any, Any] = {one["batch"]: one for one in counted}
    rows: list[tuple[Batch, Any]] = [(one, counts.get(one.pk, {})) for one in listed]
    return page(request, "prompts/batches/list.html", {"page": listed, "rows": rows})


@requires(Permission.CALL_TRY)
def new_batch(request: HttpRequest) -> HttpResponse:
    """Upload a file. The same form sent twice is one batch."""
    is_sent = request.method == "POST"
    form = BatchForm(
        cast(User, request.user),
        request.POST if is_sent else None,
        request.FILES if is_sent else None,
    )
    if is_sent:
        made = form.carry_out(services.create_batch, actor=actor_of(request), now=timezone.now())
        if made is not None:
            return redirect("batches:detail", made[0].pk)
    status = 422 if form.is_bound else 200
    return page(request, "prompts/batches/new.html", {"form": form}, status=status)


def _found(request: HttpRequest, pk: UUID) -> Batch:
    batches = Batch.objects.visible_to(cast(User, request.user))
    found: Batch = get_or_404(
        batches.select_related("use_case", "team", "api_key", "requester"), pk=pk
    )
    return found


def _context(request: HttpRequest, batch: Batch, form: BudgetForm) -> dict[str, Any]:
    faulty = batch.lines.filter(state__in=[LineState.FAILED, LineState.INVALID])
    return {
        "batch": batch,
        "tally": batch.tally(),
        "spent": batch.spent(),
        "faulty": faulty.defer("body_sealed")[:FAULTS_SHOWN],
        "form": form,
        "may_read": services.may_read_answers(cast(User, request.user), batch),
        "actions": set(BATCH_STATES.actions(batch.state)),
    }


@requires(Permission.CALL_TRY)
def batch_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is; asks again by itself while it runs."""
    context = _context(request, _found(request, pk), BudgetForm())
    return page(
        request,
        "prompts/batches/detail.html",
        context,
        fragment="prompts/batches/_progress.html",
    )


@requires(Permission.CALL_TRY)
@require_POST
def pause(request: HttpRequest, pk: UUID) -> HttpResponse:
    batch = _found(request, pk)
    services.pause(actor=actor_of(request), batch_id=batch.pk, now=timezone.now())
    messages.success(request, "Paused. The line that is being answered ends; no other begins.")
    return redirect("batches:detail", pk)


@requires(Permission.CALL_TRY)
@require_POST
def resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    batch = _found(request, pk)
    form = BudgetForm(request.POST)
    resumed = form.carry_out(
        services.resume, actor=actor_of(request), batch_id=batch.pk, now=timezone.now()
    )
    if resumed is None:
        context = _context(request, batch, form)
        return page(request, "prompts/batches/detail.html", context, status=422)
    messages.success(request, "It goes on.")
    return redirect("batches:detail", pk)


@requires(Permission.CALL_TRY)
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    batch = _found(request, pk)
    services.cancel(actor=actor_of(request), batch_id=batch.pk, now=timezone.now())
    messages.success(request, "Cancelled. What was answered stays.")
    return redirect("batches:detail", pk)


@requires(Permission.CALL_TRY)
def download(request: HttpRequest, pk: UUID, what: str) -> HttpResponseBase:
    """The results or the errors as JSON Lines. Taking answers out is written down."""
    batch = _found(request, pk)
    if what == results.ERRORS:
        return as_file(batch, what)
    if not services.may_read_answers(cast(User, request.user), batch):
        raise NotAllowed(
            "Nothing was given out: answers are for who uploaded the batch, and for people who "
            "may open bodies of this team's calls."
        )
    services.note_download(actor=actor_of(request), batch=batch, what=what, now=timezone.now())
    return as_file(batch, what)


def as_file(batch: Batch, what: str, *, is_for_its_caller: bool = False) -> StreamingHttpResponse:
    lines = (
        results.error_lines(batch)
        if what == results.ERRORS
        else results.result_lines(batch, is_for_its_caller=is_for_its_caller)
    )
    reply = StreamingHttpResponse(lines, content_type=JSON_LINES)
    reply.headers["Content-Disposition"] = f'attachment; filename="batch-{batch.pk}-{what}.jsonl"'
    reply.headers["Cache-Control"] = "no-store"
    return reply
