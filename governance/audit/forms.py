"""What a pack covers, and what the events are narrowed to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import MAXYEAR, date
from typing import Any

from django import forms

from governance.audit.registries import PackTeam, audit_actions


class DayField(forms.DateField):
    """A day, written year-month-day; one that no calendar could follow is refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            input_formats=["%Y-%m-%d"],
            error_messages={"invalid": "Write the day as year-month-day, as in 2026-11-30."},
            **options,
        )

    def clean(self, value: Any) -> date | None:
        day: date | None = super().clean(value)
        if day is not None and day.year in (1, MAXYEAR):
            raise forms.ValidationError("This year is out of range.")
        return day


class PackForm(forms.Form):
    """A period of whole days and a scope; the service checks them again."""

    starts_on = DayField(label="From", help_text="Whole days in UTC, both included.")
    ends_on = DayField(label="To")
    team = forms.TypedChoiceField(
        coerce=int,
        empty_value=None,
        label="Scope",
        help_text="A team's pack holds nothing of another team.",
    )

    def __init__(
        self, *args: Any, teams: Iterable[PackTeam], builds_everything: bool, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        choices: list[tuple[Any, str]] = [(team.team_id, team.name) for team in teams]
        field = self.fields["team"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101  # narrows the type
        field.required = not builds_everything
        field.choices = [("", "The whole organisation"), *choices] if builds_everything else choices


class EventFilters(forms.Form):
    """The events list's filters, as they stand in the address."""

    actor = forms.CharField(required=False, max_length=200, label="Who")
    action = forms.CharField(required=False, max_length=60, widget=forms.Select)
    since = DayField(required=False, label="From")
    until = DayField(required=False, label="To")
    subject_type = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    subject_id = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known = sorted({*audit_actions, *([self["action"].data] if self["action"].data else [])})
        select = self.fields["action"].widget
        assert isinstance(select, forms.Select)  # noqa: S101  # narrows the type
        select.choices = [("", "every action"), *((action, action) for action in known)]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day lies before the first.")
        return given

    @property
    def wanted(self) -> dict[str, Any]:
        """What fits, as arguments of the selector; what does not fit narrows nothing."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
