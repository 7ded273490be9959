"""Forms of calendars and SLA policies; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.access.late_saves import SeenForm
from governance.kernel.web import plain_name
from reviews.calendars.services import LONGEST_MINUTES, CalendarFacts, PolicyFacts
from reviews.queues import opening_hours
from reviews.queues.escalation_rules import NotSteps, parse_steps, steps_as_text
from reviews.queues.forms import ReadField
from reviews.queues.models import BusinessCalendar, SlaPolicy, office_hours


class HoursField(ReadField):
    """Opening hours of a day; gives spans."""

    def to_python(self, value: Any) -> Any:
        return _read(opening_hours.parse_hours, super().to_python(value))


class ClosuresField(ReadField):
    """Days with names; gives ISO date → name."""

    def to_python(self, value: Any) -> Any:
        return _read(opening_hours.parse_closures, super().to_python(value))


class StepsField(ReadField):
    """Steps of the escalation, one per line."""

    def to_python(self, value: Any) -> Any:
        return _read(parse_steps, super().to_python(value))


def _read(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except (opening_hours.NotOpeningHours, NotSteps) as unreadable:
        raise forms.ValidationError(str(unreadable)) from None


class CalendarForm(SeenForm):
    """When people are there."""

    name = forms.CharField(max_length=100, validators=[plain_name])
    time_zone = forms.CharField(max_length=50, help_text="Such as Europe/Amsterdam.")
    holiday_country = forms.CharField(
        required=False,
        max_length=2,
        label="Public holidays of",
        help_text="A country code such as NL; empty for none.",
    )
    holiday_subdivision = forms.CharField(
        required=False,
        max_length=10,
        label="State or province",
        help_text="Its code, such as BY for Bavaria in DE; empty for the whole country.",
    )
    closures = ClosuresField(
        required=False,
        longest=20_000,
        label="Own closures",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One day per line with its name, such as 2026-12-24 Christmas Eve.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, day in enumerate(opening_hours.WEEKDAYS):
            self.fields[f"hours_{number}"] = HoursField(required=False, label=day)
        self.fields["hours_0"].help_text = "Such as 09:00-12:30, 13:30-17:30; empty is closed."
        late = ["holiday_country", "holiday_subdivision", "closures"]
        self.order_fields([name for name in self.fields if name not in late] + late)

    def facts(self) -> CalendarFacts:
        given = self.cleaned_data
        return CalendarFacts(
            name=given["name"],
            time_zone=given["time_zone"],
            hours={str(day): given[f"hours_{day}"] for day in range(7) if given[f"hours_{day}"]},
            holiday_country=given["holiday_country"],
            holiday_subdivision=given["holiday_subdivision"],
            closures=given["closures"] or {},
        )


def calendar_values(calendar: BusinessCalendar | None) -> dict[str, Any]:
    """What the form begins with."""
    if calendar is None:
        return {"time_zone": "Europe/Amsterdam", **_hours(office_hours())}
    return {
        "name": calendar.name,
        "time_zone": calendar.time_zone,
        **_hours(calendar.hours),
        "holiday_country": calendar.holiday_country,
        "holiday_subdivision": calendar.holiday_subdivision,
        "closures": opening_hours.closures_as_text(calendar.closures, calendar.closure_names),
    }


def _hours(hours: Any) -> dict[str, str]:
    return {
        f"hours_{day}": opening_hours.hours_as_text(hours.get(str(day), ())) for day in range(7)
    }


class PolicyForm(SeenForm):
    """What is promised."""

    name = forms.CharField(max_length=100, validators=[plain_name])
    calendar = forms.ModelChoiceField(BusinessCalendar.objects.all(), empty_label=None)
    first_touch_minutes = forms.IntegerField(
        min_value=1, max_value=LONGEST_MINUTES, help_text="Business minutes until somebody looks."
    )
    decision_minutes = forms.IntegerField(
        min_value=1, max_value=LONGEST_MINUTES, help_text="Business minutes until it is decided."
    )
    warn_share = forms.IntegerField(
        min_value=1,
        max_value=99,
        label="Warn at",
        help_text="Percent of the time to decide, from which an answer is shown as near due.",
    )
    steps = StepsField(
        required=False,
        longest=500,
        label="Escalation",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One step per line: a percentage of the time to decide, then “notify” (the "
        "review leads) or “next queue”. Such as 75 notify, or 150 next queue.",
    )

    def facts(self) -> PolicyFacts:
        given = self.cleaned_data
        names = ("name", "calendar", "first_touch_minutes", "decision_minutes", "warn_share")
        return PolicyFacts(**{name: given[name] for name in names}, steps=given["steps"] or [])


def policy_values(sla: SlaPolicy | None) -> dict[str, Any]:
    """What the form begins with."""
    sla = sla or SlaPolicy()
    names = ("name", "first_touch_minutes", "decision_minutes", "warn_share")
    values: dict[str, Any] = {name: getattr(sla, name) for name in names}
    return values | {"calendar": sla.calendar_id, "steps": steps_as_text(sla.steps)}
