"""The prices of a deployment: the history, other prices by hand or from litellm's table."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards import price_table, services
from governance.model_cards.forms import ImportForm, PriceForm, show_refusal
from governance.model_cards.models import Deployment
from governance.model_cards.price_services import check_currency
from governance.model_cards.price_table import TableEntry


@requires(Permission.PRICE_MANAGE, Permission.MODEL_AUTHOR)
def price_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Set prices by hand."""
    deployment = _deployment(slug)
    if request.method != "POST":
        return _page(request, deployment)
    form, status = PriceForm(request.POST, auto_id="price_%s"), 422
    if form.is_valid():
        try:
            made = services.set_prices(
                actor=actor_of(request),
                deployment=deployment,
                amounts=form.amounts(),
                starts_on=form.cleaned_data["starts_on"],
                source=form.cleaned_data["source"],
                now=timezone.now(),
            )
        except Invalid as refusal:
            status = show_refusal(form, refusal)
        else:
            return _done(request, deployment, len(made))
    return _page(request, deployment, price_form=form, status=status)


@requires(Permission.PRICE_MANAGE, Permission.MODEL_AUTHOR)
def price_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what litellm's table says, then set it."""
    deployment = _deployment(slug)
    if request.method != "POST":
        return redirect("model_cards:prices", slug=slug)
    form, entry, status = ImportForm(request.POST, auto_id="import_%s"), None, 422
    if form.is_valid():
        try:
            check_currency()
            entry, status = price_table.look_up(form.cleaned_data["model"]), 200
            if request.POST.get("step") == "set":
                made = services.import_litellm_prices(
                    actor=actor_of(request),
                    deployment=deployment,
                    now=timezone.now(),
                    **form.cleaned_data,
                )
                return _done(request, deployment, len(made))
        except Invalid as refusal:
            status = show_refusal(form, refusal)
    return _page(request, deployment, import_form=form, entry=entry, status=status)


def _done(request: HttpRequest, deployment: Deployment, number: int) -> HttpResponse:
    messages.success(request, f"{number} price{'' if number == 1 else 's'} set.")
    return redirect("model_cards:prices", slug=deployment.slug)


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
    context = {
        "deployment": deployment,
        "page": Paginator(deployment.prices.all(), 50).get_page(request.GET.get("page")),
        "price_form": price_form or PriceForm(initial={"starts_on": today}, auto_id="price_%s"),
        "import_form": import_form,
        "entry": entry,
        "table_currency": price_table.CURRENCY,
        "today": today,
    }
    return page(request, "governance/model_cards/prices.html", context, status=status)


def _deployment(slug: str) -> Deployment:
    found: Deployment = get_or_404(Deployment.objects.all(), slug=slug)
    return found
