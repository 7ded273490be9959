"""Queues: will we hold the SLA?"""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import get_or_404, page, requires
from reviews.queues.selectors import items_of, queues_with_counts, time_to_decide


@requires(Permission.REVIEW_WORK, Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)
def queue_list(request: HttpRequest) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    workable = user.reach(Permission.REVIEW_WORK)
    queues = [
        {"queue": queue, "may_work": workable.everywhere or queue.pk in workable.queue_ids}
        for queue in queues_with_counts(user, now)
    ]
    return page(request, "reviews/queues/list.html", {"queues": queues})


@requires(Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)
def board(request: HttpRequest, slug: str) -> HttpResponse:
    """The lead's board: what waits, who holds what, how fast it goes."""
    user, now = cast(User, request.user), timezone.now()
    queue = get_or_404(queues_with_counts(user, now), slug=slug)
    items = items_of(queue)
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
    }
    return page(request, "reviews/queues/board.html", context)
