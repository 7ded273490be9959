"""Vendors: under which terms, where, through whom, and when that is read again."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.forms import ServiceForm
from governance.access.late_saves import SeenForm, seen_of
from governance.access.models import User
from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict
from governance.kernel.web import actor_of, get_or_404, page, plain_name, requires
from governance.model_cards import vendors
from governance.model_cards.vendor_models import Vendor
from governance.model_cards.vendor_rules import LONGEST_CLAUSE, TRAINS_CHOICES


def _day(label: str, *, required: bool, help_text: str = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=required, widget=widget, help_text=help_text)


class LinesField(forms.CharField):
    """One entry a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return [one.strip() for one in super().clean(value).splitlines() if one.strip()]


class VendorForm(ServiceForm):
    """All that is decided on."""

    name = forms.CharField(max_length=150, validators=[plain_name])
    terms_link = forms.URLField(
        max_length=300, label="Terms", assume_scheme="https", help_text="Where they are written."
    )
    terms_version = forms.CharField(
        max_length=100, label="Version of the terms", help_text="As they name it, or their date."
    )
    regions = LinesField(
        required=False, max_length=15_000, help_text="Where content is computed; one a line."
    )
    sub_processors = LinesField(
        required=False, max_length=15_000, label="Sub-processors", help_text="One a line."
    )
    trains_on_data = forms.ChoiceField(label="Trains on our data", choices=TRAINS_CHOICES)
    data_use_clause = forms.CharField(
        label="Data-use clause",
        max_length=LONGEST_CLAUSE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What the terms allow with what we send, in their words or ours.",
    )
    contract_from = _day("Contract from", required=False)
    contract_until = _day("Contract until", required=False, help_text="Empty: no end is agreed.")
    reviewed_on = _day("Reviewed on", required=True)
    review_due = _day("Review due", required=True, help_text="When the terms are read again.")
    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True), help_text="Who answers for it, and is reminded."
    )


class NewVendorForm(VendorForm):
    """A vendor that is not on record."""

    slug = forms.SlugField(
        label="Short name",
        max_length=80,
        required=False,
        help_text="For addresses; made from the name if left empty.",
    )
    field_order = ("name", "slug")


class VendorProposalForm(VendorForm, SeenForm):
    """The facts to be signed, and why."""

    reason = forms.CharField(
        label="Why",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="A sentence the board can judge.",
    )


@requires(Permission.MODEL_VIEW)
def vendor_list(request: HttpRequest) -> HttpResponse:
    """Every vendor, and whether its review is current."""
    found = Vendor.objects.select_related("owner")
    context = {
        "page": Paginator(found, 50).get_page(request.GET.get("page")),
        "today": timezone.now().date(),
        "may_keep": _may_keep(request),
    }
    return page(request, "governance/model_cards/vendors.html", context)


def _may_keep(request: HttpRequest) -> bool:
    return any(actor_of(request).may(one) for one in vendors.KEEPERS)


@requires(Permission.MODEL_VIEW)
def vendor_detail(request: HttpRequest, slug: str) -> HttpResponse:
    now, found = timezone.now(), _vendor(slug)
    context = {
        "vendor": found,
        "today": now.date(),
        "deployments": found.deployments.order_by("name")[:100],
        "standing": standing(vendors.KIND, found, now),
        "events": timeline_for(found)[:30],
        "may_keep": _may_keep(request),
    }
    return page(request, "governance/model_cards/vendor.html", context)


def _vendor(slug: str) -> Vendor:
    found: Vendor = get_or_404(Vendor.objects.select_related("owner"), slug=slug)
    return found


@requires(*vendors.KEEPERS)
def vendor_new(request: HttpRequest) -> HttpResponse:
    """Record a vendor."""
    form = NewVendorForm(
        request.POST if request.method == "POST" else None,
        initial={"owner": cast(User, request.user).pk, "reviewed_on": timezone.now().date()},
    )
    if request.method == "POST":
        made = form.carry_out(vendors.create_vendor, actor=actor_of(request), now=timezone.now())
        if made is not None:
            messages.success(request, f"{made} is on record. Propose it; the board signs it.")
            return redirect("model_cards:vendor", slug=made.slug)
    status = 422 if form.is_bound else 200
    return page(request, "governance/model_cards/vendor_new.html", {"form": form}, status=status)


@requires(*vendors.KEEPERS)
def vendor_propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Review or change the facts and put them before the board."""
    now, found = timezone.now(), _vendor(slug)
    stands, seen, status = found.facts(), seen_of(found.facts()), 200
    form = VendorProposalForm(
        request.POST if request.method == "POST" else None, initial=stands | {"seen": seen}
    )

    def propose(*, reason: str, seen: str, **facts: Any) -> Any:
        return vendors.propose_vendor(
            actor=actor_of(request), vendor=found, changes=facts, reason=reason, now=now, seen=seen
        )

    if request.method == "POST":
        change, status = None, 422
        try:
            change = form.carry_out(propose)
        except Conflict as late:
            status = late.status
            form.show_late(late, stands | {"owner": found.owner}, seen)
        if change is not None:
            messages.success(request, "Proposed. The record stays as it is until it is signed.")
            return redirect("approvals:detail", pk=change.pk)
    context = {
        "vendor": found,
        "form": form,
        "open_change": standing(vendors.KIND, found, now)["open_change"],
    }
    return page(request, "governance/model_cards/vendor_propose.html", context, status=status)
