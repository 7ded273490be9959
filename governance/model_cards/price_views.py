"""The prices of a deployment: the history, other prices by hand or from litellm's table.

Of a deployment that nobody has approved yet they are set at once; of one that is in use they
are proposed, and finance decides.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.approvals.selectors import open_change_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards import price_table, services
from governance.model_cards.forms import (
    ImportForm,
    PriceChangeForm,
    PriceForm,
    show_refusal,
)
from governance.model_cards.models import Deployment
from governance.model_cards.price_changes import propose_prices
from governance.model_cards.price_compare import compared
from governance.model_cards.price_services import check_currency
from governance.model_cards.price_table import TableEntry


@requires(Permission.PRICE_MANAGE, Permission.MODEL_AUTHOR)
def price_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Set prices by hand, or propose them."""
    deployment = _deployment(slug)
    if request.method != "POST":
        return _page(request, deployment)
    form, status = _form_class(deployment)(request.POST, auto_id="price_%s"), 422
    if form.is_valid():
        try:
            return _changed(request, deployment, form)
        except (Invalid, WrongState, Conflict) as refusal:
            status = show_refusal(form, refusal)
    return _page(request, deployment, price_form=form, status=status)


def _changed(request: HttpRequest, deployment: Deployment, form: PriceForm) -> HttpResponse:
    given, now = form.cleaned_data, timezone.now()
    if isinstance(form, PriceChangeForm):
        change = propose_prices(
            actor=actor_of(request),
            deployment=deployment,
            prices=form.prices(),
            starts_on=given["starts_on"],
            source=given["source"],
            currency=given["currency"],
            commitment=form.commitment(),
            reason=given["reason"],
            now=now,
        )
        messages.success(request, "Proposed: finance decides on it.")
        return redirect("approvals:detail", pk=change.pk)
    made = services.set_prices(
        actor=actor_of(request),
        deployment=deployment,
        amounts=form.amounts(),
        starts_on=given["starts_on"],
        source=given["source"],
        currency=given["currency"],
        now=now,
    )
    return _done(request, deployment, len(made))


@requires(Permission.PRICE_MANAGE, Permission.MODEL_AUTHOR)
def price_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what litellm's table says; then set it, or propose it."""
    deployment = _deployment(slug)
    if request.method != "POST":
        return redirect("model_cards:prices", slug=slug)
    form, entry, status = ImportForm(request.POST, auto_id="import_%s"), None, 422
    if form.is_valid():
        try:
            check_currency()
            entry, status = price_table.look_up(form.cleaned_data["model"]), 200
            if request.POST.get("step") == "set":
                return _imported(request, deployment, form, entry)
        except (Invalid, WrongState, Conflict) as refusal:
            status = show_refusal(form, refusal)
    return _page(request, deployment, import_form=form, entry=entry, status=status)


def _imported(
    request: HttpRequest, deployment: Deployment, form: ImportForm, entry: TableEntry
) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    if deployment.state == "proposed":
        made = services.import_litellm_prices(
            actor=actor, deployment=deployment, now=now, **form.cleaned_data
        )
        return _done(request, deployment, len(made))
    change = propose_prices(
        actor=actor,
        deployment=deployment,
        prices=[
            {"kind": kind, "from_tokens": 0, "amount": f"{amount:f}"}
            for kind, amount in entry.amounts.items()
        ],
        starts_on=form.cleaned_data["starts_on"],
        source=entry.source,
        currency=price_table.CURRENCY,
        reason=request.POST.get("reason", "") or f"As {entry.source} has it.",
        now=now,
    )
    messages.success(request, "Proposed: finance decides on it.")
    return redirect("approvals:detail", pk=change.pk)


@requires(Permission.MODEL_VIEW)
def price_comparison(request: HttpRequest, slug: str) -> HttpResponse:
    """Our prices today beside litellm's table, kind by kind; what is unknown says so."""
    deployment = _deployment(slug)
    today = timezone.now().date()
    entry = price_table.figures_of(deployment.litellm_model)
    actor = actor_of(request)
    may_price = actor.may(Permission.PRICE_MANAGE) or actor.may(Permission.MODEL_AUTHOR)
    currency, rows = compared(deployment, entry)
    context = {
        "deployment": deployment,
        "entry": entry,
        "rows": rows,
        "differ": [one for one in rows if one.differs],
        "currency": currency,
        "table_currency": price_table.CURRENCY,
        "is_comparable": currency in ("", price_table.CURRENCY),
        "may_price": may_price,
        "today": today,
    }
    return page(request, "governance/model_cards/price_table.html", context)


def _done(request: HttpRequest, deployment: Deployment, number: int) -> HttpResponse:
    messages.success(request, f"{number} price{'' if number == 1 else 's'} set.")
    return redirect("model_cards:prices", slug=deployment.slug)


def _form_class(deployment: Deployment) -> type[PriceForm]:
    return PriceForm if deployment.state == "proposed" else PriceChangeForm


def _page(
    request: HttpRequest,
    deployment: Deployment,
    *,
    price_form: PriceForm | None = None,
    import_form: ImportForm | None = None,
    entry: TableEntry | None = None,
    status: int = 200,
) -> HttpResponse:
    today = timezone.now().date()
    if import_form is None:
        name = price_table.name_in_table(deployment.litellm_model)
        first = {"model": name or deployment.litellm_model, "starts_on": today}
        import_form = ImportForm(initial=first, auto_id="import_%s")
    if price_form is None:
        began: dict[str, Any] = {"starts_on": today, "currency": settings.PLACET_CURRENCY}
        price_form = _form_class(deployment)(initial=began, auto_id="price_%s")
    context = {
        "deployment": deployment,
        "page": Paginator(deployment.prices.all(), 50).get_page(request.GET.get("page")),
        "price_form": price_form,
        "import_form": import_form,
        "entry": entry,
        "is_proposed": deployment.state != "proposed",
        "open_change": open_change_for("prices", deployment.pk),
        "commitments": deployment.commitments.all()[:20],
        "table_currency": price_table.CURRENCY,
        "today": today,
    }
    return page(request, "governance/model_cards/prices.html", context, status=status)


def _deployment(slug: str) -> Deployment:
    found: Deployment = get_or_404(Deployment.objects.all(), slug=slug)
    return found
