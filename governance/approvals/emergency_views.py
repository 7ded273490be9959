"""An emergency on the page of its request: asked for by the proposer, let through by two."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.approvals import emergencies
from governance.approvals.models import ChangeRequest
from governance.approvals.selectors import changes_visible_to
from governance.approvals.views import change_page
from governance.kernel.errors import Invalid, WrongState
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, requires


@requires(SIGNED_IN)
@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """The proposer says why it cannot wait."""
    actor, why_now = actor_of(request), request.POST.get("why_now", "")
    get_or_404(changes_visible_to(actor.user), pk=pk)
    try:
        emergencies.ask_emergency(actor=actor, change_id=pk, why_now=why_now, now=timezone.now())
    except Invalid as refused:
        return change_page(request, pk, refused)
    except WrongState as refused:
        # It says who is missing: on the page of the request, with what was typed.
        return change_page(request, pk, Invalid(refused.message, fields={"why_now": []}))
    messages.success(request, "Those who sign are asked to let it through at once.")
    return redirect("approvals:detail", pk=pk)


@requires(SIGNED_IN)
@require_POST
def let_through(request: HttpRequest, pk: int) -> HttpResponse:
    """One of two voices; the digest it carries is what the person saw."""
    actor, post = actor_of(request), request.POST
    get_or_404(changes_visible_to(actor.user), pk=pk)
    try:
        emergencies.let_through(
            actor=actor,
            change_id=pk,
            rationale=post.get("voice", "")[:5000],
            digest_seen=post.get("digest", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        refused.fields["voice"] = refused.fields.pop("rationale", [])
        return change_page(request, pk, refused)
    is_applied = ChangeRequest.objects.filter(pk=pk, state="provisional").exists()
    words = "It is applied, and waits to be ratified." if is_applied else "One more is needed."
    messages.success(request, f"Your voice counts. {words}")
    return redirect("approvals:detail", pk=pk)
