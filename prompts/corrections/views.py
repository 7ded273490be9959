"""Corrections: what people made of answers, and the files to train models with."""

from __future__ import annotations

import uuid
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from prompts.corrections import lines, services
from prompts.corrections.models import CorrectionExport
from prompts.corrections.rules import ExportKind
from prompts.corrections.selectors import (
    MAY_SEE,
    VERDICTS,
    Wanted,
    decisions_visible_to,
    queues_offered,
    use_cases_offered,
)
from prompts.evaluation.promoting import may_promote, promote, suites_offered
from reviews.decisions.difference import difference
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import readable
from telemetry.ledger.bodies import can_open_bodies, open_payload

JSON_LINES = "application/jsonl"
EXPORTS_SHOWN = 5


@requires(*MAY_SEE)
def correction_list(request: HttpRequest) -> HttpResponse:
    """Decisions by the filters in the address, newest first; no texts."""
    return _list(request)


def _list(request: HttpRequest, error: Invalid | None = None) -> HttpResponse:
    user = cast(User, request.user)
    wanted = Wanted.from_query(request.POST if error else request.GET)
    found = wanted.apply(decisions_visible_to(user))
    may_export = user.may(Permission.CALL_BODY_VIEW)
    exports = CorrectionExport.objects.visible_to(user).select_related("requested_by")
    context = {
        "page": Paginator(found, 50).get_page(request.GET.get("page")),
        "wanted": wanted,
        "use_cases": use_cases_offered(user),
        "queues": queues_offered(user),
        "verdicts": VERDICTS,
        "may_export": may_export,
        "exports": exports[:EXPORTS_SHOWN] if may_export else [],
        "kinds": list(ExportKind),
        "form_token": uuid.uuid4(),
        "error": error,
    }
    return page(request, "prompts/corrections/list.html", context, status=422 if error else 200)


def _decision(request: HttpRequest, pk: int) -> ReviewDecision:
    visible = decisions_visible_to(cast(User, request.user))
    found: ReviewDecision = get_or_404(visible.select_related("item__call__payload"), pk=pk)
    return found


@requires(*MAY_SEE)
@never_cache
def correction_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision. Its texts are opened by an explicit, audited POST; a reload asks again."""
    decision = _decision(request, pk)
    call, actor = decision.item.call, actor_of(request)
    context: dict[str, Any] = {
        "decision": decision,
        "call": call,
        "may_open": can_open_bodies(actor, call),
        "suites": suites_offered(actor, decision),
        "may_promote": may_promote(actor, decision),
        "may_see_call": actor.may(Permission.CALL_VIEW, call.team),
    }
    if request.method == "POST":
        bodies = open_payload(actor=actor, call=call, now=timezone.now())
        context |= {"bodies": bodies, "is_open": True}
        correction = getattr(decision, "correction", None)
        pair = correction.texts() if correction is not None else None
        if pair is not None:
            context["difference"] = difference(readable(pair[0]), readable(pair[1]))
    return page(request, "prompts/corrections/detail.html", context)


@requires(Permission.PROMPT_AUTHOR)
@require_POST
def promote_case(request: HttpRequest, pk: int) -> HttpResponse:
    """The decided answer becomes a case of its prompt's suite."""
    decision = _decision(request, pk)
    suite = request.POST.get("suite", "")
    offered = suites_offered(actor_of(request), decision)
    case = promote(
        actor=actor_of(request),
        decision=decision,
        suite=next((one for one in offered if str(one.pk) == suite), None),
        now=timezone.now(),
    )
    messages.success(request, f"Made a case of it, in {case.suite.name}.")
    return redirect("evaluation:suite", slug=case.suite.prompt.slug, suite=case.suite_id)


@requires(Permission.CALL_BODY_VIEW)
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """What the filters find, as a file to be built."""
    try:
        made = services.request_export(
            actor=actor_of(request),
            kind=request.POST.get("kind", ""),
            wanted=Wanted.from_query(request.POST),
            now=timezone.now(),
            form_token=_token(request.POST.get("form_token", "")),
        )
    except Invalid as refused:
        return _list(request, refused)
    return redirect("corrections:export", pk=made.pk)


def _token(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _export(request: HttpRequest, pk: UUID) -> CorrectionExport:
    visible = CorrectionExport.objects.visible_to(cast(User, request.user))
    found: CorrectionExport = get_or_404(visible.select_related("requested_by"), pk=pk)
    return found


@requires(Permission.CALL_BODY_VIEW)
def export_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is, what is in it and what is left out; asks again by itself while it is built."""
    found = _export(request, pk)
    context = {"export": found, "included": found.included(), "left_out": found.left_out()}
    return page(
        request,
        "prompts/corrections/export.html",
        context,
        fragment="prompts/corrections/_progress.html",
    )


@requires(Permission.CALL_BODY_VIEW)
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    _export(request, pk)
    services.cancel_export(actor=actor_of(request), export_id=pk, now=timezone.now())
    messages.success(request, "Cancelled.")
    return redirect("corrections:export", pk=pk)


@requires(Permission.CALL_BODY_VIEW)
@require_POST
def download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file, under audit: a POST, because it opens texts."""
    _export(request, pk)
    now = timezone.now()
    found = services.note_download(actor=actor_of(request), export_id=pk, now=now)
    return as_file(found, cast(User, request.user))


def as_file(found: CorrectionExport, user: User) -> StreamingHttpResponse:
    reply = StreamingHttpResponse(
        lines.written(found, user, timezone.now()), content_type=JSON_LINES
    )
    name = f"corrections-{found.kind}-{str(found.pk)[-12:]}.jsonl"
    reply.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    reply.headers["Cache-Control"] = "no-store"
    return reply
