"""A use case's limits, set on its page."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, requires
from governance.registry.models import UseCase
from governance.registry.selectors import use_cases_visible_to
from governance.registry.views import use_case_page
from prompts.gateway.limits import set_use_case_limits

NAMES = ("requests_per_minute", "tokens_per_minute")


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def set_limits(request: HttpRequest, slug: str) -> HttpResponse:
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    try:
        asked = {name: _number(request.POST.get(name, ""), name) for name in NAMES}
        set_use_case_limits(
            actor=actor_of(request),
            use_case=use_case,
            requests_per_minute=asked["requests_per_minute"],
            tokens_per_minute=asked["tokens_per_minute"],
            now=timezone.now(),
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, "limits")
    messages.success(request, "The limits hold from the next call on.")
    return redirect("registry:detail", slug)


def _number(text: str, name: str) -> int | None:
    """None for an empty field; raises Invalid for what is no number."""
    text = text.strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise Invalid("Nothing was changed: give whole numbers.", fields={name: ["A number."]})
    return int(text)
