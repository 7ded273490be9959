"""How much each person of a queue takes, at a time and a day."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.access.selectors import holders
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, page, requires
from reviews.board import capacity
from reviews.board.capacity import Limits
from reviews.board.views import queue_of
from reviews.queues.models import Queue


@requires(Permission.REVIEW_MANAGE)
def capacities(request: HttpRequest, slug: str) -> HttpResponse:
    """A line for everybody, and one for each who works in the queue."""
    queue, actor = queue_of(cast(User, request.user), slug), actor_of(request)
    capacity.check_can_set(actor, queue)
    people = list(holders(Permission.REVIEW_WORK, queue, now=timezone.now()))
    error = None
    if request.method == "POST":
        try:
            wanted = [_sent(request, one.pk if one else None) for one in (None, *people)]
            capacity.set_capacities(actor=actor, queue=queue, wanted=wanted, now=timezone.now())
        except Invalid as refused:
            error = refused
        else:
            messages.success(request, "Saved. What people have in hand stays with them.")
            return redirect("board:board", slug=slug)
    context = {"queue": queue, "error": error, "rows": _rows(request, queue, people)}
    status = 200 if error is None else 422
    return page(request, "reviews/board/capacities.html", context, status=status)


def _name(what: str, person: int | None) -> str:
    return f"{what}-{person or 'everybody'}"


def _sent(request: HttpRequest, person: int | None) -> Limits:
    return Limits(
        person,
        _number(request.POST.get(_name("at_once", person), "")),
        _number(request.POST.get(_name("a_day", person), "")),
    )


def _number(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise Invalid(
            "Nothing was saved. What you typed is still here.",
            fields={"numbers": [f"From 1 to {capacity.MOST:,}, or nothing for any number."]},
        )
    return int(text)


def _rows(request: HttpRequest, queue: Queue, people: list[User]) -> list[dict[str, Any]]:
    stands = capacity.limits_in(queue)
    found = []
    for one in (None, *people):
        pk = one.pk if one else None
        own = stands.get(pk) or Limits(pk, None, None)
        numbers = [
            {
                "name": (name := _name(what, pk)),
                "label": label,
                "value": request.POST.get(name, getattr(own, what) or ""),
            }
            for what, label in (("at_once", "at a time"), ("a_day", "a day"))
        ]
        found.append({"person": one, "numbers": numbers})
    return found
