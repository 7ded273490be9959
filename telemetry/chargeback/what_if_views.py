"""Any month at other prices or at another deployment, by page and over the API."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import page, requires
from governance.model_cards.models import Deployment
from governance.model_cards.rules import PRICE_KINDS
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.rules import month_of, previous_month
from telemetry.chargeback.what_if import Outcome
from telemetry.chargeback.what_if_selectors import ALWAYS, Asked, compare_month


class WhatIfForm(forms.Form):
    """Which month, and what it is put to: another deployment, or amounts of your own."""

    month = forms.CharField(
        max_length=7, required=False, widget=forms.TextInput(attrs={"type": "month"})
    )
    deployment: Any = forms.ModelChoiceField(
        Deployment.objects.order_by("name"),
        to_field_name="slug",
        required=False,
        label="Calls of",
        empty_label="every deployment",
    )
    team: Any = forms.ModelChoiceField(
        Team.objects.order_by("name"), to_field_name="slug", required=False, empty_label="all teams"
    )
    target: Any = forms.ModelChoiceField(
        Deployment.objects.order_by("name"),
        to_field_name="slug",
        required=False,
        label="At the prices of",
        empty_label="the amounts below",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in PRICE_KINDS:
            words = kind.replace("_", " ").capitalize()
            unit = {"image": "each", "per_call": "each", "discount": "percent"}.get(
                kind, "a million"
            )
            self.fields[kind] = forms.DecimalField(
                min_value=0,
                max_value=100 if kind == "discount" else None,
                max_digits=18,
                decimal_places=9,
                required=False,
                label=f"{words}, {unit}",
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            )

    def clean_month(self) -> date:
        told = self.cleaned_data["month"]
        if not told:
            return previous_month(month_of(timezone.now().date()))
        try:
            return date.fromisoformat(f"{told}-01")
        except ValueError:
            raise forms.ValidationError("A month, as 2026-10.") from None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("target") and self.amounts():
            raise forms.ValidationError("Choose another deployment, or type amounts: not both.")
        return given

    def amounts(self) -> dict[str, Decimal]:
        return {
            kind: self.cleaned_data[kind]
            for kind in PRICE_KINDS
            if self.cleaned_data.get(kind) is not None
        }

    def asked(self) -> Asked | None:
        """None while nothing says what the month is put to."""
        given, amounts = self.cleaned_data, self.amounts()
        if not given["target"] and not amounts:
            return None
        return Asked(
            month=given["month"],
            deployment=given["deployment"].slug if given["deployment"] else "",
            team=given["team"].slug if given["team"] else "",
            target=given["target"].slug if given["target"] else "",
            amounts=amounts or None,
        )


@requires(Permission.CHARGEBACK_VIEW)
def what_if_page(request: HttpRequest) -> HttpResponse:
    """The form, and below it the answer; all of it stands in the address."""
    form = WhatIfForm(request.GET or None)
    asked: Asked | None = None
    outcome: Outcome | None = None
    if form.is_bound and form.is_valid():
        asked = form.asked()
        if asked is not None:
            outcome = compare_month(cast(User, request.user), asked)
    context = {"form": form, "asked": asked, "outcome": outcome, "always": ALWAYS}
    status = 422 if form.is_bound and form.errors else 200
    return page(request, "telemetry/chargeback/what_if.html", context, status=status)


class WhatIfLine(serializers.Serializer[Any]):
    """A team's use case; `difference` is above 0 where the other prices are dearer."""

    team = serializers.CharField()
    use_case = serializers.CharField()
    calls = serializers.IntegerField()
    tokens_input = serializers.IntegerField()
    tokens_output = serializers.IntegerField()
    booked = serializers.CharField()
    would_be = serializers.CharField()
    difference = serializers.CharField()


class LeftOutLine(serializers.Serializer[Any]):
    """What is in neither sum, and why."""

    what = serializers.CharField()
    why = serializers.CharField()
    booked = serializers.CharField()


class WhatIfAnswer(serializers.Serializer[Any]):
    """The month as booked and as it would be, over what compares."""

    month = serializers.DateField()
    booked = serializers.CharField()
    would_be = serializers.CharField()
    difference = serializers.CharField()
    lines = WhatIfLine(many=True)
    left_out = LeftOutLine(many=True)
    not_comparable = serializers.ListField(child=serializers.CharField())


class WhatIf(generics.GenericAPIView[DailyUsage]):
    """A month at another price or another deployment."""

    required_permission = Permission.CHARGEBACK_VIEW
    serializer_class = WhatIfAnswer
    queryset = DailyUsage.objects.all()

    @extend_schema(
        parameters=[
            OpenApiParameter("month", str, description="As 2026-10; else last month."),
            OpenApiParameter("deployment", str, description="Of whose calls; else of all."),
            OpenApiParameter("team", str, description="Of which team; else of all in reach."),
            OpenApiParameter("target", str, description="The deployment whose prices are taken."),
            *(
                OpenApiParameter(kind, str, description="Instead of a target: this amount.")
                for kind in PRICE_KINDS
            ),
        ],
        responses=WhatIfAnswer,
    )
    def get(self, request: Request) -> Response:
        """Give a `target`, or amounts."""
        form = WhatIfForm(request.query_params)
        if not form.is_valid():
            told = {name: [str(one) for one in words] for name, words in form.errors.items()}
            raise Invalid("Nothing was compared: some fields do not fit.", fields=told)
        asked = form.asked()
        if asked is None:
            raise Invalid(
                "Nothing was compared: give a target, or amounts.",
                fields={"target": ["Give it, or an amount."]},
            )
        outcome = compare_month(cast(User, request.user), asked)
        lines = [
            {
                "team": one.team,
                "use_case": one.use_case,
                "calls": one.calls,
                "tokens_input": one.tokens_input,
                "tokens_output": one.tokens_output,
                **_amounts(one),
            }
            for one in outcome.lines
        ]
        left_out = [
            {"what": one.what, "why": one.why, "booked": format(one.booked, "f")}
            for one in outcome.left_out
        ]
        return Response(
            {
                "month": asked.month,
                **_amounts(outcome),
                "lines": lines,
                "left_out": left_out,
                "not_comparable": list(ALWAYS),
            }
        )


def _amounts(found: Any) -> dict[str, str]:
    return {
        name: format(getattr(found, name), ".9f") for name in ("booked", "would_be", "difference")
    }
