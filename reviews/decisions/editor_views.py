"""While a correction is typed: the editor's buttons, the live check, the draft."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, NotFound, WrongState
from governance.kernel.web import actor_of, requires
from reviews.decisions import drafts, editing, services
from reviews.decisions.editing import Edited
from reviews.decisions.registries import suggestions
from reviews.decisions.rules import LONGEST_TEXT, readable
from reviews.decisions.screen import item_or_404, screen
from reviews.decisions.selectors import change_shown
from reviews.decisions.views import as_edited
from reviews.queues import services as queues
from reviews.queues.models import ReviewItem
from telemetry.ledger import services as ledger

SUGGESTED = "suggestion:"


@requires(Permission.REVIEW_WORK)
@require_POST
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The screen after a button of the editor: as JSON, as a form, one more, one less, a reason."""
    found = item_or_404(request, pk)
    edited, operation = as_edited(request, found), request.POST.get("op", "")
    values: dict[str, Any] | None = None
    if operation == "template":
        reasons = (request.POST.get("rationale", ""), request.POST.get("template", ""))
        values = {"rationale": "\n".join(filter(None, reasons))}
    elif operation.startswith(SUGGESTED):
        edited = _taken_over(found, edited, operation.removeprefix(SUGGESTED))
    else:
        edited = editing.after(found.output_contract, edited, operation)
    return screen(request, pk, now_edited=edited, values=values)


def _taken_over(found: ReviewItem, edited: Edited, key: str) -> Edited:
    """The suggested text in the place of what is there; who does not hold it sees neither."""
    suggested = (suggest(found, key) for suggest in suggestions.values())
    text = next((one for one in suggested if one is not None), None)
    return edited if text is None else Edited(readable(text), edited.mode)


@requires(Permission.REVIEW_WORK)
@require_POST
def check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The difference and what does not fit, as the text stands now. Writes nothing."""
    found = item_or_404(request, pk)
    try:
        queues.check_holds(actor_of(request), found, timezone.now())
    except (Conflict, WrongState) as lost:
        return _lost(request, lost)
    edited = as_edited(request, found)
    context: dict[str, Any] = {"item": found, "is_same": _is_untouched(found, edited.text)}
    if not context["is_same"] and len(edited.text) <= LONGEST_TEXT:
        editor = editing.editor(found.output_contract, edited)
        typed = edited.typed.problems if edited.typed else {}
        context["problems"] = [*((at, said) for at, (_, said) in typed.items()), *editor.problems]
        context["is_form"] = editor.is_form
        context |= change_shown(found, edited.text)
        context["is_fit"] = not context["problems"] and _may_be_sent(request, found, edited.text)
    return render(request, "reviews/decisions/_check.html", context)


def _is_untouched(found: Any, text: str) -> bool:
    return readable(text) == readable(ledger.held_text(found.call) or "")


def _may_be_sent(request: HttpRequest, found: Any, text: str) -> bool:
    try:
        services.check_can_correct(
            actor=actor_of(request), item=found, text=text, now=timezone.now()
        )
    except Invalid:
        return False
    return True


@requires(Permission.REVIEW_WORK)
@require_POST
def draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep what is typed and renew the lease; says until when it is held and when it was saved."""
    found, now = item_or_404(request, pk), timezone.now()
    edited, post = as_edited(request, found), request.POST
    is_untouched = _is_untouched(found, edited.text)
    try:
        saved = drafts.save_draft(
            actor=actor_of(request),
            item_id=pk,
            corrected_text=None if is_untouched else edited.text,
            rationale=post.get("rationale", ""),
            labels=post.getlist("labels"),
            mode=edited.mode,
            now=now,
        )
    except (Conflict, WrongState, NotFound) as lost:
        return _lost(request, lost)
    found.refresh_from_db(fields=["lease_until"])
    context = {"item": found, "draft_saved_at": saved.saved_at}
    return render(request, "reviews/decisions/_lease.html", context)


def _lost(request: HttpRequest, lost: Any) -> HttpResponse:
    context = {"error": lost, "url": request.path.rsplit("/", 2)[0] + "/"}
    return render(request, "reviews/decisions/_lost.html", context, status=lost.status)
