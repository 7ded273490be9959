"""Declare what a metric is worth, from the form on the page of a use case."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, requires
from governance.registry import worth
from governance.registry.models import UseCase
from governance.registry.selectors import use_cases_visible_to
from governance.registry.views import use_case_page


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def declare_worth(request: HttpRequest, slug: str, metric: int) -> HttpResponse:
    use_case: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    found = get_or_404(use_case.metrics.select_related("use_case__team"), pk=metric)
    try:
        worth.declare_worth(
            actor=actor_of(request),
            metric=found,
            amount=_amount(request.POST.get("amount", "")),
            per=request.POST.get("per", ""),
            rationale=request.POST.get("rationale", ""),
            now=timezone.now(),
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, f"worth-{metric}")
    return redirect(f"{reverse('registry:detail', args=[slug])}")


def _amount(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None
