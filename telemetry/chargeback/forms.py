"""Forms of budgets; the services check the same again."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from governance.access.models import Team
from governance.registry.models import UseCase
from telemetry.chargeback.rules import month_of


class MonthField(forms.CharField):
    """A month as YYYY-MM; gives its first day."""

    widget = forms.TextInput(attrs={"type": "month", "pattern": "[0-9]{4}-[0-9]{2}"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return date.fromisoformat(f"{text}-01")
        except ValueError:
            raise forms.ValidationError("A month is written 2026-11.") from None


class BudgetForm(forms.Form):
    """A new budget."""

    team = forms.ModelChoiceField(Team.objects.all())
    use_case = forms.ModelChoiceField(
        UseCase.objects.select_related("team"),
        required=False,
        help_text="Empty for the whole team.",
    )
    starts_on = MonthField(label="Month")
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
        help_text="The next month begins with the same limit.",
    )


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
