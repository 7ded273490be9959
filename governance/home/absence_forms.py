"""The form of an absence: its times are those of the person who is away."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from governance.access.forms import ServiceForm
from governance.access.models import User

MOMENT = "%Y-%m-%dT%H:%M"


def moment(label: str, help_text: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT)
    return forms.DateTimeField(
        label=label, widget=widget, input_formats=[MOMENT, "%Y-%m-%dT%H:%M:%S"], help_text=help_text
    )


class AbsenceForm(ServiceForm):
    """Who is away, from and until, and who stands in."""

    person = forms.ModelChoiceField(User.objects.none(), label="Who", empty_label=None)
    starts_at = moment("From", "In the time zone of who is away; in the past is now.")
    ends_at = moment("Until", "It ends by itself then.")
    stand_in = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        label="Who stands in",
        empty_label="Nobody",
        help_text="Gets the notices that ask for an act, where their roles allow it.",
    )

    def __init__(self, people: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people  # type: ignore[attr-defined]  # a model choice
        everybody = User.objects.filter(is_active=True).order_by("name", "pk")
        self.fields["stand_in"].queryset = everybody  # type: ignore[attr-defined]  # a model choice

    def full_clean(self) -> None:
        """Wall times are read where the person is."""
        with timezone.override(self._zone()):
            super().full_clean()

    def _zone(self) -> ZoneInfo:
        sent = str(self.data.get("person", "")) if self.is_bound else ""
        people = self.fields["person"].queryset  # type: ignore[attr-defined]  # a model choice
        found = people.filter(pk=int(sent)).first() if sent.isdecimal() and len(sent) < 19 else None
        return ZoneInfo(found.time_zone) if found else ZoneInfo("UTC")
