"""Meetings: what is planned, the page that runs one, and its minutes."""

from __future__ import annotations

import json
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals import meetings
from governance.approvals.bundle_selectors import parts_shown
from governance.approvals.diffing import field_diffs
from governance.approvals.forms import MeetingForm, show_errors
from governance.approvals.meeting_selectors import (
    candidates_for,
    item_shown,
    people_asked,
    requests_offered,
    waiting_count,
)
from governance.approvals.models import AgendaItem, Meeting
from governance.approvals.registries import change_subjects
from governance.approvals.staleness import evidence_of
from governance.approvals.views import decision_form
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, NotFound
from governance.kernel.web import actor_of, get_or_404, page, requires


@requires(Permission.CHANGE_VIEW)
def meeting_list(request: HttpRequest) -> HttpResponse:
    """Which meetings were held, and which come?"""
    user = _reader(request)
    found = Meeting.objects.visible_to(user).select_related("chaired_by")
    counted = found.annotate(item_count=Count("items")).order_by("-held_on", "-pk")
    listed = Paginator(counted, 50).get_page(request.GET.get("page"))
    context = {"page": listed, "may_run": meetings.may_run(user)}
    return page(request, "governance/approvals/meetings.html", context)


def _reader(request: HttpRequest) -> User:
    """Who sees every change; for the others there are no meetings."""
    user = cast(User, request.user)
    if not user.reach(Permission.CHANGE_VIEW).everywhere:
        raise NotFound("There are no meetings that are yours to see.")
    return user


@requires(*meetings.MAY_RUN)
def new_meeting(request: HttpRequest) -> HttpResponse:
    """Plan a meeting: when, who chairs, and what is on its agenda in which order."""
    user, now = _reader(request), timezone.now()
    is_looking, chosen = "look" in request.POST, _chosen(request)
    begun = {"held_on": now.date(), "chaired_by": user}
    if is_looking:
        form = MeetingForm(initial=begun | _typed(request))
    else:
        form = MeetingForm(request.POST or None, initial=begun)
    if request.method == "POST" and not is_looking and form.is_valid():
        try:
            meeting = meetings.plan_meeting(
                actor=actor_of(request), change_ids=chosen, now=now, **form.cleaned_data
            )
        except Invalid as refused:
            show_errors(form, refused)
        else:
            messages.success(request, "Planned. It can be opened when everybody is there.")
            return redirect("approvals:meeting", pk=meeting.pk)
    words = request.POST.get("q", "").replace("\x00", "").strip()[:150]
    rows = [
        {
            "change": one,
            "is_chosen": one.pk in chosen,
            "order": request.POST.get(f"order-{one.pk}", ""),
        }
        for one in requests_offered(user, words, chosen)
    ]
    context = {"form": form, "rows": rows, "q": words, "count": waiting_count(user)}
    status = 422 if form.is_bound else 200
    return page(request, "governance/approvals/meeting_new.html", context, status=status)


def _typed(request: HttpRequest) -> dict[str, str]:
    """What stands in the fields already, when somebody only looks for other requests."""
    fields = ("title", "held_on", "chaired_by")
    return {name: request.POST[name] for name in fields if request.POST.get(name)}


def _chosen(request: HttpRequest) -> list[int]:
    """The ticked requests by the numbers beside them; without a number at the end."""
    ticked = [int(one) for one in request.POST.getlist("changes") if one.isdecimal()][:500]

    def rank(pk: int) -> int:
        typed = request.POST.get(f"order-{pk}", "")
        return int(typed) if typed.isdecimal() and len(typed) < 5 else 10_000

    return sorted(ticked, key=rank)


@requires(Permission.CHANGE_VIEW)
def meeting(request: HttpRequest, pk: int) -> HttpResponse:
    """What is on the table, who is here, what comes next?"""
    return _meeting_page(request, pk)


