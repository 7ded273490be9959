"""Changes: what is open, and the page on which a board decides."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.approvals import services
from governance.approvals.bundle_selectors import bundle_of, parts_shown
from governance.approvals.diffing import field_diffs
from governance.approvals.discussion_selectors import discussion_of, points_of
from governance.approvals.emergency_selectors import emergency_figures, emergency_outlook
from governance.approvals.lines import find_line
from governance.approvals.models import (
    Approval,
    ChangeRequest,
    ChangeRequestQuerySet,
)
from governance.approvals.registries import change_subjects
from governance.approvals.rules import CHANGE_STATES, UNDECIDED, Outcome
from governance.approvals.selectors import changes_visible_to
from governance.approvals.signing import signing_of
from governance.approvals.staleness import evidence_of
from governance.approvals.trained import left_out_of
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires

FILTERS = ("open", "mine", "late", "decided", "emergency", "all")


@requires(Permission.CHANGE_VIEW)
def change_list(request: HttpRequest) -> HttpResponse:
    """What is open, late, decided?"""
    user, now = cast(User, request.user), timezone.now()
    chosen = request.GET.get("show", "open")
    changes = changes_visible_to(user)
    narrowed = {
        "open": changes.undecided(),
        "mine": changes.waiting_for(user),
        "late": changes.undecided().exclude(state="bundled").filter(due_at__lt=now),
        "decided": changes.exclude(state__in=UNDECIDED),
        "emergency": changes.exclude(emergency=None),
        "all": changes,
    }.get(chosen, changes.undecided())
    listed = Paginator(narrowed, 50).get_page(request.GET.get("page"))
    context = {
        "page": listed,
        "chosen": chosen,
        "filters": FILTERS,
        "figures": emergency_figures(changes, now),
        "sees_meetings": user.reach(Permission.CHANGE_VIEW).everywhere,
        "now": now,
    }
    return page(request, "governance/approvals/list.html", context)


@requires(SIGNED_IN)
def change_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Shall we let this happen?"""
    return change_page(request, pk)


def change_page(
    request: HttpRequest, pk: int, refused: Invalid | None = None, point: int | None = None
) -> HttpResponse:
    """The page; after a refusal with what was typed and the errors beside their fields.

    `point` is the one whose answer was refused.
    """
    user, now = cast(User, request.user), timezone.now()
    change: ChangeRequest = get_or_404(_visible(user), pk=pk)
    kind = change_subjects[change.kind]
    subject = kind.find(change.subject_id)
    fields = field_diffs(change.base, change.snapshot)
    points = points_of(change, user)
    chosen = request.POST.get("line") or request.GET.get("line", "")
    discussion, line = discussion_of(change, fields, user), find_line(fields, chosen)
    context = {
        "change": change,
        "kind": kind,
        "subject_url": kind.url(subject),
        "discussion": discussion,
        "chosen": line,
        "same_is_open": discussion.is_about_same(line),
        "points": points,
        "points_open": sum(one.point.state == "open" for one in points),
        "answered": point,
        "can_revise": user.pk == change.proposer_id
        and CHANGE_STATES.allows(change.state, "revise"),
        "is_proposer": user.pk == change.proposer_id,
        "bundle": bundle_of(change),
        "parts": parts_shown(change),
        "urgent": emergency_outlook(change, actor_of(request), now),
        "evidence": evidence_of(kind, subject, change.proposal),
        "decisions": change.decisions.select_related("person", "on_behalf_of", "slot"),
        "conditions": [
            {"condition": one, "state": one.state(now)}
            for one in change.conditions.select_related("owner")
        ],
        "approval": Approval.objects.filter(change=change).first(),
        "events": timeline_for(change)[:50],
        "now": now,
        "refused": refused,
        "errors": refused.fields if refused else {},
        "values": request.POST,
    } | decision_form(change, request, now)
    status = 422 if refused else 200
    fragment = "governance/approvals/_say.html" if request.GET.get("line") else None
    return page(
        request, "governance/approvals/detail.html", context, fragment=fragment, status=status
    )


def decision_form(change: ChangeRequest, request: HttpRequest, now: datetime) -> dict[str, Any]:
    """What `_decide.html` needs: the slots, the reader's seat and the choices."""
    signing = signing_of(change, actor_of(request), now)
    return {
        "signing": signing,
        "left_out": left_out_of(change, now),
        "seat": signing.seat,
        "outcomes": signing.outcomes,
        "owners": User.objects.filter(is_active=True),
    }


def _visible(user: User) -> ChangeRequestQuerySet:
    return changes_visible_to(user).select_related("policy")


@requires(SIGNED_IN)
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the decision of the form; the digest it carries is what the person saw."""
    actor, now, post = actor_of(request), timezone.now(), request.POST
    get_or_404(changes_visible_to(actor.user), pk=pk)
    try:
        decision = services.decide(
            actor=actor,
            change_id=pk,
            outcome=post.get("outcome", ""),
            rationale=post.get("rationale", "")[:5000],
            digest_seen=post.get("digest", ""),
            conditions=_conditions(request),
            points=post.get("points", "")[:20_000].splitlines(),
            now=now,
        )
    except Invalid as refused:
        return change_page(request, pk, refused)
    change = ChangeRequest.objects.get(pk=pk)
    words = str(decision.outcome).replace("_", " ")
    state = change.state.replace("_", " ")
    messages.success(request, f"Your decision counts: {words}. The request is {state}.")
    meeting = post.get("meeting", "")
    if meeting.isdecimal() and len(meeting) < 18:
        # The decision was taken from a meeting's page: go on there.
        return redirect("approvals:meeting", pk=int(meeting))
    return redirect("approvals:detail", pk=pk)


def _conditions(request: HttpRequest) -> list[services.NewCondition]:
    """The form's one condition; raises Invalid when its owner or date is missing."""
    text = request.POST.get("condition", "").strip()
    if not text or request.POST.get("outcome") != Outcome.APPROVE_WITH_CONDITIONS:
        return []
    chosen, problems = request.POST.get("owner", ""), {}
    people = User.objects.filter(is_active=True)
    owner = people.filter(pk=chosen).first() if chosen.isdecimal() else None
    try:
        due_on = date.fromisoformat(request.POST.get("due_on", ""))
    except ValueError:
        due_on = None
        problems["due_on"] = ["Say by when."]
    if owner is None:
        problems["owner"] = ["Choose who answers for it."]
    if owner is None or due_on is None:
        raise Invalid(
            "Nothing was decided: a condition needs its owner and its date.", fields=problems
        )
    return [services.NewCondition(text[:500], owner, due_on)]


@requires(SIGNED_IN)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    get_or_404(changes_visible_to(actor.user), pk=pk)
    reason = request.POST.get("withdraw_reason", "")
    services.withdraw(actor=actor, change_id=pk, reason=reason, now=now)
    messages.success(request, "Withdrawn. Nothing was changed.")
    return redirect("approvals:detail", pk=pk)


@requires(SIGNED_IN)
@require_POST
def revise(request: HttpRequest, pk: int) -> HttpResponse:
    """Put it before the board again with what is there now; earlier decisions are void."""
    actor, now = actor_of(request), timezone.now()
    get_or_404(changes_visible_to(actor.user), pk=pk)
    reason = request.POST.get("reason", "")
    try:
        services.revise(actor=actor, change_id=pk, reason=reason, now=now)
    except Invalid as refused:
        return change_page(request, pk, refused)
    messages.success(request, "A new revision is open; earlier decisions no longer count.")
    return redirect("approvals:detail", pk=pk)
