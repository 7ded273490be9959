"""Forms of budgets; the services check the same again."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from governance.access.models import Team, User
from governance.registry.models import UseCase
from governance.registry.picking import UseCaseField, by_title
from telemetry.chargeback.proposals import THRESHOLDS
from telemetry.chargeback.rules import month_of
from telemetry.chargeback.selectors import proposable_teams


class MonthField(forms.CharField):
    """A month as YYYY-MM; gives its first day."""

    widget = forms.TextInput(attrs={"type": "month", "pattern": "[0-9]{4}-[0-9]{2}"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return date.fromisoformat(f"{text[:8]}-01")
        except ValueError:
            raise forms.ValidationError("A month is written 2026-11.") from None


class PercentagesField(forms.CharField):
    """Percentages with commas between them; gives whole numbers."""

    def to_python(self, value: Any) -> Any:
        parts = [part.strip(" %") for part in (super().to_python(value) or "").split(",")]
        try:
            return [int(part) for part in parts if part]
        except ValueError:
            raise forms.ValidationError("Percentages are written 80, 95.") from None

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


class BudgetForm(forms.Form):
    """A new budget, proposed for sign-off."""

    team: Any = forms.ModelChoiceField(
        Team.objects.none(), required=False, empty_label="the organisation (finance alone)"
    )
    use_case = UseCaseField(
        UseCase.objects.none(),
        required=False,
        help_text="Empty for the whole team.",
    )
    period = forms.ChoiceField(
        choices=[("month", "Month"), ("quarter", "Quarter"), ("year", "Year")],
        initial="month",
        required=False,
    )
    starts_on = MonthField(label="Month", help_text="Of a quarter or a year, any of its months.")
    limit = forms.DecimalField(min_value=0, max_digits=11, decimal_places=2)
    hard = forms.BooleanField(
        required=False,
        initial=True,
        label="Hard stop",
        help_text="Calls that may cost more than is left are refused.",
    )
    renews = forms.BooleanField(
        required=False,
        initial=True,
        label="Renews",
        help_text="The next period begins with the same limit.",
    )
    carry_percent = forms.IntegerField(
        min_value=0,
        max_value=100,
        initial=0,
        required=False,
        label="Goes over when unused, in percent",
        help_text="Of the limit, at most, into the next period. 0: nothing goes over.",
    )
    soft_thresholds = PercentagesField(
        required=False,
        max_length=60,
        initial=THRESHOLDS,
        label="Warn at",
        help_text="Percent of the limit, as 80, 95. Empty: nobody is warned.",
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="What the money is for, in a sentence that finance can judge.",
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = proposable_teams(user)
        team, use_case = self.fields["team"], self.fields["use_case"]
        team.queryset = teams  # type: ignore[attr-defined]  # a choice of rows has one
        seen = UseCase.objects.visible_to(user).filter(team__in=teams).select_related("team")
        use_case.queryset = by_title(seen)  # type: ignore[attr-defined]  # as above

    def clean_carry_percent(self) -> int:
        return self.cleaned_data["carry_percent"] or 0

    def clean_period(self) -> str:
        return self.cleaned_data["period"] or "month"


class LimitForm(forms.Form):
    """A new limit, proposed for sign-off."""

    limit = forms.DecimalField(min_value=0, max_digits=11, decimal_places=2, label="New limit")
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="What the money is for, in a sentence that finance can judge.",
    )


class SuspenseForm(forms.Form):
    """What a lost attempt cost."""

    billed = forms.DecimalField(
        min_value=0,
        max_digits=18,
        decimal_places=9,
        required=False,
        help_text="Empty: the provider billed nothing.",
    )
    reason = forms.CharField(max_length=300, help_text="How you know.")


def current_month(today: date) -> str:
    """The month that a new budget is offered for."""
    return f"{month_of(today):%Y-%m}"
