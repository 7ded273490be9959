"""Forms of monitors; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.access.models import User
from governance.registry.models import UseCase
from governance.registry.picking import UseCaseField, by_title
from telemetry.drift.rules import DEFAULT_THRESHOLDS, Measure
from telemetry.drift.selectors import use_cases_to_watch

_DEFAULTS = ", ".join(
    f"{threshold} for {measure.label.lower()}" for measure, threshold in DEFAULT_THRESHOLDS.items()
)


class SettingsForm(forms.Form):
    """What of a monitor can be changed later."""

    current_days = forms.IntegerField(
        initial=7, min_value=1, label="Current window, days", help_text="The last days up to now."
    )
    reference_days = forms.IntegerField(
        initial=28,
        min_value=1,
        label="Reference window, days",
        help_text="The days before the current window that it is compared with.",
    )
    minimum_sample = forms.IntegerField(
        initial=100,
        min_value=1,
        label="Calls (decisions, corrections) each window needs",
        help_text="With fewer a check says that the data are not enough.",
    )
    threshold = forms.DecimalField(
        max_digits=5,
        decimal_places=4,
        help_text="The difference that counts as drift, from 0.01 to 1; half of it warns.",
    )
    interval_minutes = forms.IntegerField(
        initial=60,
        min_value=1,
        label="Check every, minutes",
        help_text="From 5 minutes to 30 days.",
    )


class ChangeForm(SettingsForm):
    """Settings as they were read: `version` says which."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    differences: list[dict[str, Any]]


class MonitorForm(SettingsForm):
    """A new monitor, for a use case that the person may watch."""

    use_case: Any = UseCaseField(UseCase.objects.none())
    measure = forms.ChoiceField(choices=[(one.value, one.label) for one in Measure])
    threshold = forms.DecimalField(
        max_digits=5,
        decimal_places=4,
        required=False,
        help_text=f"The difference that counts as drift; half of it warns. Empty: {_DEFAULTS}.",
    )
    field_order = ("use_case", "measure")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["use_case"].queryset = by_title(use_cases_to_watch(user))  # type: ignore[attr-defined]  # a choice field

    def settings(self) -> dict[str, Any]:
        """What was filled in; what was left empty keeps its default."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}
