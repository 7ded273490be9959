"""Queues: will we hold the SLA, and by which rules?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.text import slugify

from governance.access.late_saves import seen_of
from governance.access.models import User
from governance.access.selectors import holders
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.queues import upkeep
from reviews.queues.escalating import counted
from reviews.queues.forms import QueueForm, form_values, new_values
from reviews.queues.models import Queue
from reviews.queues.pulling import claim_anywhere
from reviews.queues.selectors import items_of, queues_with_counts, time_to_decide


@requires(Permission.REVIEW_WORK, Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)
def queue_list(request: HttpRequest) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    has_board = user.may(Permission.REVIEW_VIEW) or user.may(Permission.REVIEW_MANAGE)
    queues = [
        {
            "queue": queue,
            "may_work": user.may(Permission.REVIEW_WORK, queue),
            "may_manage": user.may(Permission.REVIEW_MANAGE, queue),
        }
        for queue in queues_with_counts(user, now)
    ]
    context = {
        "queues": queues,
        "has_board": has_board,
        "works": any(one["may_work"] for one in queues),
        "may_make": upkeep.manages_all_queues(actor_of(request)),
    }
    return page(request, "reviews/queues/list.html", context)


@requires(Permission.REVIEW_WORK)
def next_anywhere(request: HttpRequest) -> HttpResponse:
    """The next item across all of the person's queues; back to the queues when none is left."""
    item = claim_anywhere(actor=actor_of(request), now=timezone.now())
    if item is None:
        messages.info(request, "Nothing waits for you in any of your queues.")
        return redirect("queues:list")
    return redirect("decisions:item", pk=item.pk)


@requires(Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)
def board(request: HttpRequest, slug: str) -> HttpResponse:
    """The lead's board: what waits, who holds what, how fast it goes."""
    user, now = cast(User, request.user), timezone.now()
    queue = get_or_404(queues_with_counts(user, now), slug=slug)
    items = items_of(queue, user)
    if request.GET.get("show") != "all":
        items = items.exclude(state="decided")
    listed = Paginator(items, 50).get_page(request.GET.get("page"))
    since = now - timedelta(days=7)
    context = {
        "queue": queue,
        "page": listed,
        "rows": [{"item": item, "urgency": item.urgency(now)} for item in listed],
        "mean_time": time_to_decide(queue, since),
        "shows_all": request.GET.get("show") == "all",
        "counted": counted(queue, now),
        "may_manage": user.may(Permission.REVIEW_MANAGE, queue),
    }
    return page(request, "reviews/queues/board.html", context)


@requires(Permission.REVIEW_MANAGE)
def new(request: HttpRequest) -> HttpResponse:
    """A new queue; its address follows from its name."""
    actor = actor_of(request)
    upkeep.check_can_make_queues(actor)
    form = QueueForm(request.POST or None, initial=new_values())

    def make(settings: dict[str, Any]) -> Queue:
        slug = slugify(settings["name"])[:60]
        return upkeep.create_queue(actor=actor, slug=slug, now=timezone.now(), **settings)

    return _edited(request, form, make, {"queue": None})


@requires(Permission.REVIEW_MANAGE)
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a queue. Another SLA moves the due times of what is open in it."""
    user, actor, now = cast(User, request.user), actor_of(request), timezone.now()
    queue: Queue = get_or_404(
        Queue.objects.filter(pk__in=Queue.objects.visible_to(user).values("pk")).select_related(
            "sla__calendar", "escalates_to"
        ),
        slug=slug,
    )
    upkeep.check_can_change_queue(actor, queue)
    stands, seen = form_values(queue), seen_of(upkeep.queue_facts(queue))
    form = QueueForm(request.POST or None, initial=stands | {"seen": seen})
    form.fields["escalates_to"].queryset = Queue.objects.exclude(pk=queue.pk)  # type: ignore[attr-defined]  # a model choice
    # A disabled field keeps its first value, whatever is sent.
    form.fields["is_default"].disabled = not upkeep.manages_all_queues(actor)

    def change(settings: dict[str, Any]) -> Queue:
        began_from = form.cleaned_data["seen"]
        try:
            return upkeep.change_queue(
                actor=actor, queue_id=queue.pk, seen=began_from, now=timezone.now(), **settings
            )
        except Conflict as late:
            form.show_late(late, stands, seen)
            raise

    context = {
        "queue": queue,
        "members": holders(Permission.REVIEW_WORK, queue, now=now),
        "shares_sla_with": queue.sla.queues.exclude(pk=queue.pk),
        "may_see_people": user.may(Permission.PEOPLE_VIEW),
        "open_items": queue.items.exclude(state="decided").filter(sla=queue.sla_id).count(),
        "retiming": queue.retimings.filter(finished_at=None).first(),
    }
    return _edited(request, form, change, context)


def _edited(
    request: HttpRequest,
    form: QueueForm,
    save: Callable[[dict[str, Any]], Queue],
    context: dict[str, Any],
) -> HttpResponse:
    """The form, its preview, its errors with what was typed, or the saved queue's board."""
    is_preview, status = request.POST.get("action") == "preview", 422
    if form.is_bound and not is_preview and form.is_valid():
        try:
            saved = save(form.settings())
        except Invalid as refused:
            _show_errors(form, refused)
        except Conflict as late:
            status = late.status
        else:
            return _saved(request, saved, "sla" in form.changed_data)
    typed = form["guideline"].value() or ""
    context |= {"form": form, "guideline": typed, "is_preview": is_preview}
    context["claim_fields"] = [
        form[name] for name in ("needs_acknowledgement", "trainings", "most_claimed")
    ]
    status = status if form.is_bound and not is_preview else 200
    return page(request, "reviews/queues/settings.html", context, status=status)


def _saved(request: HttpRequest, queue: Queue, has_other_sla: bool) -> HttpResponse:
    """Its board; or how far the re-timing is, where that takes a while."""
    job = queue.retimings.first() if has_other_sla else None
    if job is None:
        messages.success(request, f"The queue {queue} is saved.")
        return redirect("queues:board", slug=queue.slug)
    if job.is_over:
        moved = f"{job.moved} of {job.total} open answers have another due time now."
        messages.success(request, f"The queue {queue} is saved. {moved}")
        return redirect("queues:board", slug=queue.slug)
    messages.success(request, f"The queue {queue} is saved. Due times follow.")
    return redirect("calendars:retiming", pk=job.pk)


def _show_errors(form: QueueForm, refused: Invalid) -> None:
    for name, sentences in refused.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not refused.fields:
        form.add_error(None, refused.message)
