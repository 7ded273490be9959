"""Exchange rates: all that were entered, another one, and the correction of one."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards import rates
from governance.model_cards.forms import RateCorrectionForm, RateForm, show_refusal
from governance.model_cards.models import ExchangeRate
from governance.model_cards.selectors import RATE_DAYS


@requires(Permission.MODEL_VIEW)
def rate_list(request: HttpRequest) -> HttpResponse:
    """Rates, newest first, and for finance the form for another."""
    form, status = RateForm(initial={"day": timezone.now().date()}), 200
    if request.method == "POST":
        rates.check_may_enter(actor_of(request))
        form, status = RateForm(request.POST), 422
        if form.is_valid():
            try:
                made = rates.enter_rate(
                    actor=actor_of(request), now=timezone.now(), **form.cleaned_data
                )
            except (Invalid, Conflict) as refusal:
                status = show_refusal(form, refusal)
            else:
                messages.success(request, f"Entered: {made}.")
                return redirect("model_cards:rates")
    listed = ExchangeRate.objects.select_related("entered_by", "corrects", "correction")
    currency = request.GET.get("currency", "").upper()
    if currency:
        listed = listed.filter(currency=currency)
    context = {
        "page": Paginator(listed, 50).get_page(request.GET.get("page")),
        "form": form,
        "currency": currency,
        "ours": settings.PLACET_CURRENCY,
        "days": RATE_DAYS,
        "may_enter": actor_of(request).may(Permission.PRICE_MANAGE),
    }
    return page(request, "governance/model_cards/rates.html", context, status=status)


@requires(Permission.PRICE_MANAGE)
def rate_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Another row for the day of this one."""
    wrong: ExchangeRate = get_or_404(ExchangeRate.objects.all(), pk=pk)
    form, status = RateCorrectionForm(), 200
    if request.method == "POST":
        form, status = RateCorrectionForm(request.POST), 422
        if form.is_valid():
            try:
                made = rates.correct_rate(
                    actor=actor_of(request),
                    rate_id=wrong.pk,
                    now=timezone.now(),
                    **form.cleaned_data,
                )
            except (Invalid, Conflict, WrongState) as refusal:
                status = show_refusal(form, refusal)
            else:
                messages.success(request, f"Corrected: {made}.")
                return redirect("model_cards:rates")
    context = {"wrong": wrong, "form": form}
    return page(request, "governance/model_cards/rate_correct.html", context, status=status)
