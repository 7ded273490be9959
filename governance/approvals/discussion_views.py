"""What is said about a change: comments, threads, answers to points."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.approvals import discussing, services
from governance.approvals.views import change_page
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, requires


@requires(SIGNED_IN)
@require_POST
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """On the whole change, on the line of the form, or in answer to its thread."""
    post = request.POST
    try:
        said = services.comment(
            actor=actor_of(request),
            change_id=pk,
            text=post.get("text", ""),
            line=post.get("line", "")[:300],
            revision=_number(post.get("revision", "")),
            parent_id=_number(post.get("parent", "")),
            now=timezone.now(),
        )
    except Invalid as refused:
        return change_page(request, pk, refused)
    show = messages.warning if said.told.unknown else messages.success
    show(request, f"Your comment was added. {said.told.sentence}".strip())
    return redirect(f"{reverse('approvals:detail', args=[pk])}#comment-{said.comment.pk}")


def _number(typed: str) -> int | None:
    return int(typed) if typed.isdecimal() and len(typed) < 18 else None


@requires(SIGNED_IN)
@require_POST
def settle(request: HttpRequest, pk: int, comment: int) -> HttpResponse:
    """Mark a thread as resolved, or open it again."""
    discussing.settle_thread(
        actor=actor_of(request),
        change_id=pk,
        comment_id=comment,
        is_resolved=request.POST.get("resolved") == "yes",
        now=timezone.now(),
    )
    return redirect(f"{reverse('approvals:detail', args=[pk])}#comment-{comment}")


@requires(SIGNED_IN)
@require_POST
def answer(request: HttpRequest, pk: int, point: int) -> HttpResponse:
    """The proposer says what was done about a point, or a signatory that it is open."""
    action = request.POST.get("action", "resolve")
    try:
        services.answer_point(
            actor=actor_of(request),
            change_id=pk,
            point_id=point,
            action=action,
            text=request.POST.get("answer", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        return change_page(request, pk, refused, point=point)
    words = "Answered. Who asked for it is told." if action == "resolve" else "Open again."
    messages.success(request, words)
    return redirect(f"{reverse('approvals:detail', args=[pk])}#points-asked")
