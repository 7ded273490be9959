"""The lead's board: figures, and giving items to others by a form."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.access.selectors import holders
from governance.home.charts import figure_data
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotFound, PlacetError
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.board import charts, selectors, services
from reviews.quality.views import SEES, may_see_figures
from reviews.queues.models import Queue


def queue_of(user: User, slug: str) -> Queue:
    """A queue whose board the person may see; NotFound else."""
    visible = Queue.objects.filter(pk__in=Queue.objects.visible_to(user).values("pk"))
    found: Queue = get_or_404(visible.select_related("sla__calendar"), slug=slug)
    if not may_see_figures(user, found):
        raise NotFound("There is no such queue.")
    return found


@requires(*SEES)
def board(request: HttpRequest, slug: str) -> HttpResponse:
    """Will we hold the SLA? What waits by age, what will be late, who has what; and rebalance."""
    user, now = cast(User, request.user), timezone.now()
    queue = queue_of(user, slug)
    error: PlacetError | None = None
    if request.method == "POST":
        try:
            messages.success(request, _rebalance(request, queue))
            return redirect("board:board", slug=slug)
        except (Invalid, Conflict) as refused:
            error = refused
    manages = user.may(Permission.REVIEW_MANAGE, queue)
    figures = selectors.board(queue, now)
    expected = figures["expected"]
    context = figures | {
        "queue": queue,
        "currency": settings.PLACET_CURRENCY,
        "age_figure": figure_data(charts.ages(figures["ages"])),
        "breach_figure": figure_data(charts.breaches(expected)) if expected else None,
        "may_manage": manages,
        "error": error,
        "chosen": request.POST.getlist("items"),
        "chosen_to": request.POST.get("to", ""),
    }
    if manages:
        reach = user.reach(Permission.REVIEW_MANAGE)
        others = Queue.objects.exclude(pk=queue.pk).order_by("name")
        context["other_queues"] = (
            others if reach.everywhere else others.filter(pk__in=reach.queue_ids)
        )
        context["rows"] = [
            {"item": item, "urgency": item.urgency(now), "given": given}
            for item, given in selectors.listed(queue)
        ]
    status = 200 if error is None else 422 if isinstance(error, Invalid) else error.status
    return page(request, "reviews/board/board.html", context, status=status)


def _rebalance(request: HttpRequest, queue: Queue) -> str:
    return rebalance(
        actor_of(request), queue, request.POST.getlist("items"), request.POST.get("to", "")
    )


def rebalance(actor: Actor, queue: Queue, ids: list[str], to: str) -> str:
    """Give items away; `to` is "person:<id>" or "queue:<slug>". The sentence of what was done."""
    kind, _, name = to.partition(":")
    try:
        item_ids = [UUID(one) for one in ids]
    except ValueError:
        raise Invalid("Nothing was moved: choose answers of this list.") from None
    now = timezone.now()
    if kind == "queue":
        target = get_or_404(Queue.objects.visible_to(actor.user), slug=name)
        count = services.move_to(
            actor=actor, queue=queue, item_ids=item_ids, target=target, now=now
        )
        return f"{count} moved to {target}. They keep their due times."
    if kind == "person" and name.isdecimal() and len(name) < 19:
        services.check_can_rebalance(actor, queue)
        person = get_or_404(holders(Permission.REVIEW_WORK, queue, now=now), pk=int(name))
        count = services.give_to(
            actor=actor, queue=queue, item_ids=item_ids, person=person, now=now
        )
        return f"{count} kept for {person.name}."
    raise Invalid("Nothing was moved: say to whom.", fields={"to": ["Choose a person or a queue."]})
