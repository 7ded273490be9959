"""One checklist item: what it asks for, and the forms to give it away, finish it or waive it."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry import checking
from governance.registry.checklist import is_waivable, last_waiver_day
from governance.registry.checklist_standing import WAIVES, Row, may_finish, may_waive, today_of
from governance.registry.models import ChecklistItem
from governance.registry.risk_standing import possible_owners
from governance.registry.rules import Stage
from governance.registry.selectors import use_cases_visible_to
from governance.registry.views import day_of, error_status


def _found(request: HttpRequest, slug: str, item: int) -> ChecklistItem:
    visible = use_cases_visible_to(cast(User, request.user)).filter(slug=slug)
    items = ChecklistItem.objects.filter(use_case__in=visible.values("pk"))
    found: ChecklistItem = get_or_404(
        items.select_related("use_case__team", "owner", "done_by", "waived_by"), pk=item
    )
    return found


@requires(Permission.USE_CASE_VIEW)
def item(request: HttpRequest, slug: str, item: int) -> HttpResponse:
    """Where it stands; a POST finishes it."""
    found = _found(request, slug, item)
    if request.method != "POST":
        return _item_page(request, found)
    try:
        checking.finish_item(
            actor=actor_of(request),
            item_id=found.pk,
            evidence=request.POST.get("evidence", ""),
            link=request.POST.get("evidence_link", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        return _item_page(request, found, refused)
    return _to_list(slug)


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def assign(request: HttpRequest, slug: str, item: int) -> HttpResponse:
    found, chosen = _found(request, slug, item), request.POST.get("owner", "")
    try:
        checking.assign_item(
            actor=actor_of(request),
            item_id=found.pk,
            owner=User.objects.filter(pk=chosen).first() if chosen.isdecimal() else None,
            now=timezone.now(),
        )
    except Invalid as refused:
        return _item_page(request, found, refused)
    messages.success(request, "Its owner has been told.")
    return _to_list(slug)


@requires(*WAIVES)
@require_POST
def waive(request: HttpRequest, slug: str, item: int) -> HttpResponse:
    found = _found(request, slug, item)
    try:
        checking.waive_item(
            actor=actor_of(request),
            item_id=found.pk,
            reason=request.POST.get("waiver_reason", ""),
            until=day_of(request, "until"),
            now=timezone.now(),
        )
    except Invalid as refused:
        return _item_page(request, found, refused)
    messages.success(request, "Waived. It opens again by itself after that day.")
    return _to_list(slug)


def _item_page(
    request: HttpRequest, found: ChecklistItem, refused: Invalid | None = None
) -> HttpResponse:
    """Its page; after a refusal with what was typed and the errors beside their fields."""
    actor, now = actor_of(request), timezone.now()
    row = Row(found, found.state(today_of(now)))
    is_open = found.done_at is None and found.use_case.stage != Stage.RETIRED
    may_assign = is_open and actor.may(Permission.USE_CASE_MANAGE, found.use_case.team)
    context = {
        "use_case": found.use_case,
        "row": row,
        "may_assign": may_assign,
        "owners": possible_owners(found.use_case, now) if may_assign else [],
        "may_finish": is_open and may_finish(actor, found),
        "may_waive": is_open and is_waivable(found.key) and may_waive(actor, found),
        "is_waivable": is_waivable(found.key),
        "last_day": last_waiver_day(today_of(now)),
        "error": refused,
        "values": request.POST,
    }
    status = error_status(refused)
    return page(request, "governance/registry/item.html", context, status=status)


def _to_list(slug: str) -> HttpResponse:
    return redirect(f"{reverse('registry:detail', args=[slug])}#checklist")
