"""Pages of calendars and SLA policies: what holds, for which queues, and what a change moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.late_saves import SeenForm, seen_of
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.calendars import services
from reviews.calendars.forms import CalendarForm, PolicyForm, calendar_values, policy_values
from reviews.calendars.selectors import calendars, days_off, policies, queues_by
from reviews.queues.models import BusinessCalendar, Retiming, SlaPolicy
from reviews.queues.opening_hours import WEEKDAYS, hours_as_text
from reviews.queues.retiming import Effect

SEES = (Permission.REVIEW_WORK, Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)
Saved = tuple[Any, Effect | None]


@requires(*SEES)
def calendar_list(request: HttpRequest) -> HttpResponse:
    listed = Paginator(calendars(), 50).get_page(request.GET.get("page"))
    rows = [{"calendar": one, "queues": queues_by(one)} for one in listed]
    context = {
        "page": listed,
        "rows": rows,
        "may_make": services.can_change(actor_of(request), []),
        "retimings": Retiming.objects.all()[:5],
    }
    return page(request, "reviews/calendars/calendars.html", context)


@requires(*SEES)
def calendar(request: HttpRequest, pk: int) -> HttpResponse:
    """One calendar: hours, days off in the year to come, and who counts by it."""
    found: BusinessCalendar = get_or_404(calendars(), pk=pk)
    queues = queues_by(found)
    hours = [
        (day, hours_as_text(found.hours.get(str(number), ())))
        for number, day in enumerate(WEEKDAYS)
    ]
    context = {
        "calendar": found,
        "queues": queues,
        "hours": hours,
        "days_off": days_off(found, timezone.now()),
        "may_change": services.can_change(actor_of(request), queues),
    }
    return page(request, "reviews/calendars/calendar.html", context)


@requires(Permission.REVIEW_MANAGE)
def calendar_new(request: HttpRequest) -> HttpResponse:
    form = CalendarForm(request.POST or None, initial=calendar_values(None))

    def save() -> Saved:
        facts = form.facts()
        made = services.create_calendar(actor=actor_of(request), facts=facts, now=timezone.now())
        return made, None

    return _edited(request, form, "calendar", {"thing": None}, save)


@requires(Permission.REVIEW_MANAGE)
def calendar_change(request: HttpRequest, pk: int) -> HttpResponse:
    found: BusinessCalendar = get_or_404(BusinessCalendar.objects.all(), pk=pk)
    seen = seen_of(services.calendar_facts(found))
    stands = calendar_values(found)
    form = CalendarForm(request.POST or None, initial=stands | {"seen": seen})
    actor, now = actor_of(request), timezone.now()

    def save() -> Saved:
        began_from = form.cleaned_data["seen"]
        return services.change_calendar(
            actor=actor, calendar_id=pk, facts=form.facts(), now=now, seen=began_from
        )

    def preview() -> Effect:
        return services.preview_calendar(actor=actor, calendar=found, facts=form.facts(), now=now)

    name = found.name
    context = {"thing": found, "name": name, "stands": stands, "seen": seen}
    return _edited(request, form, "calendar", context, save, preview)


@requires(*SEES)
def policy_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    listed = Paginator(policies(), 50).get_page(request.GET.get("page"))
    rows = [
        {"sla": one, "may_change": services.can_change(actor, list(one.queues.all()))}
        for one in listed
    ]
    context = {"page": listed, "rows": rows, "may_make": services.can_change(actor, [])}
    return page(request, "reviews/calendars/policies.html", context)


@requires(Permission.REVIEW_MANAGE)
def policy_new(request: HttpRequest) -> HttpResponse:
    form = PolicyForm(request.POST or None, initial=policy_values(None))

    def save() -> Saved:
        facts = form.facts()
        made = services.create_policy(actor=actor_of(request), facts=facts, now=timezone.now())
        return made, None

    return _edited(request, form, "policy", {"thing": None}, save)


@requires(Permission.REVIEW_MANAGE)
def policy_change(request: HttpRequest, pk: int) -> HttpResponse:
    found: SlaPolicy = get_or_404(SlaPolicy.objects.select_related("calendar"), pk=pk)
    seen = seen_of(services.policy_facts(found))
    stands = policy_values(found)
    form = PolicyForm(request.POST or None, initial=stands | {"seen": seen})
    actor, now = actor_of(request), timezone.now()

    def save() -> Saved:
        began_from = form.cleaned_data["seen"]
        return services.change_policy(
            actor=actor, policy_id=pk, facts=form.facts(), now=now, seen=began_from
        )

    def preview() -> Effect:
        return services.preview_policy(actor=actor, sla=found, facts=form.facts(), now=now)

    context = {"thing": found, "name": found.name, "stands": stands, "seen": seen}
    return _edited(request, form, "policy", context, save, preview)


PLACES = {"calendar": "calendars:calendars", "policy": "calendars:policies"}


def _edited(
    request: HttpRequest,
    form: SeenForm,
    kind: str,
    context: dict[str, Any],
    save: Callable[[], Saved],
    preview: Callable[[], Effect] | None = None,
) -> HttpResponse:
    """The form, what its change would move, its errors with what was typed, or the saved list."""
    if form.is_bound and form.is_valid():
        try:
            if preview is not None and request.POST.get("action") == "preview":
                context["effect"] = preview()
                return page(
                    request, f"reviews/calendars/{kind}_form.html", context | {"form": form}
                )
            saved, effect = save()
        except Invalid as refused:
            _show(form, refused)
        except Conflict as late:
            form.show_late(late, context["stands"], context["seen"])
        else:
            if effect and effect.retiming:
                messages.success(request, f"{saved} is saved. {effect}.")
                return redirect("calendars:retiming", pk=effect.retiming)
            moved = f" {effect}." if effect else ""
            messages.success(request, f"{saved} is saved.{moved}")
            return redirect(PLACES[kind])
    status = 422 if form.is_bound else 200
    return page(
        request, f"reviews/calendars/{kind}_form.html", context | {"form": form}, status=status
    )


def _show(form: SeenForm, refused: Invalid) -> None:
    for name, sentences in refused.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not refused.fields:
        form.add_error(None, refused.message)


@requires(*SEES)
def retiming(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a re-timing is; the part that changes, for a page that is open."""
    found: Retiming = get_or_404(Retiming.objects.select_related("by"), pk=pk)
    is_polled = request.htmx  # type: ignore[attr-defined]  # by its middleware
    return page(
        request,
        "reviews/calendars/retiming.html",
        {"retiming": found},
        fragment="reviews/calendars/_retiming.html",
        # 286 tells htmx to stop polling.
        status=286 if is_polled and found.is_over else 200,
    )
