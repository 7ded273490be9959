"""Forms of service levels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from governance.access.models import User
from governance.access.selectors import teams_for
from governance.kernel.authority import Permission
from governance.registry.models import UseCase
from governance.registry.picking import UseCaseField, by_title
from telemetry.alerts.registries import indicators


class SettingsForm(forms.Form):
    """What a level promises; limits stand in the rules and are said by the service."""

    objective = forms.DecimalField(
        max_digits=6,
        decimal_places=3,
        initial=Decimal("99.5"),
        label="Objective, percent good",
        help_text="The rest is the error budget: 99.5 lets 5 of 1,000 be bad.",
    )
    threshold = forms.IntegerField(
        required=False,
        min_value=1,
        label="Threshold",
        help_text="Latency: milliseconds of the model. Hold time: minutes until the decision. "
        "Errors have none.",
    )
    window_days = forms.IntegerField(
        min_value=1,
        initial=28,
        label="Window, days",
        help_text="From 1 to 90. With 28 every window holds the same weekdays.",
    )
    minimum_events = forms.IntegerField(
        min_value=1,
        initial=20,
        label="Events an alert needs",
        help_text="With fewer in an alert's long window it says nothing: one bad call of two is "
        "no trend.",
    )


class ChangeForm(SettingsForm):
    """Settings as they were read: `version` says which."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    differences: list[dict[str, Any]]


class LevelForm(SettingsForm):
    """A new level, of a use case for which the person answers."""

    use_case: Any = UseCaseField(UseCase.objects.none())
    indicator = forms.ChoiceField(label="What counts")
    field_order = ("use_case", "indicator", "threshold", "objective")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = UseCase.objects.filter(team__in=teams_for(user, Permission.USE_CASE_MANAGE))
        self.fields["use_case"].queryset = by_title(own)  # type: ignore[attr-defined]  # a choice field
        kinds: Any = self.fields["indicator"]
        kinds.choices = [(name, one.label) for name, one in sorted(indicators.items())]

    def settings(self) -> dict[str, Any]:
        """All that the service takes."""
        return dict(self.cleaned_data)