def _meeting_page(request: HttpRequest, pk: int, refused: Invalid | None = None) -> HttpResponse:
    """The page; after a refusal with what was typed and the errors beside their fields."""
    user, now = _reader(request), timezone.now()
    found = Meeting.objects.visible_to(user).select_related("chaired_by")
    shown: Meeting = get_or_404(found, pk=pk)
    items = list(shown.items.select_related("change__proposer", "change__team", "change__policy"))
    may_run = meetings.may_run(user)
    item = item_shown(items, request.POST.get("item") or request.GET.get("item", ""))
    present = {one.person_id for one in shown.attendances.all()}
    context: dict[str, Any] = {
        "meeting": shown,
        "items": items,
        "item": item,
        "left": sum(one.state == "waiting" for one in items),
        "may_run": may_run and shown.state != "closed",
        "people": people_asked(shown, items) if shown.state == "open" else [],
        "present": present,
        "candidates": candidates_for(user, items) if may_run else [],
        "now": now,
        "refused": refused,
        "errors": refused.fields if refused else {},
        "values": request.POST,
    }
    if item is not None and shown.state == "open":
        context |= _on_the_table(item, request)
    status = 422 if refused else 200
    return page(request, "governance/approvals/meeting.html", context, status=status)


def _on_the_table(item: AgendaItem, request: HttpRequest) -> dict[str, Any]:
    """The essence of one request, and the reader's own decision form."""
    change = item.change
    kind = change_subjects[change.kind]
    subject = kind.find(change.subject_id)
    return {
        "change": change,
        "kind": kind,
        "fields": field_diffs(change.base, change.snapshot),
        "parts": parts_shown(change),
        "evidence": evidence_of(kind, subject, change.proposal),
        "decisions": change.decisions.select_related("person", "on_behalf_of", "slot"),
    } | decision_form(change, request, timezone.now())


@requires(*meetings.MAY_RUN)
@require_POST
def agenda(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a request, remove one, move it up or down."""
    chosen = request.POST.get("change", "")
    meetings.change_agenda(
        actor=actor_of(request),
        meeting_id=pk,
        action=request.POST.get("action", ""),
        change_id=int(chosen) if chosen.isdecimal() and len(chosen) < 18 else 0,
        now=timezone.now(),
    )
    return redirect("approvals:meeting", pk=pk)


@requires(*meetings.MAY_RUN)
@require_POST
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the meeting."""
    meetings.open_meeting(actor=actor_of(request), meeting_id=pk, now=timezone.now())
    messages.success(request, "The meeting is open. Tick who is there.")
    return redirect("approvals:meeting", pk=pk)


@requires(*meetings.MAY_RUN)
@require_POST
def attendance(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep who is there."""
    ticked = [int(one) for one in request.POST.getlist("present") if one.isdecimal()][:500]
    meetings.take_attendance(
        actor=actor_of(request), meeting_id=pk, person_ids=ticked, now=timezone.now()
    )
    messages.success(request, "Kept who is here.")
    return redirect("approvals:meeting", pk=pk)


@requires(*meetings.MAY_RUN)
@require_POST
def item(request: HttpRequest, pk: int, item: int) -> HttpResponse:
    """Note something on an item, finish it, put it off, or take it up again."""
    action = request.POST.get("action", "")
    try:
        meetings.move_item(
            actor=actor_of(request),
            meeting_id=pk,
            item_id=item,
            action=action,
            note=request.POST.get("note", ""),
            reason=request.POST.get("reason", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        return _meeting_page(request, pk, refused)
    response = redirect("approvals:meeting", pk=pk)
    if action in ("note", "take_up"):
        response["Location"] += f"?item={item}"
    return response


@requires(*meetings.MAY_RUN)
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the meeting and write its minutes."""
    meetings.close_meeting(actor=actor_of(request), meeting_id=pk, now=timezone.now())
    messages.success(request, "Closed. The minutes are written and their digest is in the log.")
    return redirect("approvals:minutes", pk=pk)


@requires(Permission.CHANGE_VIEW)
def minutes(request: HttpRequest, pk: int) -> HttpResponse:
    """Who was there, what was decided and why? Made to be printed."""
    found: Meeting = get_or_404(Meeting.objects.visible_to(_reader(request)), pk=pk)
    if found.state != "closed":
        raise NotFound("There are no minutes yet: they are written when the meeting closes.")
    content = json.loads(found.minutes)
    # A template reads `minutes.items` as the method of a dictionary.
    context = {"meeting": found, "minutes": content, "items": content["items"]}
    return page(request, "governance/approvals/minutes.html", context)
