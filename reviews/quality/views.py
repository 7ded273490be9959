"""How well do our people judge? Agreement, calibration, adjudication, and what an hour costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings as configured
from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.audit.tables import csv_lines
from governance.home.charts import figure_data
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.decisions.difference import difference
from reviews.decisions.rules import readable
from reviews.quality import calibrations, charts, costs, selectors, slots, upkeep
from reviews.quality.forms import CalibrationForm, RateForm, SettingsForm, period_of
from reviews.quality.models import CalibrationAnswer, DoubleReview, ReviewRate
from reviews.queues.models import Queue
from reviews.queues.services import claim_item
from telemetry.ledger import services as ledger

SEES = (Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)
MOST_OFFERED = 50


def _queue(request: HttpRequest, slug: str) -> Queue:
    """A queue whose figures the person may see; reviewers see their own on another page."""
    user = cast(User, request.user)
    found: Queue = get_or_404(
        Queue.objects.filter(pk__in=Queue.objects.visible_to(user).values("pk")), slug=slug
    )
    if not may_see_figures(user, found):
        raise NotFound("There is no such queue.")
    return found


def may_see_figures(user: User, queue: Queue) -> bool:
    """Whoever manages or may look at the queue, or at a team whose answers come to it."""
    if any(user.may(one, queue) for one in SEES):
        return True
    teams = user.reach(Permission.REVIEW_VIEW).team_ids
    return queue.use_cases.filter(team_id__in=teams).exists()


@requires(*SEES)
def quality(request: HttpRequest, slug: str) -> HttpResponse:
    """Agreement, the people's figures and the settings of one queue, for a period."""
    user, queue = cast(User, request.user), _queue(request, slug)
    since, until, starts, ends = period_of(request.GET, timezone.now())
    agreement = selectors.agreement_in(queue, starts, ends)
    manages = user.may(Permission.REVIEW_MANAGE, queue)
    context = {
        "queue": queue,
        "since": since,
        "until": until,
        "agreement": agreement,
        "figure": _figure(agreement),
        "settings": selectors.settings_of(queue),
        "may_manage": manages,
        # Names with figures are for the person's lead, not for everybody who may look.
        "reviewers": selectors.reviewers_in(queue, starts, ends) if manages else None,
    }
    return page(request, "reviews/quality/queue.html", context)


def _figure(agreement: selectors.Agreement) -> dict[str, Any] | None:
    figure = charts.coefficients(agreement)
    return None if figure is None else figure_data(figure)


@requires(*SEES)
def quality_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The same figures as a file."""
    queue = _queue(request, slug)
    since, until, starts, ends = period_of(request.GET, timezone.now())
    columns = ("figure", "about", "items", "needed", "value", "low", "high", "in_words")

    def cells() -> Iterator[list[Any]]:
        for kind, about, one in selectors.agreement_in(queue, starts, ends).rows():
            numbers = [_number(n) for n in (one.value, one.low, one.high)]
            yield [kind, about, one.count, one.needed, *numbers, one.text]

    response = StreamingHttpResponse(csv_lines(columns, cells()), content_type="text/csv")
    name = f"agreement-{queue.slug}-{since}-{until}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


@requires(Permission.REVIEW_MANAGE)
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """The shares of double review and calibration."""
    queue = _queue(request, slug)
    stands = upkeep.settings_facts(selectors.settings_of(queue))
    form = SettingsForm(request.POST or None, initial=stands)
    if form.is_bound and form.is_valid():
        try:
            upkeep.change_settings(
                actor=actor_of(request), queue=queue, now=timezone.now(), **form.cleaned_data
            )
        except Invalid as refused:
            _show_errors(form, refused)
        else:
            messages.success(request, "Saved. It holds for answers that are held from now on.")
            return redirect("quality:queue", slug=slug)
    context = {"queue": queue, "form": form}
    status = 422 if form.is_bound else 200
    return page(request, "reviews/quality/settings.html", context, status=status)


def _show_errors(form: Form, refused: Invalid) -> None:
    for name, sentences in refused.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not refused.fields:
        form.add_error(None, refused.message)


@requires(Permission.REVIEW_MANAGE)
def calibration(request: HttpRequest, slug: str) -> HttpResponse:
    """The calibrations of a queue, and a form that makes one of a decided item."""
    queue, actor = _queue(request, slug), actor_of(request)
    calibrations.check_can_calibrate(actor, queue)
    offered = [
        (
            str(one.item_id),
            f"{one.item}: {one.verdict} by {one.person.name}, {one.item.call.use_case.title}",
        )
        for one in selectors.could_calibrate(queue)[:MOST_OFFERED]
    ]
    form = CalibrationForm(offered, request.POST or None)
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            calibrations.make_calibration(
                actor=actor,
                item_id=given["item"],
                verdict=given["verdict"],
                why=given["why"],
                now=timezone.now(),
            )
        except (Invalid, Conflict) as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "Made. Reviewers meet it among their next items.")
            return redirect("quality:calibration", slug=slug)
    listed = Paginator(selectors.calibrations_of(queue), 50).get_page(request.GET.get("page"))
    context = {
        "queue": queue,
        "form": form,
        "offered": offered,
        "page": listed,
        "settings": selectors.settings_of(queue),
    }
    status = 422 if form.is_bound else 200
    return page(request, "reviews/quality/calibration.html", context, status=status)


@requires(Permission.REVIEW_MANAGE)
@require_POST
def retire(request: HttpRequest, slug: str, calibration: int) -> HttpResponse:
    queue = _queue(request, slug)
    get_or_404(queue.calibrations.all(), pk=calibration)
    calibrations.retire(actor=actor_of(request), calibration_id=calibration, now=timezone.now())
    messages.success(request, "Retired. Nobody gets it any more; its answers stay.")
    return redirect("quality:calibration", slug=slug)


@requires(Permission.REVIEW_WORK, Permission.REVIEW_MANAGE)
def answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What this person said to a calibration item, what is right, and why."""
    user = cast(User, request.user)
    found: CalibrationAnswer = get_or_404(
        CalibrationAnswer.objects.select_related(
            "exercise__item__queue", "exercise__calibration", "exercise__person"
        ),
        pk=pk,
    )
    queue = found.exercise.item.queue
    if found.exercise.person != user and not user.may(Permission.REVIEW_MANAGE, queue):
        raise NotFound("There is no such answer.")
    context: dict[str, Any] = {"answer": found, "known": found.exercise.calibration, "queue": queue}
    context["is_mine"] = found.exercise.person == user
    return page(request, "reviews/quality/answer.html", context)


