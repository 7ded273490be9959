"""Forms of judgement quality; the services check the same again."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms

from governance.kernel.errors import Invalid
from reviews.quality.rules import FEWEST_SLOTS, LONGEST_WHY, MOST_SLOTS
from reviews.quality.upkeep import MOST_CALIBRATION
from reviews.queues.models import Queue

LONGEST_PERIOD = timedelta(days=1100)
USUAL_PERIOD = timedelta(days=90)


class SettingsForm(forms.Form):
    double_share = forms.IntegerField(
        min_value=0,
        max_value=100,
        label="Decided by several",
        help_text="Percent of the answers, chosen by the call's id so that it can be checked.",
    )
    slots = forms.IntegerField(
        min_value=FEWEST_SLOTS, max_value=MOST_SLOTS, label="How many people", help_text="Each."
    )
    is_blind = forms.BooleanField(
        required=False,
        label="Blind",
        help_text="Nobody sees what others said, or that they did, until all are in.",
    )
    calibration_share = forms.IntegerField(
        min_value=0,
        max_value=MOST_CALIBRATION,
        label="Calibration items",
        help_text="Percent of what a reviewer gets that has a known answer and never leaves.",
    )


class CalibrationForm(forms.Form):
    item = forms.UUIDField(widget=forms.Select, label="Decided item")
    verdict = forms.ChoiceField(
        choices=[("approve", "Approve"), ("correct", "Correct"), ("reject", "Reject")],
        label="What is right",
    )
    why = forms.CharField(
        max_length=LONGEST_WHY,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Why it is",
        help_text="The reviewer reads this after deciding.",
    )

    def __init__(self, choices: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].widget.choices = choices


class RateForm(forms.Form):
    queue = forms.ModelChoiceField(Queue.objects.order_by("name"))
    hourly = forms.DecimalField(
        min_value=0, max_digits=12, decimal_places=2, label="Cost of an hour"
    )
    starts_on = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}), help_text="Today or later."
    )
    reason = forms.CharField(max_length=300, label="Why")


def period_of(query: Any, now: datetime) -> tuple[date, date, datetime, datetime]:
    """`since` and `until` (days, both included) of an address and the moments they stand for."""
    until = _day(query, "until", now.date())
    since = _day(query, "since", until - USUAL_PERIOD)
    if since > until or until - since > LONGEST_PERIOD:
        raise Invalid(
            "Nothing is shown: the period begins after it ends, or is longer than three years.",
            fields={"since": ["On or before the last day, at most three years earlier."]},
        )
    midnight = time(tzinfo=UTC)
    return (
        since,
        until,
        datetime.combine(since, midnight),
        datetime.combine(until + timedelta(days=1), midnight),
    )


def _day(query: Any, name: str, otherwise: date) -> date:
    if not (text := query.get(name, "")):
        return otherwise
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 2000 <= found.year <= 9000:
        raise Invalid(
            f"Nothing is shown: “{text}” is no day.", fields={name: ["Write a day as 2026-11-21."]}
        )
    return found
