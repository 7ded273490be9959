"""The review screen as an answer to a request: page or fragment, with what was typed on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from governance.access.models import User
from governance.kernel.errors import Invalid, PlacetError
from governance.kernel.web import actor_of, get_or_404, page
from reviews.decisions import alike, editing
from reviews.decisions.drafts import draft_of
from reviews.decisions.editing import Edited
from reviews.decisions.selectors import change_shown, screen_of, undoable
from reviews.queues import services as queues
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.qualifying import readiness

PAGE, FRAGMENT = "reviews/decisions/item.html", "reviews/decisions/_item.html"
EMPTY, EMPTY_FRAGMENT = "reviews/decisions/empty.html", "reviews/decisions/_empty.html"


def item_or_404(request: HttpRequest, pk: UUID) -> ReviewItem:
    user = cast(User, request.user)
    item: ReviewItem = get_or_404(
        ReviewItem.everything.with_exercises_of(user)
        .select_related(
            "queue__sla", "queue__escalates_to", "call__use_case", "call__payload", "claimed_by"
        )
        .filter(queue__in=Queue.objects.workable_by(user)),
        pk=pk,
    )
    return item


def screen(
    request: HttpRequest,
    pk: UUID,
    *,
    error: PlacetError | None = None,
    now_edited: Edited | None = None,
    values: dict[str, Any] | None = None,
    shows_change: bool = False,
) -> HttpResponse:
    """The screen, with what was typed on it; a refusal leaves nothing of that lost."""
    found, now = item_or_404(request, pk), timezone.now()
    user = cast(User, request.user)
    context = screen_of(found, user, now) | {"error": error, "moment": now}
    context["undoable"] = undoable(found.queue, user, now)
    draft = draft_of(found, user.pk)
    if context["is_mine"]:
        context |= _held(request, found, context["output"], now_edited, draft)
        if alike.low_risk(ReviewItem.objects.filter(pk=found.pk)).exists():
            context["alike"] = alike.others_like(found, user, now).count()
        if shows_change:
            context |= change_shown(found, context["editor"].text) | {"is_fit": error is None}
    else:
        context |= {"values": request.POST, "draft_saved_at": draft[1] if draft else None}
    if values is not None:
        context["values"] = values
    status = 200 if error is None else 422 if isinstance(error, Invalid) else error.status
    answer = page(request, PAGE, context, fragment=FRAGMENT, status=status)
    if request.method == "POST" and error is None and now_edited is None:
        answer.headers["HX-Push-Url"] = reverse("decisions:item", args=[pk])
    return answer


def _held(
    request: HttpRequest,
    item: ReviewItem,
    output: str,
    now_edited: Edited | None,
    draft: tuple[dict[str, Any], datetime] | None,
) -> dict[str, Any]:
    """The editor and the fields of the person who holds it: as just sent, else as kept."""
    kept = draft[0] if draft else {}
    is_sent = request.method == "POST" and now_edited is not None
    if now_edited is None:
        text = kept.get("corrected_text", output)
        now_edited = Edited(text, kept.get("mode") or editing.FORM)
    labels = request.POST.getlist("labels") if is_sent else kept.get("labels", [])
    return {
        "editor": editing.editor(item.output_contract, now_edited),
        "values": request.POST if is_sent else {"rationale": kept.get("rationale", "")},
        "ticked": labels,
        "draft_saved_at": draft[1] if draft else None,
        "is_draft": bool(draft) and not is_sent,
    }


def what_comes_next(request: HttpRequest, queue: Queue) -> HttpResponse:
    """For an htmx request the next item itself, in the answer to the decision.

    Who has something to read or to learn first is sent there.
    """
    if not readiness(cast(User, request.user), queue, timezone.now()):
        return HttpResponseClientRedirect(reverse("queues:guideline", args=[queue.slug]))
    following = queues.claim_next(actor=actor_of(request), queue=queue, now=timezone.now())
    if following is not None:
        return screen(request, following.pk)
    answer = nothing_waits(request, queue)
    answer.headers["HX-Push-Url"] = reverse("decisions:next", args=[queue.slug])
    return answer


def nothing_waits(request: HttpRequest, queue: Queue) -> HttpResponse:
    now = timezone.now()
    user = cast(User, request.user)
    context = {
        "queue": queue,
        "undoable": undoable(queue, user, now),
        "no_more": queues.why_no_more(user, queue, now),
    }
    return page(request, EMPTY, context | {"moment": now}, fragment=EMPTY_FRAGMENT)