@requires(Permission.REVIEW_MANAGE)
def adjudications(request: HttpRequest) -> HttpResponse:
    """What reviewers left open and this lead may decide."""
    found = selectors.disputes_for(cast(User, request.user))
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    return page(request, "reviews/quality/adjudications.html", {"page": listed})


@requires(Permission.REVIEW_MANAGE)
def adjudication(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All opinions side by side, for the lead who holds the item; taking it, adopting one."""
    user, actor, now = cast(User, request.user), actor_of(request), timezone.now()
    review: DoubleReview = get_or_404(selectors.disputes_for(user), pk=pk)
    if request.method == "POST":
        if request.POST.get("action") == "take":
            claim_item(actor=actor, item_id=review.pk, now=now)
            return redirect("quality:adjudication", pk=pk)
        sent = request.POST.get("slot", "")
        slot = int(sent) if sent.isdecimal() and len(sent) == 1 else 0
        get_or_404(review.item.opinions.all(), slot=slot)
        why = request.POST.get("why", "").strip()
        slots.adopt(actor=actor, item=review.item, slot=slot, why=why, now=now)
        messages.success(request, "Decided. That opinion is the final decision.")
        return redirect("quality:adjudications")
    is_mine = review.item.is_held_by(user, now)
    context = {"review": review, "item": review.item, "is_mine": is_mine}
    if is_mine:
        context |= _sides(review)
    return page(request, "reviews/quality/adjudication.html", context)


def _sides(review: DoubleReview) -> dict[str, Any]:
    model_text = readable(ledger.held_text(review.item.call) or "")
    sides = []
    for one in review.item.opinions.select_related("person"):
        text = one.text()
        changed = None if text is None else difference(model_text, readable(text))
        sides.append({"opinion": one, "difference": changed})
    return {"output": model_text, "sides": sides}


@requires(Permission.PRICE_MANAGE)
def rates(request: HttpRequest) -> HttpResponse:
    """What an hour of reviewing costs in each queue, by date; and a form that sets the next."""
    now = timezone.now()
    form = RateForm(request.POST or None, initial={"starts_on": now.date()})
    if form.is_bound and form.is_valid():
        try:
            costs.set_rate(actor=actor_of(request), now=now, **form.cleaned_data)
        except Invalid as refused:
            _show_errors(form, refused)
        else:
            messages.success(request, "Set. What is booked already stays as it is.")
            return redirect("quality:rates")
    found = ReviewRate.objects.select_related("queue", "set_by").order_by(
        "queue__name", "-starts_on", "-pk"
    )
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": listed,
        "today": now.date(),
        "currency": configured.PLACET_CURRENCY,
    }
    status = 422 if form.is_bound else 200
    return page(request, "reviews/quality/rates.html", context, status=status)


@requires(Permission.REVIEW_WORK)
def mine(request: HttpRequest) -> HttpResponse:
    """A reviewer's own page: today, what is due next, how they judge, what they decided."""
    user, now = cast(User, request.user), timezone.now()
    context = selectors.mine(user, now)
    months = selectors.months_of(user, now - timedelta(days=182), now)
    figure = charts.months(months)
    context |= {
        "months": months,
        "drifted": selectors.has_drifted(months),
        "figure": figure_data(figure) if figure is not None else None,
    }
    return page(request, "reviews/quality/mine.html", context)
