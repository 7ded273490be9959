"""Datasets: what data, from where, under which basis, and who rests on it."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.terms import Sensitivity
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards.models import ModelCard
from governance.registry import datasets
from governance.registry.forms import DatasetForm
from governance.registry.models import Dataset
from governance.registry.reopening import cards_trained_on, is_flagged
from governance.registry.selectors import datasets_with_counts, use_cases_naming
from governance.registry.views import error_status


@requires(Permission.USE_CASE_VIEW)
def dataset_list(request: HttpRequest) -> HttpResponse:
    """Everything registered, by name; found by a part of its name and by sensitivity."""
    found = datasets_with_counts()
    if words := request.GET.get("q", "").replace("\x00", "").strip():
        found = found.filter(name__icontains=words)
    if sensitivity := request.GET.get("sensitivity"):
        found = found.filter(sensitivity=sensitivity)
    context = {
        "page": Paginator(found, 50).get_page(request.GET.get("page")),
        "sensitivities": list(Sensitivity),
        "is_filtered": bool(words or sensitivity),
        "may_keep": actor_of(request).may(Permission.DATASET_MANAGE),
    }
    return page(request, "governance/registry/datasets.html", context)


@requires(Permission.USE_CASE_VIEW)
def dataset_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One dataset, the use cases that rest on it, and its history."""
    user = cast(User, request.user)
    dataset: Dataset = get_or_404(Dataset.objects.select_related("owner"), pk=pk)
    sensitivity = Sensitivity(dataset.sensitivity)
    context = {
        "dataset": dataset,
        "use_cases": [
            {
                "use_case": one,
                "is_below": not Sensitivity(one.sensitivity).permits(sensitivity),
            }
            for one in use_cases_naming(dataset, user)
        ],
        "cards": [
            {"card": one, "is_flagged": is_flagged(one, dataset)}
            for one in cards_trained_on(dataset)
        ],
        "card_slugs": _card_slugs() if user.may(Permission.DATASET_MANAGE) else [],
        "events": timeline_for(dataset)[:30],
        "may_keep": user.may(Permission.DATASET_MANAGE),
    }
    return page(request, "governance/registry/dataset.html", context)


def _card_slugs() -> list[str]:
    return list(ModelCard.objects.order_by("slug").distinct("slug").values_list("slug", flat=True))


@requires(Permission.DATASET_MANAGE)
def dataset_new(request: HttpRequest) -> HttpResponse:
    form = DatasetForm(request.POST or None, initial={"owner": request.user})
    if request.method == "POST" and form.is_valid():
        try:
            made = datasets.register_dataset(
                actor=actor_of(request), now=timezone.now(), **form.facts()
            )
            messages.success(request, "Registered. Use cases can name it in their intake now.")
            return redirect("registry:dataset", pk=made.pk)
        except Invalid as refused:
            _show_errors(form, refused)
    return _form_page(request, form)


@requires(Permission.DATASET_MANAGE)
def dataset_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change it; 409 with both texts when somebody else was faster."""
    dataset: Dataset = get_or_404(Dataset.objects.all(), pk=pk)
    stands: Dataset = get_or_404(Dataset.objects.select_related("owner"), pk=pk)
    # A model form writes what was typed on its instance: `stands` stays as it is.
    form = DatasetForm(request.POST or None, instance=dataset, initial={"version": dataset.version})
    error: Conflict | None = None
    if request.method == "POST" and form.is_valid():
        try:
            datasets.change_dataset(
                actor=actor_of(request),
                dataset_id=pk,
                version=form.cleaned_data["version"] or stands.version,
                now=timezone.now(),
                reason=form.cleaned_data["reason"],
                confirmed=form.cleaned_data["confirmed"],
                **form.facts(),
            )
            messages.success(request, "Saved.")
            return redirect("registry:dataset", pk=pk)
        except Invalid as refused:
            _show_errors(form, refused)
        except datasets.Unconfirmed as asked:
            return _preview(request, form, stands, asked)
        except Conflict as late:
            error = late
            # The next save goes over what is shown as the difference.
            typed = cast(QueryDict, form.data).copy()
            typed["version"] = str(stands.version)
            form.data = typed
    return _form_page(request, form, stands, error)


@requires(Permission.DATASET_MANAGE)
@require_POST
def dataset_cards(request: HttpRequest, pk: int) -> HttpResponse:
    """Which model cards were trained or tuned on it."""
    datasets.name_cards(
        actor=actor_of(request),
        dataset_id=pk,
        slugs=request.POST.getlist("cards"),
        now=timezone.now(),
    )
    messages.success(request, "Saved.")
    return redirect("registry:dataset", pk=pk)


def _preview(
    request: HttpRequest, form: DatasetForm, dataset: Dataset, asked: datasets.Unconfirmed
) -> HttpResponse:
    """What a raise re-opens, before it is saved; use cases out of reach are only counted."""
    user = cast(User, request.user)
    visible = set(use_cases_naming(dataset, user).values_list("pk", flat=True))
    context = {
        "form": form,
        "dataset": dataset,
        "sensitivity": form.cleaned_data["sensitivity"],
        "found": asked.found,
        "shown": [one for one in asked.found.use_cases if one.pk in visible],
    }
    return page(request, "governance/registry/dataset_raise.html", context)


def _form_page(
    request: HttpRequest,
    form: DatasetForm,
    dataset: Dataset | None = None,
    error: Conflict | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "dataset": dataset,
        "error": error,
        "differences": _differences(form, dataset) if error and dataset else [],
    }
    status = error_status(error) if error else 422 if form.errors else 200
    return page(request, "governance/registry/dataset_form.html", context, status=status)


def _differences(form: DatasetForm, dataset: Dataset) -> list[dict[str, Any]]:
    """Field by field, what stands now beside what this person typed."""
    return [
        {"field": form.fields[name].label, "stands": getattr(dataset, name), "typed": typed}
        for name, typed in form.facts().items()
        if getattr(dataset, name) != typed
    ]


def _show_errors(form: DatasetForm, error: Invalid) -> None:
    for name, sentences in error.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not error.fields:
        form.add_error(None, error.message)
