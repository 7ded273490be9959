"""Out of office: who is away, from and until?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.home.absence_forms import AbsenceForm
from governance.home.absences import end_absence, people_spoken_for, state_absence
from governance.home.models import Absence, AbsenceQuerySet
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires

MOST_LISTED = 200
KEPT_ON_PAGE = timedelta(days=30)


def visible_absences(user: User) -> AbsenceQuerySet:
    """One's own, those one stands in for, and those of people one speaks for."""
    people = people_spoken_for(user, timezone.now()).order_by()
    return (
        Absence.objects.filter(Q(person__in=people) | Q(person=user) | Q(stand_in=user))
        .select_related("person", "stand_in")
        .order_by("starts_at", "pk")
    )


@requires(SIGNED_IN)
def absence_list(request: HttpRequest) -> HttpResponse:
    """Absences of oneself and of those whose work one gives out; and a new one."""
    user, now = cast(User, request.user), timezone.now()
    people = people_spoken_for(user, now)
    chosen = request.GET.get("person", "")
    known = (
        people.filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 19 else None
    )
    form = AbsenceForm(people, request.POST or None, initial={"person": known or user})
    if request.method == "POST":
        made = form.carry_out(state_absence, actor=actor_of(request), now=now)
        if made is not None:
            messages.success(request, f"{made.person} is out of office. It ends by itself.")
            return redirect("home:absences")
    found = visible_absences(user).filter(ends_at__gte=now - KEPT_ON_PAGE)[:MOST_LISTED]
    speaks_for = set(people.values_list("pk", flat=True))
    rows = [
        {
            "absence": one,
            "state": _state(one, now),
            "may_end": one.ends_at > now and one.person_id in speaks_for,
        }
        for one in found
    ]
    context = {"form": form, "rows": rows}
    status = 422 if form.errors else 200
    return page(request, "governance/home/absences.html", context, status=status)


def _state(one: Absence, now: datetime) -> str:
    if one.ends_at <= now:
        return "ended"
    return "away" if one.starts_at <= now else "planned"


@requires(SIGNED_IN)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Back before the time, or not away at all."""
    user = cast(User, request.user)
    get_or_404(visible_absences(user), pk=pk)
    ended = end_absence(actor=actor_of(request), absence_id=pk, now=timezone.now())
    messages.success(request, f"{ended.person} is there again.")
    return redirect("home:absences")
