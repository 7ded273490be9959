"""Pages of feedback: what is said, of what, and what came of it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.audit.services import record
from governance.home.charts import figure_data
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed, PlacetError, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.feedback import charts, deciding, exporting, rule_services
from reviews.feedback.forms import FeedbackRuleForm, rule_values
from reviews.feedback.models import Feedback, FeedbackRuleVersion, kept_texts
from reviews.feedback.rules import FeedbackState, Thumb
from reviews.feedback.selectors import (
    MAY_SEE,
    Wanted,
    feedback_visible_to,
    newest_versions,
    tally_of,
    use_cases_offered,
    weeks_of,
)
from reviews.queues.upkeep import manages_all_queues
from telemetry.ledger.bodies import can_open_bodies


@requires(*MAY_SEE)
def feedback_list(request: HttpRequest) -> HttpResponse:
    """By the filters in the address, newest first, with its shares over time; no texts."""
    user = cast(User, request.user)
    wanted = Wanted.from_query(request.GET)
    found = wanted.apply(feedback_visible_to(user))
    is_whole = Feedback.objects.is_whole_for(user)
    whole, weeks = tally_of(found), weeks_of(found) if is_whole else []
    figure = charts.thumbs(weeks, whole)
    context = {
        "page": Paginator(found, 50).get_page(request.GET.get("page")),
        "wanted": wanted,
        "query": wanted.as_query(),
        "whole": whole,
        "is_whole": is_whole,
        "weeks": weeks[::-1],
        "figure": figure_data(figure) if figure is not None else None,
        "use_cases": use_cases_offered(user),
        "thumbs": list(Thumb),
        "states": list(FeedbackState),
    }
    return page(request, "reviews/feedback/list.html", context)


@requires(*MAY_SEE)
@never_cache
def export(request: HttpRequest) -> HttpResponse:
    """The filtered list as JSON Lines, streamed; the texts where the person may read them."""
    lines = exporting.written(
        Wanted.from_query(request.GET), cast(User, request.user), timezone.now()
    )
    response = StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="feedback.jsonl"'
    return cast(HttpResponse, response)  # both answer a request; Django only types them apart


@requires(*MAY_SEE)
@never_cache
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One feedback. Its texts are opened by an explicit, audited POST; a reload asks again."""
    found = _found(request, pk)
    texts: dict[str, Any] = {}
    if request.method == "POST":
        texts = _opened(request, found)
    return _page(request, found, texts=texts)


def _found(request: HttpRequest, pk: UUID) -> Feedback:
    found: Feedback = get_or_404(feedback_visible_to(cast(User, request.user)), pk=pk)
    return found


def _opened(request: HttpRequest, found: Feedback) -> dict[str, Any]:
    actor = actor_of(request)
    if not can_open_bodies(actor, found.call):
        raise NotAllowed("The texts stay closed: your roles show you that it was said, not what.")
    record(
        actor=actor,
        action="feedback.opened",
        subject=found,
        now=timezone.now(),
        after={"call": str(found.call_id)},
        team_id=found.call.team_id,
    )
    return {name: found.opened(name) for name in ("text", "correction")}


def _page(
    request: HttpRequest,
    found: Feedback,
    *,
    texts: dict[str, Any] | None = None,
    error: PlacetError | None = None,
) -> HttpResponse:
    actor = actor_of(request)
    looks_again = found.state == FeedbackState.SECOND_LOOK
    decision = deciding.standing_decision(found.item) if found.item else None
    may_confirm = looks_again
    try:
        deciding.check_can_confirm(actor, found)
    except NotAllowed:
        may_confirm = False
    context = {
        "one": found,
        "texts": texts,
        "kept": kept_texts(found),
        "may_open": can_open_bodies(actor, found.call),
        "decision": decision,
        "looks_again": looks_again,
        "may_confirm": may_confirm,
        "error": error,
        "reason": request.POST.get("reason", ""),
    }
    status = 200 if error is None else 422 if isinstance(error, Invalid) else error.status
    return page(request, "reviews/feedback/detail.html", context, status=status)


@requires(Permission.REVIEW_MANAGE)
@require_POST
def confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A lead's second look: what was decided stands."""
    found = _found(request, pk)
    try:
        deciding.confirm(
            actor=actor_of(request),
            feedback_id=pk,
            reason=request.POST.get("reason", ""),
            now=timezone.now(),
        )
    except (Invalid, WrongState) as refused:
        return _page(request, found, error=refused)
    messages.success(request, "Confirmed. Whoever gave the feedback is told.")
    return redirect("feedback:detail", pk=pk)


@requires(*MAY_SEE)
def rule_list(request: HttpRequest) -> HttpResponse:
    listed = Paginator(newest_versions(), 50).get_page(request.GET.get("page"))
    context = {"page": listed, "may_write": manages_all_queues(actor_of(request))}
    return page(request, "reviews/feedback/rules.html", context)


@requires(Permission.REVIEW_MANAGE)
def new_rule(request: HttpRequest) -> HttpResponse:
    rule_services.check_can_write(actor_of(request))
    return _edited(request, None)


@requires(*MAY_SEE)
def rule(request: HttpRequest, slug: str) -> HttpResponse:
    """One rule: what it says, its history, and the form for who may write it."""
    newest: FeedbackRuleVersion = get_or_404(newest_versions(), rule__slug=slug)
    if request.method == "POST":
        rule_services.check_can_write(actor_of(request))
    return _edited(request, newest)


def _edited(request: HttpRequest, newest: FeedbackRuleVersion | None) -> HttpResponse:
    form = FeedbackRuleForm(request.POST or None, initial=rule_values(newest))
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid() and (saved := _saved(request, form, newest)):
        messages.success(request, f"{saved} holds for feedback from now on.")
        return redirect("feedback:rules")
    context: dict[str, Any] = {"form": form, "newest": newest}
    if newest is not None:
        versions = newest.rule.versions.select_related("queue", "rule")
        context["versions"] = versions.order_by("-number")[:50]
    context["may_write"] = manages_all_queues(actor_of(request))
    return page(request, "reviews/feedback/rule.html", context, status=status)


def _saved(
    request: HttpRequest, form: FeedbackRuleForm, newest: FeedbackRuleVersion | None
) -> FeedbackRuleVersion | None:
    """The saved version; None when the form now shows why not."""
    try:
        return rule_services.write_rule(
            actor=actor_of(request),
            facts=form.facts(),
            reason=form.cleaned_data["reason"],
            slug=newest.rule.slug if newest else "",
            seen=form.cleaned_data["seen"] or 0,
            now=timezone.now(),
        )
    except Invalid as refused:
        for name, sentences in refused.fields.items():
            form.add_error(name if name in form.fields else None, list(sentences))
    except Conflict as late:
        form.add_error(None, late.message)
    return None


@requires(Permission.REVIEW_MANAGE)
@require_POST
def end_rule(request: HttpRequest, slug: str) -> HttpResponse:
    ended = rule_services.end_rule(
        actor=actor_of(request),
        slug=slug,
        reason=request.POST.get("reason", ""),
        now=timezone.now(),
    )
    messages.success(request, f"{ended.rule} takes nothing from now on.")
    return redirect("feedback:rules")
