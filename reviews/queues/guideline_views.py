"""The guideline of a queue: its newest version, what changed, who acknowledged it."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.access.selectors import holders
from governance.approvals.diffing import field_diffs
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.queues.models import GuidelineAcknowledgement, Queue
from reviews.queues.qualifying import acknowledge, readiness

SEES = (Permission.REVIEW_WORK, Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)
MOST_VERSIONS = 100


@requires(*SEES)
def guideline(request: HttpRequest, slug: str) -> HttpResponse:
    """Any version (`?version=`) beside the one before it; members acknowledge the newest."""
    user, now = cast(User, request.user), timezone.now()
    queue: Queue = get_or_404(Queue.objects.visible_to(user), slug=slug)
    if request.method == "POST":
        number = _number(request.POST.get("version"))
        acknowledge(actor=actor_of(request), queue=queue, number=number, now=now)
        messages.success(request, "Noted: you read this version.")
        return redirect("decisions:next", slug=slug)
    versions = list(
        queue.guidelines.annotate(readers=Count("acknowledgements")).order_by("-number")[
            :MOST_VERSIONS
        ]
    )
    number = _number(request.GET.get("version"))
    shown = next((one for one in versions if one.number == number), None)
    shown = shown or next(iter(versions), None)
    before = next((one for one in versions if shown and one.number == shown.number - 1), None)
    may_work = user.may(Permission.REVIEW_WORK, queue)
    context = {
        "queue": queue,
        "versions": versions,
        "shown": shown,
        "before": before,
        "is_newest": bool(shown and versions and shown.pk == versions[0].pk),
        "fields": field_diffs({"text": before.text}, {"text": shown.text})
        if shown and before
        else [],
        "lacks": readiness(user, queue, now) if may_work else None,
        "read_at": _read_at(user, shown.pk) if shown else None,
    }
    if user.may(Permission.REVIEW_MANAGE, queue) and versions:
        read = GuidelineAcknowledgement.objects.filter(version=versions[0]).values("person")
        members = holders(Permission.REVIEW_WORK, queue, now=now)
        context["unread_by"] = members.exclude(pk__in=read)
    return page(request, "reviews/queues/guideline.html", context)


def _read_at(user: User, version: int) -> object:
    found = GuidelineAcknowledgement.objects.filter(version=version, person=user)
    return found.values_list("at", flat=True).first()


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 9 else 0
